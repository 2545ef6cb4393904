"""Pretrained word vectors: words, their rows, and how much of a text they cover."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from ner.corpus.files import appearing, replacing
from ner.corpus.vector_files import open_vectors
from ner.corpus.vocabulary import spellings
from ner.shapes import Float

log = logging.getLogger(__name__)

_CACHE_FORMAT = 1
_ABOUT, _WORDS, _MATRIX = "vectors.json", "words.txt", "matrix.f4"


@dataclass(frozen=True, eq=False)
class Vectors:
    """Words with one row of `matrix` each, and what was found in the file.

    `num_read` counts the words of the file, `num_duplicates` those left out because they came before (the first one
    counts), `num_undecodable` those that are not UTF-8: their offending bytes stand as U+FFFD, and `num_blank` the
    vectors left out because their word is nothing but white space.
    """

    words: tuple[str, ...]
    matrix: Float[Tensor, "word feature"]
    num_read: int = 0
    num_duplicates: int = 0
    num_undecodable: int = 0
    num_blank: int = 0
    _rows: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {word: row for row, word in enumerate(self.words)})

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.look_up(word) is not None

    @property
    def width(self) -> int:
        return int(self.matrix.shape[1])

    def summary(self) -> str:
        """What was found in the file: how many vectors, and how many of them were left out for what reason."""
        left_out = [
            f"{count:,} {reason}"
            for count, reason in (
                (self.num_duplicates, "of words that came before"),
                (self.num_blank, "of no word but white space"),
            )
            if count
        ]
        read = f"{self.num_read:,} word vectors of {self.width} numbers"
        return f"{read}, left out: {', '.join(left_out)}" if left_out else read

    def look_up(self, word: str) -> int | None:
        """The row of a word: of its exact form, else in lower case, else with digits as 0, else both."""
        return next((self._rows[form] for form in spellings(word) if form in self._rows), None)


@dataclass(frozen=True, slots=True)
class Matches:
    """How many have a vector, by the form it was found under (`digits`: as 0, in whatever case), and how many none."""

    exact: int
    lower: int
    digits: int
    missing: int

    def __str__(self) -> str:
        total = self.exact + self.lower + self.digits + self.missing
        covered = total - self.missing
        return (
            f"{covered:,} of {total:,} ({100 * covered / max(total, 1):.1f} %): {self.exact:,} exact, "
            f"{self.lower:,} in lower case, {self.digits:,} with digits as 0"
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a text the vectors cover, by distinct words and by tokens."""

    types: Matches
    tokens: Matches

    def __str__(self) -> str:
        return f"words {self.types}\ntokens {self.tokens}"


def coverage(vectors: Vectors, word_counts: Mapping[str, int]) -> Coverage:
    """Say how many of these words, and of their occurrences, have a vector."""
    types, tokens = [0] * 4, [0] * 4
    known = {*vectors.words}
    for word, count in word_counts.items():
        exact, lower, *digits = spellings(word)
        match = next((rank for rank, forms in enumerate(((exact,), (lower,), digits)) if known.intersection(forms)), 3)
        types[match] += 1
        tokens[match] += count
    return Coverage(Matches(*types), Matches(*tokens))


def read_vectors(path: Path, words: Collection[str] | None = None, *, cache: Path | None = None) -> Vectors:
    """Read the vectors of a file; see `ner.corpus.vector_files.open_vectors` for the formats.

    Args:
        words: keep only these words and their `spellings`, so that memory holds no more; None keeps all.
        cache: a directory in which the vectors are kept in a form that loads in a second; it is told by the path, size
            and time of the file whether they are there.

    Raises:
        ValueError: for anything wrong in the file, naming it and the line.
    """
    wanted = None if words is None else {form for word in words for form in spellings(word)}
    if cache is None:
        return _gather(_Reading(path), wanted)
    status = path.stat()
    origin = json.dumps([_CACHE_FORMAT, str(path.resolve()), status.st_size, status.st_mtime_ns])
    directory = cache / f"vectors-{path.name.partition('.')[0]}-{hashlib.sha256(origin.encode()).hexdigest()[:10]}"
    if not (directory / _ABOUT).is_file():
        try:
            directory.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(directory.with_name(f".{directory.name}.lock")):  # several trainings may start at once
                if not (directory / _ABOUT).is_file():
                    _convert(path, directory)
        except OSError as error:
            log.warning("the vectors cannot be kept in a faster form: %s", error)
            return _gather(_Reading(path), wanted)
    return _load(directory, wanted)


