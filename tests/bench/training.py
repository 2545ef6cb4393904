"""Training: an epoch beside the bare LSTM stack, and where the time of a step goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from ner.corpus.batch import Batch
from ner.corpus.dataset import EncodedSplit
from ner.corpus.sampler import LengthBuckets
from ner.model.tagger import Tagger
from ner.model.trees import Trees
from ner.scoring import Scores
from ner.training.average import Average
from ner.training.loop import epochs
from ner.training.optimizer import Optimizer
from ner.training.workers import ALONE, Workers

from .material import Material, material, paper_optimizer
from .measuring import Options, Row, assert_equal, compare_rates, wait_for_device

STACK = "bare torch.nn.LSTM stack"
ONTONOTES = 59_923  # sentences in an epoch, which decides in how many steps the weights are averaged


class LSTMStack(nn.Module):
    """Two bidirectional layers of the model's sizes and nothing else: the floor that no tagger gets under."""

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        first, second = (layer.forwards for layer in tagger.encoder.layers)
        self.first = nn.LSTM(first.input_size, first.hidden_size, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(second.input_size, second.hidden_size, batch_first=True, bidirectional=True)
        self.widen = second.input_size // (2 * first.hidden_size)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.first(features)[0]
        output: Tensor = self.second(hidden.repeat(1, 1, self.widen))[0]
        return output


def rows(options: Options) -> Iterator[Row]:
    sentences = material(options)
    check_layer(sentences, options)
    first, *others = options.batch_sizes
    for batch_size, pool in ((first, 1), (first, 50), *((size, 50) for size in others)):
        yield epoch_row(sentences, options, batch_size, pool)
    yield from profile_rows(sentences, options, first)


def check_layer(sentences: Material, options: Options) -> None:
    """Our first layer and torch's own, packed and with the same weights, must give the same states and gradients."""
    layer = sentences.tagger(options.device).encoder.layers[0]
    peer = nn.LSTM(layer.forwards.input_size, layer.forwards.hidden_size, batch_first=True, bidirectional=True)
    peer = peer.to(options.device)
    ours = dict(layer.named_parameters())
    for name, parameter in peer.named_parameters():
        own = ours[f"backwards.{name.removesuffix('_reverse')}" if name.endswith("_reverse") else f"forwards.{name}"]
        parameter.data.copy_(own.data)
    mask = sentences.batches(options.batch_sizes[0], num_sentences=1, pool=1)[0].mask.to(options.device)
    features = torch.randn(*mask.shape, peer.input_size, device=options.device, requires_grad=True)
    packed = nn.utils.rnn.pack_padded_sequence(features, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
    theirs = nn.utils.rnn.pad_packed_sequence(peer(packed)[0], batch_first=True)[0][mask]
    heads = torch.arange(mask.shape[1], device=mask.device).repeat(len(mask), 1)
    states = layer(features, Trees(mask=mask, heads=heads, relation_ids=torch.zeros_like(heads)))[mask]
    gradients = [torch.autograd.grad(output.square().sum(), features)[0] for output in (states, theirs)]
    assert_equal([states, gradients[0]], [theirs, gradients[1]], what="recurrent layer")


def epoch_row(sentences: Material, options: Options, batch_size: int, pool: int) -> Row:
    """An epoch, and forward and backward of the stack over the same batches."""
    tagger = sentences.tagger(options.device)
    optimizer = paper_optimizer(tagger)
    sampler = sentences.sampler(batch_size, options.sentences, pool)
    batches = [sentences.split.batch(indices) for indices in sampler.epoch(1)]
    stack = LSTMStack(tagger).to(options.device)
    features = [torch.randn(*batch.mask.shape, stack.first.input_size, device=options.device) for batch in batches]

    def floor() -> None:
        for inputs in features:
            stack.zero_grad()
            stack(inputs.requires_grad_()).sum().backward()

    return compare_rates(
        lambda: train_epoch(tagger, sentences.split, sampler, optimizer),
        floor,
        what="training epoch",
        settings=f"batch {batch_size}, {'sorted in pools' if pool > 1 else 'at random'}",
        peer_name=STACK,
        amount=sum(batch.num_tokens for batch in batches),
        repeat=options.repeat,
    )


def train_epoch(
    tagger: Tagger,
    split: EncodedSplit,
    sampler: LengthBuckets,
    optimizer: Optimizer,
    *,
    precision: str = "float32",
    workers: Workers = ALONE,
) -> None:
    """One epoch of the real loop, without validation; at a learning rate of 0, so that every turn computes the same."""
    for _ in epochs(
        tagger,
        split,
        sampler=sampler,
        validate=lambda _: Scores({}),
        optimizer=optimizer,
        schedule=lambda _: 0.0,
        num_epochs=1,
        precision=precision,
        workers=workers,
    ):
        pass


def profile_rows(sentences: Material, options: Options, batch_size: int) -> Iterator[Row]:
    """Shares of the time of a step, forward and backward together."""
    tagger = sentences.tagger(options.device)
    indices = sentences.sampler(batch_size, options.sentences, 1).epoch(1)
    profile(tagger, [sentences.split.batch(chosen) for chosen in indices[:3]])
    start = perf_counter()
    batches = [sentences.split.batch(chosen) for chosen in indices]
    making = perf_counter() - start
    spent = profile(tagger, batches)
    total = sum(spent.values())
    for part, time in spent.items():
        yield Row(what="share of a step", settings=part, value=100 * time / total, unit="%")
    yield Row(
        what="share of a step",
        settings="making the batch",
        value=100 * making / total,
        unit="%",
        note="between the steps; on CUDA in a thread meanwhile",
    )


def profile(tagger: Tagger, batches: Sequence[Batch]) -> dict[str, float]:
    """Seconds in each part of a training step, in order of use.

    The parts form a chain: the time until the output of one is there belongs to it on the way forth, and the time
    until the gradient of that output is there belongs to the next one on the way back.
    """
    first, second = tagger.encoder.layers
    chain = (
        (tagger.embedder, "embedder"),
        (first, "recurrent layers"),
        (tagger.encoder.interactions[0], "interaction"),
        (second, "recurrent layers"),
        (tagger.projection, "projection"),
    )
    parts = [*(part for _, part in chain), "CRF"]
    spent: Counter[str] = Counter(dict.fromkeys([*parts, "optimiser", "averaged weights"], 0))
    last = perf_counter()

    def mark(part: str) -> None:
        nonlocal last
        wait_for_device()
        now = perf_counter()
        spent[part] += now - last
        last = now

    def watch(module: nn.Module, part: str, following: str) -> Any:
        def forward_is_done(module: nn.Module, arguments: object, output: Tensor) -> None:
            mark(part)
            output.register_hook(lambda gradient: mark(following))

        return module.register_forward_hook(forward_is_done)

    optimizer = paper_optimizer(tagger)
    average = Average(tagger, horizon=0.25, steps_per_epoch=ONTONOTES // len(batches[0]))
    device = next(tagger.parameters()).device
    handles = [watch(module, part, after) for (module, part), after in zip(chain, parts[1:], strict=True)]
    for step, batch in enumerate(batches, start=1):
        moved = batch.to(device)
        optimizer.zero_grad()
        wait_for_device()
        last = perf_counter()
        loss = tagger.loss(moved)
        mark("CRF")
        loss.backward()
        mark("embedder")
        optimizer.step(0.0)
        mark("optimiser")
        average.update(tagger, step)
        mark("averaged weights")
    for handle in handles:
        handle.remove()
    return dict(spent)
