"""Recurrent layers against torch's own bidirectional LSTM on packed sequences."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ner.model.recurrent import LSTM, reversed_positions
from ner.model.trees import Trees

LENGTHS = [6, 1, 4]


def ragged(size: int) -> tuple[torch.Tensor, Trees]:
    torch.manual_seed(0)
    return torch.randn(3, 6, size), chains(torch.arange(6) < torch.tensor(LENGTHS)[:, None])


def chains(mask: torch.Tensor) -> Trees:
    heads = torch.arange(mask.shape[1]).repeat(len(mask), 1)  # each word its own head
    return Trees(mask=mask, heads=heads, relation_ids=torch.zeros_like(heads))


def test_equals_a_packed_bidirectional_lstm_in_values_and_gradients():
    features, trees = ragged(5)
    ours, theirs = LSTM(5, 8), nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    state = {name.removesuffix("_reverse"): value for name, value in theirs.named_parameters() if "reverse" not in name}
    ours.forwards.load_state_dict(state)
    reverse = {name.removesuffix("_reverse"): value for name, value in theirs.named_parameters() if "reverse" in name}
    ours.backwards.load_state_dict(reverse)

    inputs = [features.clone().requires_grad_() for _ in range(2)]
    found = ours(inputs[0], trees).masked_fill(~trees.mask[:, :, None], 0)
    packed = pack_padded_sequence(inputs[1], torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    wanted, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    torch.testing.assert_close(found, wanted)

    weight = torch.randn_like(found)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    torch.testing.assert_close(ours.backwards.weight_hh_l0.grad, theirs.weight_hh_l0_reverse.grad)


def test_padding_changes_nothing():
    features, trees = ragged(5)
    layer = LSTM(5, 8)
    together = layer(features, trees)
    for row, length in enumerate(LENGTHS):
        alone = layer(features[row : row + 1, :length], chains(trees.mask[row : row + 1, :length]))
        torch.testing.assert_close(alone[0], together[row, :length])


def test_reversal_turns_real_tokens_only():
    _, trees = ragged(1)
    assert reversed_positions(trees.mask).tolist() == [[5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5], [3, 2, 1, 0, 4, 5]]


def test_odd_hidden_size_is_refused():
    with pytest.raises(ValueError, match="7 is odd"):
        LSTM(5, 7)
