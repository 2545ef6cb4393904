"""All numbers computed from a set of runs; tables, charts and the summary are made from these alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ner.analysis.breakdown import BREAKDOWNS, Breakdown, by_known_words, count_by
from ner.analysis.contrast import Contrast, contrast
from ner.analysis.errors import count_confusions, count_kinds, match_all
from ner.analysis.results import Sweep, System
from ner.analysis.run_files import Result
from ner.analysis.significance import Comparison, compare_all, sentence_counts
from ner.analysis.structure import (
    Shape,
    has_grandchild_path,
    is_subtree,
    located,
    relation_counts,
    share,
)
from ner.corpus.sentence import Sentence, Span
from ner.scoring import Counts

SHAPES: Mapping[str, Shape] = {"subtree": is_subtree, "grandchild path": has_grandchild_path}
Relations = Mapping[tuple[str, str], float]


@dataclass(frozen=True, kw_only=True, eq=False)
class RunNumbers:
    """The numbers of one run: counts by category for each breakdown, outcomes and confusions of entities."""

    breakdowns: Mapping[str, Mapping[str, Counts]]
    kinds: Counter[str]
    confusions: Counter[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """Two systems side by side; `gains` and `losses` are `relations` in entities that one alone finds."""

    first: System
    second: System
    contrasts: Sequence[Contrast]
    gains: Relations
    losses: Relations


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """What was computed from the runs.

    Attributes:
        breakdowns: by name; the one by known words is there where all runs say which words they know.
        runs: by name of the system, in the order of its runs.
        comparisons: by the names of the two systems.
        shapes: by shape, smallest number of words and whose entities (`gold, sd`, or a system's): how many have the
            shape, and how many entities there are, in all runs of the system.
        relations: how many words of entities of a type have a relation, by whose entities; of systems, a run's mean.
        pair: the two systems looked at more closely; None where there is one alone.
    """

    sweep: Sweep
    breakdowns: Mapping[str, Breakdown]
    runs: Mapping[str, Sequence[RunNumbers]]
    comparisons: Mapping[tuple[str, str], Comparison]
    resamples: int
    shapes: Mapping[tuple[str, int, str], tuple[int, int]]
    relations: Mapping[str, Relations]
    pair: Pair | None

    @property
    def compared(self) -> tuple[System, ...]:
        """The two systems that are compared, or all where there are none."""
        return (self.pair.first, self.pair.second) if self.pair else self.sweep.systems


def compute_findings(
    sweep: Sweep,
    *,
    baseline: str | None = None,
    compare: Sequence[str] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> Findings:
    """Compute everything that a report shows.

    Args:
        baseline: the system that the others are tested against; None tests all pairs.
        compare: the two systems to compare in detail. None compares the best on validation with the baseline; without a
            baseline, with the best system that uses no trees, or else with the worst.

    Raises:
        ValueError: for a system that is not in the sweep, listing those that are.
    """
    systems = {system.name: system for system in sweep.systems}
    for name in (*([] if baseline is None else [baseline]), *(compare or ())):
        if name not in systems:
            raise ValueError(f"no system {name!r} in {sweep.directory}: choose from {', '.join(map(repr, systems))}")
    if compare is not None and (len(compare) != 2 or compare[0] == compare[1]):
        raise ValueError(f"compare takes two systems, as in compare=[A,B], not {list(compare)}")
    ranked = sorted(sweep.systems, key=lambda system: (-system.validation_f1, system.name))
    if baseline is None:
        pairs = [(first.name, second.name) for first, second in combinations(ranked, 2)]
    else:
        pairs = [(system.name, baseline) for system in ranked if system.name != baseline]
    chosen = _systems_to_compare(ranked, baseline) if compare is None else tuple(systems[name] for name in compare)
    breakdowns = _breakdowns(sweep)
    return Findings(
        sweep=sweep,
        breakdowns=breakdowns,
        runs={system.name: [_numbers(run, breakdowns) for run in system.runs] for system in sweep.systems},
        comparisons=compare_all(
            {
                system.name: np.stack([sentence_counts(_gold(run.sentences), run.predicted) for run in system.runs])
                for system in sweep.systems
            },
            pairs=pairs,
            resamples=resamples,
            seed=seed,
        ),
        resamples=resamples,
        shapes=_shapes(sweep),
        relations=_relations(sweep),
        pair=_pair(*chosen) if chosen else None,
    )


def _systems_to_compare(ranked: Sequence[System], baseline: str | None) -> tuple[System, ...]:
    if len(ranked) < 2:
        return ()
    without_trees = [system for system in ranked if system.settings.get("model") == "bilstm_crf"]
    if baseline is not None:
        other = next(system for system in ranked if system.name == baseline)
    else:
        other = without_trees[0] if without_trees else ranked[-1]
    best = next((system for system in ranked if system is not other and system not in without_trees), None)
    return best or next(system for system in ranked if system is not other), other


def _breakdowns(sweep: Sweep) -> Mapping[str, Breakdown]:
    models = [run.known_words for system in sweep.systems for run in system.runs]
    if None in models:
        return BREAKDOWNS
    return {**BREAKDOWNS, "known-words": by_known_words({known for known in models if known is not None})}


def _numbers(run: Result, breakdowns: Mapping[str, Breakdown]) -> RunNumbers:
    matches = [one for found in match_all(_gold(run.sentences), run.predicted) for one in found]
    return RunNumbers(
        breakdowns={
            name: count_by(breakdown.category, run.sentences, run.predicted) for name, breakdown in breakdowns.items()
        },
        kinds=count_kinds(matches),
        confusions=count_confusions(matches),
    )


def _shapes(sweep: Sweep) -> dict[tuple[str, int, str], tuple[int, int]]:
    found = {}
    for name, shape in SHAPES.items():
        for at_least in (2, 3):
            for whose, runs in _annotators(sweep).items():
                counts = [share(shape, sentences, entities, at_least=at_least) for sentences, entities in runs]
                found[name, at_least, whose] = (sum(have for have, _ in counts), sum(all_ for _, all_ in counts))
    return found


def _relations(sweep: Sweep) -> dict[str, Relations]:
    found: dict[str, Relations] = {}
    for whose, runs in _annotators(sweep).items():
        counts = defaultdict[tuple[str, str], float](float)
        for sentences, entities in runs:
            for key, number in relation_counts(sentences, located(entities)).items():
                counts[key] += number
        found[whose] = {key: number / len(runs) for key, number in counts.items()}
    return found


def _annotators(sweep: Sweep) -> dict[str, list[tuple[Sequence[Sentence], Sequence[Sequence[Span]]]]]:
    """Sentences and entities by annotator: gold with the trees of each formalism, and each system with its runs."""
    runs = {run.formalism: run for system in sweep.systems for run in system.runs}
    return {
        **{f"gold, {name}": [(runs[name].sentences, _gold(runs[name].sentences))] for name in sorted(runs)},
        **{system.name: [(run.sentences, run.predicted) for run in system.runs] for system in sweep.systems},
    }


def _pair(first: System, second: System) -> Pair:
    contrasts = contrast(first, second)
    return Pair(
        first=first,
        second=second,
        contrasts=contrasts,
        gains=relation_counts(first.sentences, ((one.sentence, one.span, one.gain) for one in contrasts)),
        losses=relation_counts(first.sentences, ((one.sentence, one.span, one.loss) for one in contrasts)),
    )


def _gold(sentences: Sequence[Sentence]) -> list[tuple[Span, ...]]:
    return [sentence.spans for sentence in sentences]
