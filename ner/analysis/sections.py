"""Findings as the sections of a report: its tables and charts, each under the name of its file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from statistics import fmean, stdev

from ner.analysis.breakdown import Breakdown, in_order
from ner.analysis.charts import Chart, Curves, Dots, Estimate
from ner.analysis.contrast import Contrast, most_telling
from ner.analysis.errors import CONFUSION, CORRECT, KINDS, confusion_map
from ner.analysis.findings import SHAPES, Findings, Pair
from ner.analysis.page import Section
from ner.analysis.paper import published
from ner.analysis.reproduce import reproduction
from ner.analysis.results import System
from ner.analysis.run_files import Epoch
from ner.analysis.significance import holm
from ner.analysis.structure import governor_of, relation_map, relation_of
from ner.analysis.tables import Cell, Table, best_in_column, best_in_row
from ner.scoring import Counts

SPREAD = "Mean and standard deviation over the seeds."
MOST_SHOWN = 15
MOST_LISTED = 40
WITH_TEXT = "entities-gained"
"""The name of the table that holds text of the corpus."""


def sections(findings: Findings, *, text: bool = True) -> list[Section]:
    """The sections of the report, from top to bottom.

    Args:
        text: whether text of the corpus may be shown.
    """
    found = [
        _results(findings),
        _significance(findings),
        *(_breakdown(findings, name, breakdown) for name, breakdown in findings.breakdowns.items()),
        _errors(findings),
        _structure(findings),
    ]
    if findings.pair is not None:
        found.append(_side_by_side(findings.pair, findings.breakdowns, text=text))
    found.append(reproduction(findings.sweep))
    return [section for section in found if section.parts]


def tables(found: Iterable[Section]) -> list[Table]:
    """All tables of some sections."""
    return [part for section in found for part in section.parts if isinstance(part, Table)]


def charts(found: Iterable[Section]) -> list[Chart]:
    """All charts of some sections."""
    return [part for section in found for part in section.parts if isinstance(part, Chart)]


def _results(findings: Findings) -> Section:
    sweep, measure = findings.sweep, findings.sweep.measure
    is_accuracy = measure != "F1"
    names = (measure, "macro F1") if is_accuracy else ("P", "R", measure)
    header = ("system", "seeds", "best epoch", f"validation {measure}", *(f"{sweep.split} {name}" for name in names))
    theirs = {system.name: published(system, split=sweep.split) for system in sweep.systems}
    has_theirs = any(theirs.values())
    rows: list[tuple[Cell, ...]] = []
    for system in sweep.systems:
        runs = system.runs
        test_f1 = _estimate(100 * run.scores.f1 for run in runs)
        scores = theirs[system.name]
        paper: tuple[Cell, ...] = (scores.f1, f"{test_f1.mean - scores.f1:+.2f}") if scores else (None, None)
        rows.append(
            (
                system.name,
                len(runs),
                _estimate(run.best_epoch for run in runs),
                _estimate(100 * run.validation_f1 for run in runs),
                *(
                    (test_f1, _estimate(100 * run.macro_f1 for run in runs))
                    if is_accuracy
                    else (
                        _estimate(100 * run.scores.precision for run in runs),
                        _estimate(100 * run.scores.recall for run in runs),
                        test_f1,
                    )
                ),
                *(paper if has_theirs else ()),
                runs[0].num_parameters,
                round(fmean(epoch.tokens_per_second for run in runs for epoch in run.epochs)),
            )
        )
    header = (*header, *(("F1 of Jie & Lu", "difference") if has_theirs else ()), "parameters", "tokens/s in training")
    parts: list[str | Table | Chart] = [
        *(_of_several_corpora(systems) for systems in sweep.several_corpora),
        Table(
            name="results",
            title=f"Scores on {sweep.split}, per cent",
            note=f"After the epoch with the best validation {measure}. {SPREAD}",
            header=header,
            rows=rows,
            best=frozenset(place for column in range(3, 4 + len(names)) for place in best_in_column(rows, column)),
        ),
        Curves(
            name="validation-f1",
            title=f"{measure.capitalize() if is_accuracy else measure} on validation",
            x_axis="epoch",
            y_axis=f"{measure} (%)",
            systems=_over_epochs(findings, lambda epoch: 100 * epoch.validation_f1),
            highest=100.0,
        ),
        Curves(
            name="validation-f1-by-time",
            title=f"{measure.capitalize() if is_accuracy else measure} on validation by the time of training",
            x_axis="minutes of training, without validation, on the machine of each run",
            y_axis=f"{measure} (%)",
            systems=_over_time(findings),
            highest=100.0,
        ),
        Curves(
            name="training-loss",
            title="Loss in training",
            x_axis="epoch",
            y_axis="loss of a token (nats)",
            systems=_over_epochs(findings, lambda epoch: epoch.loss),
        ),
    ]
    if sweep.set_aside:
        left_out = [(one.name, one.reason) for one in sweep.set_aside]
        parts.append(Table(name="left-out", title="Runs left out", header=("run", "why"), rows=left_out))
    return Section(name="results", title="Results", parts=parts)


def _of_several_corpora(systems: Sequence[System]) -> str:
    names = "; ".join(f"{one.name}: {one.runs[0].corpus or one.runs[0].digest[:10]}" for one in systems)
    return f"These systems have the same settings and different prepared corpora, and are kept apart: {names}."


def _over_epochs(findings: Findings, value: Callable[[Epoch], float]) -> dict[str, dict[int | float, Estimate]]:
    curves: dict[str, dict[int | float, Estimate]] = {}
    for system in findings.sweep.systems:
        values: dict[int, list[float]] = defaultdict(list)
        for run in system.runs:
            for epoch in run.epochs:
                values[epoch.number].append(value(epoch))
        curves[system.name] = {number: _estimate(found) for number, found in sorted(values.items())}
    return curves


def _over_time(findings: Findings) -> dict[str, dict[int | float, Estimate]]:
    """Validation F1 after each epoch by the minutes until then; both are means over the seeds that got so far."""
    curves = {}
    for system in findings.sweep.systems:
        points = defaultdict(list)
        for run in system.runs:
            minutes = accumulate(epoch.seconds / 60 for epoch in run.epochs)
            for epoch, until in zip(run.epochs, minutes, strict=True):
                points[epoch.number].append((until, 100 * epoch.validation_f1))
        curves[system.name] = {
            fmean(until for until, _ in found): _estimate(f1 for _, f1 in found) for _, found in sorted(points.items())
        }
    return curves


def _significance(findings: Findings) -> Section:
    adjusted = holm([comparison.p_bootstrap for comparison in findings.comparisons.values()])
    seeds = {system.name: len(system.runs) for system in findings.sweep.systems}
    rows: list[tuple[Cell, ...]] = [
        (
            first,
            second,
            f"{100 * one.difference:+.2f}",
            _interval(one.interval),
            _interval(one.interval_with_seeds) if seeds[first] > 1 or seeds[second] > 1 else None,
            f"{one.p_bootstrap:.4f}",
            f"{one.p_randomization:.4f}",
            f"{p:.4f}",
        )
        for ((first, second), one), p in zip(findings.comparisons.items(), adjusted, strict=True)
    ]
    header = (
        "system",
        "against",
        f"difference in {findings.sweep.measure}",
        "95 % interval",
        "with seeds",
        "p, bootstrap",
        "p, randomisation",
        "p, bootstrap, Holm",
    )
    note = (
        f"Paired bootstrap and approximate randomisation over the sentences of {findings.sweep.split}, two-sided, "
        f"{findings.resamples:,} resamples. The predictions of all runs of a system are pooled with equal weight. The "
        "p-values concern these trained models on other sentences; the interval with seeds resamples the seeds too. "
        f"Holm's correction is for the {len(rows)} tests of this table."
    )
    table = Table(
        name="significance",
        title=f"Differences in {findings.sweep.measure}, in points",
        note=note,
        header=header,
        rows=rows,
    )
    return Section(name="significance", title="Significance", parts=[table] if rows else [])


def _breakdown(findings: Findings, name: str, breakdown: Breakdown) -> Section:
    runs = {system: [run.breakdowns[name] for run in found] for system, found in findings.runs.items()}
    support = Counter[str]()
    for found in runs.values():
        for counts in found:
            for category, count in counts.items():
                support[category] = max(support[category], count.gold)
    order = in_order(breakdown, support)
    if len(order) < 2:
        return Section(name=f"by-{name}", title="", parts=[])
    values = {system: {category: _f1(found, category) for category in order} for system, found in runs.items()}
    shown = order if breakdown.order != "support" else order[:MOST_SHOWN]
    title = f"F1 by {breakdown.title}"
    dots = Dots(
        name=f"by-{name}",
        title=title if len(shown) == len(order) else f"{title}, the {len(shown)} most frequent",
        axis="F1 (%)",
        groups={category: f"n = {support[category]:,}" for category in shown},
        systems={system: tuple(found[category] for category in shown) for system, found in values.items()},
        highest=100.0,
    )
    rows: list[tuple[Cell, ...]] = [
        (category, support[category], *(found[category] for found in values.values())) for category in order
    ]
    table = Table(
        name=f"by-{name}",
        title=title,
        note=SPREAD,
        header=(breakdown.title, "entities", *values),
        rows=rows,
        best=frozenset(
            place for row in range(len(rows)) for place in best_in_row(rows, row, range(2, 2 + len(values)))
        ),
    )
    return Section(name=f"by-{name}", title=f"By {breakdown.title}", parts=[dots, table])


def _f1(runs: Sequence[Mapping[str, Counts]], category: str) -> Estimate | None:
    counts = [run[category] for run in runs if category in run]
    return _estimate(100 * count.f1 for count in counts) if counts else None


def _errors(findings: Findings) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (kind, *(_estimate(run.kinds[kind] for run in runs) for runs in findings.runs.values())) for kind in KINDS
    ]
    note = (
        "Gold and predicted entities that share a word are paired, one to one: equal ones first, then those with the "
        f"same words, then those with the same type. {SPREAD}"
    )
    columns = range(1, 1 + len(findings.runs))
    parts: list[str | Table | Chart] = [
        Table(
            name="errors",
            title="Outcomes of the entities",
            note=note,
            header=("outcome", *findings.runs),
            rows=rows,
            best=frozenset(
                place
                for row, kind in enumerate(KINDS)
                for place in best_in_row(rows, row, columns, choose=max if kind == CORRECT else min)
            ),
        )
    ]
    for number, system in enumerate(findings.compared, 1):
        runs = findings.runs[system.name]
        total = sum((run.confusions for run in runs), Counter[tuple[str, str]]())
        chart = confusion_map(
            {pair: times / len(runs) for pair, times in total.items()},
            name=f"confusion-{number}",
            title=f"{CONFUSION}: {system.name}",
            unit="entities, mean of a seed",
        )
        parts.append(chart if chart.rows else f"{system.name} makes no mistake.")
    return Section(name="errors", title="Errors", parts=parts)


def _structure(findings: Findings) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for whose in findings.relations:
        for at_least in (2, 3):
            shares = [findings.shapes[shape, at_least, whose] for shape in SHAPES]
            total = shares[0][1]
            rows.append((whose, f"≥ {at_least}", total, *(100 * have / total if total else None for have, _ in shares)))
    note = (
        "A subtree: all words but one have their head inside the entity. A grandchild path: a word, its head and its "
        "head's head are inside. For a system, the entities of all its runs are counted."
    )
    shares_table = Table(
        name="structure",
        title="Entities in the dependency tree",
        note=note,
        header=("entities", "words", "number", *(f"{shape}, %" for shape in SHAPES)),
        rows=rows,
    )
    maps = [
        relation_map(
            findings.relations[whose],
            name=f"relations-gold-{formalism}",
            title=f"Relations in gold entities, {formalism}",
        )
        for whose, formalism in ((whose, whose.removeprefix("gold, ")) for whose in findings.relations)
        if whose.startswith("gold, ")
    ]
    if findings.pair is not None:
        first, second = findings.pair.first.name, findings.pair.second.name
        maps += [
            relation_map(
                findings.relations[first],
                name="relations-predicted",
                title=f"Relations in entities that {first} predicts",
            ),
            relation_map(
                findings.pair.gains,
                name="relations-gained",
                shares=False,
                title=f"Relations in entities that only {first} finds",
            ),
            relation_map(
                findings.pair.losses,
                name="relations-lost",
                shares=False,
                title=f"Relations in entities that only {second} finds",
            ),
        ]
    return Section(name="structure", title="Entities and trees", parts=[shares_table, *maps])


def _side_by_side(pair: Pair, breakdowns: Mapping[str, Breakdown], *, text: bool) -> Section:
    first, second = pair.first.name, pair.second.name
    gained, lost = sum(one.gain for one in pair.contrasts), sum(one.loss for one in pair.contrasts)
    said = (
        f"Of {len(pair.contrasts):,} entities, {first} finds {gained:,.0f} that {second} misses, and misses "
        f"{lost:,.0f} that {second} finds. With several seeds these are means over all pairs of a run of each."
    )
    shown = [name for name in ("type", "length", "relation", "known-words") if name in breakdowns]
    parts: list[str | Table] = [said, *(_gains(pair, name, breakdowns[name]) for name in shown)]
    telling = most_telling(pair.contrasts)
    if text and telling:
        rows: list[tuple[Cell, ...]] = [
            (*_in_context(pair, one), _of(one.first, pair.first), _of(one.second, pair.second))
            for one in telling[:MOST_LISTED]
        ]
        title = f"Entities that {first} finds and {second} misses"
        note = f"{len(rows)} of {len(telling):,}, the clearest differences first."
        header = ("entity", "type", "sentence", "relation of its head", "governed by", "before", "after", first, second)
        parts.append(Table(name=WITH_TEXT, title=title, note=note, header=header, rows=rows))
    return Section(name="side-by-side", title=f"{first} and {second}", parts=parts)


def _gains(pair: Pair, name: str, breakdown: Breakdown) -> Table:
    numbers, gained, lost = Counter[str](), defaultdict[str, float](float), defaultdict[str, float](float)
    for one in pair.contrasts:
        category = breakdown.category(pair.first.sentences[one.sentence], one.span)
        numbers[category] += 1
        gained[category] += one.gain
        lost[category] += one.loss
    rows: list[tuple[Cell, ...]] = [
        (category, numbers[category], gained[category], lost[category], f"{gained[category] - lost[category]:+.2f}")
        for category in in_order(breakdown, numbers)
    ]
    header = (breakdown.title, "entities", "gained", "lost", "balance")
    return Table(name=f"gained-by-{name}", title=f"Gained and lost by {breakdown.title}", header=header, rows=rows)


def _in_context(pair: Pair, one: Contrast) -> tuple[str | int | None, ...]:
    sentence, span = pair.first.sentences[one.sentence], one.span
    governor = None if sentence.tree is None else governor_of(sentence.tree, span)
    return (
        " ".join(sentence.words[span.start : span.end]),
        span.label,
        one.sentence + 1,
        relation_of(sentence, span),
        None if governor is None else sentence.words[governor],
        " ".join(sentence.words[max(span.start - 6, 0) : span.start]),
        " ".join(sentence.words[span.end : span.end + 6]),
    )


def _of(share: float, system: System) -> str:
    return f"{round(share * len(system.runs))} of {len(system.runs)}"


def _estimate(values: Iterable[float]) -> Estimate:
    found = list(values)
    return Estimate(fmean(found), stdev(found) if len(found) > 1 else None)


def _interval(interval: tuple[float, float]) -> str:
    return f"[{100 * interval[0]:+.2f}, {100 * interval[1]:+.2f}]"
