"""Training as a generator of results: what is done with them is its consumer's business."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from ner.corpus.batch import Batch
from ner.corpus.dataset import EncodedSplit
from ner.corpus.mixture import TreeMixture
from ner.corpus.sampler import LengthBuckets, prefetch
from ner.model.tagger import Tagger
from ner.precision import choose_precision
from ner.scoring import Scores
from ner.shapes import Float
from ner.training.average import Average
from ner.training.finite import REMEDY, first_non_finite
from ner.training.optimizer import Optimizer
from ner.training.schedule import Schedule
from ner.training.step import training_step
from ner.training.workers import ALONE, Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far training has come: epochs and steps that are done, and the epoch with the best validation F1."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_f1: float = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A look at training inside an epoch.

    `step` counts from the start of training, `sentences` from that of the epoch; `loss` (nats a token) and
    `tokens_per_second` are means since the last look.
    """

    epoch: int
    step: int
    sentences: int
    loss: float
    tokens_per_second: float
    gradient_norm: float
    learning_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one epoch came to: means over its training batches, then the scores on the validation split.

    `seconds` and `tokens_per_second` are of training, without validation. `loss_per_sentence` and `loss_per_token`
    are in nats, `gradient_norm` is taken before clipping, `learning_rate` is that of the last step. `scores` are those
    of the averaged weights where there are any, and then `scores_unaveraged` those of the weights that are trained.
    """

    progress: Progress
    loss_per_sentence: float
    loss_per_token: float
    gradient_norm: float
    learning_rate: float
    tokens_per_second: float
    seconds: float
    scores: Scores
    scores_unaveraged: Scores | None = None

    @property
    def number(self) -> int:
        return self.progress.epoch

    @property
    def is_best(self) -> bool:
        """Whether no earlier epoch had the same or a higher validation F1."""
        return self.progress.best_epoch == self.progress.epoch


def is_over(progress: Progress, *, num_epochs: int, patience: int | None) -> bool:
    """Whether no epoch is left to train; the arguments are those of `epochs`."""
    return progress.epoch >= num_epochs or (patience is not None and progress.epoch - progress.best_epoch >= patience)


def epochs(
    tagger: Tagger,
    split: EncodedSplit,
    *,
    sampler: LengthBuckets,
    validate: Callable[[Tagger], Scores],
    optimizer: Optimizer,
    schedule: Schedule,
    num_epochs: int,
    mixture: TreeMixture | None = None,
    average: Average | None = None,
    patience: int | None = None,
    reduction: str = "sum",
    precision: str = "float32",
    log_every: int = 50,
    after: Progress | None = None,
    workers: Workers = ALONE,
) -> Iterator[Step | Epoch]:
    """Fit a tagger; yield a `Step` every `log_every` steps and an `Epoch` after each, once it is validated.

    The device is waited for only where a `Step` or an `Epoch` is yielded. When an `Epoch` is yielded, the tagger, the
    optimiser, the average, torch's random state and `Epoch.progress` are sufficient to resume (`after`).

    Args:
        split: the sentences to fit.
        sampler: puts them together in batches, anew in each epoch; epochs are counted from 1.
        validate: scores the tagger on the validation split.
        schedule: the factor of the optimiser's learning rate, at the share of training that is done in the middle of
            the batch.
        num_epochs: how many to train in all, those before `after` among them.
        mixture: gives the split with the trees of each epoch, where these change.
        average: is updated after each step; its tagger is the one to validate, and so decides which epoch is best.
        patience: stop after so many epochs without a better validation F1.
        reduction: what the gradient is of: the `sum` of the sentences' losses over a batch, as in the paper, or its
            mean over each `sentence` or `token`.
        precision: of the forward pass in training, see `ner.precision`; validation is in float32.
        workers: share out the sentences of each batch; each of them calls this with the same arguments but for itself,
            and is yielded the same.

    Raises:
        ValueError: for an unknown reduction, a number below 1, and as `choose_precision`.
        FloatingPointError: when the loss, or a weight after the last step of an epoch, is no longer finite, or the
            emissions of the validation split are not; that epoch is not yielded.
    """
    device = next(tagger.parameters()).device
    for name, number in (("epochs", num_epochs), ("patience", patience), ("log_every", log_every)):
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, not {number}")
    take_step = training_step(tagger, optimizer, reduction=reduction, workers=workers)
    precision = choose_precision(precision, device)
    progress = after or Progress()
    while not is_over(progress, num_epochs=num_epochs, patience=patience):
        number, step = progress.epoch + 1, progress.step
        tagger.train()
        tagger.precision = precision
        epoch, window = _Sums(device), _Sums(device)
        norm, learning_rate = torch.zeros((), device=device), math.nan
        order = sampler.epoch(number)
        drawn = split if mixture is None else mixture.epoch(number)
        ready: Generator[Batch, None, None] = (take_step.ready(drawn.batch(workers.part(indices))) for indices in order)
        if device.type != "cpu":
            # On the CPU a thread would bring torch's workers twice and halve the speed, for half a per cent of a step.
            ready = prefetch(ready, device)
        with closing(ready) as batches:
            for indices, batch in zip(order, batches, strict=True):
                sentences, tokens = len(indices), int(split.lengths[indices].sum())
                done = (number - 1 + (epoch.sentences + sentences / 2) / len(split)) / num_epochs
                learning_rate = optimizer.learning_rate * schedule(done)
                loss, norm = take_step(batch, indices, tokens, learning_rate)
                step += 1
                if average is not None:
                    average.update(tagger, step)
                for sums in (epoch, window):
                    sums.add(loss, norm, sentences=sentences, tokens=tokens)
                if step % log_every == 0:
                    yield Step(
                        epoch=number,
                        step=step,
                        sentences=epoch.sentences,
                        loss=window.finite_loss(step) / window.tokens,
                        tokens_per_second=window.tokens / window.seconds,
                        gradient_norm=float(norm),
                        learning_rate=learning_rate,
                    )
                    window = _Sums(device)
        loss_sum, seconds = epoch.finite_loss(step), epoch.seconds
        tagger.precision = "float32"
        for weights in (tagger, *([] if average is None else [average.tagger])):
            _check_finite(weights, step)
        try:
            unaveraged = validate(tagger)
            scores = unaveraged if average is None else validate(average.tagger)
        except FloatingPointError as error:
            raise FloatingPointError(f"after step {step}, {error}: {REMEDY}") from error
        is_best = scores.micro.f1 > progress.best_f1
        progress = Progress(
            epoch=number,
            step=step,
            best_epoch=number if is_best else progress.best_epoch,
            best_f1=scores.micro.f1 if is_best else progress.best_f1,
        )
        yield Epoch(
            progress=progress,
            loss_per_sentence=loss_sum / epoch.sentences,
            loss_per_token=loss_sum / epoch.tokens,
            gradient_norm=float(epoch.norm) / epoch.batches,
            learning_rate=learning_rate,
            tokens_per_second=epoch.tokens / seconds,
            seconds=seconds,
            scores=scores,
            scores_unaveraged=None if average is None else unaveraged,
        )


class _Sums:
    """Running totals; those of tensors stay on their device."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), dtype=torch.float64, device=device)
        self.norm = torch.zeros((), dtype=torch.float64, device=device)
        self.batches = self.sentences = self.tokens = 0
        self._start = perf_counter()

    def add(self, loss: Float[Tensor, ""], norm: Float[Tensor, ""], *, sentences: int, tokens: int) -> None:
        self.loss += loss
        self.norm += norm
        self.batches += 1
        self.sentences += sentences
        self.tokens += tokens

    @property
    def seconds(self) -> float:
        return perf_counter() - self._start

    def finite_loss(self, step: int) -> float:
        loss = float(self.loss)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {step}: {REMEDY}")
        return loss


def _check_finite(tagger: Tagger, step: int) -> None:
    if (name := first_non_finite(tagger.state_dict())) is not None:
        raise FloatingPointError(f"the weights {name} are no longer finite after step {step}: {REMEDY}")
