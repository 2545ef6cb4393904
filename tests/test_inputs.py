"""Texts from files and lines; what cannot be read is said with its place."""

from __future__ import annotations

import pytest

from ner.inputs import Text, find_inputs, format_of_input, parse_lines, read_texts


def test_kinds_go_by_name_unless_chosen(tmp_path):
    names = {"a.txt": "text", "a.MD": "text", "a.jsonl": "jsonl", "a.conllu": "conll", "a": "conll"}
    for name, kind in names.items():
        (tmp_path / name).write_text("Ada met Ulm.\n")
        assert format_of_input(tmp_path / name, None) == kind
    assert format_of_input(tmp_path / "a.txt", "conll") == "conll"
    assert format_of_input(None, None) == "text"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("-DOCSTART- -X- O O\n\nAda NNP I-NP I-PER\nmet VBD I-VP O\n", "conll"),
        ("\ufeff# text = Ada met\r\n1\tAda Ulm\tB-PER\t-\r\n2\tmet\tO\t-\r\n", "conll"),
        ("1\tAda" + "\t_" * 8 + "\n", "conll"),
        ("#begin document (a); part 000\n", "conll"),
        ("Ada NNP\nmet VBD\n", "text"),
        ("O Ada\nO Ulm\n", "text"),
        ("U-2 flies.\n", "text"),
        ("", "text"),
    ],
)
def test_a_corpus_called_a_text_is_told_by_its_tags(tmp_path, content, kind):
    path = tmp_path / "test.txt"
    path.write_bytes(content.encode())
    assert format_of_input(path, None) == kind
    assert format_of_input(path, "text") == "text"


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfAda\r\nmet")
    assert list(read_texts(tmp_path / "a.txt", "text")) == [Text(str(tmp_path / "a.txt"), "Ada\r\nmet")]


def test_lines_are_texts_or_errors_with_their_number():
    lines = [b'{"text": "a", "name": "n"}', b" \n", b"1", b'{"text": 1}', b"{", b"\xff", b"[" * 100_000]
    first, *errors = parse_lines(lines, "x")
    assert first == Text("n", "a")
    assert list(parse_lines([b'{"text": "a", "id": null}', b'{"text": "a", "id": 0}'], "x")) == [
        Text("x:1", "a"),
        Text("0", "a"),
    ]
    assert [str(error).split(": ")[0] for error in errors] == ["x:3", "x:4", "x:5", "x:6:1", "x:7"]


def test_what_cannot_be_opened_is_an_error(tmp_path):
    (error,) = read_texts(tmp_path, "text")
    assert str(error).startswith(f"{tmp_path}: ")
    assert format_of_input(tmp_path / "none.txt", None) == "text"


def test_files_are_found_in_a_fixed_order(tmp_path):
    for name in ("b.txt", "a.txt", "c.doc", "d.JSONL", "e.Conllu"):
        (tmp_path / name).write_text("")
    assert [path.name for path in find_inputs(str(tmp_path))] == ["a.txt", "b.txt", "d.JSONL", "e.Conllu"]
    assert [path.name for path in find_inputs(str(tmp_path / "c.doc"))] == ["c.doc"]
    with pytest.raises(ValueError, match="no such file"):
        find_inputs(str(tmp_path / "d"))
