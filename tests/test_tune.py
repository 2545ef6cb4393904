import errno
import json
import shlex
import sys
from types import SimpleNamespace

import pytest
import yaml

from ner.training.loop import Progress

optuna = pytest.importorskip("optuna", reason="the search needs Optuna: pip install -e '.[tune]'")

from ner import tune as command  # noqa: E402

SPACE = {
    "optimizer.learning_rate": {"low": 0.01, "high": 0.1, "log": True},
    "model.hidden_size": {"low": 8, "high": 16, "step": 4},
    "model/interaction": ["self", "mlp"],
}


@pytest.fixture
def tune(tiny, tmp_path, run_command, monkeypatch):
    """Runs a search over the tiny corpus: `tune("tune.trials=2")` gives its exit status and its errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "mine.yaml").write_text("# @package tune.space\n" + yaml.safe_dump(SPACE))
    fixed = [option for option in tiny if option.split("=")[0] not in SPACE]
    arguments = [f"--config-dir={tmp_path}", "space=mine", "training.epochs=2", "training.log_every=1", *fixed]
    return lambda *more: run_command("tune", *arguments, *more)


@pytest.fixture
def trials(tmp_path):
    """The trials of the study, as it is stored."""
    return lambda: (
        optuna.load_study(
            study_name="mine", storage=f"sqlite:///{tmp_path / 'outputs' / 'tune' / 'mine' / 'study.db'}"
        ).trials
    )


def epochs(directory):
    lines = (json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if "validation" in line]


@pytest.mark.slow
def test_each_trial_is_a_run_and_the_best_is_stored(tune, trials, tmp_path, compose_config):
    assert tune("tune.trials=2", "tune.pruner=none")[0] == 0
    study = tmp_path / "outputs" / "tune" / "mine"
    runs = sorted(study.glob("trial-*"))
    assert len(runs) == len(trials()) == 2
    best_f1 = []
    for run, trial in zip(runs, trials(), strict=True):
        config = yaml.safe_load((run / "config.yaml").read_text())
        assert trial.params["optimizer.learning_rate"] == config["optimizer"]["learning_rate"]
        assert trial.params["model.hidden_size"] == config["model"]["hidden_size"] in (8, 12, 16)
        found = [line["validation"]["micro"]["f1"] for line in epochs(run)]
        assert trial.intermediate_values == dict(enumerate(found, start=1))
        assert trial.value == max(found)
        best_f1.append(trial.value)
        assert not list(run.glob("*test*"))  # validation is what is searched on
        assert not (run / "scores.json").exists()
    best = json.loads((study / "best.json").read_text())
    assert best["validation_f1"] == max(best_f1) == trials()[best["trial"]].value
    python, overrides = shlex.split(best["command"])[:3], shlex.split(best["command"])[3:]
    assert python == ["python", "-m", "ner.train"]
    config = compose_config("train", *overrides)
    assert config.optimizer.learning_rate == trials()[best["trial"]].params["optimizer.learning_rate"]


@pytest.mark.slow
def test_an_interrupted_study_goes_on(tune, trials, tmp_path, monkeypatch):
    from ner.training.loop import Step
    from ner.training.records import Records

    write, begun = Records.write, []

    def interrupt(records, result):
        write(records, result)
        if isinstance(result, Step) and result.epoch == 2 and len(begun) < 2:
            begun.append(result)
            if len(begun) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(Records, "write", interrupt)
    status, errors = tune("tune.trials=2")
    assert status == 130
    assert "interrupted after epoch 1" in errors
    (left,) = trials()
    assert left.state == optuna.trial.TrialState.RUNNING
    assert tune("tune.trials=2")[0] == 0
    first, second = trials()
    assert first.state == optuna.trial.TrialState.COMPLETE
    assert first.params == left.params != second.params
    assert [line["epoch"] for line in epochs(tmp_path / "outputs" / "tune" / "mine" / "trial-0000")] == [1, 2]
    assert tune("tune.trials=2")[0] == 0
    assert len(trials()) == 2


@pytest.fixture
def fake_fit(monkeypatch):
    """In place of a training: as many epochs, of which each has the F1 that a function of its number gives."""

    def arrange(f1):
        def fit(config, directory, *, choices, each_epoch):
            assert choices["model"] == "dglstm_crf"
            values = [f1(config, number) for number in range(1, config.training.epochs + 1)]
            for number, value in enumerate(values, start=1):
                each_epoch(SimpleNamespace(number=number, scores=SimpleNamespace(micro=SimpleNamespace(f1=value))))
            progress = Progress(epoch=len(values), best_epoch=len(values), best_f1=max(values))
            return SimpleNamespace(best_progress=lambda: progress), None

        monkeypatch.setattr(command, "fit", fit)

    return arrange


@pytest.mark.slow
@pytest.mark.parametrize(("pruner", "number"), [("median", 6), ("hyperband", 4)])
def test_trials_that_lag_behind_are_given_up(tune, trials, fake_fit, pruner, number):
    started = []

    def f1(config, number):
        started.append(number)
        return number / (10 + started.count(1))  # each trial is worse than those before it

    fake_fit(f1)
    assert tune(f"tune.trials={number}", "training.epochs=4", f"tune.pruner={pruner}")[0] == 0
    first, *others = trials()
    assert first.state == optuna.trial.TrialState.COMPLETE
    given_up = [trial for trial in others if trial.state == optuna.trial.TrialState.PRUNED]
    assert given_up
    assert all(len(trial.intermediate_values) < 4 for trial in given_up)


def test_nothing_is_given_up_after_its_first_epoch(compose_config):
    study = optuna.create_study(direction="maximize", pruner=command._pruner(compose_config("tune")))
    values = [0.5] * 5 + [0.1]
    for value in values:
        trial = study.ask()
        pruned = []
        for epoch in (1, 2):
            trial.report(value, epoch)
            pruned.append(trial.should_prune())
        study.tell(trial, value)
    assert pruned == [False, True]


def test_a_loss_that_is_not_finite_fails_its_trial_only(tune, trials, fake_fit):
    started = []

    def f1(config, number):
        started.append(number)
        if started.count(1) == 1:
            raise FloatingPointError("the loss is nan")
        return 0.5

    fake_fit(f1)
    assert tune("tune.trials=2")[0] == 0
    assert [trial.state.name for trial in trials()] == ["FAIL", "COMPLETE"]


def test_a_trial_that_met_a_full_disk_is_resumed(tune, trials, fake_fit):
    started = []

    def f1(config, number):
        started.append(number)
        if len(started) == 1:
            raise OSError(errno.ENOSPC, "No space left on device", "best.pt")
        return 0.5

    fake_fit(f1)
    status, errors = tune("tune.trials=1")
    assert status == 1
    assert errors.endswith("error: best.pt: No space left on device\n")
    assert [trial.state.name for trial in trials()] == ["RUNNING"]
    assert tune("tune.trials=1")[0] == 0
    assert [trial.state.name for trial in trials()] == ["COMPLETE"]


def test_what_is_set_is_not_searched_for(tune, trials, fake_fit):
    fake_fit(lambda config, number: config.optimizer.learning_rate)
    assert tune("tune.trials=1", "optimizer.learning_rate=0.07")[0] == 0
    (trial,) = trials()
    assert "optimizer.learning_rate" not in trial.params
    assert trial.value == 0.07


def test_a_study_is_of_one_training(tune, fake_fit):
    fake_fit(lambda config, number: 0.5)
    assert tune("tune.trials=1")[0] == 0
    assert tune("tune.trials=2", "threads=2")[0] == 0  # it changes nothing of the result
    status, errors = tune("tune.trials=3", "seed=2")
    assert status == 1
    assert "error: the study 'mine' was begun with" in errors
    assert "choose another tune.study" in errors


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tune.pruner=best", "tune.pruner is 'best': it must be median, hyperband or none"),
        ("--multirun", "a search is one command"),
        ("resume=somewhere", "a study is resumed by its name"),
    ],
)
def test_what_cannot_be_is_one_line(tune, fake_fit, override, message):
    fake_fit(lambda config, number: 0.5)
    status, errors = tune(override)
    assert status == 1
    assert "error: " in errors
    assert message in errors


def test_a_missing_extra_is_named(tune, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert tune() == (1, "error: the search needs Optuna: pip install -e '.[tune]' brings it\n")


def test_ranges_are_of_their_kind():
    trial = optuna.trial.FixedTrial({"a": 3, "b": 0.5, "c": "x"})
    space = {"a": {"low": 1, "high": 9}, "b": {"low": 0.0, "high": 1.0, "step": 0.25}, "c": ["x", None]}
    assert command.suggest(space, trial) == ["a=3", "b=0.5", "c=x"]
    assert trial.distributions == {
        "a": optuna.distributions.IntDistribution(1, 9),
        "b": optuna.distributions.FloatDistribution(0.0, 1.0, step=0.25),
        "c": optuna.distributions.CategoricalDistribution(("x", None)),
    }


@pytest.mark.parametrize("name", ["recipe", "sizes"])
def test_every_space_is_of_options_there_are(compose_config, name):
    space = compose_config("tune", f"space={name}").tune.space
    trial = optuna.create_study().ask()
    compose_config("train", *command.suggest(space, trial))
