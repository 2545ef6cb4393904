"""Files of word vectors, in any of the formats they are published in, read block by block."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ner.corpus.files import UTF8_MARK

_GZIP, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04"
_FASTTEXT_MODEL = b"\xba\x16\x4f\x2f"
_BUFFER = 1 << 21  # bytes, far more than a line
_LONGEST_WORD = 4096  # bytes
_LONGEST_VECTOR = 100_000  # numbers
_WORDS_A_BLOCK = 4096
_HEADER = re.compile(rb"\s*(\d+)\s+(\d+)\s*")
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")

Block = tuple[list[bytes], NDArray[np.float32]]
"""Words and a row of numbers for each."""


@dataclass(frozen=True, slots=True, eq=False)
class VectorFile:
    """An open file: vectors of `width` numbers, `announced` of them where a header says how many."""

    width: int
    announced: int | None
    blocks: Iterator[Block]


@contextmanager
def open_vectors(path: Path) -> Iterator[VectorFile]:
    """Open GloVe text, word2vec text or binary, or fastText `.vec`, plain or packed by gzip, bzip2, xz or zip.

    Format and packing are told by the content. In text, the last fields of a line are the numbers and all before them
    is the word, so that a word may hold spaces; it is empty where the line begins with white space and has no other
    field than the numbers.

    Raises:
        ValueError: naming the file and the line (in a binary file, the number of the word), here or when blocks are
            read: for a line with too few or too many numbers, a field that is no number or not finite, a file cut short
            or damaged, and a format that is none of these.
    """
    with _naming_damage(path), _unpacked(path) as stream:
        file = _recognized(stream, path)
        yield VectorFile(file.width, file.announced, _blocks(file, path))


def vector_width(path: Path) -> int:
    """How many numbers a vector of a file has; little of it is read.

    Raises:
        ValueError: as `open_vectors`.
    """
    with open_vectors(path) as file:
        return file.width


@contextmanager
def _naming_damage(path: Path) -> Iterator[None]:
    """Name the file in what the libraries that unpack say of a damaged one; bz2 says it by an OSError of no number."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path}: the packed file is damaged or cut short ({error})") from error


def _blocks(file: VectorFile, path: Path) -> Iterator[Block]:
    num_read = 0
    with _naming_damage(path):
        for words, numbers in file.blocks:
            num_read += len(words)
            yield words, numbers
    if file.announced is not None and num_read != file.announced:
        raise ValueError(f"{path}: the header announces {file.announced:,} vectors, the file holds {num_read:,}")


@contextmanager
def _unpacked(path: Path) -> Iterator[io.BufferedReader]:
    with _buffered(path.open("rb", buffering=0)) as raw:
        magic = raw.peek(6)[:6]
        if not magic:
            raise ValueError(f"{path}: the file is empty")
        if magic.startswith(_FASTTEXT_MODEL):
            raise ValueError(f"{path}: a fastText model; give the .vec file published beside it")
        if magic.startswith(_ZIP):
            with _only_member(path) as member:
                yield member
        elif magic.startswith(_GZIP):
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield _buffered(unpacked)
        elif magic.startswith(_BZIP2):
            with bz2.BZ2File(raw) as unpacked:
                yield _buffered(unpacked)
        elif magic.startswith(_XZ):
            with lzma.LZMAFile(raw) as unpacked:
                yield _buffered(unpacked)
        else:
            yield raw


@contextmanager
def _only_member(path: Path) -> Iterator[io.BufferedReader]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            names = ", ".join(member.filename for member in members[:6])
            raise ValueError(f"{path}: a zip archive of {len(members)} files ({names}); unpack it and give one of them")
        if members[0].flag_bits & 1:
            raise ValueError(f"{path}: the zip archive is encrypted; unpack it and give the file inside")
        with archive.open(members[0]) as member:
            yield _buffered(member)


def _buffered(stream: object) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, stream), _BUFFER)


def _recognized(stream: io.BufferedReader, path: Path) -> VectorFile:
    first = stream.readline().removeprefix(UTF8_MARK)
    if b"\r" in first.rstrip(b"\r\n"):
        raise ValueError(f"{path}:1: line ends of carriage returns only; convert them to line feeds")
    if header := _HEADER.fullmatch(first):
        announced, width = (int(field) if len(field) < 16 else 10**16 for field in header.groups())
        if not 0 < width <= _LONGEST_VECTOR:
            shown = header[2].decode()[:20]
            raise ValueError(f"{path}:1: the header announces vectors of {shown} numbers")
        if _NOT_TEXT.search(stream.peek(_BUFFER)[: 4 * width + _LONGEST_WORD]):
            return VectorFile(width, announced, _binary_blocks(stream, path, announced, width))
        return VectorFile(width, announced, _text_blocks(stream, path, 2, b"", width))
    fields = first.split()
    width = _count_numbers(fields) + (first[:1].isspace() and all(map(_is_number, fields[:1])))
    if not width or _NOT_TEXT.search(first):
        raise ValueError(f"{path}:1: not word vectors: a word and its numbers should stand here")
    return VectorFile(width, None, _text_blocks(stream, path, 1, first, width))


