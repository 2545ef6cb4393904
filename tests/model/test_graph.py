"""What test_interaction.py does not say of graph layers: scores of any scale, and the direction of edges."""

from __future__ import annotations

import torch

from ner.model.graph import GAT, GCN
from ner.model.trees import Trees

# a root with three children, one of which has a child
HEADS = torch.tensor([[1, 1, 1, 2, 1]])
TREES = Trees(mask=torch.ones(1, 5, dtype=torch.bool), heads=HEADS, relation_ids=torch.tensor([[1, 0, 2, 1, 1]]))


def gat(**options: int) -> GAT:
    torch.manual_seed(0)
    return GAT(4, 3, **({"relation_size": 2, "attention_heads": 2} | options))


def test_attention_weights_sum_to_one():
    """So states that are all alike come out as one of them."""
    g, state = gat(), torch.randn(4)
    found = g(state.expand(1, 5, 4), TREES)
    torch.testing.assert_close(found, (g.value.weight @ state).expand(1, 5, 4))


def test_scores_of_any_scale_neither_overflow_nor_vanish():
    g = gat().double()
    hidden = (torch.randn(1, 5, 4, dtype=torch.float64) * 1e4).requires_grad_()
    found = g(hidden, TREES)
    found.sum().backward()
    assert found.isfinite().all()
    assert hidden.grad is not None
    assert hidden.grad.isfinite().all()
    values = g.value(hidden)
    for token in range(5):  # a convex combination of the values around it
        near = [token, int(HEADS[0, token]), *(j for j in range(5) if HEADS[0, j] == token)]
        torch.testing.assert_close(
            found[0, token].clamp(values[0, near].amin(0), values[0, near].amax(0)), found[0, token]
        )


def test_attention_knows_the_direction_of_an_edge():
    """Swapping head and child of a two-word sentence changes what each word reads."""
    g, hidden = gat(), torch.randn(1, 2, 4)
    relations = torch.tensor([[1, 1]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    one, other = (g(hidden, Trees(mask, torch.tensor([heads]), relations)) for heads in ([0, 0], [1, 1]))
    assert not torch.allclose(one, other)


def test_convolution_does_not_count_the_root_twice():
    torch.manual_seed(0)
    g, hidden = GCN(4, 3, relation_weights=False), torch.rand(1, 1, 4)
    alone = Trees(torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.long), TREES.relation_ids[:, :1])
    torch.testing.assert_close(g(hidden, alone), g.linear(hidden).relu())
