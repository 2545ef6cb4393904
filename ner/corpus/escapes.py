"""Where text and treebank meet: the forms that the Penn Treebank and OntoNotes have for some characters of a text."""

from __future__ import annotations

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
_CHARACTERS = ("’", "'")
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
        candidates = _FORMS.get(word, ())
        if word == '"':
            candidates = ("''",) if is_open else ("``",)
            is_open = not is_open
        elif _CHARACTERS[0] in word and len(word) > 1:
            candidates = (word.replace(*_CHARACTERS),)
        forms.append(word if word in known else next((form for form in candidates if form in known), word))
    return tuple(forms)


def text_form(word: str) -> str:
    """A treebank's word as it is written in text, such as `(` for `-LRB-`: what encoders pretrained on text know."""
    return _TEXT.get(word, word).replace("\\/", "/").replace("\\*", "*")
