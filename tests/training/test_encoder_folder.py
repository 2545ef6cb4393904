"""The encoder of a run: known again where it was, put beside the run, or refused."""

from __future__ import annotations

import json
import shutil

import pytest

from ner.corpus.pieces import Cutter, read_tokenizer
from ner.corpus.pretrained import find
from ner.training.encoder_folder import EncoderFolder


@pytest.fixture
def original(encoders, tmp_path):
    return shutil.copytree(encoders("wordpiece"), tmp_path / "original")


@pytest.fixture
def folder(original, tmp_path):
    cutter = Cutter.of(read_tokenizer(original / "tokenizer.json"), padding=0, window=40, stride=8)
    (tmp_path / "run").mkdir()
    EncoderFolder.create(tmp_path / "run", find(str(original)), cutter)
    return EncoderFolder.open(tmp_path / "run")


def test_it_says_which_encoder_it_is(folder, original):
    assert (folder.source.name, folder.source.folder, folder.source.revision) == (str(original), str(original), None)
    assert folder.source.digest == find(str(original)).digest()
    assert folder.cutter().cut(["Ada"]) == Cutter.load(folder.path).cut(["Ada"])


def test_weights_are_found_where_they_were(folder, original):
    assert folder.find_weights() == original
    assert folder.files(weights=True).find_weights() == original
    assert folder.files(weights=False).find_weights is None


def test_weights_that_moved_may_be_put_into_the_folder(folder, original, tmp_path):
    original.rename(tmp_path / "moved")
    with pytest.raises(ValueError, match=r"original: .*; copy the encoder's safetensors into .*run/encoder"):
        folder.find_weights()
    shutil.copy(tmp_path / "moved" / "model.safetensors", folder.path)
    assert folder.find_weights() == folder.path


def test_another_encoder_is_refused(folder, original):
    with (original / "model.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(ValueError, match=r"is not the encoder .* was trained with: its digest differs"):
        folder.find_weights()


def test_an_export_brings_the_weights_that_no_name_finds(folder, original, tmp_path):
    for number, weights in enumerate((True, False)):
        (tmp_path / str(number)).mkdir()
        folder.export(tmp_path / str(number), weights=weights)
        exported = EncoderFolder.open(tmp_path / str(number))
        assert (exported.source.name, exported.source.folder) == ("original", None)
        assert (exported.path / "model.safetensors").is_file() == weights
    shutil.rmtree(original)
    assert EncoderFolder.open(tmp_path / "0").find_weights() == tmp_path / "0" / "encoder"


def test_one_of_the_hub_is_named(folder, tmp_path):
    source = json.loads((folder.path / "source.json").read_text()) | {"name": "someone/encoder", "revision": "abc"}
    (folder.path / "source.json").write_text(json.dumps(source))
    (tmp_path / "export").mkdir()
    EncoderFolder.open(tmp_path / "run").export(tmp_path / "export", weights=True)
    exported = EncoderFolder.open(tmp_path / "export")
    assert (exported.source.name, exported.source.revision) == ("someone/encoder", "abc")
    assert not (exported.path / "model.safetensors").exists()


def test_what_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="encoder: not the encoder of a run"):
        EncoderFolder.open(tmp_path)


def test_another_folder_of_that_name_is_not_written_to(folder, original, tmp_path):
    (tmp_path / "mine" / "encoder").mkdir(parents=True)
    (tmp_path / "mine" / "encoder" / "config.json").write_text("mine")
    with pytest.raises(
        ValueError, match=r"mine/encoder exists, and is not that of a run: choose another hydra.run.dir"
    ):
        EncoderFolder.create(tmp_path / "mine", find(str(original)), folder.cutter())
    assert [file.read_text() for file in (tmp_path / "mine" / "encoder").iterdir()] == ["mine"]
