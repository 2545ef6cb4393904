"""The schemes in which the world's files spell entities: recognised, read and written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ner.corpus.sentence import Span
from ner.corpus.tags import spans_to_tags, tags_to_spans

FILE_SCHEMES = ("IOB1", "IOB2", "IOBES", "BILOU", "BMES", "IO")
"""In IOB1 an entity begins with `I-`, and with `B-` only right after another of its type; IOB2 is what
`ner.corpus.tags` calls BIO. BILOU and BMES are IOBES with other letters. In IO a tag is the bare type."""

MALFORMED_TAGS = ("error", "conlleval")
"""What becomes of tags that a scheme which marks the ends of entities cannot have: an error, or they are read as the
script `conlleval` reads them. IOB1 and IOB2 are always read so."""

_TAG = re.compile(r"([BIESLUM])-(\S+)")
_AS_IOBES = {"L": "E", "U": "S", "M": "I"}
_LETTERS = {"BILOU": {"E": "L", "S": "U"}, "BMES": {"I": "M"}}
_OUTSIDE = ("O", "_")


def check_scheme(scheme: str | None) -> None:
    """Refuse a scheme that is not one of `FILE_SCHEMES`; None is one that is to be recognised.

    Raises:
        ValueError: listing the right names.
    """
    if scheme is not None and scheme not in FILE_SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: choose one of {', '.join(FILE_SCHEMES)}")


def check_malformed_tags(malformed_tags: str) -> None:
    """Refuse a way to treat malformed tags that is not one of `MALFORMED_TAGS`.

    Raises:
        ValueError: listing the right names.
    """
    if malformed_tags not in MALFORMED_TAGS:
        raise ValueError(f"unknown malformed_tags {malformed_tags!r}: choose one of {', '.join(MALFORMED_TAGS)}")


def is_tag(cell: str) -> bool:
    """Whether a cell is a tag of any scheme but IO."""
    return cell in _OUTSIDE or _TAG.fullmatch(cell) is not None


def spans_of_cells(
    cells: Sequence[str],
    where: Callable[[int], str],
    *,
    scheme: str | None = None,
    malformed_tags: str = "error",
) -> tuple[Span, ...]:
    """The entities that the tags of a sentence spell, as `conlleval` counts them.

    Args:
        where: gives the place of a word, as `file:line`.
        scheme: of `FILE_SCHEMES`. Without it, the letters tell the schemes apart but IO.
        malformed_tags: see `MALFORMED_TAGS`.

    Raises:
        ValueError: for a cell that is no tag, and for tags that the scheme cannot have, with the place.
    """
    if cells.count("O") == len(cells):
        return ()
    tags = [_as_iobes(cell, where, word, scheme) for word, cell in enumerate(cells)]
    spans = tags_to_spans(tags, mode="conlleval")
    if scheme in ("IOBES", "BILOU", "BMES") and malformed_tags == "error":
        for word, (cell, expected) in enumerate(zip(cells, spell(spans, len(cells), scheme), strict=True)):
            if cell != expected and not (cell in _OUTSIDE and expected == "O"):
                raise ValueError(
                    f"{where(word)}: {cell!r} where {scheme} has {expected!r}; correct the tags, or read them as "
                    "conlleval does with corpus.malformed_tags=conlleval"
                )
    return spans


def spell(spans: Sequence[Span], length: int, scheme: str) -> tuple[str, ...]:
    """Spell spans as one cell a word, in a scheme of `FILE_SCHEMES` or as BIO, which is IOB2.

    IO cannot tell two entities of one type apart that follow on each other.

    Raises:
        ValueError: as `ner.corpus.tags.spans_to_tags`.
    """
    if scheme in ("BIO", "IOB2"):
        return spans_to_tags(spans, length, "BIO")
    if scheme == "IOB1":
        tags = [tag if tag == "O" else f"I-{tag[2:]}" for tag in spans_to_tags(spans, length, "BIO")]
        for previous, span in pairwise(spans):
            if previous.end == span.start and previous.label == span.label:
                tags[span.start] = f"B-{span.label}"
        return tuple(tags)
    check_scheme(scheme)
    tags = list(spans_to_tags(spans, length, "IOBES"))
    if scheme == "IO":
        return tuple(tag if tag == "O" else tag[2:] for tag in tags)
    letters = _LETTERS.get(scheme, {})
    return tuple(letters.get(tag[0], tag[0]) + tag[1:] for tag in tags)


@dataclass
class Spelling:
    """What is seen of the tags of a file, sentence by sentence, from which its scheme is recognised.

    `begun_inside` counts entities that begin with `I-`, `needless_b` those with a `B-` that IOB1 would not write.
    """

    letters: set[str] = field(default_factory=set)
    labels: Counter[str] = field(default_factory=Counter)
    begun_inside: int = 0
    needless_b: int = 0

    def add(self, cells: Sequence[str]) -> None:
        """Look at the tags of one sentence; cells that are none count as `O`."""
        previous = ""  # the label of the word before
        for cell in cells:
            match = _TAG.fullmatch(cell)
            if match is None:
                previous = ""
                continue
            letter, label = match.groups()
            self.letters.add(letter)
            begins = letter in "BSU" or previous != label
            self.labels[label] += begins
            self.begun_inside += letter == "I" and previous != label
            self.needless_b += letter == "B" and previous != label
            previous = label

    @property
    def scheme(self) -> str | None:
        """The scheme; None where there is no tag to tell it from.

        Raises:
            ValueError: for letters of several schemes.
        """
        letters = self.letters
        found = [name for name, of_its_own in (("BILOU", letters & {*"LU"}), ("BMES", letters & {*"M"})) if of_its_own]
        if "BILOU" in found and letters & {*"ESM"}:
            raise ValueError(f"the tags begin with {', '.join(sorted(letters))}, letters of more than one scheme")
        if found:
            return found[0]
        if letters & {*"ES"}:
            return "IOBES"
        if not letters:
            return None
        return "IOB1" if self.begun_inside and not self.needless_b else "IOB2"


def _as_iobes(cell: str, where: Callable[[int], str], word: int, scheme: str | None) -> str:
    if cell in _OUTSIDE:
        return "O"
    if scheme == "IO":
        if not cell or re.search(r"\s", cell):
            raise ValueError(f"{where(word)}: {cell!r} is no type: it is empty or holds white space")
        return f"I-{cell}"
    match = _TAG.fullmatch(cell)
    if match is None:
        raise ValueError(
            f"{where(word)}: {cell!r} is no tag: expected O, or one of B- I- E- S- (or L- U- M-) and a label"
        )
    letter, label = match.groups()
    return f"{_AS_IOBES.get(letter, letter)}-{label}"
