"""CPU time until a tagger scores so much on validation: our recipe, and the paper's released code with its own.

Both have the same corpus, vocabulary and word vectors, one thread, and a validation after each epoch, which counts.
Theirs has its batches of 10, SGD and dropout, and begins with the weights that ours for `experiment=paper` begin with.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

import torch
from hydra import compose, initialize_config_dir

from ner.corpus.vectors import Vectors
from ner.resources import conf_directory
from ner.schemas import register
from ner.threads import num_threads, share_threads
from ner.train import begin
from ner.training.fitting import Fitting
from ner.training.loop import Epoch

from .material import Material
from .measuring import Options, Row
from .released import BATCH_SIZE, MISSING, Released

LEARNING_RATE = 0.01


@dataclass
class Curve:
    """Validation F1 in per cent after each epoch, by the minutes of CPU time until then."""

    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, seconds: float, f1: float) -> None:
        self.points.append((seconds / 60, 100 * f1))
        print(f"    {seconds / 60:.1f} min: validation F1 {100 * f1:.2f}", flush=True)

    @property
    def best(self) -> float:
        return max((f1 for _, f1 in self.points), default=0.0)

    @property
    def end(self) -> float:
        return max((minutes for minutes, _ in self.points), default=0.0)

    def until(self, f1: float) -> float | None:
        return next((minutes for minutes, found in self.points if found >= f1), None)


def rows(options: Options) -> Iterator[Row]:
    """A row for each score that ours reaches; the ratio is a lower bound where theirs was stopped before."""
    before = num_threads()
    share_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            ours, fitting, vectors = train_ours(options, Path(folder))
            theirs = None if options.released is None else train_theirs(options, fitting, vectors)
    finally:
        share_threads(before)
    recipe = " ".join(options.recipe)
    for score in options.scores:
        if (minutes := ours.until(score)) is not None:
            yield compared(score, minutes, theirs, recipe)
    yield Row(
        what="best validation F1",
        settings=f"{len(ours.points)} epochs, {ours.end:.1f} min",
        value=ours.best,
        unit="%",
        peer="" if theirs is None else f"the paper's released code: {len(theirs.points)} epochs, {theirs.end:.1f} min",
        peer_value=None if theirs is None else theirs.best,
        ratio=None if theirs is None else ours.best / max(theirs.best, 1e-9),
        note=recipe if theirs else MISSING,
    )


def compared(score: float, minutes: float, theirs: Curve | None, recipe: str) -> Row:
    reached = None if theirs is None else theirs.until(score)
    least = None if theirs is None else reached or theirs.end
    note = f"theirs was stopped at {theirs.best:.2f}: a lower bound" if theirs and reached is None else ""
    return Row(
        what=f"time to validation {score:g}",
        settings=recipe,
        value=minutes,
        unit="min of CPU",
        peer="the paper's released code",
        peer_value=least,
        ratio=None if least is None else least / minutes,
        note=note if theirs else MISSING,
    )


def train_ours(options: Options, folder: Path) -> tuple[Curve, Fitting, Vectors | None]:
    """As `ner-train` with the recipe does, until the highest score is reached."""
    register()
    overrides = [*options.recipe, "threads=1", "device=cpu"]
    if options.prepared is not None:
        overrides.append(f"prepared={options.prepared}")
    if options.vectors is not None:
        overrides.append(f"vectors={options.vectors}")
    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        cfg = compose("train", overrides)
    torch.manual_seed(cfg.seed)
    run, prepared, other, vectors = begin(cfg, folder / "run", overrides)
    fitting = Fitting(run, prepared, other=other, vectors=vectors, device=options.device)
    curve = Curve()
    print(f"  {' '.join(options.recipe)}", flush=True)
    start = process_time()
    for result in fitting.results():
        if isinstance(result, Epoch):
            curve.add(process_time() - start, result.scores.micro.f1)
            if curve.best >= max(options.scores):
                break
    return curve, fitting, vectors


def train_theirs(options: Options, fitting: Fitting, vectors: Vectors | None) -> Curve:
    """Their loop: batches drawn once and permuted, SGD without decay; stopped after `options.minutes`."""
    assert options.released is not None
    sentences = Material(fitting.split, fitting.run.vocabularies, "")
    tagger = sentences.tagger(options.device, vectors=vectors)
    drawn = torch.randperm(len(fitting.split), generator=torch.Generator().manual_seed(1))
    peer = Released(options.released, sentences, tagger, drawn)
    peer.set_learning_rate(LEARNING_RATE)
    in_order = torch.split(torch.arange(len(fitting.validation)), BATCH_SIZE)
    validation = [peer.batch(fitting.validation, part) for part in in_order]
    curve, order = Curve(), random.Random(1)
    print("  the paper's released code", flush=True)
    start = process_time()
    while curve.best < max(options.scores) and curve.end < options.minutes:
        order.shuffle(peer.batches)
        peer.train_epoch()
        curve.add(process_time() - start, peer.f1(validation))
    return curve
