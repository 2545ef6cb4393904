"""Encoders in a training: read once where they are frozen, kept where they are trained, and known again by a run."""

from __future__ import annotations

import errno
import json
import logging
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ner import Recognizer
from ner.corpus.conllx import read_conllx
from ner.corpus.dataset import encode, load
from ner.corpus.sentence import Sentence
from ner.corpus.tags import tags_to_spans
from ner.model.contextual import Transformer
from ner.train import train_and_score
from ner.training import contextual
from ner.training.decoding import predict_tags
from ner.training.export import load_export, write_export
from ner.training.onnx import write_onnx
from ner.training.run import Run

TRANSFORMER = (
    "model=bilstm_crf",
    "model/contextual=transformer",
    "model.contextual.num_layers=2",
    "model.contextual.stride=8",
)


@pytest.fixture(scope="module")
def configure(compose_config, tiny, encoders):
    """Composes a training with a tiny encoder: `configure("bpe", "training.epochs=2")`."""

    def compose(kind: str, *overrides: str):
        plain = [option for option in tiny if not option.startswith("model.relation_size")]
        return compose_config("train", *plain, *TRANSFORMER, f"model.contextual.name={encoders(kind)}", *overrides)

    return compose


@pytest.fixture(scope="module")
def frozen_run(configure, tmp_path_factory) -> Run:
    directory = tmp_path_factory.mktemp("frozen") / "run"
    train_and_score(configure("wordpiece", "training.epochs=4"), directory)
    return Run.open(directory)


@pytest.fixture(scope="module")
def tuned_run(configure, encoders, tmp_path_factory) -> Run:
    """Fine-tuned, and the encoder it began with is no longer there."""
    root = tmp_path_factory.mktemp("tuned")
    shutil.copytree(encoders("bpe"), root / "encoder")
    overrides = (f"model.contextual.name={root / 'encoder'}", "model.contextual.finetune=true", "training.epochs=5")
    train_and_score(configure("bpe", *overrides, "+optimizer.rates.transformer=0.01"), root / "run")
    shutil.rmtree(root / "encoder")
    return Run.open(root / "run")


def prepared_of(run: Run):
    return load(Path(run.environment["prepared"]))


def files(root: Path) -> list[str]:
    """The names of what is stored below a directory, and complete."""
    return sorted(path.name for path in (root / "contextual").glob("[!.]*.npy"))


def f1(run: Run, split: str = "test") -> float:
    return json.loads((run.directory / "scores.json").read_text())[split]["strict"]["micro"]["f1"]


def test_frozen_vectors_are_stored_once_for_each_split(frozen_run):
    names = files(prepared_of(frozen_run).path.parent)
    assert [name.rpartition("-")[0] for name in names] == ["test", "train", "validation"]
    tagger = frozen_run.best_tagger(torch.device("cpu"))
    split = frozen_run.encode(prepared_of(frozen_run), "test", tagger)
    assert split.layers.dtype == np.float16
    assert split.layers.shape == (int(split.offsets[-1]), 1, 8)
    assert f1(frozen_run) > 0.5


def test_weights_of_a_frozen_encoder_are_not_stored(frozen_run, tuned_run):
    frozen, tuned = (torch.load(run.directory / "best.pt")["tagger"] for run in (frozen_run, tuned_run))
    assert not any("contextual" in name for name in frozen)
    assert any("word_embeddings" in name for name in tuned)


def test_stored_vectors_are_those_of_the_encoder(frozen_run):
    """And so files and text, for which nothing is stored, are tagged as the corpus is."""
    tagger, prepared = frozen_run.best_tagger(torch.device("cpu")), prepared_of(frozen_run)
    split = frozen_run.encode(prepared, "test", tagger)
    fresh = encode(prepared.splits["test"], frozen_run.vocabularies)
    batch, without = split.batch(range(16)), fresh.batch(range(16))
    assert batch.pieces is None
    found = tagger.contextual.layers(without)
    torch.testing.assert_close(batch.layers.float(), found * batch.mask[..., None, None], rtol=2e-3, atol=2e-3)
    assert predict_tags(tagger, fresh, frozen_run.vocabularies) == predict_tags(tagger, split, frozen_run.vocabularies)


