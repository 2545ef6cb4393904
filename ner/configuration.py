"""What the commands have in common before anything slow is imported: options, their menu, and errors in one line."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import MISSING, DictConfig, OmegaConf

from ner.resources import conf_directory

log = logging.getLogger(__name__)


@dataclass
class Vocabulary:
    min_count: int = MISSING
    digits_to_zero: bool = MISSING
    scheme: str = MISSING


@dataclass
class Training:
    epochs: int = MISSING
    batch_size: int = MISSING
    pool: int = MISSING
    patience: int | None = MISSING
    reduction: str = MISSING
    precision: str = MISSING
    log_every: int = MISSING


@dataclass
class Train:
    """The types of `conf/recipe.yaml`, where the values are and what they mean; so for the others in their files."""

    corpus: Any = MISSING
    dependencies: Any = MISSING
    model: Any = MISSING
    optimizer: Any = MISSING
    schedule: Any = MISSING
    prepared: str | None = MISSING
    prepared_root: str = MISSING
    missing_trees: str = MISSING
    vectors: str | None = MISSING
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    training: Training = field(default_factory=Training)
    seed: int = MISSING
    device: str = MISSING
    threads: int | None = MISSING
    resume: str | None = MISSING


@dataclass
class Search:
    study: str = MISSING
    directory: str = MISSING
    trials: int = MISSING
    hours: float | None = MISSING
    pruner: str = MISSING
    seed: int = MISSING
    space: dict[str, Any] = MISSING


@dataclass
class Tune(Train):
    tune: Search = field(default_factory=Search)


@dataclass
class Evaluate:
    run: str = MISSING
    split: str = MISSING
    prepared: str | None = MISSING
    files: str | None = MISSING
    dependencies: Any = None  # a group, of which none is the default
    missing_trees: str = MISSING
    batch_tokens: int = MISSING
    device: str = MISSING
    threads: int | None = MISSING


@dataclass
class Predict:
    run: str = MISSING
    input: str = MISSING
    output: str = MISSING
    overwrite: bool = MISSING
    dependencies: Any = None  # a group, of which none is the default
    missing_trees: str = MISSING
    chunk: int = MISSING
    batch_tokens: int = MISSING
    device: str = MISSING
    threads: int | None = MISSING


@dataclass
class Report:
    runs: str = MISSING
    output: str | None = MISSING
    split: str = MISSING
    baseline: str | None = MISSING
    compare: list[str] | None = MISSING
    resamples: int = MISSING
    seed: int = MISSING
    text: bool = MISSING
    sentences: int = MISSING
    pictures: bool = MISSING


FAILURE = "failed.txt"
"""In the directory of a job of a sweep that failed: the reason in the first line, then the traceback."""
INCIDENTAL = frozenset({"device", "threads", "prepared_root", "resume", "training.log_every"})
"""The options that say how and where a training runs, and leave what comes of it alone."""


class Refused(ValueError):
    """What is in a directory is not the caller's to go on with, and nothing is wrong with it."""


def command(
    name: str, *, interrupted: str = "interrupted"
) -> Callable[[Callable[[DictConfig], float | None]], Callable[[], None]]:
    """Make a function of its configuration, `conf/NAME.yaml`, the `main` of a command.

    What the library raises to tell the user something ends a command with that line and exit status 1 (and with the
    traceback where HYDRA_FULL_ERROR=1 is set); in a multirun it fails the one job. SIGTERM interrupts like Ctrl-C, and
    either ends the process with exit status 130, and with what the job says of it, or with `interrupted`.
    """

    def decorate(function: Callable[[DictConfig], float | None]) -> Callable[[], None]:
        @functools.wraps(function)
        def job(cfg: DictConfig) -> float | None:
            is_single = HydraConfig.get().mode == RunMode.RUN and not os.environ.get("HYDRA_FULL_ERROR")
            previous = signal.getsignal(signal.SIGTERM)
            if previous is signal.SIG_DFL:  # else a launcher has its own way, such as to queue the job again
                signal.signal(signal.SIGTERM, _interrupt)
            try:
                return function(cfg)
            except KeyboardInterrupt as interruption:
                end(130, str(interruption) or interrupted)
            except Exception as error:
                if is_single and _is_for_the_user(cause(error)):
                    log.debug("", exc_info=True)
                    end(1, f"error: {cause(error)}")
                raise
            finally:
                signal.signal(signal.SIGTERM, previous)

        def main() -> None:
            register()
            try:
                hydra.main(version_base="1.3", config_path=str(conf_directory()), config_name=name)(job)()
            except KeyboardInterrupt:  # while the jobs are in other processes
                end(130, interrupted)

        return main

    return decorate


