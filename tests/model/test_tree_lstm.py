"""The Tree-LSTM against its formula node by node, and on chains against torch's LSTM."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ner.model.tree_lstm import BottomUp, Levels, TopDown, TreeLSTM
from ner.model.trees import Trees

HEADS = torch.tensor([[1, 3, 3, 3, 5, 3, 5], [0, 0, 1, 1, 4, 5, 6]])
MASK = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])


def trees(heads: Tensor = HEADS, mask: Tensor = MASK) -> Trees:
    return Trees(mask=mask, heads=heads, relation_ids=torch.zeros_like(heads))


def layer(direction: str, size: int = 4) -> TreeLSTM:
    torch.manual_seed(0)
    return TreeLSTM(5, size, direction=direction).double()


def features() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(2, 7, 5, dtype=torch.float64, requires_grad=True)


def bottom_up(sweep: BottomUp, x: Tensor, heads: list[int]) -> Tensor:
    for_f, *others = sweep.input.weight.chunk(4)
    bias_f, *biases = sweep.input.bias.chunk(4)
    by_f, *by_others = sweep.recurrent.weight.chunk(4)

    def node(j: int) -> tuple[Tensor, Tensor]:
        children = [node(k) for k, head in enumerate(heads) if head == j != k]
        summed = sum((h for h, _ in children), torch.zeros_like(bias_f))
        i, o, u = (w @ x[j] + v @ summed + b for w, v, b in zip(others, by_others, biases, strict=True))
        c = i.sigmoid() * u.tanh()
        for h_k, c_k in children:
            c = c + (for_f @ x[j] + by_f @ h_k + bias_f).sigmoid() * c_k
        return o.sigmoid() * c.tanh(), c

    return torch.stack([node(j)[0] for j in range(len(heads))])


def top_down(sweep: TopDown, x: Tensor, heads: list[int]) -> Tensor:
    def node(j: int) -> tuple[Tensor, Tensor]:
        none = x.new_zeros(sweep.recurrent.in_features)
        h, c = (none, none) if heads[j] == j else node(heads[j])
        f, i, o, u = (sweep.input(x[j]) + sweep.recurrent(h)).chunk(4)
        c = i.sigmoid() * u.tanh() + f.sigmoid() * c
        return o.sigmoid() * c.tanh(), c

    return torch.stack([node(j)[0] for j in range(len(heads))])


@pytest.mark.parametrize(("direction", "formula"), [("bottom_up", bottom_up), ("top_down", top_down)])
def test_values_and_gradients_are_those_of_the_formula(direction, formula):
    model, x = layer(direction), features()
    (sweep,) = model.sweeps
    found = model(x, trees())
    for row, length in enumerate((7, 4)):
        wanted = formula(sweep, x[row], HEADS[row, :length].tolist())
        torch.testing.assert_close(found[row, :length], wanted)
        direction = torch.randn_like(wanted)
        leaves = [x, *sweep.parameters()]
        ours = torch.autograd.grad((found[row, :length] * direction).sum(), leaves, retain_graph=True)
        theirs = torch.autograd.grad((wanted * direction).sum(), leaves)
        for gradient, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(gradient, other)


def test_both_is_either_with_half_of_the_hidden_size():
    both, up, down = layer("both"), layer("bottom_up", 2), layer("top_down", 2)
    up.sweeps[0].load_state_dict(both.sweeps[0].state_dict())
    down.sweeps[0].load_state_dict(both.sweeps[1].state_dict())
    x = features()
    torch.testing.assert_close(both(x, trees()), torch.cat([up(x, trees()), down(x, trees())], 2))


@pytest.mark.parametrize(("direction", "step"), [("bottom_up", 1), ("top_down", -1)])
def test_on_a_chain_it_is_torchs_lstm(direction, step):
    """Bottom-up along words that are each headed by the next, top-down along words headed by the one before."""
    places = torch.arange(7)
    heads = (places + step).clamp(0, 6).repeat(2, 1)
    model, peer = layer(direction), nn.LSTM(5, 4, batch_first=True).double()
    (sweep,) = model.sweeps
    f, i, o, g = torch.arange(16).split(4)
    with torch.no_grad():
        theirs = torch.cat([i, f, g, o])
        peer.weight_ih_l0.copy_(sweep.input.weight[theirs])
        peer.weight_hh_l0.copy_(sweep.recurrent.weight[theirs])
        peer.bias_ih_l0.copy_(sweep.input.bias[theirs])
        peer.bias_hh_l0.zero_()
    x = features()
    torch.testing.assert_close(model(x, trees(heads, MASK | True)), peer(x)[0])


def test_levels_are_as_many_as_the_deepest_tree_has():
    levels = Levels.of_heads(HEADS)
    assert levels.sizes == [5, 4, 5]  # two roots and three of padding first
    assert sorted(levels.order.tolist()) == list(range(14))
    rows = levels.order.split(levels.sizes)
    for above, level, heads in zip(rows, rows[1:], levels.heads[1:], strict=False):
        assert above[heads].tolist() == (HEADS + torch.tensor([[0], [7]])).flatten()[level].tolist()


def test_levels_of_a_long_chain():
    heads = (torch.arange(100) - 1).clamp(min=0)[None]
    levels = Levels.of_heads(heads)
    assert levels.sizes == [1] * 100
    assert levels.order.tolist() == list(range(100))


@pytest.mark.parametrize("heads", [[1, 2, 0], [0, 2, 1]])
def test_heads_that_form_a_cycle_are_refused(heads):
    with pytest.raises(ValueError, match="form a cycle"):
        layer("both")(features()[:1, :3], trees(torch.tensor([heads]), MASK[:1, :3]))
