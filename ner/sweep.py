"""The jobs of a sweep: stable names for them, and an end that loses none when one fails.

Importing this module makes `${sweep_name:...}` and `${job_name:...}` known to configurations.
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from ner.command import cause, end
from ner.corpus.files import replacing
from ner.errors import Refused
from ner.overrides import split
from ner.schemas import INCIDENTAL
from ner.training.run_directory import FAILURE

log = logging.getLogger(__name__)

REFUSAL = "refused.txt"  # as `FAILURE`, where the run in the directory is another's
UNNAMED = "sweep"
LONGEST = 200  # characters; file systems allow 255 bytes
HOW_TO_RESUME = "the same command resumes the sweep: finished jobs are skipped"

DATA = ("corpus", "dependencies", "missing_trees", "malformed_trees", "prepared", "vectors")


def sweep_name(overrides: Sequence[str]) -> str:
    """The directory of a sweep: its experiments joined by `+`, or `sweep` where there is none, or several in turn."""
    chosen = dict(map(split, overrides)).get("experiment", UNNAMED)
    if re.fullmatch(r"\[.*\]", chosen):
        chosen = chosen[1:-1].replace(" ", "").replace(",", "+")
    return chosen if re.fullmatch(r"[\w.+-]+", chosen) and chosen != "null" else UNNAMED


def job_name(overrides: Sequence[str], sweep_directory: str) -> str:
    """The directory of a job in that of its sweep: what it sets, in one order, as in `model.interaction=mlp,seed=1`.

    Left out are options that change nothing of the result, and the experiment that the sweep's directory is called
    after. What the data are comes last, and of a path only the last name. A name that is too long is cut, and ends in a
    digest of all of it.
    """
    settings = []
    for key, value in map(split, overrides):
        named_already = key == "experiment" and sweep_name(overrides) == Path(sweep_directory).name
        if key not in INCIDENTAL and not named_already:
            last_name = re.sub(r"[^][\w.,+-]", "", value.rstrip("/").rpartition("/")[2])
            settings.append((key.replace("/", "."), last_name))
    settings.sort(key=lambda setting: (setting[0].partition(".")[0] in DATA, setting))
    name = ",".join(f"{key}={value}" for key, value in settings) or "defaults"
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name


def attempt(job: Callable[[], float], directory: Path) -> float:
    """Do a job; where it fails, keep the reason in its directory for the end of the sweep, and give nan.

    To Hydra the job has succeeded then: it would end the sweep with the first failure and not speak of the others.
    """
    forget_failure(directory)
    try:
        return job()
    except Exception as error:
        reason = f"{type(cause(error)).__name__}: {cause(error)}"
        record = directory / (REFUSAL if isinstance(error, Refused) else FAILURE)
        with replacing(record) as file:
            file.write(f"{reason}\n\n{traceback.format_exc()}".encode(errors="backslashreplace"))
        log.error("failed: %s", reason)
        return math.nan


def forget_failure(directory: Path) -> None:
    """Remove what an earlier attempt left in the directory of a job."""
    for name in (FAILURE, REFUSAL):
        (directory / name).unlink(missing_ok=True)


class ListFailures(Callback):
    """Names the failed jobs when a sweep is over, and ends the process with exit status 1 if there are any."""

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        directory = Path(config.hydra.sweep.dir)
        started = (directory / "multirun.yaml").stat().st_mtime_ns  # Hydra writes it before the first job
        records = sorted(path for name in (FAILURE, REFUSAL) for path in directory.glob(f"*/{name}"))
        failures = [path for path in records if path.stat().st_mtime_ns >= started]
        if failures:
            lines = [f"{len(failures)} of the jobs failed; {HOW_TO_RESUME}, and repeats what failed"]
            lines += [f"  {path.parent.name}: {_first_line(path)}" for path in failures]
            end(1, "\n".join([*lines, f"see {FAILURE} or {REFUSAL} in the directory of each, in {directory}"]))


def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0]


OmegaConf.register_new_resolver("sweep_name", sweep_name, use_cache=True, replace=True)  # the jobs see the sweep's
OmegaConf.register_new_resolver("job_name", job_name, replace=True)
