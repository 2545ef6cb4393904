"""`SHA256SUMS`: what was written to a directory, to be found again byte for byte before any of it is used.

The file is that of `sha256sum`, so `sha256sum -c SHA256SUMS` verifies a directory too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ner.corpus.files import replacing, sha256

SUMS = "SHA256SUMS"
REMEDY = "remove the directory and prepare the corpus again, or restore it from a copy"


def write_checksums(directory: Path) -> None:
    """Write the checksums of all files in a directory and below it."""
    content = _to_bytes(_sums(directory))
    with replacing(directory / SUMS) as file:
        file.write(content)


def verify_checksums(directory: Path, *, only: Callable[[str], bool] = lambda name: True, remedy: str = REMEDY) -> None:
    """Compare all files in a directory and below it with its checksums.

    Args:
        only: chooses the files that count, by their names such as `train/data.arrow`; others may be changed and added.
        remedy: what to do where a file is not as it was written.

    Raises:
        ValueError: naming the first file that was changed, added or removed, and for a link.
    """
    path = directory / SUMS
    if not path.is_file():
        raise ValueError(f"{directory} has no {SUMS}: {remedy}")
    found = _sums(directory, only)
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if only(_entry(line)[0])]
    if b"".join(lines) == _to_bytes(found):
        return
    known = dict(map(_entry, lines))
    for name in sorted(known | found):
        if known.get(name) != found.get(name):
            what = "was added" if name not in known else "is missing" if name not in found else "was changed"
            raise ValueError(f"{directory} is not as it was written: {name!r} {what}; {remedy}")
    raise ValueError(f"{directory} is not as it was written: {SUMS!r} was changed; {remedy}")


def _entry(line: bytes) -> tuple[str, str]:
    digest, _, name = line.decode(errors="replace").rstrip("\n").partition("  ")
    return name, digest


def _to_bytes(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()


def _sums(directory: Path, only: Callable[[str], bool] = lambda name: True) -> dict[str, str]:
    """The digests by name, in order, but for files whose names begin with a dot, which nothing here reads."""
    sums = {}
    for place, directories, files in os.walk(directory):
        for name in (*directories, *files):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ValueError(f"{path} is a link or a device, which is not followed: copy what it leads to")
            inside = path.relative_to(directory).as_posix()
            if path.is_file() and not name.startswith(".") and inside != SUMS and only(inside):
                sums[inside] = sha256(path)
    return dict(sorted(sums.items()))
