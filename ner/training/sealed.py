"""Sealed files of weights: what torch writes, ending in a checksum that is verified before any of it is used.

The file is still the zip archive that `torch.load` and `zipfile` read. The seal is the archive's comment,
`sha256:HEX`, over all bytes before it, so one file holds both, and replacing it replaces both.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from io import BufferedIOBase
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any, cast

import torch
from torch import Tensor

from ner.corpus.files import replacing

PREFIX = b"sha256:"
SEAL_SIZE = len(PREFIX) + 64
_END = b"PK\5\6"  # of a zip archive: 20 bytes, then the length of the comment in 2
_END_SIZE = 22


def save_sealed(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state as `torch.save` does, with its seal; the file is replaced in one step.

    Raises:
        OSError: where it cannot be written; an earlier file is left whole.
    """
    with replacing(path) as file:
        seal = _Sealing(file)
        try:
            torch.save(dict(state), cast(IO[bytes], seal))
        except RuntimeError as error:  # torch's own, around what the file raised
            raise seal.error or error from None
        seal.close_archive()


def load_sealed(path: Path) -> dict[str, Any]:
    """Read what `save_sealed` wrote, or an unsealed file of an earlier version, whose members have checksums.

    Raises:
        ValueError: naming the file, for one that was damaged or that is no state of tensors and plain values.
        OSError: where it cannot be read.
    """
    check_seal(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise zipfile.BadZipFile("its members are compressed")  # a few bytes could stand for gigabytes
            if sum(member.file_size for member in members) > path.stat().st_size:
                raise zipfile.BadZipFile("its members are larger than it is")  # overlapping, or never there
        state = torch.load(path, map_location="cpu", weights_only=True)
        _check_tensors(state)
    except OSError:
        raise
    except Exception as error:  # whatever a stranger's archive makes torch raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, UnpicklingError):
            reason = "it holds something other than tensors and plain values"
        raise ValueError(f"{path}: not the weights of a run ({reason})") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path}: not the weights of a run (it holds no dictionary)")
    return state


def _check_tensors(state: object) -> None:
    """Refuse tensors that say more numbers than are stored for them, which a copy would take memory for."""
    waiting = [state]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor):
            if value.layout is not torch.strided or value.nbytes > value.untyped_storage().nbytes():
                raise ValueError(f"a tensor of shape {tuple(value.shape)} without as many numbers")
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def check_seal(path: Path) -> None:
    """Verify the checksum of a file of weights.

    Raises:
        ValueError: naming the file, where it is not the one that was written.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - SEAL_SIZE, 0))
        seal = file.read()
        if seal.startswith(PREFIX):
            digest = hashlib.sha256()
            file.seek(0)
            left = size - SEAL_SIZE
            while block := file.read(min(left, 2**20)):
                digest.update(block)
                left -= len(block)
            is_whole = seal[len(PREFIX) :] == digest.hexdigest().encode()
        else:  # written before there were seals: its end has no comment, and the members have CRCs
            end = seal[-_END_SIZE:]
            is_whole = end.startswith(_END) and end.endswith(b"\0\0") and _has_whole_members(path)
    if not is_whole:
        raise ValueError(f"{path} is damaged: it is not as it was written; restore it from a copy, or train again")


def _has_whole_members(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # zipfile raises many kinds for a damaged archive
        return False


class _Sealing:
    """Passes an archive on to a file and sums it up; holds back its last two bytes, the length of the comment."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._held = b""
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        with memoryview(content).cast("B") as view:
            size = len(view)
            if size >= 2:
                self._pass(self._held)
                self._pass(view[:-2])
                self._held = bytes(view[-2:])
            else:
                joined = self._held + bytes(view)
                self._pass(joined[:-2])
                self._held = joined[-2:]
        return size

    def flush(self) -> None:
        """Nothing: the file is flushed when it is closed."""

    def close_archive(self) -> None:
        self._held = SEAL_SIZE.to_bytes(2, "little")
        self._pass(self._held)
        self._file.write(PREFIX + self._digest.hexdigest().encode())

    def _pass(self, content: bytes | memoryview) -> None:
        self._digest.update(content)
        try:
            self._file.write(content)
        except OSError as error:
            self.error = error
            raise
