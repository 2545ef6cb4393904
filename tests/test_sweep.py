import importlib
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import instantiate
from omegaconf import OmegaConf

from ner.corpus.vocabulary import build
from ner.resources import conf_directory
from ner.sweep import HOW_TO_RESUME, REFUSAL, attempt, job_name, sweep_name
from ner.training.run_directory import FAILURE


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["seed=1,2"], "sweep"),
        (["experiment=layers", "seed=1"], "layers"),
        (["experiment=[layers,ontonotes]"], "layers+ontonotes"),
        (["experiment=paper,ontonotes"], "sweep"),
        (["experiment=null"], "sweep"),
        (["experiment=glob(*)"], "sweep"),
    ],
)
def test_a_sweep_is_called_after_its_experiment(overrides, name):
    assert sweep_name(overrides) == name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["seed=1", "model/interaction=mlp", "experiment=interactions"], "model.interaction=mlp,seed=1"),
        (["+a.b=1", "device=cuda", "threads=2"], "a.b=1"),
        (["vectors=/far/away/v.txt", "seed=3", "corpus=ontonotes"], "seed=3,corpus=ontonotes,vectors=v.txt"),
        (["prepared=data/prepared/sd-1a2b/"], "prepared=sd-1a2b"),
        (["system='a b'", "x=[1,2]"], "system=ab,x=[1,2]"),
        (["threads=1"], "defaults"),
    ],
)
def test_a_job_is_called_after_what_it_sets(overrides, name):
    assert job_name(overrides, "outputs/interactions") == name
    assert job_name(overrides[::-1], "outputs/interactions") == name


def test_an_experiment_is_named_where_the_sweep_is_not_called_after_it():
    assert job_name(["experiment=paper"], "outputs/sweep") == "experiment=paper"


def test_long_names_are_cut_and_differ():
    overrides = [f"option{number}=1" for number in range(99)]
    one, other = (job_name([*overrides, f"zzz={value}"], "") for value in "12")
    assert one != other
    assert len(one.encode()) <= 255


def test_an_attempt_keeps_the_reason_of_a_failure_until_the_next(tmp_path):
    assert math.isnan(attempt(lambda: 1 / 0, tmp_path))
    assert (tmp_path / FAILURE).read_text().startswith("ZeroDivisionError: division by zero\n\nTraceback")
    assert attempt(lambda: 0.5, tmp_path) == 0.5
    assert not (tmp_path / FAILURE).exists()


@pytest.fixture
def sweep(tiny, tmp_path, run_command, monkeypatch):
    """Runs a sweep over the tiny corpus: `sweep("seed=1,2")` gives its exit status, its errors and its jobs by name.

    `tiny` sets so much that the directories' names are cut; the jobs are called here as they would be without it.
    """
    monkeypatch.chdir(tmp_path)

    def run(*overrides):
        status, errors = run_command("train", "--multirun", *tiny, "training.epochs=1", *overrides)
        jobs = {}
        for path in Path("outputs/sweep").glob("*/.hydra/overrides.yaml"):
            job = [line for line in OmegaConf.load(path) if line.startswith(("seed=", "model.layers="))]
            jobs[job_name(job, "")] = path.parent.parent
        return status, errors, jobs

    return run


@pytest.mark.slow
def test_a_failed_job_does_not_lose_the_others(sweep):
    status, errors, jobs = sweep("model.layers=1,2", "seed=1,2")
    assert status == 1
    assert sorted(jobs) == [f"model.layers={layers},seed={seed}" for layers in (1, 2) for seed in (1, 2)]
    assert "2 of the jobs failed; the same command resumes the sweep" in errors
    assert errors.count(": ValueError: an interaction function stands between") == 2
    for name, directory in jobs.items():
        assert (directory / "scores.json").exists() == ("model.layers=2" in name)
        assert (directory / FAILURE).exists() == ("model.layers=1" in name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "plugin", "extra"),
    [("joblib", "hydra_joblib_launcher", "sweep"), ("submitit_local", "hydra_submitit_launcher", "slurm")],
)
def test_launchers_do_as_much_in_processes_of_their_own(tiny, tmp_path, launcher, plugin, extra):
    pytest.importorskip(f"hydra_plugins.{plugin}", reason=f"needs the extra {extra}: pip install -e '.[{extra}]'")
    options = [f"hydra/launcher={launcher}", *tiny, "training.epochs=1", "model.layers=1,2"]
    command = [sys.executable, "-m", "ner.train", "--multirun", *options]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "1 of the jobs failed; the same command resumes the sweep" in result.stderr
    assert ": ValueError: an interaction function stands between" in result.stderr
    (finished,) = tmp_path.glob("outputs/sweep/*/scores.json")
    (failed,) = tmp_path.glob(f"outputs/sweep/*/{FAILURE}")
    assert "model.layers=2" in finished.parent.name
    assert "model.layers=1" in failed.parent.name


