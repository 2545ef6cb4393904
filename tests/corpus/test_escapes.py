"""The treebank's forms of a text's characters, where the vocabulary has them."""

from __future__ import annotations

from ner.corpus.escapes import text_form, treebank_forms

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
