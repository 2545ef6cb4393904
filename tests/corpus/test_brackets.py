import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.brackets import BracketError, bracketed_spans, check_brackets, flat, is_bracketed, type_field
from ner.corpus.sentence import Span


@st.composite
def nested(draw, start=0, end=6):
    """Spans of which any two lie in one another or apart."""
    spans = []
    while start < end and draw(st.booleans()):
        begin = draw(st.integers(start, end - 1))
        stop = draw(st.integers(begin + 1, end))
        spans += [Span(begin, stop, draw(st.sampled_from("ab"))), *draw(nested(begin, max(begin, stop - 1)))]
        start = stop
    return spans


def write(spans, length=6):
    values = [""] * length
    for number, span in enumerate(sorted(spans, key=lambda span: (span.start, -span.end)), 1):
        single = ")" if span.end - span.start == 1 else ""
        values[span.start] += f"(e{number}-{span.label}-1{single}"
    for number, span in reversed([*enumerate(sorted(spans, key=lambda span: (span.start, -span.end)), 1)]):
        if span.end - span.start > 1:
            values[span.end - 1] += f"e{number})"
    return values


@given(spans=nested())
def test_spans_come_back_from_their_brackets(spans):
    assert sorted(bracketed_spans(write(spans), 1)) == sorted(spans)


@given(spans=nested())
def test_flat_spans_neither_overlap_nor_leave_one_out_that_would_fit(spans):
    outermost, innermost = flat(spans, "outermost"), flat(spans, "innermost")
    for chosen in (outermost, innermost):
        assert all(first.end <= second.start for first, second in itertools.pairwise(chosen))
    places = {(span.start, span.end) for span in spans}
    covered = {word for start, end in places for word in range(start, end)}
    assert {word for span in outermost for word in range(span.start, span.end)} == covered
    within = {
        outer for outer in places for inner in places if outer != inner and outer[0] <= inner[0] <= inner[1] <= outer[1]
    }
    assert {(span.start, span.end) for span in innermost} == places - within


def test_types_without_numbers():
    values = ["(PER", "", "PER)(ORG)", "(LOC(GPE)", "LOC)"]
    assert sorted(bracketed_spans(values, 0)) == [
        Span(0, 3, "PER"),
        Span(2, 3, "ORG"),
        Span(3, 4, "GPE"),
        Span(3, 5, "LOC"),
    ]


@pytest.mark.parametrize(
    ("comment", "field"),
    [("# global.Entity = eid-etype-head-other", 1), ("# global.Entity = GRP-infstat", 0), ("# text = x", None)],
)
def test_the_field_of_the_type(comment, field):
    assert type_field(comment) == field


@pytest.mark.parametrize(
    ("values", "position", "message"),
    [
        (["", "(e1-x"], 1, "the entity 'e1' is not closed before the sentence ends"),
        (["e1)"], 0, "'e1)' closes an entity that is not open"),
        (["(e1)"], 0, "'(e1' has no type in field 2"),
        (["x(e1-x)"], 0, "is no sequence of brackets"),
    ],
)
def test_defects(values, position, message):
    with pytest.raises(BracketError) as caught:
        bracketed_spans(values, 1)
    assert message in str(caught.value)
    assert caught.value.position == position


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="unknown brackets 'all': choose one of skip, outermost, innermost"):
        check_brackets("all")
    assert is_bracketed("(1")
    assert is_bracketed("1)")
    assert not is_bracketed("B-PER")
