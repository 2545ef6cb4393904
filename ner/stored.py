"""Files that may be damaged or a stranger's, read within bounds: no links, no devices, no endless or hollow numbers."""

from __future__ import annotations

import json
import math
import re
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

MEGABYTE = 2**20


def read_bounded(path: Path, *, limit: int = 16 * MEGABYTE) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises:
        ValueError: for a link, a directory, a device, and a larger file, naming it.
        OSError: where it cannot be read.
    """
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise ValueError(f"{path.name} is a link, which is not followed")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path.name} is not a regular file")
    if status.st_size > limit:
        raise ValueError(f"{path.name} has {status.st_size:,} bytes, more than the {limit:,} that it may have")
    return path.read_bytes()


def read_json(path: Path, *, limit: int = 16 * MEGABYTE) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: as `read_bounded`, and for what is not JSON (RFC 8259: no `NaN` and no `Infinity`).
    """
    return parse_json(read_bounded(path, limit=limit), where=path.name)


def parse_json(text: bytes | str, *, where: str) -> Any:
    """What JSON says; `where` is what an error calls it.

    Raises:
        ValueError: for what is not JSON (RFC 8259: no `NaN` and no `Infinity`).
    """

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: not JSON ({error})") from error


def read_yaml(path: Path, *, limit: int = MEGABYTE // 4) -> Any:
    """The content of a YAML file as OmegaConf reads it, interpolations left as they are.

    Raises:
        ValueError: as `read_bounded`, for what is not YAML, and for aliases, of which a few bytes can mean gigabytes.
    """
    text = read_bounded(path, limit=limit).decode()
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError(f"{path.name} holds YAML aliases, which are not allowed")
        return OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException, RecursionError) as error:
        raise ValueError(f"{path.name}: not a configuration ({first_line(str(error))})") from error


def field(content: Any, *keys: str, where: str) -> Any:
    """`content[keys[0]][keys[1]]...` of nested mappings.

    Raises:
        ValueError: where there is none, naming it.
    """
    for number, key in enumerate(keys, 1):
        if not isinstance(content, Mapping) or key not in content:
            raise ValueError(f"{where}: {'.'.join(keys[:number])} is missing")
        content = content[key]
    return content


def number(content: Any, *keys: str, where: str, low: float = -1e12, high: float = 1e12) -> float:
    """A finite number of nested mappings.

    Raises:
        ValueError: for anything else, and for one outside the bounds.
    """
    value = field(content, *keys, where=where)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where}: {'.'.join(keys)} is {shortened(repr(value))}, not a number")
    if not low <= value <= high:
        raise ValueError(f"{where}: {'.'.join(keys)} is {shortened(str(value))}, not from {low:g} to {high:g}")
    return float(value)


def integer(content: Any, *keys: str, where: str, low: int = -(2**63), high: int = 2**64) -> int:
    """A whole number of nested mappings.

    Raises:
        ValueError: for anything else, and for one outside the bounds.
    """
    value = field(content, *keys, where=where)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{where}: {'.'.join(keys)} is {shortened(repr(value))}, not a whole number")
    if not low <= value <= high:
        raise ValueError(f"{where}: {'.'.join(keys)} is {shortened(str(value))}, not from {low} to {high}")
    return value


def string(content: Any, *keys: str, where: str) -> str:
    """A string of nested mappings, without control characters.

    Raises:
        ValueError: for anything else.
    """
    value = field(content, *keys, where=where)
    if not isinstance(value, str) or printable(value) != value:
        raise ValueError(f"{where}: {'.'.join(keys)} is {shortened(repr(value))}, not a plain string")
    return value


def is_name(text: str) -> bool:
    """Whether a text is letters, digits, `-` and `_`, as `zh-sd`, which can be a part of a file name anywhere."""
    return re.fullmatch(r"[\w-]{1,64}", text) is not None


def name(content: Any, *keys: str, where: str) -> str:
    """As `string`, for what `is_name`."""
    text = string(content, *keys, where=where)
    if not is_name(text):
        raise ValueError(
            f"{where}: {'.'.join(keys)} is {shortened(repr(text))}, where a name such as ud or zh-sd is needed"
        )
    return text


def printable(text: str) -> str:
    """The text with what a terminal or a log would obey (control characters, line ends, bidi controls) as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if _is_obeyed(character) else character for character in text
    )


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BIDI_CONTROLS


_BIDI_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def first_line(text: str) -> str:
    """The first line that holds something, to show to people: see `printable` and `shortened`."""
    return shortened(printable(next((line.strip() for line in text.splitlines() if line.strip()), "")), 300)


def shortened(text: str, length: int = 80) -> str:
    """At most so many characters, with an ellipsis for the rest."""
    return text if len(text) <= length else text[: length - 1] + "…"
