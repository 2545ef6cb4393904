"""Options as a command line sets them, `model.layers=2`: taken apart, and spelled so that they can be pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

Value = bool | int | float | str | Path | Sequence["Value"] | Mapping[str, "Value"] | None

ANY = re.compile(".*")
SAFE = re.compile(r"[\w./+-]*")
"""Texts that mean the same within a list or a dictionary as alone."""


def split(override: str) -> tuple[str, str]:
    """The name of the option that an override sets, and the text of its value.

    >>> split("+model.layers=2")
    ('model.layers', '2')
    """
    name, _, value = override.lstrip("+~").partition("=")
    return name, value


def assignment(name: str, value: Value) -> str:
    """The override that sets an option to a value in Hydra's grammar, with quotes where it needs them.

    >>> assignment("resume", "outputs/paper/model.interaction=mlp,seed=1")
    'resume="outputs/paper/model.interaction=mlp,seed=1"'
    """
    return f"{name}={_spelled(value, plain=ANY)}"


def pasted(name: str, value: Value) -> str:
    """`assignment` as a shell takes it: what advice to the user holds."""
    return shlex.quote(assignment(name, value))


def _spelled(value: Value, *, plain: re.Pattern[str] = SAFE) -> str:
    """A value in Hydra's grammar; a text that matches `plain` needs no quotes where Hydra reads it as it stands."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str | Path):
        text = str(value)
        quote = Quote.single if '"' in text else Quote.double
        return text if plain.fullmatch(text) and _is_plain(text) else QuotedString(text, quote).with_quotes()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_spelled(key)}:{_spelled(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(_spelled, value)) + "]"
    return repr(value)


def _is_plain(text: str) -> bool:
    """Whether Hydra reads a text as it stands, without quotes."""
    try:
        override = OverridesParser.create().parse_override(f"name={text}")
        return bool(text) and not override.is_sweep_override() and override.value() == text
    except HydraException:
        return False