@dataclass
class _Counts:
    num_read: int = 0
    num_duplicates: int = 0
    num_undecodable: int = 0
    num_blank: int = 0


class _Reading:
    """The distinct words of a file with their numbers, block by block, while everything else is counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.width = 0
        self.counts = _Counts()

    def __iter__(self) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        counts = self.counts
        seen: set[str] = set()
        with open_vectors(self.path) as file:
            self.width = file.width
            for encoded, numbers in file.blocks:
                counts.num_read += len(encoded)
                words = _plain_words(encoded, seen)
                if words:
                    yield words, numbers
                    continue
                words, rows = [], []
                for row, spelled in enumerate(encoded):
                    try:
                        word = spelled.decode()
                    except UnicodeDecodeError:
                        word = spelled.decode(errors="replace")
                        counts.num_undecodable += 1
                    if not word.strip(" \t"):
                        counts.num_blank += 1
                    elif word in seen:
                        counts.num_duplicates += 1
                    else:
                        seen.add(word)
                        words.append(word)
                        rows.append(row)
                yield words, numbers if len(rows) == len(encoded) else numbers[rows]


def _plain_words(encoded: list[bytes], seen: set[str]) -> list[str]:
    """Add the words to those seen and give them, if all are new and none needs counting; else do neither."""
    try:
        words = list(map(bytes.decode, encoded))
    except UnicodeDecodeError:
        return []
    new = set(words)
    if len(new) != len(words) or not new.isdisjoint(seen) or not all(map(str.strip, words)):
        return []
    seen |= new
    return words


def _gather(reading: _Reading, wanted: Collection[str] | None) -> Vectors:
    kept: list[str] = []
    parts = []
    for words, numbers in reading:
        rows = _rows_of(words, wanted)
        kept += [words[row] for row in rows]
        parts.append(numbers[rows])
    matrix = np.concatenate([np.zeros((0, reading.width), np.float32), *parts])
    return Vectors(tuple(kept), torch.from_numpy(matrix), **asdict(reading.counts))


def _convert(path: Path, directory: Path) -> None:
    """Write all vectors of a file to a directory, which appears when it is complete."""
    reading = _Reading(path)
    with appearing(directory) as partial:
        num_words = 0
        with (partial / _WORDS).open("wb") as words_file, (partial / _MATRIX).open("wb") as matrix_file:
            for words, numbers in reading:
                num_words += len(words)
                words_file.write("".join(f"{word}\n" for word in words).encode())
                numbers.astype("<f4").tofile(matrix_file)
        about = {"path": str(path), "words": num_words, "width": reading.width, "counts": asdict(reading.counts)}
        with replacing(partial / _ABOUT) as file:
            file.write((json.dumps(about, indent=1) + "\n").encode())


def _load(directory: Path, wanted: Collection[str] | None) -> Vectors:
    about = json.loads((directory / _ABOUT).read_text(encoding="utf-8"))
    words = (directory / _WORDS).read_bytes().decode().split("\n")[:-1]
    shape = (about["words"], about["width"])
    if len(words) != shape[0] or (directory / _MATRIX).stat().st_size != 4 * shape[0] * shape[1]:
        raise ValueError(f"{directory}: the stored vectors are damaged; remove the directory")
    matrix = np.fromfile(directory / _MATRIX, dtype="<f4").reshape(shape) if wanted is None else None
    if matrix is None:
        rows = _rows_of(words, wanted)
        mapped = np.memmap(directory / _MATRIX, dtype="<f4", mode="r", shape=shape) if words else np.zeros(shape, "<f4")
        matrix, words = np.array(mapped[rows]), [words[row] for row in rows]
    return Vectors(tuple(words), torch.from_numpy(matrix), **about["counts"])


def _rows_of(words: list[str], wanted: Collection[str] | None) -> list[int]:
    return [row for row, word in enumerate(words) if wanted is None or word in wanted]
