import pytest

from ner.corpus.labels import check_labels, label_table, relabelled
from ner.corpus.sentence import Sentence, Span

SENTENCE = Sentence(words=("a", "b", "c"), spans=(Span(0, 1, "GPE"), Span(1, 2, "DATE"), Span(2, 3, "ORG")))


@pytest.mark.parametrize(
    ("labels", "table"),
    [
        (None, {}),
        ({"GPE": "LOC", "O": ["DATE", "TIME"]}, {"GPE": "LOC", "DATE": "O", "TIME": "O"}),
        ({"LOC": ["GPE", "FAC"], "DATE": "O"}, {"GPE": "LOC", "FAC": "LOC", "DATE": "O"}),
    ],
)
def test_the_table(labels, table):
    assert label_table(labels) == table


def test_two_new_names_for_one_label():
    with pytest.raises(ValueError, match="labels: GPE is to become LOC and O; choose one"):
        label_table({"GPE": "LOC", "O": ["GPE"]})


def test_renamed_and_dropped():
    renamed = relabelled(SENTENCE, {"GPE": "LOC", "DATE": "O"})
    assert renamed.spans == (Span(0, 1, "LOC"), Span(2, 3, "ORG"))
    assert relabelled(SENTENCE, {"TIME": "O"}) is SENTENCE


def test_a_label_that_is_not_there():
    check_labels({"GPE": "LOC"}, ["GPE", "ORG"])
    with pytest.raises(ValueError, match="labels: the corpus has no entity of type LANG; it has GPE, ORG"):
        check_labels({"LANG": "O", "GPE": "O"}, ["ORG", "GPE"])
