"""What padding leaves alone, and which steps are replayed. Real graphs are tested in tests/test_cuda.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ner.corpus.dataset import encode, load
from ner.model.dropout import Dropout
from ner.training import step
from ner.training.run import Run
from ner.training.step import CHARACTERS, TOKENS, WORDS, GraphedStep, TrainingStep, padded


def test_padding_changes_neither_loss_nor_gradients(run_directory):
    run = Run.open(run_directory)
    split = encode(load(Path(run.environment["prepared"])).splits["train"], run.vocabularies)
    batch = split.batch(torch.arange(5))
    more = padded(batch)
    assert more.mask.shape[1] % TOKENS == len(more.words) % WORDS == more.words.character_ids.shape[1] % CHARACTERS == 0
    losses, gradients = [], []
    for given in (batch, more):
        tagger = run.best_tagger(torch.device("cpu"))
        for module in tagger.modules():
            if isinstance(module, Dropout):
                module.probability = 0.0
        optimizer = run.new_optimizer(tagger)
        loss, norm = TrainingStep(tagger, optimizer, reduction="sum")(given, torch.arange(5), batch.num_tokens, 0.0)
        losses.append((loss, norm))
        gradients.append({name: own.grad.to_dense() for name, own in tagger.named_parameters()})
    torch.testing.assert_close(losses[1], losses[0])
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)
    assert padded(more).mask.shape == more.mask.shape


class Recorded:
    """In place of a graph, which only a CUDA device has."""

    def __init__(self, step, batch, *, pool, stream):
        self.replayed = 0

    def replay(self, batch, divisor, learning_rate):
        self.replayed += 1
        return torch.tensor(-float(self.replayed)), torch.tensor(0.0)  # no loss is negative


def graphed(run_directory, monkeypatch):
    run = Run.open(run_directory)
    split = encode(load(Path(run.environment["prepared"])).splits["train"], run.vocabularies)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: None)
    tagger = run.best_tagger(torch.device("cpu")).train()
    take_step = GraphedStep(tagger, run.new_optimizer(tagger), reduction="sum")
    return take_step, *(take_step.ready(split.batch(torch.arange(size))) for size in (5, 4)), tagger


def test_a_shape_is_captured_when_it_comes_again_and_replayed_from_then_on(run_directory, monkeypatch):
    monkeypatch.setattr(step, "_Graph", Recorded)
    take_step, batch, *_ = graphed(run_directory, monkeypatch)
    assert float(take_step(batch, torch.arange(5), 10, 0.0)[0]) > 0
    assert [float(take_step(batch, torch.arange(5), 10, 0.0)[0]) for _ in range(3)] == [-1, -2, -3]


@pytest.mark.parametrize("error", [RuntimeError("operation not permitted"), torch.OutOfMemoryError("no memory")])
def test_what_cannot_be_captured_is_an_ordinary_step(run_directory, monkeypatch, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(step, "_Graph", fail)
    take_step, batch, *_ = graphed(run_directory, monkeypatch)
    losses = [float(take_step(batch, torch.arange(5), 10, 0.0)[0]) for _ in range(3)]
    assert min(losses) > 0
    assert not take_step._graphs


def test_memory_that_graphs_leave_no_room_for_ends_graphs_first_and_is_an_error_then(run_directory, monkeypatch):
    monkeypatch.setattr(step, "_Graph", Recorded)
    take_step, batch, other, tagger = graphed(run_directory, monkeypatch)
    for _ in range(2):
        take_step(batch, torch.arange(5), 10, 0.0)
    loss, calls = tagger.loss, []

    def fail_once(given):
        calls.append(given)
        if len(calls) in (1, 3):
            raise torch.OutOfMemoryError("no memory")
        return loss(batch)

    monkeypatch.setattr(tagger, "loss", fail_once)
    take_step(other, torch.arange(4), 10, 0.0)
    assert not take_step._graphs
    with pytest.raises(torch.OutOfMemoryError):
        take_step(batch, torch.arange(5), 10, 0.0)