@pytest.fixture
def layers_of(frozen_run, encoders, tmp_path):
    """The stored layers of a split for a transformer of other options: `layers_of("train", context=4)`."""
    prepared, tagger = prepared_of(frozen_run), frozen_run.best_tagger(torch.device("cpu"))

    def stored_layers(name: str, *, folder: str = "root", kind: str = "wordpiece", rows=None, **changes):
        options = {**frozen_run.config["model"]["contextual"], "name": str(encoders(kind)), **changes}
        options.pop("_target_")
        transformer = Transformer(**options)
        found = transformer.find()
        tagger.embedder.contextual = transformer.part(found.files()).eval()
        vocabularies = replace(frozen_run.vocabularies, cutter=transformer.cutter(found.folder))
        split = encode(rows or prepared.splits[name], vocabularies)
        root = tmp_path / folder
        return contextual.with_layers(split, tagger, encoder=found.digest(), root=root, name=name).layers

    return stored_layers


def test_what_is_stored_is_not_computed_again(layers_of, monkeypatch):
    first = layers_of("test")
    monkeypatch.setattr(contextual, "_encode", lambda *_: pytest.fail("computed again"))
    assert np.array_equal(layers_of("test"), first)
    with pytest.raises(pytest.fail.Exception):
        layers_of("validation")


def test_other_vectors_have_a_file_of_their_own(layers_of, tmp_path):
    shapes = [
        layers_of("test", **options).shape[1:]
        for options in ({}, {"pooling": "last"}, {"num_layers": 1}, {"context": 4}, {"layers": "mix"}, {"kind": "bpe"})
    ]
    assert shapes == [(1, 8)] * 4 + [(2, 8), (1, 8)]
    assert len(files(tmp_path / "root")) == 6
    layers_of("test", dropout=0.5)
    assert len(files(tmp_path / "root")) == 6, "which says nothing of the vectors"


def test_neighbouring_sentences_are_read_if_they_are_of_one_document(layers_of, sentences):
    rows = [replace(sentence, document="one") for sentence in sentences[:6]]
    alone, among = layers_of("some", rows=rows), layers_of("some", rows=rows, context=4)
    assert (alone != among).any(2).all()
    rows = [replace(sentence, document=str(number)) for number, sentence in enumerate(rows)]
    assert np.array_equal(layers_of("some", rows=rows, context=4), alone)


def test_a_forgotten_name_is_asked_for(compose_config, tmp_path):
    with pytest.raises(ValueError, match=r"^this model needs model\.contextual\.name=\.\.\.$"):
        train_and_score(compose_config("train", "model/contextual=transformer"), tmp_path / "run")


def test_context_without_neighbours_is_refused(configure, tmp_path):
    """In the fixture each sentence is of another document than the one before."""
    with pytest.raises(ValueError, match=r"model.contextual.context=4 has no effect"):
        train_and_score(configure("wordpiece", "model.contextual.context=4"), tmp_path / "run")


def test_a_share_of_the_sentences_has_no_neighbours(configure, tmp_path):
    with pytest.raises(ValueError, match=r"training.share takes sentences away from their documents"):
        train_and_score(configure("wordpiece", "model.contextual.context=4", "training.share=0.5"), tmp_path / "run")


def test_texts_are_read_as_documents(frozen_run, encoders, monkeypatch):
    """With what stands around each sentence, wherever the parts that are read together end."""
    options = {**frozen_run.config["model"]["contextual"], "name": str(encoders("wordpiece")), "context": 4}
    options.pop("_target_")
    transformer = Transformer(**options)
    tagger = frozen_run.best_tagger(torch.device("cpu"))
    vocabularies = replace(frozen_run.vocabularies, cutter=transformer.cutter(transformer.find().folder))
    recognizer = Recognizer(tagger, vocabularies, formalism="given")
    documents = []

    def looked_at(sentences, *arguments, **options):
        split = encode(sentences, *arguments, **options)
        documents.append([tuple(pair) for pair in split.pieces.documents.tolist()])
        return split

    monkeypatch.setattr("ner.corpus.dataset.encode", looked_at)
    recognizer.read("Ada met Bruno. We met Ada. Ada lives in Ulm.")
    assert [len(set(pairs)) for pairs in documents] == [1]
    documents.clear()
    list(recognizer.read_all(["Ada met Bruno. We met Ada.", "Ada lives in Ulm."]))
    assert [len(set(pairs)) for pairs in documents] == [2]

    texts = recognizer.read_all(["Ada met Bruno. We met Ada."] * 2)
    assert [len(document.sentences) for document in texts] == [2, 2]
    documents.clear()
    names = ["a", "a", "", "b", "b", "b"]
    rows = [Sentence(words=("Ada", "met", "Bruno"), document=name) for name in names]
    assert [sentence.document for sentence, _ in recognizer.recognise(rows, chunk=1)] == names
    assert [len(pairs) for pairs in documents] == [2, 1, 3]


