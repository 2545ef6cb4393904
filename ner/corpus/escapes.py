"""Where text and treebank meet: the forms that the Penn Treebank and OntoNotes have for some characters of a text."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

_FORMS = {
    "(": ("-LRB-",),
    ")": ("-RRB-",),
    "[": ("-LSB-", "-LRB-"),
    "]": ("-RSB-", "-RRB-"),
    "{": ("-LCB-", "-LRB-"),
    "}": ("-RCB-", "-RRB-"),
    "“": ("``", '"'),
    "„": ("``", '"'),
    "«": ("``", '"'),
    "”": ("''", '"'),
    "»": ("''", '"'),
    "‘": ("`", "'"),
    "’": ("'",),
    "–": ("--", "-"),
    "—": ("--", "-"),
    "…": ("...",),
}
_APOSTROPHE = "’"
_TEXT = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
    "``": '"',
    "''": '"',
    "`": "'",
    "/.": ".",
    "/?": "?",
    "/-": "-",
}
_NO_PART_OF_A_WORD = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def word_of_text(piece: str) -> str:
    """A token of a text as a word: its white space as a no-break space, control characters as U+FFFD.

    A token that is nothing else, such as an escape character, is a word of U+FFFD.
    """
    return _NO_PART_OF_A_WORD.sub("\N{REPLACEMENT CHARACTER}", "\N{NO-BREAK SPACE}".join(piece.split()) or piece)


def treebank_forms(words: Iterable[str], known: Container[str]) -> tuple[str, ...]:
    """The words as the corpus that a tagger was trained on writes them, as far as its vocabulary tells.

    A word that is `known` stays as it is; of its treebank forms the first known one is taken, else it stays. Straight
    double quotes are opening and closing in turn. `n’t` becomes `n't`.

    Args:
        known: says by `in` whether a form was seen in training.
    """
    forms = []
    is_open = False
    for word in words:
        candidates: tuple[str, ...] = ()
        if word == '"':
            candidates = ("''",) if is_open else ("``",)
            is_open = not is_open
        elif word in _FORMS:
            candidates = _FORMS[word]
        elif _APOSTROPHE in word:
            candidates = (word.replace(_APOSTROPHE, "'"),)
        if candidates and word not in known:
            word = next((form for form in candidates if form in known), word)
        forms.append(word)
    return tuple(forms)


def text_form(word: str) -> str:
    """A treebank's word as it is written in text, such as `(` for `-LRB-`: what encoders pretrained on text know."""
    return _TEXT.get(word, word).replace("\\/", "/").replace("\\*", "*")
