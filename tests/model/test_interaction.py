"""Interaction functions against their formulas, written out token by token."""

from __future__ import annotations

import pytest
import torch

from ner.model.interaction import MLP, Addition, Concatenation, Interaction, SelfInteraction
from ner.model.trees import Trees

HEADS = torch.tensor([[1, 1, 1, 2], [0, 0, 1, 0]])
TREES = Trees(mask=torch.ones(2, 4, dtype=torch.bool), heads=HEADS, relation_ids=torch.zeros_like(HEADS))


def formula(g: Interaction, own: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
    match g:
        case SelfInteraction():
            return own
        case Concatenation():
            return torch.cat([own, head])
        case Addition():
            return own + head
        case MLP():
            return torch.relu(g.own.weight @ own + g.own.bias + g.head.weight @ head)
    raise AssertionError(g)


@pytest.mark.parametrize("kind", [SelfInteraction, Concatenation, Addition, MLP])
def test_value_is_the_formula_at_every_token(kind):
    torch.manual_seed(0)
    g, hidden = kind(3, 5), torch.randn(2, 4, 3)
    found = g(hidden, TREES)
    assert found.shape == (2, 4, g.output_size)
    for row in range(2):
        for token in range(4):
            wanted = formula(g, hidden[row, token], hidden[row, HEADS[row, token]])
            torch.testing.assert_close(found[row, token], wanted)


@pytest.mark.parametrize("kind", [SelfInteraction, Concatenation, Addition, MLP])
def test_gradients(kind):
    torch.manual_seed(0)
    g = kind(3, 5).double()
    hidden = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda hidden: g(hidden, TREES), (hidden,))


def test_sizes_of_the_paper():
    assert {kind: kind(200, 5).output_size for kind in (SelfInteraction, Concatenation, Addition, MLP)} == {
        SelfInteraction: 200,
        Concatenation: 400,
        Addition: 200,
        MLP: 400,
    }
