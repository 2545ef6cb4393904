"""A command line that Hydra refuses: what is wrong with it in one line, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import cast

import yaml
from hydra.errors import CompactHydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, ValidationError

from ner.options import expected
from ner.overrides import pasted, split
from ner.schemas import SCHEMAS

ALIKE = 0.6
"""From this similarity on, between 0 and 1, a name may be meant by another."""


def explain(error: BaseException, *, command: str, overrides: Sequence[str], conf: Path) -> str:
    """What an error says; where it is Hydra's, in one line that names the option and those that may have been meant.

    Args:
        command: the name of its configuration file.
        overrides: what was given to it.
        conf: the directory of the configuration files.
    """
    if nameless := next((override for override in overrides if override.startswith("=")), None):
        return f"{nameless} sets no option: write NAME=VALUE"
    what, _, details = str(error).partition("\n")
    reason = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        return _unknown_choice(group, choice, conf)
    if what.startswith("Config group override must be a string"):  # Hydra does not say which
        for group, choice in map(split, overrides):
            if (conf / group).is_dir() and not (conf / group / f"{choice}.yaml").is_file():
                return _unknown_choice(group, choice, conf)
    if isinstance(error, OverrideParseException):
        if "=" not in error.override:
            return f"{error.override} sets no option: write NAME=VALUE"
        return f"{error.override} cannot be read ({what}): for a text write {pasted(*split(error.override))}"
    if match := re.fullmatch("Ambiguous value for argument '(.*)'", what):
        name, value = split(match[1])
        several = f"for several jobs add --multirun, for a list write {name}=[{value}]"
        return f"{match[1]}: {several}, for a text {pasted(name, value)}"
    if isinstance(reason, ConfigAttributeError | ConfigKeyError) and isinstance(reason.parent_node, DictConfig):
        name, root = str(reason.full_key), cast(DictConfig, reason.parent_node._get_root())
        names = (*_options(root, conf), *_groups(command, conf))
        return f"unknown option {name}: {_did_you_mean(closest(name, names))}--help lists all of them"
    if isinstance(reason, ValidationError):
        name, value = split(what.removeprefix("Error merging override "))
        if (wanted := expected(name, SCHEMAS[command])) is not None:
            return f"{name} is {value}: it must be {wanted}"
        return f"{what.removeprefix('Error merging override ')}: {str(reason).splitlines()[0]}"
    if isinstance(error, CompactHydraException):
        return f"{what} {' '.join(details.split())}".strip()
    given = [(name, value.strip("'\"")) for name, value in map(split, overrides)]
    if isinstance(error, OSError) and isinstance(error.filename, str):
        return _failure(error, given)
    return _with_option(str(error), given)


def _failure(error: OSError, given: Iterable[tuple[str, str]]) -> str:
    """What the system refused, with the option that gave the path or its directory."""
    path = Path(error.filename)
    for name, value in given:
        if value and path == Path(value):
            return f"{name}={value}: {error.strerror}"
        if value and (Path(value) in path.parents or path.name.startswith(f".{Path(value).name}.")):
            return f"{name}={value}: {path}: {error.strerror}"
    return f"{path}: {error.strerror}"


def _with_option(message: str, given: Iterable[tuple[str, str]]) -> str:
    """A message that begins with a value, such as a path, with the option in front that it was given for."""
    for name, value in given:
        if value and message.startswith((f"{value}: ", f"{value} is ", f"{value} holds ", f"{value} has ")):
            return f"{name}={message}"
    return message


def closest(name: str, names: Iterable[str]) -> list[str]:
    """The names that one may have been meant for, best first, at most three.

    Compared are the whole names, and their last parts alone: `epoch` is like `training.epochs`.
    """

    def last(name: str) -> str:
        return name.replace("/", ".").rpartition(".")[2]

    def similarity(other: str) -> float:
        if other.startswith(name) or last(other).startswith(name):
            return 1.0
        whole, ends = SequenceMatcher(a=name, b=other), SequenceMatcher(a=last(name), b=last(other))
        return max(whole.ratio(), 0.95 * ends.ratio())

    found = {other: similarity(other) for other in names}
    best = max(found.values(), default=0.0)
    alike = [other for other, ratio in found.items() if ratio >= max(ALIKE, best - 0.05)]
    return sorted(alike, key=lambda other: -found[other])[:3]


def _unknown_choice(group: str, choice: str, conf: Path) -> str:
    choices = sorted(path.stem for path in (conf / group).glob("*.yaml"))
    return f"unknown {group} {choice!r}: {_did_you_mean(closest(choice, choices))}choose one of {', '.join(choices)}"


def _did_you_mean(names: list[str]) -> str:
    return f"did you mean {' or '.join(names)}? " if names else ""


def _options(config: DictConfig, conf: Path, prefix: str = "") -> Iterator[str]:
    """All options by name, groups within groups as such: `training.epochs`, `model/interaction`."""
    for key in map(str, config):
        group = f"{prefix}{key}".replace(".", "/")
        if key not in ("hydra", "_target_", "_partial_"):
            yield group if (conf / group).is_dir() else f"{prefix}{key}"
            if isinstance(node := config._get_node(key), DictConfig) and not node._is_none() and not node._is_missing():
                yield from _options(node, conf, f"{prefix}{key}.")


def _groups(name: str, conf: Path) -> Iterator[str]:
    """The groups that a configuration file has choices from, in its defaults or in those of a file named there."""
    for entry in yaml.safe_load((conf / f"{name}.yaml").read_text(encoding="utf-8")).get("defaults", ()):
        if isinstance(entry, str) and (conf / f"{entry}.yaml").is_file():
            yield from _groups(entry, conf)
        elif isinstance(entry, dict):
            yield from (group for group in entry if (conf / group).is_dir())
