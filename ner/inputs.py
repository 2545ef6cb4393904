"""What `ner.predict` reads: files, folders, patterns and the standard input, as texts or as CoNLL."""

from __future__ import annotations

import glob
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ner.corpus.files import is_called
from ner.corpus.sniffing import FILE_PATTERNS, is_annotated

STANDARD = "-"
"""The standard input or output."""
FORMATS = ("text", "jsonl", "conll")
_BY_SUFFIX = {".txt": "text", ".text": "text", ".md": "text", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PATTERNS = (*(f"*{suffix}" for suffix in _BY_SUFFIX), *FILE_PATTERNS)


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be read; `name` says which one it is."""

    name: str
    text: str


def find_inputs(path: str) -> list[Path]:
    """The files of a path: a file itself, those of a folder, those that match a pattern; sorted, never none.

    Raises:
        ValueError: where there is no such file, or none that matches.
    """
    given = Path(path)
    if given.is_file():
        return [given]
    if given.is_dir():
        found = sorted(file for file in given.rglob("*") if is_called(file, _PATTERNS) and file.is_file())
        if not found:
            raise ValueError(f"input={path}: no file in this folder matches {', '.join(_PATTERNS)}")
        return found
    matches = sorted(file for file in map(Path, glob.glob(path, recursive=True)) if file.is_file())
    if not matches:
        raise ValueError(f"input={path}: no such file" + ("" if not glob.has_magic(path) else " matches"))
    return matches


def format_of_input(path: Path | None, chosen: str | None) -> str:
    """`text`, `jsonl` or `conll`: the choice, or else what the file is called; `text` for the standard input (None).

    Many corpora in columns are called `.txt`, so that of such a file the content decides.

    Raises:
        ValueError: for another choice.
    """
    if chosen is not None and chosen not in FORMATS:
        raise ValueError(f"input_format={chosen}: choose one of {', '.join(FORMATS)}")
    if chosen is not None or path is None:
        return chosen or "text"
    found = _BY_SUFFIX.get(path.suffix.lower(), "conll")
    with suppress(OSError):  # is said where it is read
        if found == "text" and is_annotated(path):
            return "conll"
    return found


def read_texts(path: Path, file_format: str) -> Iterator[Text | ValueError]:
    """The texts of a file: all of it, or those of its lines. What cannot be read is an error in its place."""
    try:
        if file_format == "text":
            yield Text(str(path), _decoded(path.read_bytes(), str(path)))
        else:
            with path.open("rb") as file:
                yield from parse_lines(file, str(path))
    except OSError as error:
        yield ValueError(f"{path}: {error.strerror or error}")
    except ValueError as error:
        yield error


def read_standard_input(file_format: str) -> Iterator[Text | ValueError]:
    """The same of the standard input; JSON lines are read as they come."""
    if file_format == "text":
        try:
            yield Text("", _decoded(sys.stdin.buffer.read(), "standard input"))
        except ValueError as error:
            yield error
    else:
        yield from parse_lines(sys.stdin.buffer, "standard input")


def parse_lines(lines: Iterable[bytes], where: str) -> Iterator[Text | ValueError]:
    """The text of each line, a JSON object such as `{"text": "...", "id": "..."}`; blank lines are passed over."""
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        place = f"{where}:{number}"
        try:
            content = json.loads(_decoded(line, place))
            text = content["text"]
            if not isinstance(text, str):
                raise TypeError
        except (RecursionError, TypeError, KeyError, json.JSONDecodeError):
            yield ValueError(f'{place}: expected a JSON object such as {{"text": "..."}}')
        except ValueError as error:
            yield error
        else:
            names = (content.get("id"), content.get("name"), place)  # null where a dump has none
            yield Text(str(next(name for name in names if name is not None)), text)


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{where}:{line}: byte 0x{content[error.start]:02x} is not UTF-8") from None
