"""Findings as JSON: every number, unrounded and as a ratio where it is one, and no word of the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ner.analysis.breakdown import Breakdown, in_order
from ner.analysis.errors import KINDS
from ner.analysis.findings import Findings, Pair, RunNumbers
from ner.analysis.paper import published
from ner.analysis.results import System
from ner.analysis.run_files import Result
from ner.analysis.settings import public
from ner.analysis.significance import holm
from ner.scoring import Counts


def summary(findings: Findings) -> dict[str, Any]:
    """What `summary.json` holds."""
    sweep = findings.sweep
    return {
        "split": sweep.split,
        "measure": sweep.measure,
        "sentences": len(sweep.sentences),
        "entities": sum(len(sentence.spans) for sentence in sweep.sentences),
        "systems": {
            system.name: _system(system, findings.runs[system.name], findings.breakdowns, split=sweep.split)
            for system in sweep.systems
        },
        "left_out": {one.name: one.reason for one in sweep.set_aside},
        "significance": {"resamples": findings.resamples, "comparisons": _comparisons(findings)},
        "shapes": [
            {"entities": whose, "at_least": at_least, "shape": shape, "have": have, "of": total}
            for (shape, at_least, whose), (have, total) in findings.shapes.items()
        ],
        "relations": {whose: _by_label(counts) for whose, counts in findings.relations.items()},
        "pair": None if findings.pair is None else _pair(findings.pair),
    }


def _system(
    system: System, numbers: Sequence[RunNumbers], breakdowns: Mapping[str, Breakdown], *, split: str
) -> dict[str, Any]:
    scores = published(system, split=split)
    return {
        "settings": {name: public(value) for name, value in system.settings.items()},
        "paper": scores and {"precision": scores.precision, "recall": scores.recall, "f1": scores.f1},
        "runs": [_run(run, found, breakdowns) for run, found in zip(system.runs, numbers, strict=True)],
    }


def _run(run: Result, numbers: RunNumbers, breakdowns: Mapping[str, Breakdown]) -> dict[str, Any]:
    return {
        "run": run.name,
        "seed": run.seed,
        "best_epoch": run.best_epoch,
        "validation_f1": run.validation_f1,
        "scores": _counts(run.scores),
        "macro_f1": run.macro_f1,
        "parameters": run.num_parameters,
        "epochs": [
            {
                "epoch": epoch.number,
                "loss_per_token": epoch.loss,
                "validation_f1": epoch.validation_f1,
                "tokens_per_second": epoch.tokens_per_second,
                "seconds": epoch.seconds,
            }
            for epoch in run.epochs
        ],
        "by": {
            name: {category: _counts(found[category]) for category in _order(breakdowns[name], found)}
            for name, found in numbers.breakdowns.items()
        },
        "outcomes": {kind: numbers.kinds[kind] for kind in KINDS},
        "confusions": _by_label(numbers.confusions),
    }


def _comparisons(findings: Findings) -> list[dict[str, Any]]:
    adjusted = holm([comparison.p_bootstrap for comparison in findings.comparisons.values()])
    return [
        {
            "system": first,
            "against": second,
            "difference": one.difference,
            "interval": one.interval,
            "interval_with_seeds": one.interval_with_seeds,
            "p_bootstrap": one.p_bootstrap,
            "p_bootstrap_holm": p,
            "p_randomization": one.p_randomization,
        }
        for ((first, second), one), p in zip(findings.comparisons.items(), adjusted, strict=True)
    ]


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "systems": [pair.first.name, pair.second.name],
        "gained": sum(one.gain for one in pair.contrasts),
        "lost": sum(one.loss for one in pair.contrasts),
        "relations_gained": _by_label(pair.gains),
        "relations_lost": _by_label(pair.losses),
    }


def _counts(counts: Counts) -> dict[str, float]:
    return {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "correct": counts.correct,
        "predicted": counts.predicted,
        "gold": counts.gold,
    }


def _order(breakdown: Breakdown, counts: Mapping[str, Counts]) -> list[str]:
    return in_order(breakdown, {category: count.gold for category, count in counts.items()})


def _by_label(counts: Mapping[tuple[str, str], int | float]) -> dict[str, dict[str, int | float]]:
    nested: dict[str, dict[str, int | float]] = {}
    for (label, other), number in sorted(counts.items()):
        nested.setdefault(label, {})[other] = number
    return nested
