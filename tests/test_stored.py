import json
import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.stored import first_line, integer, number, parse_json, printable, read_bounded, read_json, read_yaml, string


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert read_bounded(path, limit=3) == b"abc"
    with pytest.raises(ValueError, match="file has 3 bytes, more than the 2 that it may have"):
        read_bounded(path, limit=2)
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("link", "is a link"), ("pipe", "is not a regular file"), (".", "is not a regular file")):
        with pytest.raises(ValueError, match=reason):
            read_bounded(tmp_path / name)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "", "{", "[" * 100_000])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError, match=r"^here: not JSON"):
        parse_json(text, where="here")


def test_json_and_yaml(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, 2.5, null]}')
    assert read_json(tmp_path / "a.json") == {"a": [1, 2.5, None]}
    (tmp_path / "a.yaml").write_text("a: 1e-5\nb: ${a}\nc: [1, x]\n")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1e-5, "b": "${a}", "c": [1, "x"]}
    (tmp_path / "a.yaml").write_text("a: &x [1]\nb: *x\n")
    with pytest.raises(ValueError, match="aliases"):
        read_yaml(tmp_path / "a.yaml")


def test_fields_have_types_and_bounds():
    content = {"a": {"n": 3, "x": 0.5, "s": "sd", "bad": True, "esc": "\x1b"}}
    assert integer(content, "a", "n", where="f") == 3
    assert number(content, "a", "x", where="f", low=0, high=1) == 0.5
    assert string(content, "a", "s", where="f") == "sd"
    for read, key, message in (
        (integer, "x", "f: a.x is 0.5, not a whole number"),
        (integer, "bad", "f: a.bad is True, not a whole number"),
        (number, "s", "f: a.s is 'sd', not a number"),
        (number, "none", "f: a.none is missing"),
        (string, "esc", r"f: a.esc is '\\x1b', not a plain string"),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            read(content, "a", key, where="f")
    with pytest.raises(ValueError, match="n is 3, not from 0 to 2"):
        number(content["a"], "n", where="f", low=0, high=2)
    with pytest.raises(ValueError, match="n is 3, not from 4 to 9"):
        integer(content["a"], "n", where="f", low=4, high=9)


@given(st.text())
def test_what_is_shown_has_nothing_that_a_terminal_obeys(text):
    assert printable(printable(text)) == printable(text)
    assert len(printable(text).splitlines()) <= 1
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in printable(text))
    assert len(first_line(text)) <= 300
    assert json.loads(json.dumps(first_line(text))) == first_line(text)
