"""Padding a batch: what it leaves alone. Steps themselves are tested with the loop, graphs in tests/test_cuda.py."""

from __future__ import annotations

from pathlib import Path

import torch

from ner.corpus.dataset import encode, load
from ner.model.dropout import Dropout
from ner.training.run import Run
from ner.training.step import CHARACTERS, TOKENS, WORDS, TrainingStep, padded


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
        loss, norm = TrainingStep(tagger, optimizer, reduction="sum")(given, batch.num_tokens, 0.0)
        losses.append((loss, norm))
        gradients.append({name: own.grad.to_dense() for name, own in tagger.named_parameters()})
    torch.testing.assert_close(losses[1], losses[0])
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)
    assert padded(more).mask.shape == more.mask.shape
