"""What a directory of a run holds, as far as it is told before anything slow is imported."""

from __future__ import annotations

import os
import stat
from pathlib import Path

WEIGHTS = "model.safetensors"
"""Of an exported model."""

FAILURE = "failed.txt"
"""In the directory of a job of a sweep that failed: the reason in the first line, then the traceback."""


def is_run(directory: Path) -> bool:
    """Whether a run was begun there; its configuration is written last."""
    return (directory / "config.yaml").is_file()


def is_export(directory: Path) -> bool:
    """Whether a directory holds what `ner.export` writes, and no run."""
    return (directory / WEIGHTS).is_file() and not is_run(directory)


def check_run(directory: str | Path) -> Path:
    """The directory of a run.

    Raises:
        ValueError: where there is none.
    """
    directory = Path(directory)
    if not directory.exists():
        raise ValueError(f"{directory} is not the directory of a run: there is no such directory")
    if not is_run(directory):
        raise ValueError(f"{directory} is not the directory of a run: it has no config.yaml")
    return directory


def check_plain(directory: Path) -> None:
    """Refuse a run that holds anything but files and directories: a link or a pipe could lead anywhere.

    The directory itself may be reached through links.

    Raises:
        ValueError: naming the first of them.
    """
    for place, directories, files in os.walk(directory):
        for name in (*directories, *files):
            path = Path(place, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                kind = "a link" if stat.S_ISLNK(mode) else "neither a file nor a directory"
                raise ValueError(f"{path} is {kind}, which is not followed: a run holds only files of its own")
