"""Plain text to sentences of tokens, by rules for English as the Penn Treebank and OntoNotes write it.

Every character of the text that is not white space is in exactly one token, and nothing of the text is changed: a token
is a pair of offsets. For a better splitting, or another language, use a parser's own tokeniser or give the tokens.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

Offsets = tuple[int, int]
"""Where a token begins and ends in the text, in characters."""

_ABBREVIATIONS = (
    "Adm|Ala|Apr|Ariz|Ark|Aug|Ave|Bros|Calif|Capt|Co|Col|Colo|Conn|Corp|Dec|Del|Dept|Dr|Feb|Fla|Ga|Gen|Gov|Hon|Ill|"
    "Inc|Ind|Jan|Jr|Kan|Ky|La|Lt|Ltd|Maj|Mass|Md|Messrs|Mich|Minn|Mo|Mont|Mr|Mrs|Ms|Neb|Nev|Nov|Oct|Okla|"
    "Ore|Pa|Ph|Prof|Pvt|Rep|Reps|Rev|Sen|Sens|Sept|Sgt|Sr|St|Ste|Tenn|Tex|Va|Vt|Wash|Wis|Wyo|vs|etc"
)
_TOKEN = re.compile(
    rf"""
      (?:https?://|www\.)[^\s<>"]*[^\s<>".,;:!?)\]'’”]        # addresses on the web
    | [\w.+-]{{1,64}}@\w[\w-]*(?:\.\w[\w-]*)+                         # and of people
    | (?-i:{_ABBREVIATIONS})\.(?!\w)
    | Nos?\.(?=\s*\d)
    | (?:[^\W\d_]\.){{2,}}                                       # U.S., p.m.
    | [^\W\d_]\.(?=\s+[^\W\d_])                                 # an initial
    | \d+(?:[.,:/]\d+)*(?:st|nd|rd|th|s)?(?!\w)                 # 1,000.5  10:30  3rd  1980s
    | \w+?(?=n['’]t\b)                                          # do|n't
    | n['’]t\b
    | ['’](?:s|re|ve|ll|d|m)\b
    | \w+(?:['’.]\w+)*?(?=['’](?:s|re|ve|ll|d|m)\b)
    | \w+(?:['’.]\w+)*                                          # O'Brien, Yahoo.com
    | \.{{2,}} | --+ | `` | ''
    | [.]\w+                                                    # .5
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
_END_CHARACTERS = frozenset(".!?…。！？")
_CLOSERS = frozenset("\"'’”)]}»") | {"''"}
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n|\u2029|\r[^\S\n\r]*\r|\r\n[^\S\n]*\r\n")


def split_text(text: str) -> list[list[Offsets]]:
    """The sentences of a text, each as its tokens' offsets; none where there is nothing but white space.

    A sentence ends at a full stop, question or exclamation mark with white space after it, unless a small letter
    follows, and at a blank line.
    """
    plain = text if text.isascii() else text.translate(_MARKS)
    tokens = [found.span() for found in _TOKEN.finditer(plain)]
    sentences: list[list[Offsets]] = [tokens[:1]] if tokens else []
    has_ended = bool(tokens) and _is_end(plain, tokens[0])
    for (_, before), token in pairwise(tokens):
        word = plain[token[0] : token[1]]
        if token[0] > before and ((has_ended and not word[0].islower()) or _BLANK_LINE.search(plain, before, token[0])):
            sentences.append([])
            has_ended = False
        sentences[-1].append(token)
        has_ended = _is_end(plain, token) or (has_ended and word in _CLOSERS)
    return sentences


def _is_end(text: str, token: Offsets) -> bool:
    return text[token[0]] in _END_CHARACTERS and all(character in _END_CHARACTERS for character in text[slice(*token)])


class _Marks(dict[int, int | None]):
    """Combining marks and joiners as letters, which regular expressions do not take them for; else as it is."""

    def __missing__(self, point: int) -> int:
        category = unicodedata.category(chr(point))
        self[point] = ord("a") if category in ("Mn", "Mc", "Me", "Cf") else point
        return self[point]  # type: ignore[return-value]


_MARKS = _Marks()