def register() -> None:
    """Make the schemas known to Hydra."""
    store = ConfigStore.instance()
    for name, schema in (
        ("train", Train),
        ("tune", Tune),
        ("evaluate", Evaluate),
        ("predict", Predict),
        ("report", Report),
    ):
        store.store(name=f"{name}_schema", node=schema)


def menu(conf: Path, groups: Sequence[str]) -> str:
    """The options of each group with the first comment of their files, and the groups nested in them."""
    lines = []
    for group in groups:
        for directory in (conf / group, *sorted(path for path in (conf / group).rglob("*") if path.is_dir())):
            options = sorted(directory.glob("*.yaml"))
            width = max((len(path.stem) + 1 for path in options), default=0)
            lines.append(f"{directory.relative_to(conf).as_posix()}=")
            lines += [f"  {path.stem:{max(width, 15)}}{_first_comment(path)}" for path in options]
    return "\n".join(lines)


def component(config: Mapping[str, Any], allowed: str) -> Any:
    """Instantiate a stored configuration, once `check_components` has nothing against it."""
    check_components(config, allowed)
    return instantiate(config)


def component_from_menu(group: str, name: str) -> Any:
    """Instantiate an option of a group with its default values.

    Raises:
        ValueError: for an unknown name, listing the right ones.
    """
    options = {path.stem: path for path in (conf_directory() / group).glob("*.yaml")}
    if name not in options:
        raise ValueError(f"unknown {group} {name!r}: choose one of {', '.join(sorted(options))}")
    return instantiate(OmegaConf.load(options[name]))


def check_components(config: object, allowed: str) -> None:
    """Refuse to instantiate anything but the components of one of our own packages.

    A configuration that comes with a run may be a stranger's, and Hydra's `instantiate` calls whatever `_target_`
    names.

    Args:
        config: plain dictionaries and lists, without interpolations.
        allowed: a package or module such as `ner.model`; components are the classes and functions it defines.

    Raises:
        ValueError: naming the first target that is something else, and for an interpolation, which could change after
            this check.
    """
    for value in _values(config):
        if isinstance(value, str) and "${" in value:
            raise ValueError(f"the stored configuration holds the interpolation {value!r}, which is not allowed")
    for target in _targets(config):
        module_name, _, name = target.rpartition(".") if isinstance(target, str) else ("", "", "")
        if module_name == allowed or module_name.startswith(f"{allowed}."):
            try:
                component = getattr(importlib.import_module(module_name), name)
            except (ImportError, AttributeError):
                component = None
            if callable(component) and component.__module__ == module_name:
                continue
        raise ValueError(f"the stored configuration names {target!r}, which is no component of {allowed}: not loaded")


def flattened(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The options of a nested configuration as `model.layers`, each with its value."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def cause(error: BaseException) -> BaseException:
    """What a component raised, where Hydra wrapped its own error around it."""
    return error.__cause__ if isinstance(error, InstantiationException) and error.__cause__ else error


def end(status: int, message: str) -> NoReturn:
    """End the process with an exit status, saying why."""
    print(message, file=sys.stderr)
    raise SystemExit(status)


def _values(config: object) -> Iterator[object]:
    if isinstance(config, Mapping):
        for key, value in config.items():
            yield key
            yield from _values(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _values(value)
    else:
        yield config


def _targets(config: object) -> Iterator[object]:
    if isinstance(config, Mapping):
        if "_target_" in config:
            yield config["_target_"]
        for value in config.values():
            yield from _targets(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _targets(value)


def _is_run(directory: str | None) -> bool:
    return directory is not None and Path(directory, "config.yaml").is_file()


def _first_comment(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = (line[1:].strip() for line in lines if line.startswith("#") and not line.startswith("# @package"))
    return next(comments, "").replace("$", "$$")


def _is_for_the_user(error: BaseException) -> bool:
    return isinstance(error, ValueError | OSError | FloatingPointError) or type(error).__module__.startswith("ner.")


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


# At the import: the processes that a launcher starts import this module, and compose their configuration anew.
OmegaConf.register_new_resolver("menu", lambda *groups: menu(conf_directory(), groups), replace=True)
# A run that is gone on with gets the log of that too, beside its own and not in its place.
OmegaConf.register_new_resolver("run_directory", lambda resume, new: resume if _is_run(resume) else new, replace=True)
OmegaConf.register_new_resolver(
    "record_directory", lambda run, now: f".hydra/resume-{now}" if _is_run(run) else ".hydra", replace=True
)
