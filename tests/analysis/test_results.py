import json
import shutil

import pytest

from ner.analysis.results import read_sweep
from ner.training.run import Run


@pytest.fixture
def gold(sentences):
    return [sentence.spans for sentence in sentences[:6]]


@pytest.fixture
def write(write_run, sentences, gold, tmp_path):
    """Writes a run of the first six sentences: `write(name, overrides...)`."""

    def one(name, *overrides, predicted=None, **options):
        return write_run(tmp_path / name, sentences[:6], predicted or gold, *overrides, **options)

    return one


def test_a_run_of_ours_is_read_as_it_is(run_directory, sentences):
    sweep = read_sweep(run_directory)
    (system,) = sweep.systems
    (run,) = system.runs
    scores = json.loads((run_directory / "scores.json").read_text())
    assert (run.name, system.name, run.seed, run.formalism) == (run_directory.name, "dglstm_crf", 1, "given")
    assert run.scores.f1 == scores["test"]["strict"]["micro"]["f1"]
    assert run.best_epoch == scores["epoch"]
    assert max(epoch.validation_f1 for epoch in run.epochs) == run.validation_f1 == system.validation_f1
    assert [epoch.number for epoch in run.epochs] == [1, 2, 3, 4, 5]
    tagger = Run.open(run_directory).new_tagger()
    assert run.num_parameters == sum(parameter.numel() for parameter in tagger.parameters())
    assert [one.words for one in run.sentences] == [one.words for one in sentences[-16:]]
    assert [one.tree for one in run.sentences] == [one.tree for one in sentences[-16:]]
    assert read_sweep(run_directory, split="validation").systems[0].runs[0].scores.f1 == run.validation_f1


def test_runs_that_differ_in_their_seed_are_one_system(write, tmp_path):
    for seed in (2, 10, 1):
        write(f"{seed}", seed=seed)
    write("deeper/3", "model.layers=3")
    sweep = read_sweep(tmp_path)
    assert [(one.name, [run.seed for run in one.runs]) for one in sweep.systems] == [("L2", [1, 2, 10]), ("L3", [1])]
    assert sweep.systems[1].runs[0].name == "deeper/3"
    assert not sweep.set_aside
    assert sweep.sentences is sweep.systems[1].sentences


def test_formalisms_are_systems_with_trees_of_their_own(write, tmp_path):
    write("sd", formalism="sd")
    write("ud", formalism="ud")
    assert [system.name for system in read_sweep(tmp_path).systems] == ["sd", "ud"]


def test_what_cannot_be_reported_on_is_left_out_and_the_rest_reported(write, tmp_path):
    write("done")
    (write("unfinished", "training.epochs=9") / "scores.json").unlink()
    (tmp_path / "not-begun").mkdir()
    (tmp_path / "not-begun" / "failed.txt").write_text("ValueError: bad\n")
    (write("cut") / "best.pt").write_bytes(b"PK")
    write("again")
    sweep = read_sweep(tmp_path)
    assert [run.name for run in sweep.systems[0].runs] == ["again"]
    reasons = {one.name: one.reason for one in sweep.set_aside}
    assert list(reasons) == ["cut", "done", "not-begun", "unfinished"]
    assert reasons["done"] == "settings and seed are those of again"


def test_runs_of_other_sentences_are_set_aside(write, write_run, sentences, tmp_path):
    write("a", seed=1)
    write("b", seed=2)
    write_run(tmp_path / "c", sentences[:3], [one.spans for one in sentences[:3]], seed=3, digest="1" * 64)
    sweep = read_sweep(tmp_path)
    assert [run.name for run in sweep.systems[0].runs] == ["a", "b"]
    assert [one.reason for one in sweep.set_aside] == [
        "of another corpus (corpus-1111111111) than a (corpus-0000000000): "
        "give runs= directories with runs of one corpus"
    ]


def test_runs_of_different_corpora_are_never_one_system(write, tmp_path):
    """The test split may be the same where the training split is not."""
    for seed in (1, 2):
        write(f"old-{seed}", seed=seed, digest="0" * 64)
        write(f"new-{seed}", seed=seed, digest="1" * 64)
    write("deep", "model.layers=3", digest="1" * 64)
    sweep = read_sweep(tmp_path)
    assert {system.name: [run.name for run in system.runs] for system in sweep.systems} == {
        "L2 corpus:00000000": ["old-1", "old-2"],
        "L2 corpus:11111111": ["new-1", "new-2"],
        "L3": ["deep"],
    }
    ((first, second),) = sweep.several_corpora
    assert (first.name, second.name) == ("L2 corpus:00000000", "L2 corpus:11111111")
    assert not sweep.set_aside


def test_a_list_of_directories_is_compared(write, tmp_path):
    write("x/a")
    write("x/b", "model.layers=3")
    write("y/c", seed=2)
    sweep = read_sweep(tmp_path / "x" / "a", tmp_path / "y", tmp_path / "y" / "c")
    assert sweep.directory == tmp_path
    assert [(system.name, [run.name for run in system.runs]) for system in sweep.systems] == [
        ("dglstm_crf", ["x/a", "y/c"])
    ]
    assert [one.name for one in read_sweep(tmp_path / "x", tmp_path / "y").systems] == ["L2", "L3"]


def test_the_same_settings_and_seeds_in_two_directories_are_two_systems(write, tmp_path):
    for source in ("before", "after=1"):
        for seed in (1, 2):
            write(f"{source}/{seed}", seed=seed)
    write("after=1/deep", "model.layers=3")
    sweep = read_sweep(tmp_path / "before", tmp_path / "after=1")
    assert {system.name: [run.name for run in system.runs] for system in sweep.systems} == {
        "L2 from:after_1": ["after=1/1", "after=1/2"],
        "L2 from:before": ["before/1", "before/2"],
        "L3": ["after=1/deep"],
    }


def test_hydras_own_records_are_no_runs(write, tmp_path):
    for name in (".hydra", ".hydra/resume-1"):
        (write("run" if name == ".hydra" else "other") / name).mkdir(parents=True)
    shutil.copy(tmp_path / "run" / "config.yaml", tmp_path / "run" / ".hydra" / "config.yaml")
    assert [one.name for one in read_sweep(tmp_path / "run").systems[0].runs] == ["run"]


def test_where_there_is_nothing_to_report_on(write, tmp_path):
    with pytest.raises(ValueError, match="no such directory"):
        read_sweep(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="there is no run in it or below it"):
        read_sweep(tmp_path)
    with pytest.raises(ValueError, match="unknown split 'dev': choose one of validation, test"):
        read_sweep(tmp_path, split="dev")
    (write("unfinished") / "scores.json").unlink()
    with pytest.raises(ValueError, match=r"none of the 1 runs can be reported on \(unfinished: not finished: 2 of 30"):
        read_sweep(tmp_path)
