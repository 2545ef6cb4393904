"""Two tests of significance for differences in F1, over the sentences of a split.

The F1 of a system of several seeds is here that of all their predictions together, every seed having the same weight;
it is within a few thousandths of the mean of their F1. What is tested is these trained models on other sentences of
the same kind. Whether other seeds would tell the same is another question: the interval "with seeds" answers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ner.corpus.sentence import Span
from ner.shapes import Bool, Float, Int

CORRECT, PREDICTED, GOLD = range(3)
CHUNK = 250  # resamples at a time: 16 MB for the 8,262 sentences of OntoNotes' test split


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Of two systems: `difference` is the F1 of the first minus that of the second, as a ratio.

    Attributes:
        interval: 95 % of the differences on resampled sentences (percentiles).
        interval_with_seeds: the same where the seeds of each system are resampled too.
        p_bootstrap: of the paired bootstrap, two-sided.
        p_randomization: of approximate randomisation, two-sided.
    """

    difference: float
    interval: tuple[float, float]
    interval_with_seeds: tuple[float, float]
    p_bootstrap: float
    p_randomization: float


def compare_all(
    systems: Mapping[str, Int[np.ndarray, "run sentence 3"]],
    *,
    pairs: Sequence[tuple[str, str]],
    resamples: int = 10_000,
    seed: int = 0,
) -> dict[tuple[str, str], Comparison]:
    """Compare pairs of systems.

    Args:
        systems: the counts of each sentence in each run, see `sentence_counts`.
        pairs: their names.

    Raises:
        ValueError: for fewer than one resample, and for different sentences.
    """
    if resamples < 1:
        raise ValueError(f"the number of resamples must be at least 1, not {resamples}")
    gold = [counts[0, :, GOLD] for counts in systems.values()]
    if not all(np.array_equal(gold[0], other) for other in gold):
        raise ValueError("the systems were not run on the same sentences")
    random = np.random.default_rng(seed)
    totals = bootstrap_totals(np.concatenate(list(systems.values())), resamples=resamples, random=random)
    observed, resampled, with_seeds = {}, {}, {}
    start = 0
    for name, counts in systems.items():
        own = totals[:, start : start + len(counts)]
        seeds = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=resamples)
        observed[name] = float(f1(counts.sum((0, 1))))
        resampled[name] = f1(own.sum(1))
        with_seeds[name] = f1((own * seeds[:, :, None]).sum(1))
        start += len(counts)
    return {
        (a, b): Comparison(
            difference=observed[a] - observed[b],
            interval=_interval(resampled[a] - resampled[b]),
            interval_with_seeds=_interval(with_seeds[a] - with_seeds[b]),
            p_bootstrap=bootstrap_p(observed[a] - observed[b], resampled[a] - resampled[b]),
            p_randomization=randomization_p(systems[a], systems[b], resamples=resamples, random=random),
        )
        for a, b in pairs
    }


def sentence_counts(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]
) -> Int[np.ndarray, "sentence 3"]:
    """How many entities of each sentence are correct, predicted and gold."""
    counts = [
        (len(set(truth) & set(found)) if found else 0, len(found), len(truth))
        for truth, found in zip(gold, predicted, strict=True)
    ]
    return np.array(counts, dtype=np.int64).reshape(-1, 3)


def f1(counts: Int[np.ndarray, "*any 3"] | Float[np.ndarray, "*any 3"]) -> Float[np.ndarray, "*any"]:
    """2 correct / (predicted + gold); 0 where there is neither."""
    total = counts[..., PREDICTED] + counts[..., GOLD]
    return np.asarray(2.0 * counts[..., CORRECT] / np.maximum(total, 1))


def bootstrap_totals(
    counts: Int[np.ndarray, "run sentence 3"], *, resamples: int, random: np.random.Generator
) -> Float[np.ndarray, "resample run 3"]:
    """The counts of each run over as many sentences, drawn with replacement; all runs share each draw.

    Computed as a matrix product of how often each sentence is drawn and its counts.
    """
    runs, sentences, _ = counts.shape
    by_sentence = counts.transpose(1, 0, 2).reshape(sentences, runs * 3).astype(np.float64)
    totals = np.empty((resamples, runs * 3))
    for start in range(0, resamples, CHUNK):
        number = min(CHUNK, resamples - start)
        drawn = random.integers(sentences, size=(number, sentences)) + np.arange(number)[:, None] * sentences
        times = np.bincount(drawn.ravel(), minlength=number * sentences).reshape(number, sentences)
        totals[start : start + number] = times.astype(np.float64) @ by_sentence
    return totals.reshape(resamples, runs, 3)


def bootstrap_p(difference: float, resampled: Float[np.ndarray, " resample"]) -> float:
    """The p-value of a paired bootstrap (Koehn, 2004; Berg-Kirkpatrick, Burkett & Klein, 2012), two-sided.

    The resampled differences spread about the observed one; moved to 0 they are what there would be without a
    difference. p is the share at least as far from 0 as the observed one.
    """
    return _share(np.abs(resampled - difference) >= abs(difference) - 1e-12)


def randomization_p(
    a: Int[np.ndarray, "run_a sentence 3"],
    b: Int[np.ndarray, "run_b sentence 3"],
    *,
    resamples: int,
    random: np.random.Generator,
) -> float:
    """The p-value of approximate randomisation (Noreen, 1989; Yeh, 2000), two-sided.

    If the systems were equally good, it would not matter which of the two a sentence's predictions came from: in each
    sentence they are swapped, those of all seeds together, with probability 1/2.
    """
    first, second = a.sum(0) * len(b), b.sum(0) * len(a)  # whole numbers, with the same weight for both
    differing = (first != second).any(1)
    swapped = (second - first)[differing].astype(np.float64)
    first_total, second_total = first.sum(0).astype(np.float64), second.sum(0).astype(np.float64)
    differences = np.empty(resamples)
    for start in range(0, resamples, CHUNK):
        number = min(CHUNK, resamples - start)
        moved = random.integers(2, size=(number, len(swapped)), dtype=np.uint8).astype(np.float64) @ swapped
        differences[start : start + number] = f1(first_total + moved) - f1(second_total - moved)
    observed = float(f1(first_total) - f1(second_total))
    return _share(np.abs(differences) >= abs(observed) - 1e-12)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of several tests, adjusted to control the family-wise error rate (Holm, 1979)."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _share(at_least_as_far: Bool[np.ndarray, " resample"]) -> float:
    """(r + 1) / (n + 1): the observed difference counts as one of the resamples, so that no p-value is 0."""
    return (int(at_least_as_far.sum()) + 1) / (len(at_least_as_far) + 1)


def _interval(differences: Float[np.ndarray, " resample"]) -> tuple[float, float]:
    low, high = np.percentile(differences, (2.5, 97.5))
    return float(low), float(high)
