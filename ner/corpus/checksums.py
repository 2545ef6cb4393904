"""`SHA256SUMS`: what was written of a prepared corpus, to be found again byte for byte before any of it is used.

The file is that of `sha256sum`, so `sha256sum -c SHA256SUMS` verifies a corpus too.
"""

from __future__ import annotations

import os
from pathlib import Path

from ner.corpus.files import replacing, sha256

SUMS = "SHA256SUMS"
REMEDY = "remove the directory and prepare the corpus again, or restore it from a copy"


def write_checksums(directory: Path) -> None:
    """Write the checksums of all files in a directory and below it."""
    sums = _sums(directory)
    with replacing(directory / SUMS) as file:
        file.write("".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode())


def verify_checksums(directory: Path) -> None:
    """Compare all files in a directory and below it with its checksums.

    Raises:
        ValueError: naming the first file that was changed, added or removed, and for a link.
    """
    path = directory / SUMS
    if not path.is_file():
        raise ValueError(f"{directory} has no {SUMS}: {REMEDY}")
    written, found = path.read_bytes(), _sums(directory)
    if written == "".join(f"{digest}  {name}\n" for name, digest in found.items()).encode():
        return
    lines = (line.partition("  ") for line in written.decode(errors="replace").splitlines())
    known = {name: digest for digest, _, name in lines}
    for name in sorted(known | found):
        if known.get(name) != found.get(name):
            what = "was added" if name not in known else "is missing" if name not in found else "was changed"
            raise ValueError(f"{directory} is not as it was prepared: {name!r} {what}; {REMEDY}")
    raise ValueError(f"{directory} is not as it was prepared: {SUMS!r} was changed; {REMEDY}")


def _sums(directory: Path) -> dict[str, str]:
    """The digests by name, in its order, but for files whose names begin with a dot, which nothing here reads."""
    sums = {}
    for place, directories, files in os.walk(directory):
        for name in (*directories, *files):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ValueError(f"{path} is a link or a device, which is not followed: {REMEDY}")
            if path.is_file() and not name.startswith(".") and path != directory / SUMS:
                sums[path.relative_to(directory).as_posix()] = sha256(path)
    return dict(sorted(sums.items()))
