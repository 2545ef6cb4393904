"""What the commands have in common before anything slow is imported: their menu, and errors in one line."""

from __future__ import annotations

import functools
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import ner
from ner.interruption import STATUS, ended_promptly, is_of_interruption
from ner.job_records import leave_none_empty
from ner.mistakes import explain
from ner.option_help import with_comments
from ner.options import check_command
from ner.resources import conf_directory
from ner.schemas import SCHEMAS, register
from ner.training.run_directory import is_run

log = logging.getLogger(__name__)

_OF_HYDRA = (HydraException, OmegaConfBaseException, AttributeError)


def command(
    name: str, *, interrupted: str = "interrupted"
) -> Callable[[Callable[[DictConfig], float | None]], Callable[[], None]]:
    """Make a function of its configuration, `conf/NAME.yaml`, the `main` of a command.

    What the library raises to tell the user something ends a command with that line and exit status 1 (and with the
    traceback where HYDRA_FULL_ERROR=1 is set), and so does a command line that Hydra refuses; in a multirun it fails
    the one job. SIGTERM interrupts like Ctrl-C, and either ends the process with exit status 130, and with what the
    job says of it, or with `interrupted`.
    """

    def decorate(function: Callable[[DictConfig], float | None]) -> Callable[[], None]:
        def main() -> None:
            if "--version" in sys.argv[1:]:  # Hydra would tell its own
                print(f"ner-{name} {ner.__version__}")
                return
            logging.raiseExceptions = False  # a log that cannot be written is not worth a traceback
            try:
                register()
                with ended_promptly(), _hydra_raises() as is_debugging:
                    job = _job(function, name, interrupted, is_debugging=is_debugging)
                    with _commented_help(name):
                        hydra.main(version_base="1.3", config_path=str(conf_directory()), config_name=name)(job)()
            except KeyboardInterrupt:  # before or after the job, or while the jobs are in other processes
                end(STATUS, interrupted)
            except Exception as error:
                if isinstance(error, _OF_HYDRA) and is_of_interruption(error):
                    end(STATUS, interrupted)
                if is_debugging or not _is_for_the_user(cause(error)):
                    raise
                end(1, f"error: {_message(error, name)}")

        return main

    return decorate


def _job(
    function: Callable[[DictConfig], float | None], name: str, interrupted: str, *, is_debugging: bool
) -> Callable[[DictConfig], float | None]:
    """What Hydra calls with the configuration of each job."""

    @functools.wraps(function)
    def job(cfg: DictConfig) -> float | None:
        previous = signal.getsignal(signal.SIGTERM)
        if previous is signal.SIG_DFL:  # else a launcher has its own way, such as to queue the job again
            signal.signal(signal.SIGTERM, _interrupt)
        try:
            if missing := [option for option in map(str, cfg) if OmegaConf.is_missing(cfg, option)]:
                raise ValueError(f"ner-{name} needs {' '.join(f'{option}=...' for option in missing)} (see --help)")
            check_command(cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True)), SCHEMAS[name])
            return function(cfg)
        except KeyboardInterrupt as interruption:
            end(STATUS, str(interruption) or interrupted)
        except Exception as error:
            if HydraConfig.get().mode == RunMode.RUN and not is_debugging and _is_for_the_user(cause(error)):
                log.debug("", exc_info=True)
                end(1, f"error: {_message(error, name)}")  # here, before Hydra prints the overrides
            raise
        finally:
            leave_none_empty()
            signal.signal(signal.SIGTERM, previous)

    return job


@contextmanager
def _commented_help(name: str) -> Iterator[None]:
    """In here, where help is asked for, each option is printed with what it means."""
    if not {"--help", "-h"} & {*sys.argv[1:]}:
        yield
        return
    text = io.StringIO()
    try:
        with redirect_stdout(text):
            yield
    finally:  # Hydra ends the process when it has printed
        print(with_comments(text.getvalue(), command=name, conf=conf_directory()), end="")


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


def cause(error: BaseException) -> BaseException:
    """What a component raised, where Hydra wrapped its own error around it."""
    return error.__cause__ if isinstance(error, InstantiationException) and error.__cause__ else error


def end(status: int, message: str) -> NoReturn:
    """End the process with an exit status, saying why."""
    print(message, file=sys.stderr)
    raise SystemExit(status)


def _first_comment(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = (line[1:].strip() for line in lines if line.startswith("#") and not line.startswith("# @package"))
    return next(comments, "").replace("$", "$$")


def _is_for_the_user(error: BaseException) -> bool:
    kinds = (ValueError, OSError, FloatingPointError, CompactHydraException)
    return isinstance(error, kinds) or type(error).__module__.startswith("ner.")


def _message(error: BaseException, command: str) -> str:
    return explain(cause(error), command=command, overrides=sys.argv[1:], conf=conf_directory())


@contextmanager
def _hydra_raises() -> Iterator[bool]:
    """Let Hydra raise its errors instead of printing them; yield whether the user wants tracebacks of them."""
    name = "HYDRA_FULL_ERROR"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield before == "1"
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _run_directory(resume: str | None, new: str) -> str:
    """A run that is resumed gets the log of that too, beside its own and not in its place."""
    return resume if resume is not None and is_run(Path(resume)) else new


# At the import: the processes that a launcher starts import this module, and compose their configuration anew.
OmegaConf.register_new_resolver("menu", lambda *groups: menu(conf_directory(), groups), replace=True)
OmegaConf.register_new_resolver("run_directory", _run_directory, replace=True)
