"""Each cell against its formula, written out for one vector at a time and differentiated by autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ner.model.cells import (
    CoupledCell,
    DiagonalPeepholeCell,
    LSTMCell,
    NestedCell,
    NoForgetCell,
    PeepholeCell,
    ResetBeforeGRUCell,
    SigmoidSLSTMCell,
    SLSTMCell,
)
from ner.model.scan import Cell, scan

RECURRENCES, LENGTH, BATCH, SIZE = 2, 5, 3, 4


def lstm(x, h, c, recurrent):
    o, i, f, g = (x + h @ recurrent).chunk(4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def coupled(x, h, c, recurrent):
    o, f, g = (x + h @ recurrent).chunk(3)
    c = f.sigmoid() * c + (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * c.tanh(), c


def no_forget(x, h, c, recurrent):
    o, i, g = (x + h @ recurrent).chunk(3)
    c = c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def peephole(x, h, c, recurrent, by_old, by_new):
    o, i, f, g = (x + h @ recurrent).chunk(4)
    seen_by_i, seen_by_f = (c @ by_old).chunk(2)
    c = (f + seen_by_f).sigmoid() * c + (i + seen_by_i).sigmoid() * g.tanh()
    return (o + c @ by_new).sigmoid() * c.tanh(), c


def diagonal_peephole(x, h, c, recurrent, by_old, by_new):
    full = torch.cat([by_old[0].diag(), by_old[1].diag()], 1)
    return peephole(x, h, c, recurrent, full, by_new[0].diag())


def nested(x, h, c, memory, recurrent, inner, bias):
    o, f, i, g = (x + h @ recurrent).chunk(4)
    hidden, read = f.sigmoid() * c, i.sigmoid() * g.tanh()
    inner_o, inner_i, inner_f, inner_g = (torch.cat([hidden, read]) @ inner + bias[0]).chunk(4)
    memory = inner_f.sigmoid() * memory + inner_i.sigmoid() * inner_g.tanh()
    c = inner_o.sigmoid() * memory.tanh()
    return o.sigmoid() * c.tanh(), c, memory


def gru(x, h, recurrent, candidate):
    x_z, x_r, x_n = x.chunk(3)
    from_z, from_r = (h @ recurrent).chunk(2)
    z, r = (x_z + from_z).sigmoid(), (x_r + from_r).sigmoid()
    n = (x_n + (r * h) @ candidate).tanh()
    return ((1 - z) * h + z * n,)


def slstm(x, h, c, n, recurrent, forget=torch.exp):
    o, i, f, z = (x + h @ recurrent).chunk(4)  # without a stabiliser
    c = forget(f) * c + i.exp() * z.tanh()
    n = forget(f) * n + i.exp()
    return o.sigmoid() * c / n, c, n


def sigmoid_slstm(x, h, c, n, recurrent):
    return slstm(x, h, c, n, recurrent, forget=torch.sigmoid)


FORMULAS = {
    LSTMCell: (lstm, 2),
    CoupledCell: (coupled, 2),
    NoForgetCell: (no_forget, 2),
    PeepholeCell: (peephole, 2),
    DiagonalPeepholeCell: (diagonal_peephole, 2),
    NestedCell: (nested, 3),
    ResetBeforeGRUCell: (gru, 1),
    SLSTMCell: (slstm, 3),
    SigmoidSLSTMCell: (sigmoid_slstm, 3),
}
"""The formula of each cell, and the number of its states."""


def draw(cell: Cell, *, scale: float = 1.0) -> tuple[Tensor, list[Tensor]]:
    torch.manual_seed(0)
    inputs = scale * torch.randn(RECURRENCES, LENGTH, BATCH, cell.inputs * SIZE, dtype=torch.float64)
    weights = [torch.randn(RECURRENCES, *shape, dtype=torch.float64) for shape in cell.weight_shapes(SIZE)]
    return inputs.requires_grad_(), [weight.requires_grad_() for weight in weights]


def by_formula(cell: Cell, inputs: Tensor, weights: list[Tensor]) -> Tensor:
    """As `scan`, one token of one sentence at a time."""
    formula, num_states = FORMULAS[type(cell)]
    recurrences = []
    for number in range(len(inputs)):
        sentences = []
        for sentence in range(inputs.shape[2]):
            states, hidden = [inputs.new_zeros(SIZE)] * num_states, []
            for x in inputs[number, :, sentence]:
                states = formula(x, *states, *(weight[number] for weight in weights))
                hidden.append(states[0])
            sentences.append(torch.stack(hidden))
        recurrences.append(torch.stack(sentences, 1))
    return torch.stack(recurrences)


@pytest.mark.parametrize("kind", FORMULAS)
def test_values_and_gradients_are_those_of_the_formula(kind):
    cell = kind()
    inputs, weights = draw(cell)
    found, wanted = scan(cell, inputs, weights), by_formula(cell, inputs, weights)
    torch.testing.assert_close(found, wanted)
    direction = torch.randn_like(found)
    gradients = [torch.autograd.grad((hidden * direction).sum(), [inputs, *weights]) for hidden in (found, wanted)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_lstm_is_torchs():
    cell = LSTMCell()
    inputs, (recurrent,) = draw(cell)
    peer = nn.LSTM(cell.inputs * SIZE, SIZE, bias=False).double()
    in_our_order = torch.cat([torch.arange(SIZE) + gate * SIZE for gate in (1, 2, 3, 0)])  # theirs is i, f, g, o
    with torch.no_grad():
        peer.weight_ih_l0.copy_(torch.eye(cell.inputs * SIZE)[in_our_order])
        peer.weight_hh_l0.copy_(recurrent[0].T[in_our_order])
    torch.testing.assert_close(scan(cell, inputs, [recurrent])[0], peer(inputs[0])[0])


def test_coupled_is_an_lstm_with_i_of_1_minus_f():
    inputs, (recurrent,) = draw(CoupledCell())

    def with_i(values: Tensor) -> Tensor:
        o, f, g = values.chunk(3, -1)
        return torch.cat([o, -f, f, g], -1)  # sigma(-x) = 1 - sigma(x)

    torch.testing.assert_close(
        scan(CoupledCell(), inputs, [recurrent]), scan(LSTMCell(), with_i(inputs), [with_i(recurrent)])
    )


def test_no_forgetting_is_an_lstm_whose_f_is_1():
    inputs, (recurrent,) = draw(NoForgetCell())

    def with_f(values: Tensor, f: float) -> Tensor:
        o, i, g = values.chunk(3, -1)
        return torch.cat([o, i, torch.full_like(g, f), g], -1)

    torch.testing.assert_close(
        scan(NoForgetCell(), inputs, [recurrent]), scan(LSTMCell(), with_f(inputs, 100), [with_f(recurrent, 0)])
    )


@pytest.mark.parametrize("kind", [PeepholeCell, DiagonalPeepholeCell])
def test_blind_peepholes_are_an_lstm(kind):
    inputs, (recurrent, *peepholes) = draw(kind())
    blind = [torch.zeros_like(peephole) for peephole in peepholes]
    torch.testing.assert_close(scan(kind(), inputs, [recurrent, *blind]), scan(LSTMCell(), inputs, [recurrent]))


def test_diagonal_peepholes_are_full_ones_with_a_diagonal_matrix():
    inputs, (recurrent, by_old, by_new) = draw(DiagonalPeepholeCell())
    full = [torch.cat(by_old.diag_embed().unbind(1), 2), by_new.diag_embed()[:, 0]]
    torch.testing.assert_close(
        scan(DiagonalPeepholeCell(), inputs, [recurrent, by_old, by_new]),
        scan(PeepholeCell(), inputs, [recurrent, *full]),
    )


class Addition(LSTMCell):
    """An inner cell that adds what it is given, as the memory of a plain LSTM does."""

    def step(self, gates, new, old, weights):
        kept, written = old[0].chunk(2, -1)
        torch.add(kept, written, out=new[0])

    def factors(self, gates, new, old):
        return ()

    def step_back(self, d_gates, d_new, factors, weights):
        d_gates.zero_()
        return [torch.cat([d_new[0], d_new[0]], -1), d_new[1]]


def test_nested_with_addition_is_an_lstm():
    cell = NestedCell()
    inputs, weights = draw(cell)
    cell.inner = Addition()

    def reordered(values: Tensor) -> Tensor:
        o, f, i, g = values.chunk(4, -1)
        return torch.cat([o, i, f, g], -1)

    found, wanted = scan(cell, inputs, weights), scan(LSTMCell(), reordered(inputs), [reordered(weights[0])])
    torch.testing.assert_close(found, wanted)
    gradients = [torch.autograd.grad(hidden.square().sum(), [inputs, weights[0]]) for hidden in (found, wanted)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("kind", [SLSTMCell, SigmoidSLSTMCell])
def test_slstm_averages_what_it_was_given(kind):
    """Its memory c / n is a weighted mean of the z so far, so that one z at every step comes out as it went in."""
    cell = kind()
    inputs, (recurrent,) = draw(cell, scale=3)
    with torch.no_grad():
        inputs[..., :SIZE] = 100  # o = 1
        inputs[..., 3 * SIZE :] = 0.7
    recurrent = torch.cat([0 * recurrent[..., :SIZE], recurrent[..., SIZE : 3 * SIZE], 0 * recurrent[..., :SIZE]], -1)
    found = scan(cell, inputs, [recurrent])
    torch.testing.assert_close(found, torch.full_like(found, 0.7).tanh())


@pytest.mark.parametrize("gate", [1, 2])
@pytest.mark.parametrize("value", [-1e4, 1e4])
@pytest.mark.parametrize("kind", [SLSTMCell, SigmoidSLSTMCell])
def test_slstm_with_extreme_gates_is_finite(kind, value, gate):
    cell = kind()
    inputs, weights = (draw(cell)[0].detach().float(), [weight.detach().float() for weight in draw(cell)[1]])
    inputs[..., gate * SIZE : (gate + 1) * SIZE] += value
    leaves = [leaf.requires_grad_() for leaf in (inputs, *weights)]
    hidden = scan(cell, inputs, weights)
    assert hidden.abs().max() <= 1
    for gradient in torch.autograd.grad(hidden.sum(), leaves):
        assert gradient.isfinite().all()


def test_the_memory_of_coupled_gates_is_bounded():
    cell = CoupledCell()
    inputs, weights = draw(cell, scale=10)
    long = torch.cat([inputs] * 20, 1)
    with torch.no_grad():
        long[..., :SIZE] = 100  # h = tanh(c)
    assert scan(cell, long, weights).abs().max() <= torch.tensor(1.0).tanh()
