"""What is exported loads again, and decodes the same."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch
import yaml
from omegaconf import OmegaConf
from safetensors.torch import load_file, save

from ner import Recognizer
from ner.corpus.checksums import SUMS, write_checksums
from ner.training.export import load_export, model_card, write_export
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


@pytest.mark.parametrize(
    ("corpus", "language"),
    [
        ({"_target_": "ner.corpus.ontonotes.OntonotesSource", "language": "zh"}, "zh"),
        ({"_target_": "ner.corpus.trees.SourceWithTrees", "name": "sample"}, "en"),
        ({"_target_": "ner.corpus.columns.ColumnsSource"}, None),
        (None, None),
    ],
)
def test_the_card_says_which_model_it_is_and_no_language_that_is_not_known(
    run_directory, compose_config, corpus, language
):
    run, model = Run.open(run_directory), OmegaConf.to_container(compose_config("train", "model=bilstm_crf").model)
    run = replace(run, config={**run.config, "model": model, "corpus": corpus})
    card = model_card(run, run.new_tagger(), licence="mit", data_licence=None)
    _, header, text = card.split("---\n", 2)
    content = yaml.safe_load(header)
    assert content.get("language") == language
    assert content["tags"] == ["ner", "named-entity-recognition", "lstm-crf"]
    assert "A named-entity recognizer with a BiLSTM-CRF. It needs no dependency trees." in text


def test_nothing_is_overwritten(exported, run_directory):
    with pytest.raises(ValueError, match="exists already"):
        write_export(Run.open(run_directory), exported)


@pytest.mark.parametrize("name", ["config.json", "vocabularies.json", "model.safetensors"])
def test_any_changed_byte_is_found_before_use(copy, name):
    path = copy / name
    content = path.read_bytes()
    for place in {0, len(content) // 2, len(content) - 1}:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ValueError, match=r"is not as it was written: .*; export the run again"):
            Recognizer.load(copy, device="cpu")
    path.unlink()
    with pytest.raises(ValueError, match=rf"{name}' is missing; export the run again"):
        load_export(copy, torch.device("cpu"))


def test_checksums_are_needed_of_all_that_is_loaded(copy):
    lines = (copy / SUMS).read_text().splitlines(keepends=True)
    (copy / SUMS).write_text("".join(line for line in lines if "model.safetensors" not in line))
    with pytest.raises(ValueError, match=r"'model\.safetensors' was added"):
        load_export(copy, torch.device("cpu"))
    (copy / SUMS).unlink()
    with pytest.raises(ValueError, match="has no SHA256SUMS: export the run again"):
        load_export(copy, torch.device("cpu"))


def test_the_card_may_be_edited_and_files_be_added(copy):
    (copy / "README.md").write_text("# Mine\n")
    (copy / "LICENSE").write_text("MIT\n")
    Recognizer.load(copy, device="cpu")
    (copy / "LICENSE").unlink()
    (copy / "LICENSE").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="is a link, which is not followed"):
        Recognizer.load(copy, device="cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "bert"}, "model_type is 'bert'"),
        ({"model": {"_target_": "os.system", "_partial_": True}}, "no component of ner.model"),
        ({"model": None}, r"config\.json"),
        ({"temperature": "warm"}, r"config\.json"),
        ({"temperature": 1e9}, "a temperature of 1000000000"),
        ({"formalism": "/tmp/x"}, "formalism is '/tmp/x', where a name such as ud or zh-sd is needed"),
        ({"layers": 10**7}, r"model\.layers is 10000000"),
        ({"hidden_size": 65_536, "layers": 100}, r"the model has [\d,]+ parameters, more than"),
        ({"hidden_size": 18}, r"not the weights of the model in config\.json"),
    ],
)
def test_a_strangers_configuration_is_checked_before_anything_is_built(copy, change, message):
    config = json.loads((copy / "config.json").read_text())
    if change.keys() <= config["model"].keys():
        change = {"model": config["model"] | change}
    (copy / "config.json").write_text(json.dumps(config | change))
    write_checksums(copy)
    with pytest.raises(ValueError, match=message):
        Recognizer.load(copy, device="cpu")


def test_a_strangers_weights_are_those_of_the_model_and_finite(copy):
    weights = load_file(copy / "model.safetensors")
    name = next(iter(weights))
    for content in (
        {other: tensor for other, tensor in weights.items() if other != name},
        weights | {name: weights[name].double()},
        weights | {name: weights[name] * torch.nan},
        None,
    ):
        (copy / "model.safetensors").write_bytes(b"no tensors" if content is None else save(content))
        write_checksums(copy)
        with pytest.raises(ValueError, match=r"not the weights of the model|are not finite"):
            Recognizer.load(copy, device="cpu")


def test_a_refused_export_leaves_nothing(run_directory, tmp_path, monkeypatch):
    monkeypatch.setattr("ner.training.onnx.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="for an ONNX graph"):
        write_export(Run.open(run_directory), tmp_path / "model", onnx=True)
    assert not list(tmp_path.iterdir())