def _text_blocks(stream: io.BufferedReader, path: Path, line_number: int, rest: bytes, width: int) -> Iterator[Block]:
    while chunk := stream.read(_BUFFER):
        chunk = rest + chunk
        end = chunk.rfind(b"\n") + 1
        rest = chunk[end:]
        if end:
            yield _text_block(chunk[:end], path, line_number, width)
            line_number += chunk.count(b"\n", 0, end)
    if rest.strip():
        yield _text_block(rest, path, line_number, width)


def _text_block(text: bytes, path: Path, line_number: int, width: int) -> Block:
    for ending in (b"\r\n", b" \n"):
        if text.endswith(ending):
            text = text.replace(ending, b"\n")
    block = _regular_block(text, width)
    if block is not None:
        return block
    entries = [
        entry
        for number, line in enumerate(text.split(b"\n"), line_number)
        if (entry := _entry(line, f"{path}:{number}", width)) is not None
    ]
    numbers = np.stack([row for _, row in entries]) if entries else np.zeros((0, width), np.float32)
    return [word for word, _ in entries], numbers


def _regular_block(text: bytes, width: int) -> Block | None:
    """Read lines of a word and numbers with one blank or tab between; None where any line is anything else."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(column) for column in range(width + 1)]
    types = {name: pa.float32() for name in names} | {names[0]: pa.binary()}
    first_line = text[: text.find(b"\n")]
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            parse_options=csv.ParseOptions(delimiter=" " if b" " in first_line else "\t", quote_char=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[], check_utf8=False),
        )
    except pa.ArrowInvalid:
        return None
    numbers = np.empty((width, len(table)), np.float32)
    for row, name in zip(numbers, names[1:], strict=True):
        row[:] = table[name].to_numpy()
    if not np.isfinite(numbers).all():
        return None
    return table[names[0]].to_pylist(), np.ascontiguousarray(numbers.T)


def _entry(line: bytes, where: str, width: int) -> tuple[bytes, NDArray[np.float32]] | None:
    fields = line.split()
    if not fields:
        return None
    num_numbers = len(fields) - 1
    if len(fields) == width and line[:1].isspace() and all(map(_is_number, fields)):
        num_numbers = width  # the word is white space
    too_wide = num_numbers > width and b"." in fields[-width - 1] and _count_numbers(fields) > width
    if num_numbers < width or too_wide:
        raise ValueError(f"{where}: expected a word and {width} numbers, found {num_numbers} numbers")
    word = b" ".join(fields[:-width])
    for position, field in enumerate(fields[-width:], len(fields) - width + 1):
        if not _is_number(field):
            comma = " (a decimal comma; write a point)" if _is_number(field.replace(b",", b".")) else ""
            raise ValueError(f"{where}: field {position}, {_show(field)}, is no number{comma}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as that
        numbers = np.array(fields[-width:], dtype=np.float32)
    return word, _finite(numbers, where, word)


def _binary_blocks(stream: io.BufferedReader, path: Path, announced: int, width: int) -> Iterator[Block]:
    words: list[bytes] = []
    rows: list[NDArray[np.float32]] = []
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
        words.append(bytes(word))
        rows.append(_finite(np.frombuffer(content, dtype="<f4"), f"{path}: word {number:,}", bytes(word)))
        if len(words) == _WORDS_A_BLOCK:
            yield words, np.stack(rows)
            words, rows = [], []
    if stream.read(2).strip():
        raise ValueError(f"{path}: more data after the {announced:,} vectors that the header announces")
    if words:
        yield words, np.stack(rows)


def _finite(numbers: NDArray[np.float32], place: str, word: bytes) -> NDArray[np.float32]:
    if not np.isfinite(numbers).all():
        raise ValueError(f"{place}: the vector of {_show(word)} holds a number that is not finite")
    return numbers


def _count_numbers(fields: Sequence[bytes]) -> int:
    """How many fields at the end of a line are numbers; the first one is part of the word always."""
    return next((count for count, field in enumerate(reversed(fields[1:])) if not _is_number(field)), len(fields[1:]))


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _show(word: bytes) -> str:
    return repr(word[:40].decode(errors="replace"))
