"""Reading values at other places of the same sentence."""

from __future__ import annotations

import torch

from ner.model.gather import gather_tokens

PLACES = torch.tensor([[1, 1, 0], [0, 0, 2]])


def test_values_come_from_the_place_in_the_same_sentence():
    values = torch.arange(6.0).reshape(2, 3, 1)
    assert gather_tokens(values, PLACES)[:, :, 0].tolist() == [[1, 1, 0], [3, 3, 5]]


def test_equals_gather_in_values_and_gradients():
    values = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    wanted = values.gather(1, PLACES[:, :, None].expand(-1, -1, 4))
    assert torch.equal(gather_tokens(values, PLACES), wanted)
    assert torch.autograd.gradcheck(lambda values: gather_tokens(values, PLACES), (values,))
