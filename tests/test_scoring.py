import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2, IOBES

from ner.corpus.sentence import Span
from ner.corpus.tags import tags_to_spans
from ner.scoring import MODES, Counts, score, score_modes, score_tags


def tags(prefixes):
    spelled = st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("X", "Y", "Z"))])
    pair = st.integers(0, 7).flatmap(
        lambda length: st.tuples(*(st.lists(spelled, min_size=length, max_size=length) for _ in range(2)))
    )
    return st.lists(pair, min_size=1, max_size=4)


def split_pairs(pairs):
    return [gold for gold, _ in pairs], [predicted for _, predicted in pairs]


def assert_agrees(scores, report):
    for name, counts in (*scores.labels.items(), ("micro avg", scores.micro), ("macro avg", scores.macro)):
        expected = report.pop(name)
        assert counts.precision == pytest.approx(expected["precision"])
        assert counts.recall == pytest.approx(expected["recall"])
        assert counts.f1 == pytest.approx(expected["f1-score"])
        if isinstance(counts, Counts):
            assert counts.gold == expected["support"]
    assert set(report) == {"weighted avg"}


@pytest.mark.parametrize(("scheme", "seqeval_scheme", "prefixes"), [("IOBES", IOBES, "BIES"), ("BIO", IOB2, "BI")])
@given(data=st.data())
def test_strict_agrees_with_seqeval(scheme, seqeval_scheme, prefixes, data):
    gold, predicted = split_pairs(data.draw(tags(prefixes)))
    scores = score_tags(gold, predicted, scheme=scheme, mode="strict")
    if scores.labels:  # seqeval fails where there is no entity at all
        report = classification_report(
            gold, predicted, mode="strict", scheme=seqeval_scheme, output_dict=True, zero_division=0
        )
        assert_agrees(scores, report)


@pytest.mark.parametrize("prefixes", ["BIES", "BI"])
@given(data=st.data())
def test_conlleval_mode_agrees_with_seqevals_default(prefixes, data):
    gold, predicted = split_pairs(data.draw(tags(prefixes)))
    scores = score_tags(gold, predicted, mode="conlleval")
    if scores.labels:
        assert_agrees(scores, classification_report(gold, predicted, output_dict=True, zero_division=0))


def test_labels_of_targets_are_scored_as_a_classification():
    gold, predicted = ["a", "a", "b", "b", "c"], ["a", "b", "b", "b", "a"]
    spans = [[(Span(1, 3, label),) for label in labels] for labels in (gold, predicted)]
    scores = score(*spans, task="sentiment")
    assert scores.accuracy == scores.micro.precision == scores.micro.recall == 3 / 5
    assert scores.macro.f1 == pytest.approx((1 / 2 + 4 / 5 + 0) / 3)
    assert scores.headline() == "accuracy 60.00  macro F1 43.33"
    assert scores.table().splitlines()[-1] == scores.headline()
    assert "micro" not in scores.table()
    assert scores.to_dict()["accuracy"] == 0.6
    tags = [("O", f"B-{label}", f"E-{label}") for label in predicted]
    assert score_modes(spans[0], tags, "IOBES", task="sentiment") == {"strict": scores}


def conlleval(gold, predicted):
    """(correct, predicted, gold) chunks by label, counted tag by tag as the CoNLL-2000 script does with IOB tags."""
    found = {}

    def count(label, position):
        found.setdefault(label, [0, 0, 0])[position] += 1

    def ends(previous, tag):
        return previous[0] != "O" and (tag[0] in "BO" or previous[2:] != tag[2:])

    def starts(previous, tag):
        return tag[0] != "O" and (tag[0] == "B" or previous[0] == "O" or previous[2:] != tag[2:])

    for gold_tags, predicted_tags in zip(gold, predicted, strict=True):
        is_correct, last_gold, last_predicted = False, "O", "O"
        for gold_tag, predicted_tag in zip([*gold_tags, "O"], [*predicted_tags, "O"], strict=True):
            gold_ends, predicted_ends = ends(last_gold, gold_tag), ends(last_predicted, predicted_tag)
            if is_correct:
                if gold_ends and predicted_ends and last_gold[2:] == last_predicted[2:]:
                    count(last_gold[2:], 0)
                    is_correct = False
                elif gold_ends != predicted_ends or gold_tag[2:] != predicted_tag[2:]:
                    is_correct = False
            gold_starts, predicted_starts = starts(last_gold, gold_tag), starts(last_predicted, predicted_tag)
            if gold_starts and predicted_starts and gold_tag[2:] == predicted_tag[2:]:
                is_correct = True
            if gold_starts:
                count(gold_tag[2:], 2)
            if predicted_starts:
                count(predicted_tag[2:], 1)
            last_gold, last_predicted = gold_tag, predicted_tag
    return found


