import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from ner.corpus.conllx import ConllxSource, write_conllx
from ner.corpus.dataset import load
from ner.corpus.dependencies import GivenDependencies, TreePolicy, UniversalDependencies
from ner.corpus.preparation import prepare
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.source import SPLITS, SourceBase
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
    prepared = load(prepare(source, GivenDependencies(), root=root))
    assert prepared.splits["test"]["heads"][:] == [[1, 1, 1], None]
    assert prepared.splits["test"]["relations"][1] is None
    assert prepared.splits["test"]["source"][1] == f"{source.test}:7"
    assert prepared.manifest["counts"]["test"]["without_tree"] == 1
    with pytest.raises(ValueError, match=r"test\.conllx:7: .* no dependency tree, as 1 of 2 test sentences"):
        prepared.check_trees(TreePolicy())
    prepared.check_trees(TreePolicy(missing="self_heads"))


def test_malformed_trees_are_repaired_on_request_only(source, root):
    text = Path(source.test).read_text()
    Path(source.test).write_text(text.replace("\t2\tobj", "\t0\tobj", 1))
    found = load(prepare(source, GivenDependencies(), root=root))
    assert found.splits["test"]["heads"][:] == [None, [1, 1, 1]]
    assert found.manifest["counts"]["test"]["malformed"] == 1
    with pytest.raises(ValueError, match=r"test\.conllx:2: a tree has one root, found 2.*in 1 of 2 test sentences"):
        found.check_trees(TreePolicy(missing="self_heads"))
    policy = TreePolicy(malformed="repair")
    mended = load(prepare(source, GivenDependencies(), root=root, trees=policy))
    mended.check_trees(policy)
    assert mended.splits["test"]["heads"][:] == [[1, 1, 1]] * 2
    assert mended.manifest["counts"]["test"]["conversion"]["repaired"] == 1
    assert mended.digest != found.digest


@dataclass(frozen=True)
class Parser(GivenDependencies):
    """Makes every word depend on the first, and says which model it has."""

    model: str = "a"
    is_gold = False

    def fingerprint(self):
        return {**super().fingerprint(), "model": self.model}

    def attach(self, sentences, counts=None):
        for sentence in sentences:
            yield replace(sentence, tree=DependencyTree((0,) * len(sentence), ("x",) * len(sentence)))


def test_what_the_trees_come_from_tells_prepared_corpora_apart(source, root):
    providers = [GivenDependencies(), GivenDependencies(formalism="ud"), Parser(formalism="ud")]
    providers.append(Parser(formalism="ud", model="b"))
    paths = [prepare(source, provider, root=root) for provider in providers]
    assert len(set(paths)) == 4
    assert [load(path).formalism for path in paths] == ["given", "ud", "ud", "ud"]
    assert [load(path).trees for path in paths] == [provider.fingerprint() for provider in providers]


def test_other_jars_make_another_corpus(source, root, tmp_path, monkeypatch):
    """Though no sentence has a parse to convert, and no Java is there."""
    monkeypatch.setenv("PATH", "")
    for split in SPLITS:
        write_conllx([replace(sentence, tree=None) for sentence in corpus(split)], getattr(source, split))
    paths = []
    for content in (b"4.5.10", b"4.5.2"):
        (tmp_path / "home").mkdir(exist_ok=True)
        (tmp_path / "home" / "stanford-corenlp.jar").write_bytes(content)
        monkeypatch.setenv("CORENLP_HOME", str(tmp_path / "home"))
        paths.append(prepare(source, UniversalDependencies(), root=root))
    assert paths[0] != paths[1]


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

    formalism = "ud"
    is_gold = True

    def fingerprint(self):
        return {"provider": "forgetful"}

    def attach(self, sentences, counts=None):
        yield from list(sentences)[1:]


def test_a_converter_must_not_lose_sentences(source, root):
    with pytest.raises(ValueError, match=r"train: 2 sentences of 6 tokens were read, but 1 of 3 came back"):
        prepare(source, Forgetful(), root=root)


def test_trees_that_the_corpus_brings_are_not_converted(source, root, tmp_path):
    with_trees = SourceWithTrees(name="mine", source=source, trees={"ud": tmp_path, "sd": tmp_path / "none"})
    path = prepare(with_trees, Forgetful(), root=root)
    assert path.name.startswith("mine-ud-")
    assert load(path, formalism="ud").splits["train"]["heads"][:] == [[1, 1, 1]] * 2
    assert json.loads((path / "manifest.json").read_text())["trees"] == {"provider": "given", "formalism": "ud"}
    parsed = prepare(with_trees, Parser(formalism="ud"), root=root)
    assert load(parsed).splits["train"]["heads"][:] == [[0, 0, 0]] * 2


@dataclass(frozen=True)
class RemoteSource(SourceBase):
    path: str | Path
    revision: str
    name: ClassVar[str] = "remote"

    def read(self, split):
        return iter(corpus(split))

    def files(self, split):
        return ()


def test_all_options_of_a_source_without_files_count(root):
    assert converted(RemoteSource("org/name", "main"), root) == list(SPLITS)
    assert converted(RemoteSource("org/name", "main"), root) == []
    assert converted(RemoteSource("org/name", "v2"), root) == list(SPLITS)
    assert converted(RemoteSource("org/other", "v2"), root) == list(SPLITS)


def test_a_corpus_without_a_test_split_has_none(source, root):
    path = prepare(replace(source, test=None), GivenDependencies(), root=root)
    prepared = load(path)
    assert set(prepared.splits) == set(prepared.manifest["counts"]) == {"train", "validation"}


def test_labels_are_renamed_and_count_in_the_digest(source, root):
    plain = prepare(source, GivenDependencies(), root=root)
    path = prepare(replace(source, labels={"GPE": "LOC", "O": ["PERSON"]}), GivenDependencies(), root=root)
    assert path != plain
    prepared = load(path)
    assert prepared.splits["train"]["tags"][:] == [["O", "O", "S-LOC"], ["O", "O", "O"]]
    manifest = prepared.manifest
    assert (manifest["counts"]["train"]["entities"], manifest["labels"]["train"]) == (1, {"LOC": 1})
    with pytest.raises(ValueError, match="no entity of type LANG; it has GPE, PERSON"):
        prepare(replace(source, labels={"LANG": "O"}), GivenDependencies(), root=root)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_without_an_entity_is_refused(source, root, split):
    write_conllx([replace(sentence, spans=()) for sentence in corpus(split)], getattr(source, split))
    with pytest.raises(
        ValueError, match=rf"the {split} split of conllx has no entity; how tags are looked for: column 11"
    ):
        prepare(source, GivenDependencies(), root=root)


def test_sentences_in_two_splits_are_counted_and_where_tags_are_is_kept(source, root):
    write_conllx([*corpus("train"), *corpus("test")], source.test)
    manifest = load(prepare(source, GivenDependencies(), root=root)).manifest
    assert manifest["overlaps"] == {"train/validation": 0, "train/test": 2, "validation/test": 0}
    assert manifest["notes"]["test"] == ["column 11 (IOB2)"]


def test_an_option_at_its_default_changes_no_digest(source, root):
    path = prepare(source, GivenDependencies(), root=root)
    assert prepare(replace(source, split_seed=1, brackets="skip"), GivenDependencies(), root=root) == path
    assert prepare(replace(source, brackets="outermost"), GivenDependencies(), root=root) != path
