"""Texts from files and lines; what cannot be read is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner.inputs import Text, find_inputs, format_by_name, parse_lines, read_texts


def test_kinds_go_by_name_unless_chosen():
    names = {"a.txt": "text", "a.MD": "text", "a.jsonl": "jsonl", "a.conllu": "conll", "a": "conll"}
    assert {name: format_by_name(Path(name), None) for name in names} == names
    assert format_by_name(Path("a.txt"), "conll") == "conll"


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfAda\r\nmet")
    assert list(read_texts(tmp_path / "a.txt", "text")) == [Text(str(tmp_path / "a.txt"), "Ada\r\nmet")]


def test_lines_are_texts_or_errors_with_their_number():
    lines = [b'{"text": "a", "name": "n"}', b" \n", b"1", b'{"text": 1}', b"{", b"\xff", b"[" * 100_000]
    first, *errors = parse_lines(lines, "x")
    assert first == Text("n", "a")
    assert [str(error).split(": ")[0] for error in errors] == ["x:3", "x:4", "x:5", "x:6:1", "x:7"]


def test_what_cannot_be_opened_is_an_error(tmp_path):
    (error,) = read_texts(tmp_path, "text")
    assert str(error).startswith(f"{tmp_path}: ")


def test_files_are_found_in_a_fixed_order(tmp_path):
    for name in ("b.txt", "a.txt", "c.doc"):
        (tmp_path / name).write_text("")
    assert [path.name for path in find_inputs(str(tmp_path))] == ["a.txt", "b.txt"]
    assert [path.name for path in find_inputs(str(tmp_path / "c.doc"))] == ["c.doc"]
    with pytest.raises(ValueError, match="no such file"):
        find_inputs(str(tmp_path / "d"))
