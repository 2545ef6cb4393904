"""The treebank's forms of a text's characters, where the vocabulary has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.escapes import text_form, treebank_forms, word_of_text
from ner.corpus.sentence import Sentence

TREEBANK = {"-LRB-", "-RRB-", "``", "''", "'s", "--", "a"}


def test_brackets_quotes_and_dashes_become_what_was_seen_in_training():
    words = ["“", "a", "”", "(", "a", "’s", ")", "[", "—", "b"]
    assert treebank_forms(words, TREEBANK) == ("``", "a", "''", "-LRB-", "a", "'s", "-RRB-", "-LRB-", "--", "b")


def test_straight_quotes_open_and_close_in_turn():
    assert treebank_forms(['"', "a", '"', '"'], TREEBANK) == ("``", "a", "''", "``")


def test_nothing_changes_where_the_corpus_writes_as_text_does():
    words = ["(", '"', "“", "’s", "—"]
    assert treebank_forms(words, {*words}) == tuple(words)
    assert treebank_forms(words, set()) == tuple(words)


def test_forms_are_not_escaped_twice():
    assert treebank_forms(["-LRB-", "``", "a"], TREEBANK) == ("-LRB-", "``", "a")


def test_text_has_what_the_treebank_escapes():
    words = ["-LRB-", "-RCB-", "``", "''", "`", "'s", "1\\/2", "and\\/or", "/.", "/", "Ada"]
    assert [text_form(word) for word in words] == ["(", "}", '"', '"', "'", "'s", "1/2", "and/or", ".", "/", "Ada"]


@pytest.mark.parametrize(
    ("piece", "word"),
    [
        ("a", "a"),
        ("2 1/2", "2\N{NO-BREAK SPACE}1/2"),
        ("a\r\n b", "a\N{NO-BREAK SPACE}b"),
        ("\x1b", "\ufffd"),
        ("a\x00\ud800", "a\ufffd\ufffd"),
    ],
)
def test_a_piece_of_text_as_a_word(piece, word):
    assert word_of_text(piece) == word
    Sentence(words=(word_of_text(piece),))


@given(st.text(min_size=1))
def test_any_piece_of_text_can_be_a_word(piece):
    word = word_of_text(piece)
    assert word
    Sentence(words=(word,)).words[0].encode()
