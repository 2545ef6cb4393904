import json
import shutil
import time
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from ner.corpus.dataset import encode, load
from ner.training.decoding import decode
from ner.training.run import Run, choose_device, random_state
from ner.training.sealed import load_sealed, save_sealed


@pytest.fixture
def stranger(run_directory, tmp_path):
    """A copy of a run whose configuration can be changed: `stranger({"model.x": value})`."""
    directory = tmp_path / "stranger"
    shutil.copytree(run_directory, directory)

    def change(changes):
        config = OmegaConf.load(directory / "config.yaml")
        for key, value in changes.items():
            OmegaConf.update(config, key, value, force_add=True)
        (directory / "config.yaml").write_text(OmegaConf.to_yaml(config))
        return directory

    return change


def test_holds_all_that_is_needed(run_directory):
    assert {path.name for path in run_directory.iterdir() if not path.name.startswith((".", "events."))} == {
        "best.pt",
        "calibration.json",
        "config.yaml",
        "environment.json",
        "last.pt",
        "metrics.jsonl",
        "predictions-test.conll",
        "predictions-validation.conll",
        "scores.json",
        "vocabularies.json",
    }
    environment = json.loads((run_directory / "environment.json").read_text())
    assert environment["formalism"] == "given"
    assert len(environment["digest"]) == 64
    assert environment["seed"] == 1
    assert environment["versions"]["torch"] == torch.__version__.split("+")[0]


def test_opens_without_the_data_it_was_trained_on(run_directory, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(run_directory, elsewhere)
    environment = json.loads((elsewhere / "environment.json").read_text())
    rows = load(Path(environment["prepared"])).splits["test"]
    (elsewhere / "environment.json").write_text(json.dumps(environment | {"prepared": "nowhere"}))
    tags = []
    for directory in (run_directory, elsewhere):
        run = Run.open(directory)
        tagger = run.best_tagger(torch.device("cpu"))
        assert not tagger.training
        tags.append(decode(tagger, encode(rows, run.vocabularies)))
    assert torch.equal(*tags)


@pytest.mark.parametrize(
    "changes",
    [
        {"model._target_": "os.system"},
        {"model._target_": "ner.model.tagger.torch.load"},
        {"model._target_": "ner.model.tagger.torch"},
        {"model._target_": "ner.models.anything"},
        {"model._target_": "ner.training.run.write_json"},
        {"model._target_": "ner.corpus.dependencies.UniversalDependencies"},
        {"model._target_": "ner.model"},
        {"model._target_": ["os.system"]},
        {"model.recurrent._target_": "builtins.exec"},
        {"model.characters": {"_target_": "subprocess.run", "args": ["true"]}},
        {"model.extra": [{"deep": {"_target_": "os.abort", "_partial_": True}}]},
        {"model.extra": {"_target_": "hydra.utils.get_method", "path": "os.system", "_convert_": "all"}},
        {"optimizer._target_": "os.system"},
        {"optimizer._target_": "ner.model.tagger.dglstm_crf"},
        {"schedule._target_": "os.system"},
        {"corpus._target_": "os.system"},
        {"dependencies._target_": "os.system"},
        {"training._target_": "os.system"},
        {"unheard_of": {"_target_": "os.system"}},
    ],
)
def test_a_strangers_code_is_not_executed(stranger, changes):
    with pytest.raises(ValueError, match="is no component of"):
        Run.open(stranger(changes))


@pytest.mark.parametrize("value", ["${oc.env:HOME}", "a ${seed} b", "${model}"])
def test_a_strangers_interpolation_is_refused(stranger, value):
    directory = stranger({})
    text = (directory / "config.yaml").read_text()
    (directory / "config.yaml").write_text(text.replace("precision: float32", f"precision: '{value}'"))
    with pytest.raises(ValueError, match="interpolation"):
        Run.open(directory)


def test_a_strangers_yaml_makes_no_objects(stranger):
    directory = stranger({})
    (directory / "config.yaml").write_text("model: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ValueError, match=r"no run to be used: config\.yaml: not a configuration"):
        Run.open(directory)


@pytest.mark.parametrize(
    ("line", "changed", "missing"),
    [
        ("scheme: IOBES", "schema: IOBES", r"vocabulary\.scheme is missing"),
        ("batch_size: 4", "batchsize: 4", r"training\.batch_size is missing"),
        ("log_every: 3", "log_every: ???", r"training\.log_every is missing"),
        ("seed: 1", "seed: ???", r"seed is missing"),
    ],
)
def test_options_that_a_configuration_lacks_are_named(stranger, line, changed, missing):
    directory = stranger({})
    text = (directory / "config.yaml").read_text()
    assert line in text
    (directory / "config.yaml").write_text(text.replace(line, changed))
    with pytest.raises(ValueError, match=missing):
        Run.open(directory)


def test_a_strangers_nested_aliases_take_no_time(stranger):
    directory = stranger({})
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 30)]
    (directory / "config.yaml").write_text("\n".join(["a0: &a0 [lol]", *levels]))
    begun = time.monotonic()
    with pytest.raises(ValueError, match=r"config\.yaml holds YAML aliases, which are not allowed"):
        Run.open(directory)
    assert time.monotonic() - begun < 5


def test_a_strangers_pickle_is_not_executed(stranger):
    directory = stranger({})

    class Bomb:
        def __reduce__(self):
            return (Path(directory / "exploded").touch, ())

    torch.save({"tagger": Bomb()}, directory / "best.pt")
    with pytest.raises(ValueError, match=r"best\.pt: not the weights of a run"):
        Run.open(directory).best_tagger(torch.device("cpu"))
    assert not (directory / "exploded").exists()