def test_an_interrupted_encoding_resumes(layers_of, tmp_path, monkeypatch, caplog):
    """With the vectors of one that was not; and what was done is not done again."""
    monkeypatch.setattr(contextual, "CHUNK", 7)
    whole = layers_of("train", folder="whole")
    encode_chunk, seen = contextual._encode, []

    def interrupted(split, part, first, last, device):
        seen.append(first)
        if seen == [0, 7, 14]:
            raise KeyboardInterrupt
        return encode_chunk(split, part, first, last, device)

    monkeypatch.setattr(contextual, "_encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        layers_of("train")
    assert not files(tmp_path / "root")
    with caplog.at_level(logging.INFO):
        resumed = layers_of("train")
    assert "of 32 sentences, computed once" in caplog.text
    assert "take 2.3 kB; resuming after 14" in caplog.text
    assert seen == [0, 7, 14, 14, 21, 28]
    assert np.array_equal(resumed, whole)
    assert files(tmp_path / "root") == files(tmp_path / "whole")
    assert not list((tmp_path / "root" / "contextual").glob("*.partial.npy"))


def test_a_full_disk_is_told_before(layers_of, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(10, 5, 5)
    monkeypatch.setattr(contextual.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ValueError, match=r"needs 1.2 kB, but the disk has 0.0 kB left"):
        layers_of("test")
    assert not files(tmp_path / "root")


def test_a_disk_that_fills_up_meanwhile_is_told(layers_of, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(contextual.os, "posix_fallocate", full, raising=False)
    with pytest.raises(ValueError, match=r"test-\w+\.npy needs 1.2 kB: No space left on device"):
        layers_of("test")
    assert not list((tmp_path / "root" / "contextual").glob("*.npy"))


@pytest.mark.parametrize("size", [0, 50, 200])
def test_damaged_vectors_are_told(layers_of, tmp_path, size):
    layers_of("test")
    (path,) = (tmp_path / "root" / "contextual").glob("test-*.npy")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"test-\w+\.npy is damaged .*: remove it, and it is made again"):
        layers_of("test")
    np.save(path, np.zeros((3, 1, 8)))
    with pytest.raises(ValueError, match=r"is damaged \(it holds float64 numbers in the shape \(3, 1, 8\)\)"):
        layers_of("test")


@pytest.mark.parametrize("finetune", [False, True])
def test_a_resumed_training_is_bit_for_bit_one_that_was_not(configure, tmp_path, finetune):
    options = [f"model.contextual.finetune={str(finetune).lower()}"]
    if finetune:
        options.append("+optimizer.rates.transformer=0.1")
    train_and_score(configure("bpe", *options, "training.epochs=3", "schedule=constant"), tmp_path / "whole")
    train_and_score(configure("bpe", *options, "training.epochs=2", "schedule=constant"), tmp_path / "cut")
    resumed = configure("bpe", f"resume={tmp_path / 'cut'}", "training.epochs=3")
    train_and_score(resumed, tmp_path / "cut", overrides=[f"resume={tmp_path / 'cut'}", "training.epochs=3"])
    whole, cut = (torch.load(tmp_path / name / "last.pt")["tagger"] for name in ("whole", "cut"))
    assert whole.keys() == cut.keys()
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_fine_tuning_takes_the_rate_of_its_group(configure, tmp_path):
    """With a rate of 0 the encoder stays as it was pretrained; and a frozen one has no rate."""
    options = ("model.contextual.finetune=true", "training.epochs=1", "+optimizer.rates.transformer=0.0")
    train_and_score(configure("bpe", *options), tmp_path / "run")
    run = Run.open(tmp_path / "run")
    before = run.new_tagger(pretrained=True).state_dict()
    after = torch.load(run.directory / "best.pt")["tagger"]
    encoder = [name for name in after if "contextual.encoder" in name]
    assert encoder
    assert all(torch.equal(before[name], after[name]) for name in encoder)
    assert not torch.equal(before["projection.weight"], after["projection.weight"])
    with pytest.raises(ValueError, match=r"optimizer.rates names transformer"):
        train_and_score(configure("bpe", "+optimizer.rates.transformer=0.1"), tmp_path / "frozen")


def test_a_fine_tuned_run_needs_nothing_else(tuned_run, run_command):
    """Its encoder's folder is gone: it predicts, evaluates and resumes with what it holds."""
    scored = f1(tuned_run)
    assert scored > 0.2
    status, told = run_command("evaluate", f"run={tuned_run.directory}", "device=cpu", "threads=1")
    assert status == 0, told
    again = json.loads((tuned_run.directory / "scores-test.json").read_text())["strict"]["micro"]["f1"]
    assert again == scored


@pytest.mark.parametrize("name", ["frozen_run", "tuned_run"])
def test_files_are_tagged_as_the_corpus_is(request, name, corpus_files, tmp_path, run_command):
    run = request.getfixturevalue(name)
    output = tmp_path / "tagged.conllx"
    files = (f"input={corpus_files / 'test.conllx'}", f"output={output}")
    status, told = run_command("predict", f"run={run.directory}", *files, "device=cpu", "threads=1")
    assert status == 0, told
    tagger = run.best_tagger(torch.device("cpu"))
    expected = predict_tags(tagger, run.encode(prepared_of(run), "test", tagger), run.vocabularies)
    spans = [tags_to_spans(tags, scheme=run.vocabularies.scheme) for tags in expected]
    assert [sentence.spans for sentence in read_conllx(output)] == spans


@pytest.mark.parametrize("name", ["frozen_run", "tuned_run"])
def test_an_exported_model_has_all_it_needs(request, name, tmp_path):
    run = request.getfixturevalue(name)
    write_export(run, tmp_path / "model")
    source = json.loads((tmp_path / "model" / "encoder" / "source.json").read_text())
    assert (source["folder"], "/" in source["name"]) == (None, False), "no place of this machine"
    loaded = load_export(tmp_path / "model", torch.device("cpu"))
    tagger, rows = run.best_tagger(torch.device("cpu")), prepared_of(run).splits["test"]
    found, expected = (
        predict_tags(one, encode(rows, vocabularies), vocabularies)
        for one, vocabularies in ((loaded.tagger, loaded.vocabularies), (tagger, run.vocabularies))
    )
    assert found == expected


def test_a_run_without_its_tokenizer_says_so(frozen_run, tmp_path):
    directory = shutil.copytree(frozen_run.directory, tmp_path / "run")
    (directory / "encoder" / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match="encoder: not the tokenizer of a run"):
        Run.open(directory)
    (directory / "encoder" / "source.json").unlink()
    with pytest.raises(ValueError, match="encoder: not the encoder of a run"):
        Run.open(directory)


def test_an_onnx_export_is_refused(frozen_run, tmp_path):
    with pytest.raises(ValueError, match="contextual vectors has no ONNX export"):
        write_onnx(frozen_run.best_tagger(torch.device("cpu")), frozen_run.vocabularies, tmp_path / "tagger.onnx")


@pytest.mark.parametrize("name", ["frozen_run", "tuned_run"])
def test_a_recognizer_tags_with_it(request, name, sentences):
    run = request.getfixturevalue(name)
    recognizer, vocabularies = Recognizer.load(run.directory, device="cpu"), run.vocabularies
    for sentence in sentences[-4:]:
        split = encode([sentence], vocabularies)
        (tags,) = predict_tags(run.best_tagger(torch.device("cpu")), split, vocabularies)
        expected = [span.label for span in tags_to_spans(tags, scheme=vocabularies.scheme)]
        assert [entity.label for entity in recognizer.tag(sentence.words).entities] == expected
