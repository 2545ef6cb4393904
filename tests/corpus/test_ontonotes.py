from dataclasses import replace

import pytest

from ner.corpus.ontonotes import PUBLISHED, V12_TRAIN, OntonotesSource, counts_table
from ner.corpus.source import SplitCounts, count_sentences

DOCUMENTS = {
    "train": ["nw/a/00/a_0001", "bn/b/01/b_0102"],
    "validation": ["wb/c/00/c_0003"],
    "test": ["tc/p2.5/00/d_04"],
}
DIRECTORIES = {"train": "train", "validation": "development", "test": "conll-2012-test"}


def write_document(root, document, suffix, directory, word="Hm", language="english"):
    path = root / directory / "data" / language / "annotations" / f"{document}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#begin document ({document}); part 000\n{document} 0 0 {word} UH (TOP(INTJ*)) - - - - * -\n\n#end document\n"
    )
    return path


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    for split, documents in DOCUMENTS.items():
        (folder / f"{split}.txt").write_text("\n".join(documents) + "\n")
    return folder


def write_release(root, suffix):
    for split, documents in DOCUMENTS.items():
        for document in documents:
            write_document(root, document, suffix, DIRECTORIES[split])
    write_document(root, "pt/nt/40/nt_4001", suffix, "train")
    write_document(root, "nw/a/00/a_0001", suffix, "train", language="chinese", word="other")


@pytest.mark.parametrize("suffix", [".v4_gold_conll", ".gold_conll"])
def test_either_release_is_found_and_its_lists_applied(tmp_path, lists, suffix):
    root = tmp_path / "release"
    write_release(root, suffix)
    source = OntonotesSource(root=root, lists=str(lists))
    for split, documents in DOCUMENTS.items():
        assert [sentence.document for sentence in source.read(split)] == documents
        assert [path.name for path in source.files(split)] == [f"{name.split('/')[-1]}{suffix}" for name in documents]
    assert all("english" in path.parts for path in source.files("train"))
    with pytest.raises(ValueError, match="unknown split 'development'"):
        source.files("development")


def test_copies_of_a_document_must_agree(tmp_path, lists):
    write_release(tmp_path, ".gold_conll")
    write_document(tmp_path, "tc/p2.5/00/d_04", ".gold_conll", "test")
    (path,) = OntonotesSource(root=tmp_path, lists=lists).files("test")
    assert "conll-2012-test" in path.parts
    write_document(tmp_path, "tc/p2.5/00/d_04", ".gold_conll", "test", word="Oh")
    with pytest.raises(ValueError, match="the same document with different contents"):
        OntonotesSource(root=tmp_path, lists=lists).files("test")


def test_missing_documents_are_counted_and_named(tmp_path, lists):
    write_release(tmp_path, ".gold_conll")
    (lists / "test.txt").write_text("\n".join(f"nw/x/00/x_000{number}" for number in range(5)))
    with pytest.raises(
        ValueError, match=r"5 of the 5 documents in .*: nw/x/00/x_0000, nw/x/00/x_0001, .*_0002, \.\.\."
    ):
        OntonotesSource(root=tmp_path, lists=lists).files("test")


def test_a_root_with_neither_or_both_releases_is_refused(tmp_path, lists):
    with pytest.raises(ValueError, match="found neither v4 nor v12"):
        OntonotesSource(root=tmp_path, lists=lists).files("train")
    write_release(tmp_path, ".gold_conll")
    write_release(tmp_path, ".v4_gold_conll")
    with pytest.raises(ValueError, match="found v4 and v12"):
        OntonotesSource(root=tmp_path, lists=lists).files("train")
    with pytest.raises(ValueError, match="no such directory"):
        OntonotesSource(root=tmp_path / "absent", lists=lists).files("train")
    with pytest.raises(ValueError, match=r"train\.txt: no such file"):
        OntonotesSource(root=tmp_path, lists=tmp_path).files("train")


def test_published_counts_pass_and_others_are_shown(tmp_path):
    source = OntonotesSource(root=tmp_path, lists=tmp_path)
    source.check(PUBLISHED)
    source.check({**PUBLISHED, "train": V12_TRAIN})
    for split in PUBLISHED:
        short = replace(PUBLISHED[split], entities=7)
        with pytest.raises(ValueError, match=f"{split} differ from the published counts") as caught:
            source.check({**PUBLISHED, split: short})
        assert counts_table({**PUBLISHED, split: short}) in str(caught.value)


def test_the_table_has_found_beside_published(tmp_path, lists):
    write_release(tmp_path, ".gold_conll")
    source = OntonotesSource(root=tmp_path, lists=lists)
    table = counts_table({split: count_sentences(source.read(split)) for split in PUBLISHED})
    rows = [line.split() for line in table.split("\n")]
    assert rows[1:3] == [
        ["train", "found", "2", "2", "2", "0"],
        ["published", "1,710", "59,924", "1,088,503", "81,828"],
    ]
    assert rows[6] == ["published", "207", "8,262", "152,728", "11,257"]


def write_chinese(root, suffix=".gold_conll"):
    for split, documents in DOCUMENTS.items():
        for document in documents:
            write_document(root, document, suffix, DIRECTORIES[split], language="chinese", word="\u55ef")


def test_chinese_is_split_by_the_directories_of_the_release(tmp_path, lists):
    write_release(tmp_path, ".gold_conll")
    (tmp_path / "train/data/chinese/annotations/nw/a/00/a_0001.gold_conll").unlink()
    write_chinese(tmp_path)
    write_document(tmp_path, "nw/z/00/z_0001", ".gold_conll", "test", language="chinese")  # not of conll-2012-test
    source = OntonotesSource(root=tmp_path, lists=lists, language="zh")
    for split, documents in DOCUMENTS.items():
        assert [sentence.document for sentence in source.read(split)] == sorted(documents)
        assert {sentence.words for sentence in source.read(split)} == {("\u55ef",)}
    (lists / "zh").mkdir()
    (lists / "zh" / "test.txt").write_text("nw/z/00/z_0001\n")
    assert [path.name for path in source.files("test")] == ["z_0001.gold_conll"]


def test_chinese_has_published_numbers_of_sentences(tmp_path, lists):
    source = OntonotesSource(root=tmp_path, lists=lists, language="zh")
    published = {"train": 36487, "validation": 6083, "test": 4472}
    counts = {split: SplitCounts(1, sentences, 1, 1) for split, sentences in published.items()}
    source.check(counts)
    with pytest.raises(ValueError, match=r"'test': 4471.* sentences, where .*'test': 4472.* are published"):
        source.check({**counts, "test": SplitCounts(1, 4471, 1, 1)})


@pytest.mark.parametrize(
    ("language", "message"),
    [("ar", "no conversion of Arabic trees"), ("de", "unknown language 'de': choose one of en, zh")],
)
def test_other_languages_are_refused_with_the_reason(tmp_path, language, message):
    with pytest.raises(ValueError, match=message):
        OntonotesSource(root=tmp_path, lists=tmp_path, language=language)
