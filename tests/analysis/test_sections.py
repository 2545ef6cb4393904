import json
import shutil
from dataclasses import replace
from statistics import fmean, stdev

import pytest

from ner.analysis.charts import Curves, Dots, Estimate
from ner.analysis.findings import compute_findings
from ner.analysis.results import read_sweep
from ner.analysis.sections import WITH_TEXT, charts, sections, tables
from ner.analysis.summary import summary
from ner.corpus.vocabulary import build


@pytest.fixture(scope="module")
def numbers(sweep_directory):
    return compute_findings(read_sweep(sweep_directory), resamples=50)


@pytest.fixture(scope="module")
def named(numbers):
    return {table.name: table for table in tables(sections(numbers))}


def column(table, name):
    return {row[0]: row[table.header.index(name)] for row in table.rows}


def test_the_scores_are_means_over_the_files_of_the_seeds(sweep_directory, named):
    for name in ("dglstm_crf", "bilstm_crf"):
        f1 = []
        for seed in (1, 2):
            scores = json.loads((sweep_directory / f"{name}-{seed}" / "scores.json").read_text())
            f1.append(100 * scores["test"]["strict"]["micro"]["f1"])
        expected = Estimate(fmean(f1), stdev(f1))
        assert column(named["results"], "test F1")[name] == expected
        assert column(named["results"], "seeds")[name] == 2
    assert column(named["left-out"], "why") == {"late": "not finished: 2 of 30 epochs"}


def test_labels_of_targets_have_an_accuracy(write_run, sentences, tmp_path):
    of_targets = [sentence for sentence in sentences if len(sentence.spans) == 1]
    wrong = [(replace(sentence.spans[0], label="GPE"),) for sentence in of_targets[:8]]
    for model, found in (("lstm", 4), ("td_lstm", 8)):
        predicted = [*wrong[found:], *(sentence.spans for sentence in of_targets[8 - found :])]
        write_run(tmp_path / model, of_targets, predicted, "task=sentiment", f"model={model}")
    found = compute_findings(read_sweep(tmp_path), resamples=10)
    made = {table.name: table for table in tables(sections(found))}
    right = {"lstm": len(of_targets) - 4, "td_lstm": len(of_targets)}
    for name, number in right.items():
        assert column(made["results"], "test accuracy")[name].mean == pytest.approx(100 * number / len(of_targets))
        assert column(made["results"], "validation accuracy")[name].mean == pytest.approx(
            100 * number / len(of_targets)
        )
    assert column(made["results"], "test macro F1")["td_lstm"].mean == 100
    assert "test P" not in made["results"].header
    assert "difference in accuracy" in made["significance"].header
    assert summary(found)["measure"] == "accuracy"


def test_one_seed_has_no_deviation(sweep_directory):
    alone = sections(compute_findings(read_sweep(sweep_directory / "dglstm_crf-1"), resamples=10))
    (results,) = (table for table in tables(alone) if table.name == "results")
    assert column(results, "test F1")["dglstm_crf"].deviation is None
    assert {section.name for section in alone}.isdisjoint({"significance", "side-by-side"})


def test_every_breakdown_is_a_table_and_a_chart_of_the_same_values(numbers, named):
    drawn = {chart.name: chart for chart in charts(sections(numbers))}
    for name in ("by-type", "by-length", "by-genre", "by-relation"):
        chart, table = drawn[name], named[name]
        assert isinstance(chart, Dots)
        for system, estimates in chart.systems.items():
            values = column(table, system)
            assert dict(zip(chart.groups, estimates, strict=True)) == values
    assert "by-sentence-length" not in named  # all sentences are short: there is nothing to tell apart


def test_known_words_are_told_apart_where_all_runs_say_what_they_know(sweep_directory, tmp_path):
    runs = shutil.copytree(sweep_directory, tmp_path / "runs")
    known = {"Ada", "Ulm"}
    vocabularies = build(word_counts=dict.fromkeys(known, 2), relations=[], labels=["GPE"])
    for run in runs.iterdir():
        vocabularies.save(run / "vocabularies.json")
    findings = compute_findings(read_sweep(runs), resamples=10)
    named = {table.name: table for table in tables(sections(findings))}
    entities = [
        sentence.words[span.start : span.end] for sentence in findings.sweep.sentences for span in sentence.spans
    ]
    in_full = sum(known.issuperset(words) for words in entities)
    expected = {"all": in_full, "not all": len(entities) - in_full}
    assert column(named["by-known-words"], "entities") == expected
    assert column(named["gained-by-known-words"], "entities") == expected
    assert set(summary(findings)["systems"]["bilstm_crf"]["runs"][0]["by"]["known-words"]) == set(expected)
    (runs / "bilstm_crf-1" / "vocabularies.json").unlink()
    assert "known-words" not in compute_findings(read_sweep(runs), resamples=10).breakdowns


def test_curves_are_of_every_epoch(numbers):
    drawn = {chart.name: chart for chart in charts(sections(numbers))}
    assert isinstance(drawn["training-loss"], Curves)
    assert drawn["training-loss"].systems["dglstm_crf"] == {1: Estimate(1.0, 0.0), 2: Estimate(0.5, 0.0)}


def test_time_is_that_of_training_until_the_end_of_an_epoch(numbers):
    drawn = {chart.name: chart for chart in charts(sections(numbers))}
    by_epoch, by_time = (drawn[name].systems["dglstm_crf"] for name in ("validation-f1", "validation-f1-by-time"))
    seconds = [epoch.seconds for epoch in numbers.sweep.systems[0].runs[0].epochs]
    assert list(by_time) == pytest.approx([seconds[0] / 60, sum(seconds) / 60])
    assert list(by_time.values()) == list(by_epoch.values())


def test_outcomes_and_gains_add_up(numbers, named):
    gold = sum(len(sentence.spans) for sentence in numbers.sweep.sentences)
    outcomes = column(named["errors"], "dglstm_crf")
    assert sum(estimate.mean for name, estimate in outcomes.items() if name != "spurious") == gold
    for name in ("gained-by-type", "gained-by-length", "gained-by-relation"):
        assert sum(column(named[name], "entities").values()) == gold
        balance = sum(column(named[name], "gained").values()) - sum(column(named[name], "lost").values())
        assert balance == pytest.approx(
            outcomes["correct"].mean - column(named["errors"], "bilstm_crf")["correct"].mean
        )


def test_files_have_names_of_their_own(numbers):
    found = sections(numbers)
    for names in ([table.name for table in tables(found)], [chart.name for chart in charts(found)]):
        assert all(names)
        assert len(set(names)) == len(names)


def test_text_can_be_left_out(numbers, named):
    without = {table.name: table for table in tables(sections(numbers, text=False))}
    assert named.keys() - without.keys() == {WITH_TEXT}
    shown = {cell for table in without.values() for row in table.rows for cell in row if isinstance(cell, str)}
    words = {word for sentence in numbers.sweep.sentences for word in sentence.words}
    assert not any(word in cell.split() for cell in shown for word in words)
    assert len(named[WITH_TEXT].rows) > 0
