"""What `--help` says of each option: the comment behind it in the configuration files, else what it may be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ner.options import expected
from ner.schemas import SCHEMAS

HEADING = "All options:\n"
OF_TRAININGS = "recipe"
"""The file that `train` and `tune` have their options from."""
_OPTION = re.compile(r"(?P<indent> *)(?P<name>\w+):(?: (?P<value>[^#\n]*[^#\s]))? *(?:# *(?P<comment>.*))?")
_TARGET = "_target_"


def with_comments(text: str, *, command: str, conf: Path) -> str:
    """The text of `--help`, where each option below the heading `All options:` gets what it means behind it.

    Args:
        conf: the directory of the configuration files.
    """
    head, heading, block = text.partition(HEADING)
    lines = block.split("\n")
    options = list(_options(lines))
    targets = {name.removesuffix(_TARGET): value for _, name, value, _ in options if name.endswith(_TARGET)}
    files = [conf / f"{name}.yaml" for name in (command, OF_TRAININGS)]
    for number, name, value, _ in options:
        if value and not name.rpartition(".")[2].startswith("_"):
            is_group = value == "null" and conf.joinpath(*name.split(".")).is_dir()
            comment = "none of the group above" if is_group else _comment_of(name, files, conf, targets)
            comment = comment or expected(name, SCHEMAS[command])
            if comment:
                lines[number] += f"  # {comment}"
    return head + heading + "\n".join(lines)


def _options(lines: Sequence[str]) -> Iterator[tuple[int, str, str, str]]:
    """The number of the line, full name, value and comment of each option in YAML, as Hydra and we write it."""
    above: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        if found := _OPTION.fullmatch(line):
            indent = len(found["indent"])
            above = [*((deep, name) for deep, name in above if deep < indent), (indent, found["name"])]
            name = ".".join(name for _, name in above)
            yield number, name, found["value"] or "", found["comment"] or ""


def _comment_of(name: str, files: Sequence[Path], conf: Path, targets: Mapping[str, str]) -> str | None:
    """The comment of an option in the file of its group that makes the same component, or in one of the command's."""
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        above, below = ".".join(parts[:depth]), ".".join(parts[depth:])
        for path in sorted(conf.joinpath(*parts[:depth]).glob("*.yaml")):
            comments = _comments_in(path)  # by their names in the group, or by full names in a global file
            if targets.get(f"{above}.") in (None, comments.get(_TARGET), comments.get(f"{above}.{_TARGET}")) and (
                found := comments.get(below) or comments.get(name)
            ):
                return found
    return next((found for path in files if path.is_file() and (found := _comments_in(path).get(name))), None)


def _comments_in(path: Path) -> dict[str, str]:
    """The comment of each option in a file; of each `_target_`, the value."""
    entries = _options(path.read_text(encoding="utf-8").split("\n"))
    return {name: value if name.endswith(_TARGET) else comment for _, name, value, comment in entries}
