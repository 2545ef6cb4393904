import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.schemes import FILE_SCHEMES, Spelling, is_tag, spans_of_cells, spell
from ner.corpus.sentence import Span
from tests.corpus.test_tags import LABELS, spans_and_length

SCHEMES_WITH_PREFIXES = [scheme for scheme in FILE_SCHEMES if scheme != "IO"]


def where(word: int) -> str:
    return f"file:{word + 1}"


def recognised(*sentences: str) -> str | None:
    spelling = Spelling()
    for sentence in sentences:
        spelling.add(sentence.split())
    return spelling.scheme


@pytest.mark.parametrize("scheme", SCHEMES_WITH_PREFIXES)
@given(case=spans_and_length())
def test_spans_come_back_from_every_scheme(scheme, case):
    spans, length = case
    cells = spell(spans, length, scheme)
    assert all(map(is_tag, cells))
    assert spans_of_cells(cells, where, scheme=scheme) == spans
    assert spans_of_cells(cells, where) == spans  # the letters tell the schemes apart


@given(case=spans_and_length())
def test_bare_types_come_back_but_for_neighbours_of_one_type(case):
    spans, length = case
    cells = spell(spans, length, "IO")
    merged: list[Span] = []
    for span in spans:
        if merged and (merged[-1].end, merged[-1].label) == (span.start, span.label):
            merged[-1] = Span(merged[-1].start, span.end, span.label)
        else:
            merged.append(span)
    assert spans_of_cells(cells, where, scheme="IO") == tuple(merged)


@pytest.mark.parametrize("scheme", ["IOB2", "IOBES", "BILOU", "BMES"])
@given(cases=st.lists(spans_and_length(), min_size=1, max_size=5))
def test_a_scheme_is_recognised_or_fits_all_the_same(scheme, cases):
    """A few sentences may not use the letters that tell a scheme apart; then what is recognised spells them alike."""
    spelling = Spelling()
    for spans, length in cases:
        spelling.add(spell(spans, length, scheme))
    if spelling.scheme is None:
        assert not any(spans for spans, _ in cases)
    else:
        assert all(spell(spans, length, spelling.scheme) == spell(spans, length, scheme) for spans, length in cases)
    assert spelling.labels.total() == sum(len(spans) for spans, _ in cases)


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        (["I-a I-a B-a O I-b"], "IOB1"),
        (["I-a I-a O I-b"], "IOB1"),
        (["B-a I-a B-a O B-b"], "IOB2"),
        (["B-a I-a", "O I-b"], "IOB2"),  # not quite, but not IOB1 either
        (["B-a E-a S-a O", "B-b I-b E-b"], "IOBES"),
        (["B-a L-a U-a O", "B-b I-b L-b"], "BILOU"),
        (["B-a E-a S-a O", "B-b M-b E-b"], "BMES"),
        (["O O", "_"], None),
    ],
)
def test_recognised(sentences, scheme):
    assert recognised(*sentences) == scheme


def test_letters_of_two_schemes_are_refused():
    with pytest.raises(ValueError, match="the tags begin with B, E, L, letters of more than one scheme"):
        _ = recognised("B-a L-a", "B-b E-b")


def test_iob1_writes_b_only_between_two_of_one_type():
    spans = (Span(0, 2, "a"), Span(2, 3, "a"), Span(3, 4, "b"))
    assert spell(spans, 5, "IOB1") == ("I-a", "I-a", "B-a", "I-b", "O")


@pytest.mark.parametrize(
    ("cells", "scheme", "message"),
    [
        (["O", "PER"], None, "^file:2: 'PER' is no tag: expected O, or one of B-"),
        (["O", "B-"], None, "^file:2: 'B-' is no tag"),
        (["B-P E", "O"], None, "^file:1: 'B-P E' is no tag"),
        (["O", "P E"], "IO", "^file:2: 'P E' is no type: it is empty or holds white space"),
        (["B-a", "O"], "IOBES", "^file:1: 'B-a' where IOBES has 'S-a'; correct .*corpus.malformed_tags=conlleval"),
        (["S-a", "M-b"], "BMES", "^file:2: 'M-b' where BMES has 'S-b'"),
    ],
)
def test_what_is_no_tag_and_what_the_scheme_cannot_have(cells, scheme, message):
    with pytest.raises(ValueError, match=message):
        spans_of_cells(cells, where, scheme=scheme)


def test_malformed_tags_are_read_as_conlleval_does_on_request():
    found = spans_of_cells(["B-a", "O", "E-b"], where, scheme="IOBES", malformed_tags="conlleval")
    assert found == (Span(0, 1, "a"), Span(2, 3, "b"))


@pytest.mark.parametrize("label", LABELS)
def test_underscore_is_outside(label):
    assert spans_of_cells(["_", f"S-{label}", "O"], where, scheme="IOBES") == (Span(1, 2, label),)
