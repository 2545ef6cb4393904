"""The menu of recurrent layers and interaction functions, each beside torch's LSTM of the same size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from ner.components import component_from_menu
from ner.corpus.batch import Batch
from ner.model.encoder import Encoder
from ner.model.trees import Trees
from ner.resources import conf_directory

from .material import material
from .measuring import Options, Row, compare, saved_bytes

INPUT_SIZE, HIDDEN_SIZE = 400, 200
PEER = "torch.nn.LSTM"

Inputs = list[tuple[Tensor, Trees]]
"""Features and trees of batches."""


def rows(options: Options) -> Iterator[Row]:
    """Every recurrent layer by itself; every interaction between two LSTM layers, beside two without any."""
    sentences, batch_size = material(options), options.batch_sizes[len(options.batch_sizes) // 2]
    batches = sentences.batches(batch_size, num_sentences=options.sentences)
    inputs = [draw(batch, options.device) for batch in batches]
    build = partial(Encoder, INPUT_SIZE, hidden_size=HIDDEN_SIZE, num_relations=len(sentences.vocabularies.relations))
    build = partial(build, between_dropout=0.0, output_dropout=0.0)
    lstm = component_from_menu("model/recurrent", "lstm")
    for name, recurrent in menu("recurrent"):
        encoder = build(layers=1, recurrent=recurrent, interaction=None)
        yield layer_row(f"recurrent={name}", encoder, inputs, options, batch_size)
    for name, interaction in menu("interaction"):
        encoder = build(layers=2, recurrent=lstm, interaction=interaction)
        yield layer_row(f"interaction={name}", encoder, inputs, options, batch_size)


def menu(group: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The options of a group of `conf/model/` that build something, with their defaults."""
    for path in sorted((conf_directory() / "model" / group).glob("*.yaml")):
        if "_target_" in OmegaConf.load(path):
            yield path.stem, component_from_menu(f"model/{group}", path.stem)


def draw(batch: Batch, device: torch.device) -> tuple[Tensor, Trees]:
    """Random features for the sentences of a batch, and their trees."""
    moved = batch.to(device)
    features = torch.randn(*moved.mask.shape, INPUT_SIZE, device=device, requires_grad=True)
    return features, Trees(mask=moved.mask, heads=moved.heads, relation_ids=moved.relation_ids)


def layer_row(what: str, encoder: Encoder, inputs: Inputs, options: Options, batch_size: int) -> Row:
    """Training, and behind it the parameters, decoding, and what is kept until the backward pass."""
    encoder = encoder.to(options.device)
    num_layers = len(encoder.layers)
    peer = nn.LSTM(INPUT_SIZE, HIDDEN_SIZE // 2, num_layers, batch_first=True, bidirectional=True).to(options.device)
    num_tokens = sum(int(trees.mask.sum()) for _, trees in inputs)
    functions = (lambda features, trees: encoder(features, trees)), (lambda features, trees: peer(features)[0])
    training = compare(*(partial(learn, function, inputs) for function in functions), repeat=options.repeat)
    decoding = compare(*(partial(decode, function, inputs) for function in functions), repeat=options.repeat)
    kept = sum(saved_bytes(partial(encoder, *batch)) for batch in inputs)
    return Row(
        what=what,
        settings=f"{INPUT_SIZE} -> {HIDDEN_SIZE}, {num_layers} layer(s), batch {batch_size}",
        value=num_tokens / training.ours,
        unit="tokens/s",
        peer=PEER,
        peer_value=num_tokens / training.peer,
        ratio=training.ratio,
        also={
            "parameters": sum(parameter.numel() for parameter in encoder.parameters()),
            "tokens/s in decoding": num_tokens / decoding.ours,
            "times as fast as the peer there": decoding.ratio,
            "kB/token until backward": kept / num_tokens / 1e3,
        },
    )


def learn(function: Callable[[Tensor, Trees], Tensor], inputs: Inputs) -> None:
    for features, trees in inputs:
        function(features, trees).sum().backward()


@torch.inference_mode()
def decode(function: Callable[[Tensor, Trees], Tensor], inputs: Inputs) -> None:
    for features, trees in inputs:
        function(features.detach(), trees)
