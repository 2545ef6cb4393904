"""What a training leaves of its own start: its log, and Hydra's record of its options, once nothing can be refused."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from datetime import datetime
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict

from ner.corpus.files import absent_directories, remove_empty, replacing


class HeldLog(MemoryHandler):
    """A log in memory until it is known where to: a command that is refused leaves none."""

    def __init__(self) -> None:
        super().__init__(capacity=100_000, flushLevel=logging.CRITICAL + 1, flushOnClose=False)

    def write_to(self, path: Path) -> None:
        """Write what was held back to the end of a file, and from now on each message as it comes."""
        file = logging.FileHandler(path, encoding="utf-8")
        file.setFormatter(self.formatter)
        self.setTarget(file)
        self.flush()
        self.capacity = 1


_made_by_hydra: list[Path] = []


class NoteDirectories(Callback):
    """Knows which directories Hydra makes for a job: it makes them before the job can be refused."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        if not config.hydra.run.dir:
            print("error: hydra.run.dir is '': it must be a directory", file=sys.stderr)
            raise SystemExit(1)  # Hydra goes on after another exception
        with suppress(OSError):  # Hydra says so itself
            _made_by_hydra[:] = absent_directories(Path(config.hydra.run.dir).absolute())


def leave_none_empty() -> None:
    """Remove the directories that Hydra made for a job, as far as nothing was written to them."""
    remove_empty(_made_by_hydra)


def keep_records(cfg: DictConfig, directory: Path, *, resumed: bool) -> None:
    """Begin `train.log` in the directory of a run, and store Hydra's record of the job in `.hydra`.

    That of a resumed run stands beside the first. Nothing is done where no log is held back, as in a search.
    """
    held = next((handler for handler in logging.getLogger().handlers if isinstance(handler, HeldLog)), None)
    if held is None or held.target is not None or not HydraConfig.initialized():
        return
    job = HydraConfig.get()
    held.write_to(directory / f"{job.job.name}.log")
    record = directory / ".hydra"
    if resumed and record.is_dir():
        record /= f"resume-{datetime.now():%Y-%m-%d_%H-%M-%S}"
    record.mkdir(parents=True, exist_ok=True)
    own = OmegaConf.create({"hydra": job})
    OmegaConf.set_readonly(own.hydra, False)
    with open_dict(own):
        own.hydra.output_subdir = record.relative_to(directory).as_posix()
    for name, content in (("config", cfg), ("hydra", own), ("overrides", job.overrides.task)):
        with replacing(record / f"{name}.yaml") as file:
            file.write(OmegaConf.to_yaml(content).encode())
