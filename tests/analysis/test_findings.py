from dataclasses import replace

import pytest

from ner.analysis.errors import SPURIOUS
from ner.analysis.findings import compute_findings
from ner.analysis.results import read_sweep
from ner.corpus.sentence import DependencyTree


@pytest.fixture(scope="module")
def sweep(sweep_directory):
    return read_sweep(sweep_directory)


@pytest.fixture(scope="module")
def numbers(sweep):
    return compute_findings(sweep, resamples=200)


def test_every_part_adds_up_to_the_scores_of_its_run(sweep, numbers):
    for system in sweep.systems:
        for run, found in zip(system.runs, numbers.runs[system.name], strict=True):
            assert found.kinds["correct"] == run.scores.correct
            assert sum(found.kinds.values()) - found.kinds[SPURIOUS] == run.scores.gold
            assert sum(found.confusions.values()) == sum(found.kinds.values())
            for counts in found.breakdowns.values():
                assert sum(count.correct for count in counts.values()) == run.scores.correct
                assert sum(count.predicted for count in counts.values()) == run.scores.predicted


def test_the_difference_is_that_of_the_pooled_counts(sweep, numbers):
    ((first, second),) = numbers.comparisons
    assert (first, second) == ("dglstm_crf", "bilstm_crf")
    f1 = {
        system.name: 2
        * sum(run.scores.correct for run in system.runs)
        / sum(run.scores.predicted + run.scores.gold for run in system.runs)
        for system in sweep.systems
    }
    assert numbers.comparisons[first, second].difference == pytest.approx(f1[first] - f1[second])
    assert numbers.comparisons[first, second].p_bootstrap < 0.05


def test_words_of_entities_are_counted_once_for_each_of_their_relations(sweep, numbers):
    words = sum(span.end - span.start for sentence in sweep.sentences for span in sentence.spans)
    assert sum(numbers.relations["gold, ud"].values()) == words
    for system in sweep.systems:
        lengths = [span.end - span.start for run in system.runs for spans in run.predicted for span in spans]
        assert sum(numbers.relations[system.name].values()) == sum(lengths) / 2
        assert numbers.shapes["subtree", 2, system.name][1] == sum(length > 1 for length in lengths)
    pairs = [span for sentence in sweep.sentences for span in sentence.spans if span.end - span.start == 2]
    assert numbers.shapes["subtree", 2, "gold, ud"] == (len(pairs), len(pairs))


def test_the_best_is_held_against_the_best_without_trees(numbers):
    assert [system.name for system in numbers.compared] == ["dglstm_crf", "bilstm_crf"]
    gains = sum(one.gain * (one.span.end - one.span.start) for one in numbers.pair.contrasts)
    assert sum(numbers.pair.gains.values()) == pytest.approx(gains)


def test_a_baseline_and_a_pair_can_be_chosen(sweep):
    chosen = compute_findings(sweep, baseline="dglstm_crf", resamples=10)
    assert list(chosen.comparisons) == [("bilstm_crf", "dglstm_crf")]
    assert [system.name for system in chosen.compared] == ["bilstm_crf", "dglstm_crf"]
    pair = compute_findings(sweep, compare=["bilstm_crf", "dglstm_crf"], resamples=10).pair
    assert (pair.first.name, pair.second.name) == ("bilstm_crf", "dglstm_crf")


def test_one_system_alone_is_compared_with_none(sweep_directory):
    alone = compute_findings(read_sweep(sweep_directory / "dglstm_crf-1"), resamples=10)
    assert alone.comparisons == {}
    assert alone.pair is None
    assert [system.name for system in alone.compared] == ["dglstm_crf"]


def test_systems_of_two_formalisms_keep_their_trees(write_run, sentences, tmp_path):
    gold = [sentence.spans for sentence in sentences]
    flat = [
        replace(sentence, tree=DependencyTree((0,) * len(sentence), ("root",) + ("dep",) * (len(sentence) - 1)))
        for sentence in sentences
    ]
    write_run(tmp_path / "ud", sentences, gold)
    write_run(tmp_path / "sd", flat, [(), *gold[1:]], formalism="sd")
    mixed = compute_findings(read_sweep(tmp_path), resamples=10)
    assert set(mixed.relations["gold, sd"]) <= {
        (label, name) for label in ("GPE", "PERSON") for name in ("root", "dep")
    }
    assert mixed.relations["gold, ud"] == mixed.relations["ud"]
    assert [system.name for system in mixed.compared] == ["ud", "sd"]
    assert mixed.comparisons["ud", "sd"].difference > 0
    gained = {key for key, words in mixed.pair.gains.items() if words == 1}
    assert gained == {("PERSON", "nsubj"), ("GPE", "obl")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "crf"}, "no system 'crf' in .*: choose from 'bilstm_crf', 'dglstm_crf'"),
        ({"compare": ["crf", "bilstm_crf"]}, "no system 'crf'"),
        ({"compare": ["bilstm_crf"]}, "compare takes two systems"),
        ({"compare": ["bilstm_crf", "bilstm_crf"]}, "compare takes two systems"),
    ],
)
def test_a_wrong_choice_is_refused(sweep, options, message):
    with pytest.raises(ValueError, match=message):
        compute_findings(sweep, resamples=10, **options)
