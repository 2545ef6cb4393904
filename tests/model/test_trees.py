"""What the layers see of the trees, token by token."""

from __future__ import annotations

import torch

from ner.model.trees import Trees

HEADS = torch.tensor([[1, 1, 1, 2], [0, 0, 2, 3]])
TREES = Trees(
    mask=torch.tensor([[True] * 4, [True, True, False, False]]), heads=HEADS, relation_ids=torch.zeros_like(HEADS)
)
CHILDREN = [[[], [0, 2], [3], []], [[1], [], [], []]]


def test_the_root_and_padding_are_nobodys_children():
    assert TREES.is_child.tolist() == [[True, False, True, True], [False, True, False, False]]
    assert TREES.num_children.tolist() == [[len(of) for of in row] for row in CHILDREN]


def test_heads_and_children():
    torch.manual_seed(0)
    values = torch.randn(2, 4, 3)
    values[1, 2:] = torch.nan  # padding says nothing to real tokens
    heads, sums, maxima = TREES.of_heads(values), TREES.sums_of_children(values), TREES.maxima_of_children(values)
    for row, tree in enumerate(CHILDREN):
        for token in range(2 if row else 4):
            of = values[row, tree[token]]
            torch.testing.assert_close(heads[row, token], values[row, HEADS[row, token]])
            torch.testing.assert_close(sums[row, token], of.sum(0))
            torch.testing.assert_close(maxima[row, token], of.amax(0) if len(of) else torch.full((3,), -torch.inf))


def test_gradients():
    torch.manual_seed(0)
    values = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(TREES.sums_of_children, (values,))
    assert torch.autograd.gradcheck(TREES.of_heads, (values,))
