"""What the commands have in common before anything slow is imported: their menu, and errors in one line."""

from __future__ import annotations

import functools
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ner.resources import conf_directory
from ner.schemas import register

log = logging.getLogger(__name__)


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
