import json
import shutil

import pytest
from omegaconf import OmegaConf

from ner.analysis.results import read_sweep
from ner.corpus.sentence import Span
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


def test_what_is_not_finished_or_failed_is_set_aside(write, tmp_path):
    write("done")
    (write("unfinished", "training.epochs=9") / "scores.json").unlink()
    (write("failed") / "failed.txt").write_text("ValueError: no such file\n\nTraceback")
    (tmp_path / "not-begun").mkdir()
    (tmp_path / "not-begun" / "failed.txt").write_text("ValueError: bad\n")
    (write("blind") / "predictions-test.conll").unlink()
    (write("damaged") / "scores.json").write_text("{}")
    (write("empty") / "config.yaml").write_text("")
    (write("lost") / "metrics.jsonl").unlink()
    (write("cut") / "best.pt").write_bytes(b"PK")
    write("again")
    sweep = read_sweep(tmp_path)
    reasons = {one.name: one.reason for one in sweep.set_aside}
    assert [run.name for run in sweep.systems[0].runs] == ["again"]
    assert list(reasons) == sorted(reasons)
    assert reasons.pop("unfinished") == "not finished: 2 of 9 epochs"
    assert reasons.pop("failed") == "failed: ValueError: no such file"
    assert reasons.pop("not-begun") == "failed: ValueError: bad"
    assert reasons.pop("blind").startswith("no predictions of test: `python -m ner.evaluate run=")
    assert reasons.pop("damaged") == "not the files of a run (KeyError: 'epoch')"
    assert reasons.pop("empty").startswith("not the files of a run")
    assert reasons.pop("lost") == "not the files of a run (ValueError: metrics.jsonl holds no epoch)"
    assert reasons.pop("cut").startswith("not the files of a run")
    assert reasons.pop("done") == "settings and seed are those of again"
    assert not reasons


def test_predictions_of_other_weights_are_set_aside(write, tmp_path):
    write("right")
    other = write("other", seed=2, predicted=[(Span(0, 1, "ORG"),)] * 6)
    shutil.copy(tmp_path / "right" / "predictions-test.conll", other)
    (write("older", seed=3) / "predictions-test.conll").write_text("Ada\tO\tO\n\n")
    reasons = {one.name: one.reason for one in read_sweep(tmp_path).set_aside}
    assert "predictions-test.conll and scores.json disagree" in reasons["other"]
    assert "not the 7 columns" in reasons["older"]


def test_predictions_made_on_another_device_are_those_reported(write, tmp_path):
    directory = write("run", predicted=[(Span(0, 1, "ORG"),)] * 6)
    scores = json.loads((directory / "scores.json").read_text())
    scores["test"]["strict"]["micro"]["f1"] += 0.001
    (directory / "scores.json").write_text(json.dumps(scores))
    (run,) = read_sweep(tmp_path).systems[0].runs
    assert run.scores.f1 == pytest.approx(scores["test"]["strict"]["micro"]["f1"] - 0.001)


def test_a_run_that_goes_on_is_told_by_its_finished_epochs(write, tmp_path):
    write("done")
    directory = write("running")
    (directory / "scores.json").unlink()
    with (directory / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "validation": {"micro"')
    (one,) = read_sweep(tmp_path).set_aside
    assert one.reason == "not finished: 2 of 30 epochs"


def test_runs_of_another_corpus_are_set_aside(write, write_run, sentences, tmp_path):
    write("a", seed=1)
    write("b", seed=2)
    write_run(tmp_path / "c", sentences[:3], [one.spans for one in sentences[:3]], seed=3)
    sweep = read_sweep(tmp_path)
    assert [run.name for run in sweep.systems[0].runs] == ["a", "b"]
    assert [one.reason for one in sweep.set_aside] == [
        "of another corpus than a: give runs= a directory with runs of one"
    ]


def test_the_scheme_of_the_tags_is_that_of_the_run(write, tmp_path):
    directory = write("bio")
    config = OmegaConf.load(directory / "config.yaml")
    config.vocabulary.scheme = "BIO"
    OmegaConf.save(config, directory / "config.yaml")
    path = directory / "predictions-test.conll"
    lines = [line.rpartition("\t") for line in path.read_text().split("\n")]
    bio = {"S": "B", "E": "I"}
    path.write_text("\n".join(f"{rest}{tab}{bio.get(tag[:1], tag[:1])}{tag[1:]}" for rest, tab, tag in lines))
    assert read_sweep(tmp_path).systems[0].runs[0].scores.f1 == 1


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
    with pytest.raises(ValueError, match=r"none of its 1 runs can be reported on \(unfinished: not finished: 2 of 30"):
        read_sweep(tmp_path)
