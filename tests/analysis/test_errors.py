from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.analysis.errors import (
    KINDS,
    MISSED,
    NOTHING,
    SPURIOUS,
    confusion_map,
    count_confusions,
    count_kinds,
    match,
    match_all,
)
from ner.corpus.sentence import Span
from ner.scoring import score


def to_spans(cuts, labels):
    """Every other stretch between the cuts is an entity."""
    cuts = sorted(cuts)
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return tuple(Span(start, end, label) for (start, end), label in zip(pairs, labels, strict=False))


ENTITIES = st.builds(
    lambda cuts, labels: (cuts, labels),
    st.sets(st.integers(0, 14), max_size=12),
    st.lists(st.sampled_from(["ORG", "GPE"]), min_size=6, max_size=6),
)


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([(0, 2, "ORG")], [(0, 2, "ORG")], ["correct"]),
        ([(0, 2, "ORG")], [(0, 2, "GPE")], ["wrong type"]),
        ([(0, 2, "ORG")], [(1, 3, "ORG")], ["wrong boundary"]),
        ([(0, 2, "ORG")], [(1, 3, "GPE")], ["both wrong"]),
        ([(0, 2, "ORG")], [(2, 3, "ORG")], ["missed", "spurious"]),
        ([(0, 2, "ORG")], [], ["missed"]),
        ([], [(0, 2, "ORG")], ["spurious"]),
        # one entity in two: the longer part is it, the other is spurious
        ([(0, 3, "ORG")], [(0, 1, "ORG"), (1, 3, "ORG")], ["wrong boundary", "spurious"]),
        # the type counts before the number of shared words
        ([(0, 3, "ORG")], [(0, 1, "ORG"), (1, 3, "GPE")], ["wrong boundary", "spurious"]),
        # two in one: what is equal in words or type goes first
        ([(0, 1, "ORG"), (1, 4, "GPE")], [(0, 4, "ORG")], ["wrong boundary", "missed"]),
        ([(0, 2, "ORG"), (3, 4, "ORG")], [(0, 4, "ORG")], ["wrong boundary", "missed"]),
    ],
)
def test_examples(gold, predicted, kinds):
    found = match([Span(*span) for span in gold], [Span(*span) for span in predicted])
    assert Counter(one.kind for one in found) == Counter(kinds)


@given(gold=ENTITIES, predicted=ENTITIES)
def test_each_entity_is_in_exactly_one_match(gold, predicted):
    gold, predicted = to_spans(*gold), to_spans(*predicted)
    found = match(gold, predicted)
    assert sorted(one.gold for one in found if one.gold) == sorted(gold)
    assert sorted(one.predicted for one in found if one.predicted) == sorted(predicted)
    assert all(one.gold or one.predicted for one in found)


@given(gold=ENTITIES, predicted=ENTITIES)
def test_what_is_right_is_what_the_scorer_counts(gold, predicted):
    gold, predicted = to_spans(*gold), to_spans(*predicted)
    kinds = count_kinds(match(gold, predicted))
    micro = score([gold], [predicted]).micro
    assert kinds["correct"] == micro.correct
    assert sum(kinds.values()) - kinds[SPURIOUS] == micro.gold
    assert sum(kinds.values()) - kinds[MISSED] == micro.predicted
    assert set(kinds) <= set(KINDS)


@given(gold=ENTITIES, predicted=ENTITIES)
def test_no_two_that_share_a_word_are_left_over(gold, predicted):
    found = match(to_spans(*gold), to_spans(*predicted))
    for missed in (one.gold for one in found if one.kind == MISSED):
        for extra in (one.predicted for one in found if one.kind == SPURIOUS):
            assert missed.end <= extra.start or extra.end <= missed.start


@given(gold=ENTITIES, predicted=ENTITIES)
def test_the_two_sides_can_be_exchanged_up_to_the_names(gold, predicted):
    gold, predicted = to_spans(*gold), to_spans(*predicted)
    there, back = count_kinds(match(gold, predicted)), count_kinds(match(predicted, gold))
    assert there["correct"] == back["correct"]
    assert there["wrong type"] == back["wrong type"]


@given(gold=ENTITIES, predicted=ENTITIES)
def test_rows_and_columns_of_the_confusions_are_the_entities(gold, predicted):
    gold, predicted = to_spans(*gold), to_spans(*predicted)
    confusions = count_confusions(match(gold, predicted))
    for side, spans in enumerate((gold, predicted)):
        sums = Counter()
        for pair, number in confusions.items():
            sums[pair[side]] += number
        del sums[NOTHING]
        assert sums == Counter(span.label for span in spans)


@given(gold=ENTITIES, predicted=ENTITIES)
def test_all_sentences_at_once(gold, predicted):
    gold, predicted = to_spans(*gold), to_spans(*predicted)
    assert match_all([gold, gold, ()], [predicted, gold, ()]) == [match(gold, predicted), match(gold, gold), []]


def test_the_map_of_confusions_has_those_that_were_confused():
    counts = {("ORG", "ORG"): 90.0, ("ORG", "GPE"): 1.5, ("ORG", NOTHING): 2.0, (NOTHING, "DATE"): 1, ("LAW", "LAW"): 9}
    drawn = confusion_map({**counts, ("LAW", "GPE"): 0}, name="c", title="t", unit="entities")
    assert drawn.rows == ("ORG", NOTHING)
    assert drawn.columns == ("DATE", "GPE", NOTHING)
    assert drawn.cells == ((0, 1.5, 2), (1, 0, 0))


def test_a_map_without_confusions_is_empty():
    drawn = confusion_map({("ORG", "ORG"): 90.0}, name="c", title="t", unit="entities")
    assert drawn.rows == drawn.columns == drawn.cells == ()
