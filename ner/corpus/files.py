"""Corpus files: found in a fixed order, read in runs of lines, replaced in one step."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from io import BufferedRandom
from itertools import groupby
from pathlib import Path
from typing import NoReturn, TypeVar

log = logging.getLogger(__name__)

_T = TypeVar("_T")

UTF8_MARK = b"\xef\xbb\xbf"
_BYTE_ORDER_MARKS = (UTF8_MARK, b"\xff\xfe", b"\xfe\xff")
_PACKED = re.compile(rb"(?P<gzip>\x1f\x8b)|(?P<bzip2>BZh[1-9]1AY&SY)|(?P<xz>\xfd7zXZ\x00)|(?P<zip>PK\x03\x04)")
_STRAY = re.compile(r"\..+\.((?P<host>[0-9a-f]{6})-)?(?P<process>[0-9]{1,10})\.partial", re.DOTALL)
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CONTROLS = bytes({*range(32)} - {*b"\t\n"})


def find_files(path: str | Path, patterns: tuple[str, ...]) -> tuple[Path, ...]:
    """A file itself, or all files below a directory that are called as the patterns say, sorted by path.

    Raises:
        ValueError: where there is no such path, no match, a match that is no file (a link that leads nowhere, a pipe),
            or two matches that differ in their suffix only, which are two annotations of one text (`x.gold_conll` and
            `x.auto_conll`).
        OSError: for a directory that cannot be read.
    """
    path = Path(path)
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise ValueError(f"{path}: no such file or directory")
    found = sorted(file for file in _below(path) if is_called(file, patterns))
    if not found:
        raise ValueError(f"{path}: no file below this directory matches {' or '.join(patterns)}")
    by_stem: dict[Path, Path] = {}
    for file in found:
        if not file.is_file():
            raise ValueError(f"{file} is no file, but is called as one: take it away")
        other = by_stem.setdefault(file.with_suffix(""), file)
        if other is not file:
            raise ValueError(f"{path}: {other} and {file} are two versions of one text; keep one kind apart")
    return tuple(found)


def is_called(file: Path, patterns: Iterable[str]) -> bool:
    """Whether a file's name matches one of some patterns in lower case, whatever its own case."""
    return any(fnmatchcase(file.name.lower(), pattern) for pattern in patterns)


def _below(directory: Path) -> Iterator[Path]:
    """Whatever is below a directory, but for directories."""

    def refuse(error: OSError) -> NoReturn:
        raise error

    for place, _, names in os.walk(directory, onerror=refuse):
        yield from (Path(place, name) for name in names)


def is_blank(line: bytes) -> bool:
    """Whether a line holds nothing but blanks, tabs and its end."""
    return not line.strip(b" \t\r\n")


def line_runs(path: Path, *, windows: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a file in runs that are all blank or all not, each with the number of its first line.

    Nothing is changed: the runs put together are the file.

    Args:
        windows: let a UTF-8 byte order mark be.

    Raises:
        ValueError: naming file and line, for an empty file, a packed one, and a byte order mark.
    """
    number = 1
    with path.open("rb") as file:
        for _, run in groupby(file, is_blank):
            lines = list(run)
            if number == 1 and (packed := _PACKED.match(lines[0])):
                raise ValueError(f"{path}: a file packed by {packed.lastgroup}; unpack it")
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
        line, raw = next((line, raw) for line, raw in enumerate(lines, number) if raw.translate(None, _CONTROLS) != raw)
        if raw.endswith(b"\r\n"):
            raise ValueError(f"{path}:{line}: a Windows line end; convert the file to Unix line ends (dos2unix)")
        place = next(place for place, byte in enumerate(raw) if byte in _CONTROLS)
        around = raw[max(place - 30, 0) : place + 30]
        raise ValueError(f"{path}:{line}: a control character in {around!r}; remove it")
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + block.count(b"\n", 0, error.start)
        byte = block[error.start]
        raise ValueError(f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; convert the file to UTF-8") from None
    return text.removesuffix("\n").split("\n")


@contextmanager
def replacing(path: str | Path) -> Iterator[BufferedRandom]:
    """Open a file for writing that takes its place at `path` only when all of it has been written, and is on the disk.

    What an earlier process that was killed has left of the same file is removed.

    Raises:
        ValueError: where `path` is a link, a device, or anything else that is no file.
        OSError: naming `path`, where it cannot be written; a file that was there is left whole.
    """
    path = Path(path)
    check_replaceable(path)
    partial = _begun(path)
    try:
        with partial.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if error.filename == str(partial) or (error.filename is None and error.errno in _DISK_IS_FULL):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a new directory to be filled, which appears at `path`, where nothing may be, when it is complete.

    What an earlier process that was killed has left of the same directory is removed.

    Raises:
        OSError: naming `path`, where it cannot be written; nothing is left of it then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _begun(path)
    try:
        partial.mkdir()
        yield partial
        partial.rename(path)
    except OSError as error:
        if error.errno in _DISK_IS_FULL or Path(str(error.filename)).is_relative_to(partial):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _begun(path: Path) -> Path:
    """Where this process has what is to be at a path until it is complete."""
    remove_strays(path.parent, path.name)
    return path.with_name(f"{_stray_prefix(path.name)}{_here()}-{os.getpid()}.partial")


def remove_strays(directory: Path, name: str | None = None) -> None:
    """Remove what processes that were killed had written of files in a directory, or of one file there."""
    if not directory.is_dir():
        return
    for entry in list(os.scandir(directory)):
        found = _STRAY.fullmatch(entry.name)
        if found is None or (name is not None and not entry.name.startswith(_stray_prefix(name))):
            continue
        if found["host"] in (None, _here()) and not _is_alive(int(found["process"])):
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)
                log.info("removed %s: a process that was killed had not finished it", entry.path)


def absent_directories(directory: Path) -> list[Path]:
    """The directories that would have to be made for one to be there, the innermost first."""
    return [place for place in (directory, *directory.parents) if not place.exists()]


def remove_empty(directories: Iterable[Path]) -> None:
    """Remove directories, such as `absent_directories` gave before they were made, as far as they are empty."""
    with suppress(OSError):
        for directory in directories:
            directory.rmdir()


def sha256(path: Path) -> str:
    """The digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stray_prefix(name: str) -> str:
    """A name can be as long as the system lets it be, and that of its partial file must not be longer."""
    return f".{name}." if len(os.fsencode(name)) <= 200 else f".{hashlib.sha256(os.fsencode(name)).hexdigest()}."


def _here() -> str:
    """Stands for the machine: its processes have numbers of their own."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


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


def check_overwrite(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over what is there, unless that is asked for.

    Raises:
        ValueError: saying what to do.
    """
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists already: choose another output, or overwrite=true")


def check_directory(path: Path) -> None:
    """Refuse a path at which no directory is or can be made.

    Raises:
        ValueError: for what is there, or above it, that is not a directory.
        OSError: where no file may be made there.
    """
    place = next(above for above in (path, *path.absolute().parents) if above.exists() or above.is_symlink())
    if not place.is_dir():
        why = "" if place == path else f", and none can be made there: {place} is something else"
        raise ValueError(f"{path} is not a directory{why}; choose another")
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


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
