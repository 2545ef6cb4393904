"""Corpus files: found in a fixed order, read in runs of lines, replaced in one step."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from itertools import groupby
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

UTF8_MARK = b"\xef\xbb\xbf"
_BYTE_ORDER_MARKS = (UTF8_MARK, b"\xff\xfe", b"\xfe\xff")
_CONTROLS = bytes({*range(32)} - {*b"\t\n"})


def find_files(path: str | Path, patterns: tuple[str, ...]) -> tuple[Path, ...]:
    """A file itself, or all files below a directory whose names match a pattern, sorted by path.

    Raises:
        ValueError: where there is no such path, no match, or two matches that differ in their suffix only, which
            are two annotations of one text (`x.gold_conll` and `x.auto_conll`).
    """
    path = Path(path)
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise ValueError(f"{path}: no such file or directory")
    found = sorted({file for pattern in patterns for file in path.rglob(pattern) if file.is_file()})
    if not found:
        raise ValueError(f"{path}: no file below this directory matches {' or '.join(patterns)}")
    by_stem: dict[Path, Path] = {}
    for file in found:
        other = by_stem.setdefault(file.with_suffix(""), file)
        if other is not file:
            raise ValueError(f"{path}: {other} and {file} are two versions of one text; keep one kind apart")
    return tuple(found)


def is_blank(line: bytes) -> bool:
    """Whether a line holds nothing but blanks, tabs and its end."""
    return not line.strip(b" \t\r\n")


def line_runs(path: Path, *, windows: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a file in runs that are all blank or all not, each with the number of its first line.

    Nothing is changed: the runs put together are the file.

    Args:
        windows: let a UTF-8 byte order mark be.

    Raises:
        ValueError: naming file and line, for an empty file and a byte order mark.
    """
    number = 1
    with path.open("rb") as file:
        for _, run in groupby(file, is_blank):
            lines = list(run)
            if number == 1 and lines[0].startswith(_BYTE_ORDER_MARKS[windows:]):
                raise ValueError(f"{path}:1: a byte order mark; save the file as UTF-8 without it")
            yield number, lines
            number += len(lines)
    if number == 1:
        raise ValueError(f"{path}:1: the file is empty; remove it or restore its contents")


def decode(path: Path, number: int, lines: list[bytes], *, windows: bool = False) -> list[str]:
    """Lines as text, their ends removed; `number` is that of the first.

    Args:
        windows: take Windows line ends for line ends, and a UTF-8 byte order mark off the first line.

    Raises:
        ValueError: naming file and line, for Windows line ends, other control characters and what is not UTF-8.
    """
    if windows:
        lines = [line.removesuffix(b"\n").removesuffix(b"\r") + b"\n" for line in lines]
        if number == 1:
            lines[0] = lines[0].removeprefix(UTF8_MARK)
    block = b"".join(lines)
    if len(block.translate(None, _CONTROLS)) != len(block):
        line = next(line for line, raw in enumerate(lines, number) if raw.translate(None, _CONTROLS) != raw)
        if lines[line - number].endswith(b"\r\n"):
            raise ValueError(f"{path}:{line}: a Windows line end; convert the file to Unix line ends (dos2unix)")
        raise ValueError(f"{path}:{line}: a control character in {lines[line - number]!r}; remove it")
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + block.count(b"\n", 0, error.start)
        byte = block[error.start]
        raise ValueError(f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; convert the file to UTF-8") from None
    return text.removesuffix("\n").split("\n")


@contextmanager
def replacing(path: str | Path) -> Iterator[BufferedIOBase]:
    """Open a file for writing that takes its place at `path` only when all of it has been written.

    Raises:
        ValueError: where there is a link or a device, which would not be there any more afterwards.
    """
    path = Path(path)
    check_replaceable(path)
    # names of files may have 255 bytes, which the longest of ours leave no room in
    partial = path.with_name(f".{path.name.encode()[:200].decode(errors='ignore')}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    try:
        with partial.open("xb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: object) -> None:
    with replacing(path) as file:
        file.write((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def check_replaceable(path: Path) -> None:
    """Refuse to write to a path where something other than a regular file is.

    Raises:
        ValueError: for a link (which the caller did not name the end of), a directory and a device.
    """
    if path.is_symlink():
        raise ValueError(f"{path} is a link, which is not written over: give the path that it leads to, or another")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a regular file, and is not written over: give another path")


def rewrite_sentences(
    source: str | Path,
    target: str | Path,
    values: Iterable[_T],
    rewrite: Callable[[list[bytes], _T], list[bytes]],
) -> None:
    """Copy a file, its sentences rewritten: runs of lines without the lines beginning with `#` ahead of them.

    `rewrite(lines, value)` gets the lines of each sentence and the next value. The target appears when it is
    complete and may be the source.

    Raises:
        ValueError: naming file and line, where there are fewer or more values than sentences, or `rewrite` raises it.
    """
    source = Path(source)
    values_left = iter(values)
    with replacing(target) as file:
        for number, lines in line_runs(source):
            headings = next((row for row, line in enumerate(lines) if not line.startswith(b"#")), len(lines))
            file.writelines(lines[:headings])
            rest = lines[headings:]
            if rest and not is_blank(rest[0]):
                where = f"{source}:{number + headings}"
                try:
                    value = next(values_left)
                except StopIteration:
                    raise ValueError(f"{where}: nothing left for this sentence; give as many as sentences") from None
                try:
                    rest = rewrite(rest, value)
                except ValueError as error:
                    raise ValueError(f"{where}: {error}") from error
            file.writelines(rest)
        if any(True for _ in values_left):
            raise ValueError(f"{source}: fewer sentences than spans for them; give as many as sentences")
