import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ner.corpus.conllx import ConllxSource, write_conllx
from ner.corpus.dataset import load
from ner.corpus.dependencies import GivenDependencies
from ner.corpus.preparation import prepare
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.source import SPLITS
from ner.corpus.trees import SourceWithTrees

TREE = DependencyTree((1, 1, 1), ("nsubj", "root", "obj"))


def corpus(name: str) -> list[Sentence]:
    spans = (Span(0, 1, "PERSON"), Span(2, 3, "GPE"))
    return [
        Sentence(words=(name, "left", "Velm"), spans=spans, tree=TREE, document="nw/a"),
        Sentence(words=(name, "saw", "it"), spans=spans[:1], tree=TREE, document="nw/b"),
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "prepared"


@pytest.fixture
def source(tmp_path: Path) -> ConllxSource:
    for split in SPLITS:
        write_conllx(corpus(split), tmp_path / f"{split}.conllx")
    return ConllxSource(**{split: tmp_path / f"{split}.conllx" for split in SPLITS})


class Seen:
    """Progress that remembers the splits that were converted, and may be interrupted at one."""

    def __init__(self, interrupt: str | None = None) -> None:
        self.splits: dict[str, int] = {}
        self.interrupt = interrupt

    def __call__(self, sentences: Iterator[Sentence], *, split: str, total: int) -> Iterator[Sentence]:
        self.splits[split] = total
        for sentence in sentences:
            yield sentence
            if split == self.interrupt:
                raise KeyboardInterrupt


def converted(source, root, **options) -> list[str]:
    seen = Seen()
    prepare(source, GivenDependencies(), root=root, progress=seen, **options)
    return list(seen.splits)


def test_all_that_is_stored(source, root):
    seen = Seen()
    path = prepare(source, GivenDependencies(), root=root, progress=seen)
    assert seen.splits == {"train": 2, "validation": 2, "test": 2}
    prepared = load(path)
    for split in SPLITS:
        rows = prepared.splits[split]
        assert rows["words"][:] == [list(sentence.words) for sentence in corpus(split)]
        assert rows["tags"][:] == [["S-PERSON", "O", "S-GPE"], ["S-PERSON", "O", "O"]]
        assert rows["heads"][:] == [[1, 1, 1]] * 2
        assert rows["document"][:] == ["nw/a", "nw/b"]
    manifest = prepared.manifest
    assert (manifest["formalism"], manifest["source"]["component"]) == ("given", "ConllxSource")
    assert {"ner", "python", "datasets", "pyarrow", "stanza"} <= set(manifest["software"])
    [file] = manifest["files"]["train"]
    assert file["bytes"] == Path(source.train).stat().st_size
    counts = manifest["counts"]["test"]
    assert [counts[name] for name in ("documents", "sentences", "tokens", "entities")] == [2, 2, 6, 3]


def test_found_again_until_the_content_changes(source, root, tmp_path):
    assert converted(source, root) == list(SPLITS)
    assert converted(source, root) == []
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    for split in SPLITS:
        (tmp_path / f"{split}.conllx").rename(elsewhere / f"{split}.conllx")
    moved = ConllxSource(**{split: elsewhere / f"{split}.conllx" for split in SPLITS})
    assert converted(moved, root) == []
    text = (elsewhere / "test.conllx").read_text()
    (elsewhere / "test.conllx").write_text(text.replace("Velm", "Ulbm"))
    assert converted(moved, root) == list(SPLITS)
    assert len([path for path in root.iterdir() if path.is_dir()]) == 2


def test_splits_count_in_their_order(source, root):
    assert converted(source, root) == list(SPLITS)
    assert converted(replace(source, validation=source.test, test=source.validation), root) == list(SPLITS)


def test_an_interrupted_conversion_goes_on_where_it_was(source, root):
    with pytest.raises(KeyboardInterrupt):
        prepare(source, GivenDependencies(), root=root, progress=Seen(interrupt="validation"))
    assert not [path for path in root.iterdir() if not path.name.startswith(".")]
    assert converted(source, root) == ["validation", "test"]
    assert [path.name[:12] for path in root.iterdir() if path.is_dir()] == ["conllx-given"]


def test_sentences_without_a_tree(source, root):
    sentences = corpus("test")
    write_conllx([sentences[0], replace(sentences[1], tree=None)], source.test)
    with pytest.raises(ValueError, match=r"1 of 2 test sentences have no dependency tree, the first at .*test.conllx"):
        converted(source, root)
    path = prepare(source, GivenDependencies(), root=root, missing_trees="self_heads")
    assert load(path).splits["test"]["heads"][:] == [[1, 1, 1], [0, 1, 2]]
    assert load(path).splits["test"]["relations"][1] == ["root"] * 3
    assert load(path).manifest["counts"]["test"]["without_tree"] == 1
    with pytest.raises(ValueError, match="have no dependency tree"):
        prepare(source, GivenDependencies(), root=root)


def test_an_unknown_way_with_missing_trees_is_refused(source, root):
    with pytest.raises(ValueError, match="'drop': choose one of error, self_heads"):
        prepare(source, GivenDependencies(), root=root, missing_trees="drop")


def test_an_empty_split_is_refused(source, root):
    Path(source.validation).write_text("# newdoc id = nw/a\n")
    with pytest.raises(ValueError, match="the validation split of conllx is empty"):
        converted(source, root)


def test_counts_are_checked_before_anything_is_converted(source, root, monkeypatch):
    def check(self, counts):
        raise ValueError(f"{counts['train'].tokens} tokens differ")

    monkeypatch.setattr(ConllxSource, "check", check)
    seen = Seen()
    with pytest.raises(ValueError, match="6 tokens differ"):
        prepare(source, GivenDependencies(), root=root, progress=seen)
    assert not seen.splits


class Forgetful:
    """A converter that loses a sentence."""

    name = "ud"

    def convert(self, sentences, counts=None):
        yield from list(sentences)[1:]


def test_a_converter_must_not_lose_sentences(source, root):
    with pytest.raises(ValueError, match=r"train: 2 sentences of 6 tokens were read, but conversion gave 1 of 3"):
        prepare(source, Forgetful(), root=root)


def test_trees_that_the_corpus_brings_are_not_converted(source, root, tmp_path):
    with_trees = SourceWithTrees(name="mine", source=source, trees={"ud": tmp_path, "sd": tmp_path / "none"})
    path = prepare(with_trees, Forgetful(), root=root)
    assert path.name.startswith("mine-ud-")
    assert load(path, formalism="ud").splits["train"]["heads"][:] == [[1, 1, 1]] * 2
    assert json.loads((path / "manifest.json").read_text())["converter"] == "GivenDependencies"


@dataclass(frozen=True)
class RemoteSource:
    path: str | Path
    revision: str
    name = "remote"

    def read(self, split):
        return iter(corpus(split))

    def files(self, split):
        return ()

    def check(self, counts):
        pass


def test_all_options_of_a_source_without_files_count(root):
    assert converted(RemoteSource("org/name", "main"), root) == list(SPLITS)
    assert converted(RemoteSource("org/name", "main"), root) == []
    assert converted(RemoteSource("org/name", "v2"), root) == list(SPLITS)
    assert converted(RemoteSource("org/other", "v2"), root) == list(SPLITS)
