"""Plain text to tokens and sentences: nothing is lost, and what English does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.text import split_text


def words(text: str) -> list[list[str]]:
    return [[text[start:end] for start, end in sentence] for sentence in split_text(text)]


@given(st.text() | st.text(alphabet=" \n\r\tab.'\"(-1é\u0301\u200d🙂，।"))
def test_every_character_but_white_space_is_in_one_token(text):
    tokens = [token for sentence in split_text(text) for token in sentence]
    covered = [place for start, end in tokens for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert all(start < end for start, end in tokens)
    assert {text[place] for place in set(range(len(text))) - set(covered)} <= {c for c in text if c.isspace()}
    assert not any(any(c.isspace() for c in text[start:end]) for start, end in tokens)
    assert all(split_text(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Olga Kornell visited Raldur.", "Olga Kornell visited Raldur ."),
        ("I don't; they'll, John's.", "I do n't ; they 'll , John 's ."),
        ("It’s O’Brien’s", "It ’s O’Brien ’s"),
        ("Mr. Smith of the U.S. paid $1,000.50 at 10:30 a.m. (about 3%).", None),
        ("a New York-based firm", "a New York - based firm"),
        ("J. Smith -- and “co”…", "J. Smith -- and “ co ” …"),
        ("see https://a.b/c?d=1. Or me@x.org!", None),
        ("na\u0301me नमस्ते", "na\u0301me नमस्ते"),
        ("``So,'' the 3rd said.", "`` So , '' the 3rd said ."),
        ("(AMEX:XYZ) 1980s", "( AMEX : XYZ ) 1980s"),
    ],
)
def test_tokens_as_the_treebank_has_them(text, expected):
    found = [word for sentence in words(text) for word in sentence]
    if expected is not None:
        assert " ".join(found) == expected
    else:
        assert {"Mr.", "U.S.", "$", "1,000.50", "10:30", "a.m.", "3", "%"} <= {*found} or {
            "https://a.b/c?d=1",
            "me@x.org",
        } <= {*found}


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("", []),
        (" \n\t ", []),
        ("He left. She stayed.", [3, 3]),
        ('"Go!" he said. "No." Then', [7, 4, 1]),
        ("A headline\n\nThe text. More", [2, 3, 1]),
        ("A headline\r\n\r\nThe text", [2, 2]),
        ("one line\nbroken here", [4]),
        ("Mr. Smith of the U.S. Army spoke.", [8]),
        ("v1. is small", [4]),
    ],
)
def test_sentences(text, sizes):
    assert [len(sentence) for sentence in words(text)] == sizes


@pytest.mark.parametrize("piece", ["a", "'", "a'", "a.", "1,", "a@", "a-", "http://", "\n ", ".", "n't", "\u0301"])
def test_time_is_linear_in_the_text(piece):
    """A hundred thousand characters of anything: quadratic time would be minutes."""
    assert split_text(piece * (100_000 // len(piece))) is not None
