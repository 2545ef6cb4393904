"""An encoder's files: where they are found, what is refused, and what changes their digest."""

from __future__ import annotations

import json
import shutil

import huggingface_hub
import pytest

from ner.corpus.pretrained import find, read_configuration


@pytest.fixture
def folder(encoders, tmp_path):
    """A copy of an encoder, to be spoilt."""
    return shutil.copytree(encoders("wordpiece"), tmp_path / "encoder")


def test_a_folder_is_found(folder):
    found = find(str(folder))
    assert (found.folder, found.revision) == (folder, None)
    assert found.files().find_weights() == folder


def test_the_digest_is_of_configuration_and_weights(folder):
    before = find(str(folder)).digest()
    (folder / "README.md").write_text("else")
    assert find(str(folder)).digest() == before
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-3}))
    changed = find(str(folder)).digest()
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b" ")
    assert len({before, changed, find(str(folder)).digest()}) == 3


def test_a_folder_has_no_revision(folder):
    with pytest.raises(ValueError, match="has no revision 'main'"):
        find(str(folder), "main")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "not the configuration of an encoder"),
        (lambda folder: (folder / "config.json").write_text("[]"), "it has no model_type"),
        (lambda folder: (folder / "config.json").write_text("{"), "not the configuration of an encoder"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "no safetensors weights"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "is an adapter for another model"),
    ],
)
def test_what_is_no_encoder_is_refused(folder, spoil, message):
    spoil(folder)
    with pytest.raises(ValueError, match=message):
        find(str(folder))


def test_quantized_encoders_are_refused(folder):
    config = read_configuration(folder)
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(ValueError, match="quantized"):
        find(str(folder))


def test_of_the_hub_only_data_is_had(folder, monkeypatch):
    asked = {}

    def download(name, *, revision, allow_patterns):
        asked.update(name=name, revision=revision, patterns=allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    found = find("someone/encoder", "main")
    assert (found.name, found.folder, found.revision) == ("someone/encoder", folder, folder.name)
    assert (asked["name"], asked["revision"]) == ("someone/encoder", "main")
    assert not any(pattern.endswith((".py", ".bin", ".pt", ".pkl", "*")) for pattern in asked["patterns"])


def test_what_the_hub_has_not_is_told_in_a_line(monkeypatch):
    def download(name, **options):
        raise OSError("cannot reach the Hub\nand so on")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(ValueError, match=r"^someone/encoder: .*revision main.*: cannot reach the Hub$"):
        find("someone/encoder")
    with pytest.raises(ValueError, match=r"^\./nowhere: there is no such folder$"):
        find("./nowhere")
