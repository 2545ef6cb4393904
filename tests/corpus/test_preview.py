import pytest

from ner.corpus.columns import ColumnsSource
from ner.corpus.conllx import ConllxSource
from ner.corpus.preview import preview

COLUMNS = "".join(f"-DOCSTART- O\n\nw{number} U-X\nis O\n\n" for number in range(12)) + "w1 U-X\nis O\n"


def test_what_is_there(tmp_path):
    train, test = tmp_path / "all.txt", tmp_path / "test.txt"
    train.write_text(COLUMNS)
    test.write_text("w1 U-Y\nis O\n\nnew U-Y\n")
    seen = preview(ColumnsSource(train=train, test=test, labels={"Y": "X"}))
    assert seen.num_problems == 0
    for said in (
        "train: 1 files, 11 documents, 12 sentences, 24 tokens, 12 entities",
        "word in column 1, tag in column 2 of 2 (BILOU)",
        "no corpus.validation: 1 of 12 documents (1 of 13 sentences) of the training files are held out",
        "trees: 12 none",
        "1 of 2 test sentences stand in train too",
    ):
        assert said in seen.text
    assert [line.split() for line in seen.text.splitlines() if line.startswith("X ")] == [["X", "12", "1", "2"]]


def test_what_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text(COLUMNS + "\n" + "w x\nis O\n\n" * 11 + "a\n")
    seen = preview(ColumnsSource(train=path, labels={"Z": "O"}))
    assert seen.num_problems == 13
    found = [line for line in seen.text.splitlines() if line.startswith(f"{path}:")]
    assert len(found) == 10
    assert found[0] == f"{path}:64: 'x' is no tag: expected O, or one of B- I- E- S- (or L- U- M-) and a label"


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    (tmp_path / "train.txt").write_text(COLUMNS)
    seen = preview(ColumnsSource(train=tmp_path / "train.txt", test=tmp_path / "none.txt"))
    assert seen.num_problems == 1
    assert seen.text.splitlines()[-1] == f"corpus.test={tmp_path / 'none.txt'}: no such file or directory"


def test_too_few_sentences_for_a_validation_split_say_how_the_file_was_read(tmp_path):
    (tmp_path / "train.txt").write_text("1 2 none\n" * 9)
    seen = preview(ColumnsSource(train=tmp_path / "train.txt"))
    assert (
        "too few to hold some out for validation; give corpus.validation; how tags are looked for: none of" in seen.text
    )


def test_where_nothing_can_be_read_the_reason_is_what_is_said(tmp_path):
    (tmp_path / "a.conllx").write_text("Ada B-PER\nran O\n\n" * 9)
    source = ConllxSource(train=tmp_path / "a.conllx")
    seen = preview(source)
    assert seen.num_problems == 1
    assert "a.conllx:1: 1 columns; expected 10 or 11" in seen.text
    with pytest.raises(ValueError, match=r"a\.conllx:1: 1 columns; .* corpus=columns reads a word and its tag"):
        next(source.read("train"))


def test_malformed_trees_are_shown(tmp_path):
    row = "{}\tw\t_\tn\tn\t_\t0\troot\t_\t_\tB-X\n"
    (tmp_path / "a.conllx").write_text((row.format(1) + row.format(2) + "\n") * 5)
    path = tmp_path / "a.conllx"
    seen = preview(ConllxSource(train=path, validation=path))
    assert "  trees: 5 malformed" in seen.text
    assert seen.text.count(f"  malformed: {path}:") == 6
    assert "5 of 5 validation sentences stand in train too" in seen.text
