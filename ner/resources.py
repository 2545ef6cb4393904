"""Where the files that come with the package lie: in a checkout beside it, in an installed wheel inside it.

Importing this module makes them known to configurations as `${resource:sample}` and `${resource:splits}`.
"""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

_PACKAGE = Path(__file__).resolve().parent
DATA = ("sample", "sentiment", "splits")


def conf_directory() -> Path:
    """The directory of the configuration files.

    Raises:
        FileNotFoundError: where the package was installed without them.
    """
    return _find("conf")


def data_path(name: str) -> Path:
    """The directory of the `sample` corpus, of that of `sentiment`, or of the document lists (`splits`).

    Raises:
        ValueError: for another name.
        FileNotFoundError: where the package was installed without it.
    """
    if name not in DATA:
        raise ValueError(f"unknown resource {name!r}: choose one of {', '.join(DATA)}")
    return _find(f"data/{name}")


def _find(relative: str) -> Path:
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / relative).is_dir():
            return parent / relative
    raise FileNotFoundError(f"{relative} is neither in {_PACKAGE} nor beside it: the installation is incomplete")


OmegaConf.register_new_resolver("resource", lambda name: str(data_path(name)), replace=True)
