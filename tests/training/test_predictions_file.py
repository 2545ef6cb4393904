from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.rows import to_table
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.tags import spans_to_tags
from ner.training.predictions_file import read_predictions, write_predictions

WORDS = st.text(st.characters(exclude_categories=("Zs", "Zl", "Zp", "Cc", "Cs")), min_size=1, max_size=4)


@st.composite
def annotations(draw):
    """What a sentence is made of; the head of a word is one before it."""
    words = draw(st.lists(WORDS, min_size=1, max_size=5))
    length = len(words)
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=4)))
    return {
        "words": words,
        "spans": list(pairwise(cuts))[::2],
        "heads": [0] + [draw(st.integers(0, word - 1)) for word in range(1, length)],
        "has_tree": draw(st.booleans()),
        "has_pos": draw(st.booleans()),
        "document": draw(st.sampled_from(["", "nw/a", "bc/b"])),
    }


def to_sentence(annotation):
    length = len(annotation["words"])
    tree = DependencyTree(tuple(annotation["heads"]), ("dep",) * length)
    return Sentence(
        words=tuple(annotation["words"]),
        spans=tuple(Span(start, end, "ORG") for start, end in annotation["spans"]),
        pos=("NN",) * length if annotation["has_pos"] else None,
        tree=tree if annotation["has_tree"] or length == 1 else None,
        document=annotation["document"],
    )


@given(annotations=st.lists(annotations(), max_size=4), label=st.sampled_from(["ORG", "LAW"]))
def test_what_is_written_is_read(tmp_path_factory, annotations, label):
    path = tmp_path_factory.getbasetemp() / "predictions-test.conll"
    sentences = tuple(map(to_sentence, annotations))
    tags = tuple(spans_to_tags([Span(0, len(sentence), label)], len(sentence)) for sentence in sentences)
    write_predictions(path, to_table(sentences).to_pydict(), tags)
    predictions = read_predictions(path)
    assert predictions.tags == tags
    assert predictions.sentences() == sentences


def test_conlleval_can_split_every_line(sentences, tmp_path):
    path = tmp_path / "predictions-test.conll"
    tags = [spans_to_tags(sentence.spans, len(sentence)) for sentence in sentences]
    write_predictions(path, to_table(sentences).to_pydict(), tags)
    lines = path.read_text().splitlines()
    assert {line.count("\t") for line in lines if line} == {6}
    assert sum(not line for line in lines) == len(sentences)
    assert lines[0] == "Ada\tNNP\t2\tnsubj\tnw/tiny\tS-PERSON\tS-PERSON"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ada\tNNP\t0\troot\tnw/a\tO\tO\n", "the file ends within a sentence"),
        ("Ada\tNNP\t0\troot\tnw/a\tO\tO\n\nAda\tNNP\t0\troot\tO\tO\n\n", ":3: not the 7 columns"),
    ],
)
def test_another_file_is_refused(tmp_path, text, message):
    path = tmp_path / "predictions-test.conll"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_predictions(path)


def test_lengths_that_differ_are_refused(sentences, tmp_path):
    columns = to_table(sentences[:2]).to_pydict()
    tags = [("O",) * len(sentence) for sentence in sentences[:2]]
    for wrong in (tags[:1], [tags[0], tags[1][1:]]):
        with pytest.raises(ValueError, match="shorter"):
            write_predictions(tmp_path / "predictions-test.conll", columns, wrong)
