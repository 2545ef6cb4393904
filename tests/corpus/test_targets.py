import pytest

from ner.corpus.sentence import Sentence, Span
from ner.corpus.targets import check_target
from ner.corpus.three_lines import ThreeLineSource

ONE = Sentence(words=("a", "bad", "day"), spans=(Span(2, 3, "unknown"),))


def test_the_label_of_the_target_is_taken():
    assert check_target("x:1", ONE, (Span(2, 3, "negative"),)) == "negative"


@pytest.mark.parametrize("spans", [(), (Span(1, 3, "negative"),), (Span(0, 1, "x"), Span(2, 3, "x"))])
def test_other_spans_are_refused(spans):
    with pytest.raises(ValueError, match="x:1: a file of targets takes one label for each"):
        check_target("x:1", ONE, spans)


def test_a_target_without_a_polarity_is_for_prediction_only(tmp_path):
    path = tmp_path / "made.raw"
    path.write_text("a $T$ b\nday\n1\nthe $T$\nnight\n?\n")
    source = ThreeLineSource(train=path)
    assert [sentence.spans[0].label for sentence in source.read_path(path)] == ["positive", "unknown"]
    with pytest.raises(ValueError, match=r"made\.raw:4: the target has no polarity, which training and scoring need"):
        list(ThreeLineSource(train=path, validation=path).read("validation"))


def test_no_polarity_can_be_dropped(tmp_path):
    path = tmp_path / "made.raw"
    path.write_text("a $T$ b\nday\n1\n")
    with pytest.raises(ValueError, match="labels: no polarity can become O: take the targets that have it out"):
        next(ThreeLineSource(train=path, labels={"O": ["positive"]}).read("train"))
