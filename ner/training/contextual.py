"""The vectors of a frozen encoder: computed once for each sentence of a corpus, and kept on disk for all trainings."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ner.corpus.dataset import EncodedSplit
from ner.corpus.files import replacing
from ner.corpus.sampler import decoding_batches
from ner.model.contextual import Contextual
from ner.model.tagger import Tagger
from ner.shapes import Bool, Float, Int
from ner.threads import in_lanes

FORMAT = 1
"""Raise it when the same digest would stand for other vectors."""
FOLDER = "contextual"
CHUNK = 512  # sentences after which an interrupted run resumes
BATCH_PIECES = 4096
SECONDS = 30.0  # between two lines of a log

log = logging.getLogger(__name__)


def with_layers(split: EncodedSplit, tagger: Tagger, *, encoder: str, root: Path, name: str) -> EncodedSplit:
    """A split with what the tagger's frozen encoder makes of it; as it is where there is none, or one that is trained.

    The vectors are in a file below `root`, which is mapped into memory. It is made where it is not there: the disk
    space is said before, and if this is interrupted it resumes. Its name ends in a digest of the pieces of all
    sentences, the windows, the encoder and its layers, so that corpora with the same words share it.

    Args:
        encoder: the digest of the encoder's files.
        root: where prepared corpora are kept.
        name: of the split, for people.

    Raises:
        ValueError: where the disk has no room for the vectors, or float16 no place for their size, and for a file that
            is damaged.
    """
    part = tagger.contextual
    if part is None or not part.is_frozen or split.pieces is None:
        return split
    digest = _digest(split, part, encoder)
    path = root / FOLDER / f"{name}-{digest[:16]}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.stem}.lock")):  # two trainings may start at once
            if not path.is_file():
                _write(split, tagger, part, path)
    try:
        layers = np.load(path, mmap_mode="r")
        if layers.dtype != np.float16 or layers.shape != _shape(split, part):
            raise ValueError(f"it holds {layers.dtype} numbers in the shape {layers.shape}")
    except (EOFError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}): remove it, and it is made again") from error
    return replace(split, layers=layers)


def _shape(split: EncodedSplit, part: Contextual) -> tuple[int, int, int]:
    return int(split.offsets[-1]), part.num_layers, part.output_size


def _digest(split: EncodedSplit, part: Contextual, encoder: str) -> str:
    pieces = split.pieces
    assert pieces is not None
    whole = hashlib.sha256()
    options = {"format": FORMAT, "encoder": encoder, **pieces.cutter.settings(), **part.settings}
    whole.update(json.dumps(options, sort_keys=True).encode())
    arrays = [pieces.pieces, pieces.ends, pieces.tokens]
    for array in [*arrays, pieces.documents] if pieces.cutter.context else arrays:
        whole.update(f"{array.shape}".encode())
        whole.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return whole.hexdigest()


def _write(split: EncodedSplit, tagger: Tagger, part: Contextual, path: Path) -> None:
    shape = _shape(split, part)
    partial, state = path.with_name(f".{path.stem}.partial.npy"), path.with_name(f".{path.stem}.json")
    done = json.loads(state.read_text(encoding="utf-8"))["sentences"] if state.is_file() and partial.is_file() else 0
    size = 2 * int(np.prod(shape))
    log.info(
        "contextual vectors of %s sentences, computed once: %s take %s%s",
        f"{len(split):,}",
        path,
        _bytes(size),
        f"; resuming after {done:,}" if done else "",
    )
    free = shutil.disk_usage(path.parent).free
    if not done and size > free:
        raise ValueError(
            f"{path} needs {_bytes(size)}, but the disk has {_bytes(free)} left: free some, or use another"
        )
    layers = np.lib.format.open_memmap(partial, mode="r+" if done else "w+", dtype=np.float16, shape=shape)
    # A disk that fills up is an error here; where a hole of the map is filled, it would end the process.
    if hasattr(os, "posix_fallocate"):
        try:
            with partial.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
        except OSError as error:
            if not done:
                partial.unlink()
            raise ValueError(f"{path} needs {_bytes(size)}: {error.strerror}") from error
    for first, last in _with_progress(range(done, len(split), CHUNK), len(split)):
        tokens = slice(int(split.offsets[first]), int(split.offsets[last]))
        layers[tokens] = _encode(split, part, first, last, next(tagger.parameters()).device)
        layers.flush()
        with replacing(state) as file:
            file.write(json.dumps({"sentences": last}).encode())
    partial.replace(path)
    state.unlink(missing_ok=True)


def _encode(split: EncodedSplit, part: Contextual, first: int, last: int, device: torch.device) -> NDArray[np.float16]:
    """The layers of all tokens of the sentences from `first` to before `last`."""
    pieces = split.pieces
    assert pieces is not None
    bounds = torch.from_numpy(pieces.ends[pieces.tokens[first : last + 1]])
    lengths = bounds.diff() + 2 * pieces.cutter.context + 1
    chosen = decoding_batches(lengths, max_tokens=BATCH_PIECES)

    @torch.inference_mode()
    def layers_of(
        indices: Int[Tensor, " sentence"],
    ) -> tuple[Bool[Tensor, "batch token"], Float[Tensor, "batch token layer vector"]]:
        batch = split.batch(first + indices)
        return batch.mask, part.layers(batch.to(device)).half().cpu()

    start = split.offsets[first]
    encoded = torch.empty(int(split.offsets[last] - start), part.num_layers, part.output_size, dtype=torch.float16)
    for indices, (mask, layers) in zip(chosen, in_lanes(layers_of, chosen, device=device), strict=True):
        positions = (split.offsets[first + indices] - start)[:, None] + torch.arange(mask.shape[1])
        encoded[positions[mask]] = layers[mask]
    return encoded.numpy()


def _with_progress(starts: range, total: int) -> Iterator[tuple[int, int]]:
    """The bounds of each chunk, with a bar where there is a terminal, and elsewhere a line now and then."""
    last_line = monotonic()
    with tqdm(
        desc="contextual", total=total, initial=starts.start, unit=" sentences", leave=False, disable=None
    ) as bar:
        for first in starts:
            last = min(first + CHUNK, total)
            yield first, last
            bar.update(last - first)
            if bar.disable and monotonic() - last_line >= SECONDS:
                last_line = monotonic()
                log.info("contextual vectors: %s of %s sentences", f"{last:,}", f"{total:,}")


def _bytes(size: int) -> str:
    unit, factor = next((pair for pair in (("GB", 1e9), ("MB", 1e6)) if size >= pair[1]), ("kB", 1e3))
    return f"{size / factor:.1f} {unit}"