@given(tags("BI"))
def test_conlleval_mode_agrees_with_the_script(pairs):
    gold, predicted = split_pairs(pairs)
    scores = score_tags(gold, predicted, mode="conlleval")
    expected = conlleval(gold, predicted)
    assert {
        label: [counts.correct, counts.predicted, counts.gold] for label, counts in scores.labels.items()
    } == expected
    correct, found, true = (sum(counts[position] for counts in expected.values()) for position in range(3))
    precision, recall = 100 * correct / max(found, 1), 100 * correct / max(true, 1)
    fb1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert 100 * scores.micro.f1 == pytest.approx(fb1)


def released_counts(gold, predicted):
    """(correct, predicted, gold) of a sentence: an E goes with the last B, in the gold tags and then the predicted."""
    tags, length = [*gold, *predicted], len(gold)
    entities = set()
    for place, tag in enumerate(tags):
        if tag[0] in "ES":
            beginnings = [other % length for other in range(place) if tags[other][0] == "B"]
            start = place % length if tag[0] == "S" else ([-1, *beginnings])[-1]
            entities.add((place >= length, start, place % length, tag[2:]))
    found, true = ({entity[1:] for entity in entities if entity[0] is which} for which in (True, False))
    return len(found & true), len(found), len(true)


@given(tags("BIES"))
def test_released_mode_counts_as_the_released_evaluator(pairs):
    micro = score_tags(*split_pairs(pairs), mode="released").micro
    counts = [released_counts(*pair) for pair in pairs]
    assert (micro.correct, micro.predicted, micro.gold) == tuple(map(sum, zip(*counts, strict=True)))


def test_the_released_evaluator_takes_a_beginning_from_the_gold_tags():
    gold, predicted = ["O", "B-A", "E-A"], ["O", "O", "E-A"]
    assert score_tags([gold], [predicted], mode="released").micro == Counts(1, 1, 1)
    assert score_tags([gold], [predicted]).micro == Counts(0, 0, 1)
    scores = score_modes([tags_to_spans(gold)], [predicted], "IOBES")
    assert [scores[mode].micro.correct for mode in MODES] == [0, 0, 1]


def test_the_released_evaluator_is_for_iobes():
    assert set(score_modes([[]], [["O"]], "IOBES")) == set(MODES)
    assert set(score_modes([[]], [["O"]], "BIO")) == {"strict", "conlleval"}
    with pytest.raises(ValueError, match="reads IOBES tags: it finds no entity in BIO"):
        score_tags([["O"]], [["O"]], scheme="BIO", mode="released")
    with pytest.raises(ValueError, match="unknown mode 'new': choose one of strict, conlleval, released"):
        score_tags([["O"]], [["O"]], mode="new")


def test_counts_are_those_of_the_spans():
    gold = [[Span(0, 2, "A"), Span(3, 4, "B")], []]
    predicted = [[Span(0, 2, "A"), Span(3, 4, "A")], [Span(0, 1, "C")]]
    scores = score(gold, predicted)
    assert dict(scores.labels) == {"A": Counts(1, 2, 1), "B": Counts(0, 0, 1), "C": Counts(0, 1, 0)}
    assert scores.micro == Counts(1, 3, 2)
    assert scores.micro.precision == 1 / 3
    assert scores.micro.recall == 1 / 2
    assert scores.micro.f1 == pytest.approx(2 / 5)
    assert scores.macro.f1 == pytest.approx((2 / 3) / 3)


def test_nothing_to_find_and_nothing_found_is_zero():
    scores = score([[]], [[]])
    assert (scores.micro.precision, scores.micro.recall, scores.micro.f1, scores.macro.f1) == (0, 0, 0, 0)


def test_numbers_of_sentences_must_agree():
    with pytest.raises(ValueError, match="zip"):
        score([[]], [])


def test_scores_are_json_and_a_table():
    scores = score([[Span(0, 1, "LOC"), Span(1, 2, "LOC"), Span(2, 3, "LOC")]], [[Span(0, 1, "LOC")]])
    content = json.loads(json.dumps(scores.to_dict()))
    assert content["labels"]["LOC"] == {
        "precision": 1.0,
        "recall": 1 / 3,
        "f1": 0.5,
        "support": 3,
        "predicted": 1,
        "correct": 1,
    }
    lines = scores.table().splitlines()
    assert lines[1].split() == ["LOC", "100.00", "33.33", "50.00", "3", "1", "1"]
    assert [line.split()[0] for line in lines[1:]] == ["LOC", "micro", "macro"]
