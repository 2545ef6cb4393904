"""Pretrained word vectors, in any of the formats they are published in."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ner.corpus.vocabulary import spellings
from ner.shapes import Float

_GZIP, _ZIP, _FASTTEXT_MODEL = b"\x1f\x8b", b"PK\x03\x04", b"\xba\x16\x4f\x2f"
_BUFFER = 1 << 20  # bytes, far more than a line
_LONGEST_WORD = 4096  # bytes

_Entry = tuple[bytes, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Words with one row of `matrix` each, and what was found in the file.

    `num_read` counts the words of the file, `num_duplicates` those left out because they came before (the first one
    counts), `num_undecodable` those that are not UTF-8: their offending bytes stand as U+FFFD.
    """

    words: tuple[str, ...]
    matrix: Float[Tensor, "word feature"]
    num_read: int = 0
    num_duplicates: int = 0
    num_undecodable: int = 0
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


def read_vectors(path: Path, words: Collection[str] | None = None) -> Vectors:
    """Read vectors from GloVe text, word2vec text or binary, or fastText `.vec`, plain or gzip.

    The format is told by the content. In text, the last fields of a line are the numbers and all before them the
    word, so that a word may hold spaces.

    Args:
        words: keep only these words and their `spellings`, so that memory holds no more; None keeps all.

    Raises:
        ValueError: naming the file and the line (in a binary file, the number of the word), for a line with too few or
            too many numbers, a number that cannot be read or is not finite, a file cut short, and for a format that is
            none of these.
    """
    wanted = None if words is None else {form.encode() for word in words for form in spellings(word)}
    with _open(path) as stream:
        try:
            return _read(stream, path, wanted)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: the gzip file is damaged or cut short ({error})") from error


@contextmanager
def _open(path: Path) -> Iterator[io.BufferedReader]:
    with _buffered(path.open("rb", buffering=0)) as raw:
        magic = raw.peek(4)[:4]
        if not magic:
            raise ValueError(f"{path}: the file is empty")
        if magic == _ZIP:
            raise ValueError(f"{path}: a zip archive; unpack it and give the text file inside")
        if magic == _FASTTEXT_MODEL:
            raise ValueError(f"{path}: a fastText model; give the .vec file published beside it")
        if magic.startswith(_GZIP):
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield _buffered(unpacked)
        else:
            yield raw


def _buffered(stream: object) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, stream), _BUFFER)


def _read(stream: io.BufferedReader, path: Path, wanted: set[bytes] | None) -> Vectors:
    first = stream.readline()
    fields = first.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        announced, width = int(fields[0]), int(fields[1])
        if width < 1:
            raise ValueError(f"{path}:1: the header announces vectors of {width} numbers")
        next_line = stream.peek().split(b"\n", 1)[0]
        if _count_numbers(next_line.split()) >= min(width, 2):
            entries = _text_entries(enumerate(stream, 2), path, width, wanted)
        else:
            entries = _binary_entries(stream, path, announced, width, wanted)
    else:
        announced, width = None, _count_numbers(fields)
        if not width:
            raise ValueError(f"{path}:1: not word vectors: a word and its numbers should stand here")
        entries = _text_entries(enumerate(chain([first], stream), 1), path, width, wanted)

    rows: dict[str, NDArray[np.float32]] = {}
    num_read = num_duplicates = num_undecodable = 0
    for entry in entries:
        num_read += 1
        if entry is None:
            continue
        encoded, numbers = entry
        try:
            word = encoded.decode()
        except UnicodeDecodeError:
            word = encoded.decode(errors="replace")
            num_undecodable += 1
        if word in rows:
            num_duplicates += 1
        else:
            rows[word] = numbers
    if announced is not None and num_read != announced:
        raise ValueError(f"{path}: the header announces {announced:,} vectors, the file holds {num_read:,}")
    matrix = np.stack(list(rows.values())) if rows else np.zeros((0, width), np.float32)
    return Vectors(tuple(rows), torch.from_numpy(matrix), num_read, num_duplicates, num_undecodable)


def _text_entries(
    lines: Iterable[tuple[int, bytes]], path: Path, width: int, wanted: set[bytes] | None
) -> Iterator[_Entry | None]:
    for line_number, line in lines:
        line = line.strip()
        if not line:
            continue
        word = line.split(None, 1)[0]
        if wanted is not None and word not in wanted and line.count(b" ") == width:
            yield None  # the common case: nothing of the line needs to be read
            continue
        fields = line.split()
        num_numbers = len(fields) - 1
        word = b" ".join(fields[:-width])
        is_too_wide = num_numbers > width and b"." in fields[-width - 1] and _count_numbers(fields) > width
        if num_numbers < width or is_too_wide:
            raise ValueError(f"{path}:{line_number}: expected a word and {width} numbers, found {num_numbers} numbers")
        if wanted is not None and word not in wanted:
            yield None
            continue
        try:
            with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as that
                numbers = np.array(fields[-width:], dtype=np.float32)
        except ValueError as error:
            raise ValueError(f"{path}:{line_number}: a number of {_show(word)} cannot be read: {error}") from error
        yield word, _finite(numbers, f"{path}:{line_number}", word)


def _binary_entries(
    stream: io.BufferedReader, path: Path, announced: int, width: int, wanted: set[bytes] | None
) -> Iterator[_Entry | None]:
    for number in range(1, announced + 1):
        word = bytearray()
        while (byte := stream.read(1)) != b" ":
            if not byte or len(word) > _LONGEST_WORD:
                raise ValueError(
                    f"{path}: word {number:,} of {announced:,} does not end: the file is damaged or cut short"
                )
            word += byte.strip(b"\n")  # the original tool ends each vector with a line feed, others do not
        content = stream.read(4 * width)
        if len(content) < 4 * width:
            raise ValueError(f"{path}: the file is cut short in the vector of word {number:,} of {announced:,}")
        if wanted is not None and bytes(word) not in wanted:
            yield None
        else:
            numbers = np.frombuffer(content, dtype="<f4").astype(np.float32)
            yield bytes(word), _finite(numbers, f"{path}: word {number:,}", bytes(word))
    if stream.read(2).strip():
        raise ValueError(f"{path}: more data after the {announced:,} vectors that the header announces")


def _finite(numbers: NDArray[np.float32], place: str, word: bytes) -> NDArray[np.float32]:
    if not np.isfinite(numbers).all():
        raise ValueError(f"{place}: the vector of {_show(word)} holds a number that is not finite")
    return numbers


def _count_numbers(fields: Sequence[bytes]) -> int:
    """How many fields at the end of a line are numbers; the first one is part of the word always."""
    count = 0
    for text in reversed(fields[1:]):
        try:
            float(text)
        except ValueError:
            break
        count += 1
    return count


def _show(word: bytes) -> str:
    return repr(word.decode(errors="replace"))
