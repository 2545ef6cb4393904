"""What is exported loads again, and decodes the same."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from safetensors.torch import load_file, save_file

from ner import Recognizer
from ner.training.export import write_export
from ner.training.run import Run
from ner.training.run_directory import is_export

WORDS = ["Gita", "lives", "in", "Ulm", "."]
HEADS = [1, 1, 3, 1, 1]


@pytest.fixture(scope="module")
def exported(run_directory, tmp_path_factory):
    target = tmp_path_factory.mktemp("export") / "model"
    write_export(Run.open(run_directory), target, licence="mit")
    return target


@pytest.fixture
def copy(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "copy")


def test_an_exported_model_finds_the_same_with_the_same_probability(exported, run_directory):
    run, model = (Recognizer.load(path, device="cpu") for path in (run_directory, exported))
    assert model.tag(WORDS, heads=HEADS, k=3) == run.tag(WORDS, heads=HEADS, k=3)
    assert (model.temperature, model.formalism, model.labels) == (run.temperature, run.formalism, run.labels)
    assert model.trained_trees == run.trained_trees == {"provider": "given", "formalism": "given"}
    assert is_export(exported)
    assert not is_export(run_directory)


def test_files_and_card_are_those_of_the_hub(exported):
    names = {path.name for path in exported.iterdir()}
    assert {"README.md", "config.json", "model.safetensors", "vocabularies.json", "scores.json"} <= names
    assert not [path for path in exported.parent.iterdir() if path != exported]
    config = json.loads((exported / "config.json").read_text())
    assert config["id2label"]["0"] == "O"
    assert config["label2id"][config["id2label"]["3"]] == 3
    _, header, card = (exported / "README.md").read_text().split("---\n", 2)
    content = yaml.safe_load(header)
    assert (content["license"], content["pipeline_tag"]) == ("mit", "token-classification")
    metrics = content["model-index"][0]["results"][1]["metrics"]
    scores = json.loads((exported / "scores.json").read_text())
    assert metrics[2]["value"] == round(scores["test"]["strict"]["micro"]["f1"], 4)
    assert "licence of the training data is not recorded" in card
    assert "It reads dependency trees (given)" in card


@pytest.mark.parametrize(
    ("corpus", "words"),
    [
        ({"_target_": "ner.corpus.ontonotes.OntoNotes"}, "LDC2013T19"),
        ({"_target_": "ner.corpus.hub.HubSource"}, "LDC2013T19"),
        ({"_target_": "ner.corpus.trees.SourceWithTrees", "name": "sample"}, "MIT licence"),
        (None, "not recorded"),
    ],
)
def test_the_card_names_the_licence_of_the_data(run_directory, tmp_path, corpus, words):
    run = Run.open(run_directory)
    run = Run(
        directory=run.directory,
        config={**run.config, "corpus": corpus},
        vocabularies=run.vocabularies,
        environment={**run.environment, "prepared": "/x/words-given-0"},
    )
    write_export(run, tmp_path / "a")
    assert words in (tmp_path / "a" / "README.md").read_text()
    write_export(run, tmp_path / "b", data_licence="CC0.")
    assert "CC0." in (tmp_path / "b" / "README.md").read_text()


def test_nothing_is_overwritten(exported, run_directory):
    with pytest.raises(ValueError, match="exists already"):
        write_export(Run.open(run_directory), exported)


def test_what_is_damaged_or_strange_is_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    for change, message in [
        ({"model_type": "bert"}, "model_type is 'bert'"),
        ({"model": {"_target_": "os.system", "_partial_": True}}, "no component of ner.model"),
        ({"model": None}, r"config\.json"),
        ({"temperature": "warm"}, r"config\.json"),
    ]:
        (copy / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ValueError, match=message):
            Recognizer.load(copy, device="cpu")
    (copy / "config.json").write_text(json.dumps(config))
    weights = load_file(copy / "model.safetensors")
    weights.pop("projection.bias")
    save_file(weights, copy / "model.safetensors")
    with pytest.raises(ValueError, match="not the weights of the model"):
        Recognizer.load(copy, device="cpu")
    (copy / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="not the weights of the model"):
        Recognizer.load(copy, device="cpu")