def test_what_is_no_run_is_said_so(tmp_path):
    with pytest.raises(ValueError, match="is not the directory of a run"):
        Run.open(tmp_path / "missing")


def test_a_run_without_a_finished_epoch_has_no_weights(stranger):
    directory = stranger({})
    (directory / "best.pt").unlink()
    with pytest.raises(ValueError, match="no epoch of this run was finished"):
        Run.open(directory).best_tagger(torch.device("cpu"))


def test_weights_of_another_model_are_refused(stranger):
    run = Run.open(stranger({"model.hidden_size": 32}))
    with pytest.raises(ValueError, match=r"best\.pt: not the weights of the model in config\.yaml"):
        run.best_tagger(torch.device("cpu"))


def use(run, name):
    """The weights of a file."""
    if name == "best.pt":
        return run.best_tagger(torch.device("cpu"))
    tagger = run.new_tagger()
    run.restore(tagger, run.new_optimizer(tagger))
    return tagger


@pytest.mark.parametrize("name", ["best.pt", "last.pt"])
def test_weights_that_are_not_finite_are_not_used(stranger, name):
    directory = stranger({})
    state = torch.load(directory / name, weights_only=True)
    state["tagger"]["projection.bias"][0] = torch.nan
    torch.save(state, directory / name)
    run = Run.open(directory)
    with pytest.raises(ValueError, match=rf"{name}: the weights projection\.bias are not finite: train again"):
        use(run, name)


def test_weights_know_their_vocabularies_and_their_model(stranger):
    directory = stranger({})
    path = directory / "vocabularies.json"
    path.write_text(path.read_text().replace('"lives"', '"dies"'))
    with pytest.raises(ValueError, match=r"vocabularies\.json is not the file that best\.pt belongs to"):
        Run.open(directory).best_tagger(torch.device("cpu"))


def test_what_changed_in_the_model_is_named(stranger):
    """Though it changes no shape of the weights."""
    directory = stranger({"model.between_dropout": 0.7})
    with pytest.raises(ValueError, match=r"best\.pt: .* model\.between_dropout was 0\.1, now is 0\.7"):
        Run.open(directory).best_tagger(torch.device("cpu"))


def test_a_model_without_bounds_is_not_built(stranger):
    run = Run.open(stranger({"model.hidden_size": 60_000, "model.layers": 40}))
    with pytest.raises(ValueError, match=r"the model has [\d,]+ parameters, more than 4,000,000,000"):
        run.new_tagger()


def test_a_blueprint_takes_no_random_numbers(run_directory):
    run = Run.open(run_directory)
    before = torch.get_rng_state()
    run._blueprint()
    assert torch.equal(before, torch.get_rng_state())


def test_a_directory_holds_one_run(run_directory):
    run = Run.open(run_directory)
    with pytest.raises(ValueError, match="holds a run already"):
        Run.create(
            run_directory,
            config=run.config,
            vocabularies=run.vocabularies,
            formalism="ud",
            trees={},
            digest="",
            prepared=Path(),
        )


def test_what_differs_between_configurations_is_named(run_directory):
    run = Run.open(run_directory)
    assert run.differences(run.config) == []
    changed = {**run.config, "seed": 2, "schedule": {}, "extra": 1, "newer": None}
    found = run.differences(changed, ignore=["schedule._partial_"])
    assert "seed is 1 there, 2 here" in found
    assert "extra is absent there, 1 here" in found
    assert not any("newer" in difference for difference in found)
    assert "schedule.final is 0.0 there, absent here" in found
    assert not any("_partial_" in difference for difference in found)


def test_a_run_of_an_earlier_version_has_what_it_did_without_saying(run_directory, stranger):
    directory = stranger({})
    config = OmegaConf.load(directory / "config.yaml")
    del config.training["batches"]
    (directory / "config.yaml").write_text(OmegaConf.to_yaml(config))
    run = Run.open(directory)
    assert run.config["training"]["batches"] == "drawn"
    assert run.differences(Run.open(run_directory).config) == []


def test_the_best_score_is_of_finished_runs(run_directory, stranger):
    assert Run.open(run_directory).best_f1 == Run.open(run_directory).best_progress().best_f1
    directory = stranger({})
    (directory / "scores.json").unlink()
    assert Run.open(directory).best_f1 is None


def test_formalisms_must_agree(run_directory):
    run = Run.open(run_directory)
    run.check_formalism("given")
    with pytest.raises(ValueError, match="trained with dependencies 'given', these are 'sd'"):
        run.check_formalism("sd")


def test_a_run_is_resumed_where_there_are_fewer_devices(run_directory, stranger, monkeypatch):
    directory = stranger({})
    state = load_sealed(directory / "last.pt")
    states = [torch.full((16,), number, dtype=torch.uint8) for number in range(3)]
    save_sealed(directory / "last.pt", {**state, "random": {**state["random"], "cuda": states}})
    devices = ["untouched"] * 2

    def set_rng_state(state, device):
        devices[device] = int(state[0])

    for name, value in (("is_available", True), ("device_count", 2)):
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    monkeypatch.setattr(torch.cuda.random, "set_rng_state", set_rng_state)
    run = Run.open(directory)
    tagger = run.new_tagger()
    run.restore(tagger, run.new_optimizer(tagger))
    assert devices == [0, 1]


def test_the_random_state_of_a_training_on_the_cpu_sets_up_no_device(monkeypatch):
    def fail():
        raise AssertionError

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", fail)
    assert random_state()["cuda"] == []


def test_devices_have_names():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda")
    with pytest.raises(ValueError, match="unknown device 'gpu': choose one of auto, cpu, cuda"):
        choose_device("gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="no CUDA device"):
        choose_device("cuda")
