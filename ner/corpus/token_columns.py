"""What is known of each token as strings: the columns that feature templates read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
_RUN = re.compile(r"(.)\1{4,}")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A string for each token: `values[codes[i]]`, token after token."""

    values: Sequence[str]
    codes: Codes

    def map(self, function: Callable[[str], str]) -> Column:
        """The function of every string."""
        rows: dict[str, int] = {}
        codes = [rows.setdefault(function(value), len(rows)) for value in self.values]
        return Column(list(rows), np.array(codes, dtype=np.int64)[self.codes])

    def at(self, tokens: Codes) -> Column:
        """The strings of other tokens, one for each token."""
        return Column(self.values, self.codes[tokens])


@dataclass(frozen=True, eq=False, kw_only=True)
class TokenColumns:
    """The columns of all sentences of a split, one after the other.

    Sentence i owns the tokens from `offsets[i]` to `offsets[i + 1]`. `heads` are positions in the sentence. `pos` is
    None where there is a sentence without parts of speech. `gazetteer` holds the type of each name, which has blanks
    between its words.
    """

    offsets: Codes
    words: Column
    heads: Codes
    relations: Column
    pos: Column | None
    gazetteer: Mapping[str, str]
    _made: dict[str, Column] = field(default_factory=dict, init=False, repr=False)

    @property
    def lengths(self) -> Codes:
        """The length of each token's sentence."""
        sizes = np.diff(self.offsets)
        return np.repeat(sizes, sizes)

    @property
    def positions(self) -> Codes:
        """The position of each token in its sentence."""
        return np.arange(len(self.words.codes)) - self._starts()

    def column(self, name: str) -> Column:
        """The column of a name that `ner.corpus.templates` knows.

        Raises:
            ValueError: for the parts of speech of sentences that have none.
        """
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Column:
        if name.startswith("head."):
            return self.column(name.removeprefix("head.")).at(self._starts() + self.heads)
        if name == "pos":
            if self.pos is None:
                raise ValueError(
                    "the templates read parts of speech (pos), and there are sentences without: "
                    "take templates that do not, or data that has them"
                )
            return self.pos
        if name == "gazetteer":
            return self._found()
        if name == "relation":
            return self.relations
        return self.words.map(_of_word(name))

    def _found(self) -> Column:
        """`B-TYPE` and `I-TYPE` on names of the gazetteer, else `O`; where names overlap, the first, and longest."""
        by_first: dict[str, list[tuple[str, ...]]] = {}
        for name in sorted(self.gazetteer, key=lambda name: -name.count(" ")):
            words = tuple(name.split(" "))
            by_first.setdefault(words[0], []).append(words)
        rows = {"O": 0}
        tokens = [self.words.values[code] for code in self.words.codes.tolist()]
        codes = np.zeros(len(tokens), dtype=np.int64)
        for start, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            place = start
            while place < end:
                stop = next(
                    (
                        place + len(words)
                        for words in by_first.get(tokens[place], ())
                        if place + len(words) <= end and tuple(tokens[place : place + len(words)]) == words
                    ),
                    None,
                )
                if stop is not None:
                    label = self.gazetteer[" ".join(tokens[place:stop])]
                    codes[place] = rows.setdefault(f"B-{label}", len(rows))
                    codes[place + 1 : stop] = rows.setdefault(f"I-{label}", len(rows))
                place = stop or place + 1
        return Column(list(rows), codes)

    def _starts(self) -> Codes:
        return np.repeat(self.offsets[:-1], np.diff(self.offsets))


def shape(word: str) -> str:
    """Capital letters as X, other letters as x, digits as d, at most four of a kind in a row: `Xxxxx` for `London`."""
    kinds = "".join(
        "X" if character.isupper() else "x" if character.isalpha() else "d" if character.isdigit() else character
        for character in word
    )
    return _RUN.sub(lambda run: run[1] * 4, kinds)


def _of_word(name: str) -> Callable[[str], str]:
    if name.startswith(("prefix", "suffix")):
        size = int(name[-1])
        return (lambda word: word[:size]) if name.startswith("prefix") else (lambda word: word[-size:])
    functions: dict[str, Callable[[str], str]] = {"word": str, "lower": str.lower, "shape": shape}
    return functions[name]


def read_gazetteer(lines: Iterable[str]) -> dict[str, str]:
    """The type of each name: a line is a name, its words parted by blanks, and after a tab its type (else `NAME`).

    Raises:
        ValueError: for a type with white space, and where there is no name.
    """
    found = {}
    for number, line in enumerate(lines, 1):
        name, _, label = (part.strip() for part in line.partition("\t"))
        if not name:
            continue
        if len(label.split()) > 1:
            raise ValueError(f"line {number}: the type {label!r} holds white space")
        found[" ".join(name.split())] = label or "NAME"
    if not found:
        raise ValueError("there is no name in it")
    return found