@pytest.mark.slow
def test_started_again_it_does_what_is_left(sweep, monkeypatch):
    fit = importlib.import_module("ner.train").fit
    trained = []

    def failing(cfg, *arguments, **options):
        trained.append(cfg.seed)
        if cfg.seed == 2 and trained.count(2) == 1:
            raise OSError("no space left on device")
        return fit(cfg, *arguments, **options)

    monkeypatch.setattr("ner.train.fit", failing)
    status, errors, jobs = sweep("seed=1,2")
    assert status == 1
    assert ": OSError: no space left on device" in errors
    before = (jobs["seed=1"] / "metrics.jsonl").read_bytes()
    status, errors, jobs = sweep("seed=3,2,1")
    assert (status, trained) == (0, [1, 2, 3, 2])
    assert (jobs["seed=1"] / "metrics.jsonl").read_bytes() == before
    assert all((directory / "scores.json").exists() for directory in jobs.values())
    assert not (jobs["seed=2"] / FAILURE).exists()


@pytest.mark.slow
def test_another_configuration_is_not_taken_for_the_same(sweep):
    assert sweep("seed=1", "hydra.sweep.subdir=same")[0] == 0
    status, errors, jobs = sweep("seed=1", "hydra.sweep.subdir=same", "training.pool=7")
    assert status == 1
    assert "same holds a run of another configuration (training.pool is 50 there, 7 here): move it away" in errors
    assert (jobs["seed=1"] / REFUSAL).exists()
    assert not (jobs["seed=1"] / FAILURE).exists()  # of the run that is there


def test_an_interruption_says_how_to_go_on(sweep, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt("interrupted after epoch 1")

    monkeypatch.setattr("ner.train.fit", interrupt)
    status, errors, jobs = sweep("seed=1,2")
    assert status == 130
    assert errors.endswith(f"interrupted after epoch 1\n{HOW_TO_RESUME}\n")
    assert set(jobs) == {"seed=1"}


@pytest.fixture(scope="module")
def vocabularies(sentences):
    return build(
        word_counts={word: 2 for sentence in sentences for word in sentence.words},
        relations=[relation for sentence in sentences for relation in sentence.tree.relations],
        labels=["PERSON", "GPE"],
    )


def sweeps():
    for path in sorted((conf_directory() / "experiment").glob("*.yaml")):
        if path.stem == "targets":  # of another task, see tests/model/test_target.py
            continue
        params = OmegaConf.select(OmegaConf.load(path), "hydra.sweeper.params")
        if params is not None:
            yield pytest.param(path.stem, dict(params), id=path.stem)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "params"), list(sweeps()))
def test_every_job_of_every_experiment_is_valid(compose_config, vocabularies, name, params):
    """Each is built: an option that would have no effect, as an interaction in one layer, is refused there."""
    assert params.pop("seed") == "1,2,3"
    (key, _), *more = params.items()
    assert not more
    (override,) = OverridesParser.create().parse_overrides([f"{key}={params[key]}"])
    if str(params[key]).startswith("glob("):
        choices = [path.stem for path in sorted((conf_directory() / key).glob("*.yaml")) if path.stem != "none"]
    else:
        choices = list(override.sweep_string_iterator())
    assert len(choices) > 3
    for choice in choices:
        cfg = compose_config("train", f"experiment=[{name},ontonotes]", f"{key}={choice}", "model.hidden_size=8")
        instantiate(cfg.model)(vocabularies=vocabularies, vectors=None)
