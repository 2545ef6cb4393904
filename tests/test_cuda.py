"""On a CUDA device: the CPU's losses, gradients and tags; steps that do not wait; resuming. Skipped without one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from ner.corpus.dataset import encode, load
from ner.corpus.sampler import LengthBuckets
from ner.model.dropout import Dropout
from ner.scoring import Counts, Scores
from ner.training import loop
from ner.training.decoding import predict_tags
from ner.training.optimizer import adagrad, adam, sgd
from ner.training.run import Run
from ner.training.sealed import load_sealed, save_sealed
from ner.training.step import GraphedStep, TrainingStep

BUILDS = [partial(kind, learning_rate=0.003) for kind in (sgd, adagrad, adam)]
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CUDA = torch.device("cuda")


@pytest.fixture(scope="module")
def taggers(run_directory):
    """The same tagger on the CPU and on the device, and the training split."""
    run = Run.open(run_directory)
    split = encode(load(Path(run.environment["prepared"])).splits["train"], run.vocabularies)
    return run, run.best_tagger(torch.device("cpu")), run.best_tagger(CUDA), split


def test_loss_gradients_and_tags_are_those_of_the_cpu(taggers, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    run, *both, split = taggers
    batch = split.batch(torch.arange(len(split)))
    losses, gradients = [], []
    for tagger in both:
        tagger.train()  # cuDNN gives no gradients otherwise
        for module in tagger.modules():
            if isinstance(module, Dropout):
                module.probability = 0.0
        loss = tagger.loss(batch.to(next(tagger.parameters()).device))
        losses.append(loss.cpu())
        loss.backward()
        gradients.append({name: own.grad.to_dense().cpu() for name, own in tagger.named_parameters()})
        tagger.zero_grad()
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-4)
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-3, atol=1e-4 * float(gradient.abs().max()))
        tagger.eval()
    on_cpu, on_device = (predict_tags(tagger, split, run.vocabularies) for tagger in both)
    assert on_device == on_cpu


def train(run, split, *, num_epochs, after=None, state=None, precision="float32", validate=None, build=None):
    torch.manual_seed(0)
    tagger = run.new_tagger().to(CUDA)
    optimizer = (build or run.new_optimizer)(tagger)
    if state is not None:
        tagger.load_state_dict(state["tagger"])
        optimizer.load_state_dict(state["optimizer"])
    results = loop.epochs(
        tagger,
        split,
        sampler=LengthBuckets(split.lengths, 5, seed=0),
        validate=validate or (lambda tagger: Scores({"X": Counts(1, 2, 2)})),
        optimizer=optimizer,
        schedule=lambda done: 1.0,
        num_epochs=num_epochs,
        precision=precision,
        log_every=10**6,
        after=after,
    )
    return tagger, optimizer, results


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("kind", [TrainingStep, GraphedStep])
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_no_step_waits_for_the_device(taggers, kind, build):
    run, _, _, split = taggers
    tagger = run.new_tagger().to(CUDA).train()
    take_step = kind(tagger, build(tagger), reduction="token")
    batch = take_step.ready(split.batch(torch.arange(5))).to(CUDA)
    take_step(batch, torch.arange(5), 10, 0.1)  # kernels are compiled
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            take_step(batch, torch.arange(5), 10, 0.1)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("build", BUILDS)
def test_replayed_steps_are_ordinary_ones(taggers, build):
    run, _, _, split = taggers
    batches = [split.batch(torch.arange(start, start + 5)) for start in (0, 5, 0, 5, 0, 5)]
    found = []
    for kind in (TrainingStep, GraphedStep):
        torch.manual_seed(0)
        tagger = run.new_tagger().to(CUDA).train()
        for module in tagger.modules():
            if isinstance(module, Dropout):
                module.probability = 0.0
        take_step = kind(tagger, build(tagger), reduction="sentence")
        losses = [
            float(take_step(take_step.ready(batch).to(CUDA), torch.arange(5), batch.num_tokens, 0.01 * number)[0])
            for number, batch in enumerate(batches)
        ]
        found.append((losses, tagger.state_dict()))
    assert take_step._graphs
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-4)
    for name, weights in found[0][1].items():
        torch.testing.assert_close(found[1][1][name], weights, rtol=1e-3, atol=1e-3)


def test_training_goes_on_where_a_step_cannot_be_captured(taggers, monkeypatch):
    run, _, _, split = taggers

    def waiting(tagger):
        optimizer = run.new_optimizer(tagger)
        step = optimizer.step
        monkeypatch.setattr(optimizer, "step", lambda learning_rate: torch.tensor(step(learning_rate).item()))
        return optimizer

    assert len(list(train(run, split, num_epochs=3, build=waiting)[2])) == 3
    for _ in train(run, split, num_epochs=3)[2]:  # one after it may be
        pass


def test_bfloat16_step_is_near_float32(taggers):
    run, _, _, split = taggers
    losses = []
    for precision in ("float32", "bfloat16"):
        _, _, results = train(run, split, num_epochs=1, precision=precision)
        losses.append(next(iter(results)).loss_per_token)
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


@pytest.mark.parametrize("build", BUILDS)
def test_resumes_from_the_state_after_an_epoch(taggers, tmp_path, build):
    run, _, _, split = taggers
    whole = [result.loss_per_token for result in train(run, split, num_epochs=3, build=build)[2]]
    tagger, optimizer, results = train(run, split, num_epochs=3, build=build)
    first = next(iter(results))
    save_sealed(tmp_path / "state", {"tagger": tagger.state_dict(), "optimizer": optimizer.state_dict()})
    state = load_sealed(tmp_path / "state")  # on the CPU
    results = train(run, split, num_epochs=3, after=first.progress, state=state, build=build)[2]
    resumed = [result.loss_per_token for result in results]
    assert resumed == pytest.approx(whole[1:], rel=0.1)  # other dropout draws, as the random state is not restored here
