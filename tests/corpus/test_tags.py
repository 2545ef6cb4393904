from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities
from seqeval.scheme import IOBES as SEQEVAL_IOBES

from ner.corpus.sentence import Span
from ner.corpus.tags import MODES, SCHEMES, legal_transitions, released_spans, spans_to_tags, tag_set, tags_to_spans

LABELS = ("PERSON", "WORK_OF_ART", "A-B")
SEQEVAL_SCHEMES = {"IOBES": SEQEVAL_IOBES, "BIO": IOB2}


@st.composite
def spans_and_length(draw):
    length = draw(st.integers(0, 12))
    cuts = sorted(draw(st.sets(st.integers(0, length))))
    spans = [Span(start, end, draw(st.sampled_from(LABELS))) for start, end in pairwise(cuts) if draw(st.booleans())]
    return tuple(spans), length


def any_tags(scheme):
    return st.lists(st.sampled_from(tag_set(LABELS, scheme)), max_size=12)


def brute_force_spans(length, labels):
    """Every set of spans that do not overlap in a sentence of `length` words."""
    if length == 0:
        return [()]
    found = list(brute_force_spans(length - 1, labels))
    for start in range(length):
        for before, label in product(brute_force_spans(start, labels), labels):
            found.append((*before, Span(start, length, label)))
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@given(case=spans_and_length())
def test_spans_come_back_from_their_tags(scheme, case):
    spans, length = case
    tags = spans_to_tags(spans, length, scheme)
    assert len(tags) == length
    for mode in MODES:
        assert tags_to_spans(tags, scheme, mode) == spans
    if scheme == "IOBES":
        assert released_spans(tags)[0] == spans


@pytest.mark.parametrize("scheme", SCHEMES)
@given(data=st.data())
def test_strict_agrees_with_seqeval(scheme, data):
    tags = data.draw(any_tags(scheme))
    (entities,) = Entities([tags], SEQEVAL_SCHEMES[scheme]).entities
    expected = tuple(Span(entity.start, entity.end, entity.tag) for entity in entities)
    assert tags_to_spans(tags, scheme) == expected


@given(tags=any_tags("IOBES"))
def test_conlleval_agrees_with_seqeval(tags):
    expected = tuple(Span(start, end + 1, label) for label, start, end in get_entities(tags))
    for scheme in SCHEMES:
        assert tags_to_spans(tags, scheme, "conlleval") == expected


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("length", range(4))
def test_every_short_sequence_agrees_with_seqeval(scheme, length):
    for sequence in product(tag_set(["X", "Y"], scheme), repeat=length):
        tags = list(sequence)
        (entities,) = Entities([tags], SEQEVAL_SCHEMES[scheme]).entities
        assert tags_to_spans(tags, scheme) == tuple(Span(entity.start, entity.end, entity.tag) for entity in entities)
        lenient = tuple(Span(start, end + 1, label) for label, start, end in get_entities(tags))
        assert tags_to_spans(tags, scheme, "conlleval") == lenient


def spans_as_released(tags, start):
    """By its definition: each end, with the nearest beginning before it."""
    found = []
    for word, tag in enumerate(tags):
        if tag[0] == "S":
            found.append(Span(word, word + 1, tag[2:]))
        if tag[0] == "E":
            begin = max((place for place in range(word) if tags[place][0] == "B"), default=start)
            found.append(Span(begin, word + 1, tag[2:]))
    return tuple(found)


@pytest.mark.parametrize("length", range(5))
def test_every_short_sequence_is_read_as_the_released_evaluator_does(length):
    for tags in product(tag_set(["X", "Y"]), repeat=length):
        last = max((place for place in range(length) if tags[place][0] == "B"), default=7)
        assert released_spans(tags, 7) == (spans_as_released(tags, 7), last)


@given(tags=any_tags("IOBES"))
def test_the_released_evaluator_sees_every_entity_that_strict_sees(tags):
    assert set(released_spans(tags)[0]) >= set(tags_to_spans(tags))


def test_the_released_evaluator_joins_what_does_not_belong_together():
    tags = ["B-A", "O", "E-B", "O", "E-B", "S-A"]
    assert released_spans(tags) == ((Span(0, 3, "B"), Span(0, 5, "B"), Span(5, 6, "A")), 0)
    assert released_spans(["E-A"]) == ((Span(-1, 1, "A"),), -1)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("length", range(1, 6))
def test_legal_sequences_are_those_that_spell_spans(scheme, length):
    labels = ("X", "Y") if length < 5 else ("X",)
    tags = tag_set(labels, scheme)
    legal = legal_transitions(tags)
    allowed = {
        tuple(tags[index] for index in sequence)
        for sequence in product(range(len(tags)), repeat=length)
        if legal.start[sequence[0]]
        and legal.end[sequence[-1]]
        and all(legal.transitions[i][j] for i, j in pairwise(sequence))
    }
    assert allowed == {spans_to_tags(spans, length, scheme) for spans in brute_force_spans(length, labels)}


def test_malformed_entities_count_in_conlleval_only():
    tags = ["O", "E-PERSON", "O", "I-ORG", "I-ORG"]
    assert tags_to_spans(tags) == ()
    assert tags_to_spans(tags, mode="conlleval") == (Span(1, 2, "PERSON"), Span(3, 5, "ORG"))


def test_tag_set_is_sorted_without_duplicates():
    assert tag_set(["ORG", "GPE", "ORG"], "BIO") == ("O", "B-GPE", "I-GPE", "B-ORG", "I-ORG")
    assert tag_set(["ORG"]) == ("O", "B-ORG", "I-ORG", "E-ORG", "S-ORG")


@pytest.mark.parametrize("tag", ["", "B", "B-", "X-ORG", "ORG", "o", "BORG"])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(ValueError, match="is no tag"):
        tags_to_spans([tag])
    with pytest.raises(ValueError, match="is no tag"):
        legal_transitions(["O", tag])


def test_a_prefix_outside_the_scheme_is_refused():
    with pytest.raises(ValueError, match="'S-ORG' does not belong to the scheme BIO"):
        tags_to_spans(["S-ORG"], "BIO")


def test_unknown_names_list_the_right_ones():
    with pytest.raises(ValueError, match="unknown scheme 'BILOU': choose one of IOBES, BIO"):
        spans_to_tags([], 1, "BILOU")
    with pytest.raises(ValueError, match="unknown mode 'lenient': choose one of strict, conlleval"):
        tags_to_spans([], mode="lenient")


@pytest.mark.parametrize("spans", [[Span(0, 2, "X"), Span(1, 3, "X")], [Span(2, 3, "X"), Span(0, 1, "X")]])
def test_spans_that_overlap_or_are_out_of_order_are_refused(spans):
    with pytest.raises(ValueError, match="overlaps another"):
        spans_to_tags(spans, 4)


@pytest.mark.parametrize("span", [Span(-1, 1, "X"), Span(1, 1, "X"), Span(1, 3, "X")])
def test_spans_outside_the_sentence_are_refused(span):
    with pytest.raises(ValueError, match="outside 2 words"):
        spans_to_tags([span], 2)
