"""bfloat16 is taken where the device has instructions for it, and changes next to nothing of what comes out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ner import Recognizer
from ner.corpus.dataset import encode, load
from ner.precision import choose_precision, computing_in
from ner.training.run import Run

CPU = torch.device("cpu")


@pytest.fixture
def with_amx(monkeypatch):
    """As on a CPU with AMX: where there is none, torch computes the same without it, slower."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)


@pytest.fixture
def without(monkeypatch):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)


@pytest.mark.usefixtures("without")
@pytest.mark.parametrize(
    ("function", "instructions"), [("_is_amx_tile_supported", "AMX"), ("_is_avx512_bf16_supported", "AVX512-BF16")]
)
def test_auto_goes_by_the_instructions_of_the_cpu_and_says_so(monkeypatch, caplog, function, instructions):
    caplog.set_level("INFO")
    assert choose_precision("auto", CPU) == "float32"
    monkeypatch.setattr(torch.cpu, function, lambda: True)
    assert choose_precision("auto", CPU) == choose_precision("bfloat16", CPU) == "bfloat16"
    assert caplog.messages == [
        "precision auto is float32 here: the device has no instructions for bfloat16",
        f"precision auto is bfloat16 here: the device has {instructions}",
    ]


@pytest.mark.parametrize(("generation", "expected"), [(8, "bfloat16"), (7, "float32")])
def test_auto_on_a_cuda_device(monkeypatch, generation, expected):
    """torch can do without the instructions, which came with the eighth generation; it is slower then."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(major=generation))
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda device: True)
    assert choose_precision("auto", torch.device("cuda")) == expected


@pytest.mark.usefixtures("without")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bfloat16", "bfloat16 would be slower than float32 on this CPU, which has neither AMX nor AVX512-BF16"),
        ("float16", "unknown precision 'float16': choose one of float32, bfloat16, auto"),
    ],
)
def test_refuses(run_directory, name, message):
    with pytest.raises(ValueError, match=message):
        Recognizer.load(run_directory, device="cpu", precision=name)


@pytest.fixture(scope="module")
def tagger_and_split(run_directory):
    run = Run.open(run_directory)
    split = encode(load(Path(run.environment["prepared"])).splits["train"], run.vocabularies)
    return run.best_tagger(CPU), split


def test_loss_and_gradients_are_nearly_those_of_float32(tagger_and_split, monkeypatch):
    tagger, split = tagger_and_split
    batch, seen = split.batch(range(8)), []
    likelihood = tagger.decoder.log_likelihood

    def watched(emissions, *others):
        seen.append((emissions.dtype, torch.is_autocast_enabled("cpu")))
        return likelihood(emissions, *others)

    monkeypatch.setattr(tagger.decoder, "log_likelihood", watched)
    found = []
    for precision in ("float32", "bfloat16"):
        monkeypatch.setattr(tagger, "precision", precision)
        loss = tagger.loss(batch)
        gradients = torch.autograd.grad(loss, [*tagger.parameters()])
        dense = [gradient.to_dense() for gradient in gradients]
        assert {gradient.dtype for gradient in (loss, *dense)} == {torch.float32}
        found.append((loss.detach(), torch.cat([gradient.flatten() for gradient in dense])))
    (loss, gradient), (loss_in_half, gradient_in_half) = found
    assert 0 < abs(loss - loss_in_half) < 0.02 * loss
    assert (gradient - gradient_in_half).norm() < 0.05 * gradient.norm()
    assert seen == [(torch.float32, False)] * 2, "the decoder is left out"


@pytest.mark.usefixtures("with_amx")
def test_entities_are_those_of_float32_with_nearly_their_probabilities(run_directory):
    words, heads = ["Gita", "lives", "in", "Ulm", "."], [1, 1, 3, 1, 1]
    exact, half = (
        Recognizer.load(run_directory, device="cpu", precision=precision).tag(words, heads=heads).entities
        for precision in ("float32", "bfloat16")
    )
    assert [(one.text, one.label) for one in exact] == [(one.text, one.label) for one in half]
    differences = [abs(one.probability - other.probability) for one, other in zip(exact, half, strict=True)]
    assert 0 < max(differences) < 0.05


def test_nothing_is_changed_in_float32():
    with computing_in("float32", CPU):
        assert not torch.is_autocast_enabled("cpu")
