"""How far the probabilities of entities can be trusted, and a temperature that brings them closer to the truth.

An entity that is found with probability p should be right in a share p of the cases. The expected calibration error
(ECE; Naeini et al., 2015; Guo et al., 2017) is the mean difference of the two over `BINS` bins of p, weighted by their
sizes. The temperature (Guo et al., 2017) divides all scores; it changes no entity, since the order of sequences stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ner.corpus.batch import Batch
from ner.corpus.dataset import EncodedSplit
from ner.corpus.sentence import Span
from ner.corpus.tags import tags_to_spans
from ner.corpus.vocabulary import Vocabularies
from ner.model.tagger import Tagger
from ner.shapes import Bool, Float
from ner.training.decoding import by_batch, paths_of

BINS = 10
TEMPERATURES = tuple(1.1**step for step in range(-14, 15))  # 0.26 to 3.80


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The entities with a probability above `lower`, up to `upper`: their mean probability, the share that is right."""

    lower: float
    upper: float
    entities: int
    probability: float
    precision: float


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """ECE, and the mean of -log of the probability given to what was true, in nats; both are better if lower."""

    ece: float
    log_loss: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The temperature of a tagger, 1 where none helps, and what it does on the split that it was fitted on.

    It helps where, fitted on either half of the sentences, it lowers the log loss on the other: `crossed` has the ECE
    of all entities with the temperatures of the halves they are not in.
    """

    temperature: float
    entities: int
    uncalibrated: Reliability
    calibrated: Reliability
    crossed_ece: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    def summary(self) -> str:
        """In one line, for people."""
        before, after = self.uncalibrated.ece, self.calibrated.ece
        line = (
            f"probabilities of {self.entities:,} entities found in validation: calibration error {100 * before:.2f} %"
        )
        if self.temperature == 1:
            return line
        return f"{line}, {100 * after:.2f} % at a temperature of {self.temperature:.2f}"


def reliability(probabilities: Float[Tensor, " entity"], correct: Bool[Tensor, " entity"]) -> Reliability:
    """Compare the probabilities of entities with what came true; without an entity both errors are 0."""
    edges = torch.linspace(0, 1, BINS + 1, dtype=probabilities.dtype)
    places = torch.bucketize(probabilities, edges[1:-1])
    bins = []
    for place in range(BINS):
        members = places == place
        if number := int(members.sum()):
            bins.append(
                Bin(
                    lower=float(edges[place]),
                    upper=float(edges[place + 1]),
                    entities=number,
                    probability=float(probabilities[members].mean()),
                    precision=float(correct[members].double().mean()),
                )
            )
    total = max(len(probabilities), 1)
    return Reliability(
        ece=sum(one.entities * abs(one.probability - one.precision) for one in bins) / total,
        log_loss=_log_loss(probabilities, correct),
        bins=tuple(bins),
    )


def calibrate(
    tagger: Tagger, split: EncodedSplit, gold: Sequence[Iterable[Span]], vocabularies: Vocabularies
) -> Calibration:
    """Fit the temperature on the entities that the tagger finds in a split, by their log loss.

    Args:
        gold: the true entities of each sentence.
    """
    names, truth = vocabularies.tags.items, [frozenset(spans) for spans in gold]

    def find(batch: Batch, features: Float[Tensor, "word feature"]) -> tuple[Tensor, Tensor, list[list[int]]]:
        emissions = tagger.finite_emissions(batch, features)
        return emissions, batch.mask, tagger.decoder.decode(emissions, batch.mask).tolist()

    parts: list[
        tuple[Callable[..., Tensor], list[bool], list[bool]]
    ] = []  # probabilities, is right, is of an even sentence
    for indices, (emissions, mask, tags) in by_batch(tagger, split, find):
        lengths = mask.sum(1).tolist()
        spans = [
            tags_to_spans([names[tag] for tag in one[:length]], vocabularies.scheme)
            for one, length in zip(tags, lengths, strict=True)
        ]
        rows = [row for row, found in enumerate(spans) if found]
        if rows:
            found = [(int(indices[row]), span) for row in rows for span in spans[row]]
            paths = paths_of([spans[row] for row in rows], vocabularies).to(emissions.device)
            parts.append(
                (
                    partial(tagger.decoder.path_probabilities, emissions[rows], mask[rows], paths),
                    [span in truth[index] for index, span in found],
                    [index % 2 == 0 for index, _ in found],
                )
            )

    correct = torch.tensor([one for _, right, _ in parts for one in right], dtype=torch.bool)
    is_even = torch.tensor([one for *_, even in parts for one in even], dtype=torch.bool)

    def probabilities(temperature: float) -> Tensor:
        return torch.cat(
            [torch.zeros(0, dtype=torch.float64), *(at(temperature=temperature).cpu() for at, *_ in parts)]
        )

    at_each = {temperature: probabilities(temperature) for temperature in TEMPERATURES}

    def best(chosen: Tensor) -> float:
        """The temperature of the lowest log loss over the chosen entities; of several, as without any, closest to 1."""

        def losses(temperature: float) -> tuple[float, float]:
            return _log_loss(at_each[temperature][chosen], correct[chosen]), abs(math.log(temperature))

        return min(TEMPERATURES, key=losses)

    plain = at_each[1.0]
    crossed = torch.where(is_even, at_each[best(~is_even)], at_each[best(is_even)])
    helps = _log_loss(crossed, correct) < _log_loss(plain, correct)
    temperature = best(torch.ones_like(correct)) if helps else 1.0
    return Calibration(
        temperature=temperature,
        entities=len(correct),
        uncalibrated=reliability(plain, correct),
        calibrated=reliability(at_each[temperature], correct),
        crossed_ece=reliability(crossed, correct).ece,
    )


def _log_loss(probabilities: Tensor, correct: Tensor) -> float:
    if not len(probabilities):
        return 0.0
    of_truth = torch.where(correct, probabilities, 1 - probabilities).clamp(min=1e-12)
    return float(-of_truth.log().mean())
