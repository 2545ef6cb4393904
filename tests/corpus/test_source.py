from pathlib import Path

import pytest

from ner.corpus.columns import ColumnsSource
from ner.corpus.conll2012 import Conll2012Source
from ner.corpus.conllx import ConllxSource
from ner.corpus.hub import HubSource
from ner.corpus.ontonotes import OntonotesSource
from ner.corpus.sentence import Sentence, Span
from ner.corpus.source import SPLITS, Source, SplitCounts, count_sentences

PATHS = {"train": "a", "validation": "b", "test": "c"}
SOURCES: list[Source] = [
    Conll2012Source(**PATHS),
    ConllxSource(**PATHS),
    ColumnsSource(**PATHS),
    HubSource(path="someone/something"),
    OntonotesSource(root="a", lists="b"),
]


def test_counting():
    sentences = [
        Sentence(words=("a", "b"), document="x", spans=(Span(0, 1, "X"), Span(1, 2, "X"))),
        Sentence(words=("c",), document="x", part=1),
        Sentence(words=("d",), document="y"),
    ]
    assert count_sentences(sentences) == SplitCounts(documents=2, sentences=3, tokens=4, entities=2)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_all_sources_refuse_an_unknown_split(source):
    with pytest.raises(ValueError, match="unknown split 'dev': choose one of train, validation, test"):
        next(source.read("dev"))


def test_names_differ():
    assert [source.name for source in SOURCES] == ["conll2012", "conllx", "columns", "hub", "ontonotes"]


def test_paths_by_split():
    assert [Conll2012Source(**PATHS).path(split) for split in SPLITS] == [Path("a"), Path("b"), Path("c")]


def test_a_split_that_is_left_out(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text("".join(f"w{number} B-X\n\n" for number in range(20)))
    source = ColumnsSource(train=path)
    assert source.splits == ("train", "validation")
    with pytest.raises(ValueError, match=r"this corpus has no test split; give corpus.test"):
        source.read("test")
    words = {split: {sentence.words for sentence in source.read(split)} for split in source.splits}
    assert len(words["validation"]) == 2
    assert not words["train"] & words["validation"]
    assert source.notes("validation") == (
        "no corpus.validation: 2 of 20 sentences of the training files are held out at random (split_seed=1)",
    )
    assert [*ColumnsSource(train=path, split_seed=2).read("validation")] != [*source.read("validation")]
