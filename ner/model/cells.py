"""The steps of gated recurrences, each with its formula: h- and c- are those of the token before, x is the input.

Every pre-activation is a linear map of [h-, x]; its part W x + b is computed beforehand, for all tokens at once. The
derivative of a logistic s is s (1 - s), that of a tanh t is 1 - t^2. In the code, `h_prev` is h-, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ner.model.scan import Cell, product


class LSTMCell(Cell):
    """o, i, f = sigma(.), g = tanh(.);  c = f * c- + i * g;  h = o * tanh(c) (Hochreiter & Schmidhuber, 1997)

    A subclass may choose other gates after o, of which the last is g, and with them what the memory keeps and what is
    written to it.
    """

    inputs = gates = 4
    initial = (0.0, 0.0)

    def weight_shapes(self, size: int) -> list[tuple[int, ...]]:
        return [(size, self.gates * size)]

    def remember(self, gates: Tensor, c_prev: Tensor, c: Tensor) -> None:
        """Write c, from the gates after o."""
        i, f, g = gates.chunk(3, -1)
        torch.mul(f, c_prev, out=c).addcmul_(i, g)

    def memory_factors(self, gates: Tensor, c_prev: Tensor) -> tuple[Tensor, Tensor]:
        """The derivative of c by the pre-activations of these gates, and by c-."""
        i, f, g = gates.chunk(3, -1)
        return torch.cat([g * i * (1 - i), c_prev * f * (1 - f), i * (1 - g * g)], -1), f

    def step(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
        (h, c), (h_prev, c_prev) = new, old
        size = h.shape[-1]
        gates.baddbmm_(h_prev, weights[0])
        gates[..., :-size].sigmoid_()
        gates[..., -size:].tanh_()
        self.remember(gates[..., size:], c_prev, c)
        torch.tanh(c, out=h).mul_(gates[..., :size])

    def factors(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> tuple[Tensor, ...]:
        c, c_prev = new[1], old[1]
        o, others = torch.split(gates, [c.shape[-1], gates.shape[-1] - c.shape[-1]], -1)
        tanh = c.tanh()
        return tanh * o * (1 - o), o * (1 - tanh * tanh), *self.memory_factors(others, c_prev)

    def step_back(
        self, d_gates: Tensor, d_new: Sequence[Tensor], factors: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> list[Tensor]:
        (d_h, d_c), (h_by_o, h_by_c, c_by_gates, c_by_c_prev) = d_new, factors
        size = d_h.shape[-1]
        torch.mul(d_h, h_by_o, out=d_gates[..., :size])
        d_c = torch.addcmul(d_c, d_h, h_by_c)
        spread(d_c, c_by_gates, out=d_gates[..., size:])
        return [d_gates @ weights[0].transpose(1, 2), d_c * c_by_c_prev]

    def weight_gradients(
        self, d_gates: Tensor, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]
    ) -> list[Tensor]:
        return [product(old[0], d_gates)]


class CoupledCell(LSTMCell):
    """c = f * c- + (1 - f) * g, else an LSTM: one gate less, and |c| stays below 1.

    The CIFG of Greff et al. (2017), without their peephole connections; the gate that is learned is f, which is 1 - i
    there as here.
    """

    inputs = gates = 3

    def remember(self, gates: Tensor, c_prev: Tensor, c: Tensor) -> None:
        f, g = gates.chunk(2, -1)
        torch.lerp(g, c_prev, f, out=c)

    def memory_factors(self, gates: Tensor, c_prev: Tensor) -> tuple[Tensor, Tensor]:
        f, g = gates.chunk(2, -1)
        return torch.cat([(c_prev - g) * f * (1 - f), (1 - f) * (1 - g * g)], -1), f


class NoForgetCell(LSTMCell):
    """c = c- + i * g, else an LSTM: that of 1997, before the forget gate. Its memory grows with the sentence."""

    inputs = gates = 3

    def remember(self, gates: Tensor, c_prev: Tensor, c: Tensor) -> None:
        i, g = gates.chunk(2, -1)
        torch.addcmul(c_prev, i, g, out=c)

    def memory_factors(self, gates: Tensor, c_prev: Tensor) -> tuple[Tensor, Tensor]:
        i, g = gates.chunk(2, -1)
        return torch.cat([g * i * (1 - i), i * (1 - g * g)], -1), torch.ones_like(g[..., :1])


class PeepholeCell(LSTMCell):
    """An LSTM whose i and f also see c-, and whose o also sees c (Gers & Schmidhuber, 2000): through a full matrix.

    The output is h = o * tanh(c), as in the plain LSTM and as later work has it; in the paper of 2000 it is o * c. The
    weights are that of h-, that of c- to i and f, and that of c to o.
    """

    def weight_shapes(self, size: int) -> list[tuple[int, ...]]:
        return [(size, 4 * size), (size, 2 * size), (size, size)]

    def look(self, gates: Tensor, c: Tensor, weight: Tensor) -> None:
        """Add to the pre-activations the contribution of the memory."""
        gates.baddbmm_(c, weight)

    def look_back(self, d_gates: Tensor, weight: Tensor) -> Tensor:
        """The gradient of that contribution by the memory."""
        return d_gates @ weight.transpose(1, 2)

    def look_gradient(self, d_gates: Tensor, c: Tensor) -> Tensor:
        """The gradient of that contribution by the weight, from all steps."""
        return product(c, d_gates)

    def step(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
        (h, c), (h_prev, c_prev), (recurrent, by_old, by_new) = new, old, weights
        size = h.shape[-1]
        o, i_and_f, g = torch.split(gates, [size, 2 * size, size], -1)
        gates.baddbmm_(h_prev, recurrent)
        self.look(i_and_f, c_prev, by_old)
        i_and_f.sigmoid_()
        g.tanh_()
        self.remember(gates[..., size:], c_prev, c)
        self.look(o, c, by_new)
        torch.tanh(c, out=h).mul_(o.sigmoid_())

    def step_back(
        self, d_gates: Tensor, d_new: Sequence[Tensor], factors: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> list[Tensor]:
        (d_h, d_c), (h_by_o, h_by_c, c_by_gates, c_by_c_prev), (recurrent, by_old, by_new) = d_new, factors, weights
        size = d_h.shape[-1]
        d_o = torch.mul(d_h, h_by_o, out=d_gates[..., :size])
        d_c = torch.addcmul(d_c, d_h, h_by_c) + self.look_back(d_o, by_new)
        spread(d_c, c_by_gates, out=d_gates[..., size:])
        d_c_prev = torch.addcmul(self.look_back(d_gates[..., size : 3 * size], by_old), d_c, c_by_c_prev)
        return [d_gates @ recurrent.transpose(1, 2), d_c_prev]

    def weight_gradients(
        self, d_gates: Tensor, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]
    ) -> list[Tensor]:
        size = new[0].shape[-1]
        by_old = self.look_gradient(d_gates[..., size : 3 * size], old[1])
        by_new = self.look_gradient(d_gates[..., :size], new[1])
        return [product(old[0], d_gates), by_old, by_new]


class DiagonalPeepholeCell(PeepholeCell):
    """The same with diagonal matrices, as in Gers & Schmidhuber (2000): each gate sees only its own memory cell."""

    def weight_shapes(self, size: int) -> list[tuple[int, ...]]:
        return [(size, 4 * size), (2, size), (1, size)]

    def look(self, gates: Tensor, c: Tensor, weight: Tensor) -> None:
        torch.unflatten(gates, -1, weight.shape[1:]).addcmul_(c[..., None, :], weight[:, None])

    def look_back(self, d_gates: Tensor, weight: Tensor) -> Tensor:
        return (torch.unflatten(d_gates, -1, weight.shape[1:]) * weight[:, None]).sum(-2)

    def look_gradient(self, d_gates: Tensor, c: Tensor) -> Tensor:
        return (torch.unflatten(d_gates, -1, (-1, c.shape[-1])) * c[..., None, :]).sum((1, 2))


class NestedCell(Cell):
    """An LSTM whose memory is the output of an inner cell (Moniz & Krueger, 2017): h = o * tanh(c)

    The inner cell runs one step from the hidden state f * c- with the input i * g, and its new hidden state is c. Its
    pre-activations are U [f * c-, i * g] + b, none of which can be computed beforehand. If the inner cell is replaced
    by addition, this is an LSTM. The weights are that of h-, U and b.
    """

    inputs, gates = 4, 8
    initial = (0.0, 0.0, 0.0)  # h, c, and the memory of the inner LSTM

    def __init__(self) -> None:
        self.inner = LSTMCell()

    def weight_shapes(self, size: int) -> list[tuple[int, ...]]:
        return [(size, 4 * size), (2 * size, 4 * size), (1, 4 * size)]

    def step(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
        (h, c, memory), (h_prev, c_prev, memory_prev), (recurrent, inner, bias) = new, old, weights
        size = h.shape[-1]
        outer_gates, inner_gates = gates.chunk(2, -1)
        outer_gates.baddbmm_(h_prev, recurrent)
        outer_gates[..., :-size].sigmoid_()
        g = outer_gates[..., -size:].tanh_()
        o, f, i = outer_gates[..., :-size].chunk(3, -1)
        inner_gates.copy_(bias)
        self.inner.step(inner_gates, (c, memory), (torch.cat([f * c_prev, i * g], -1), memory_prev), [inner])
        torch.tanh(c, out=h).mul_(o)

    def factors(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> tuple[Tensor, ...]:
        (_, c, memory), (_, c_prev, memory_prev) = new, old
        outer_gates, inner_gates = gates.chunk(2, -1)
        o, f, i, g = outer_gates.chunk(4, -1)
        tanh = c.tanh()
        return (
            tanh * o * (1 - o),
            o * (1 - tanh * tanh),
            torch.cat([c_prev * f * (1 - f), g * i * (1 - i), i * (1 - g * g)], -1),
            f,
            *self.inner.factors(inner_gates, (c, memory), (c_prev, memory_prev)),
        )

    def step_back(
        self, d_gates: Tensor, d_new: Sequence[Tensor], factors: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> list[Tensor]:
        (d_h, d_c, d_memory), (h_by_o, h_by_c, by_gates, f, *inner_factors) = d_new, factors
        size = d_h.shape[-1]
        d_outer, d_inner = d_gates.chunk(2, -1)
        torch.mul(d_h, h_by_o, out=d_outer[..., :size])
        d_c = torch.addcmul(d_c, d_h, h_by_c)
        d_read, d_memory_prev = self.inner.step_back(d_inner, (d_c, d_memory), inner_factors, weights[1:2])
        d_kept, d_written = d_read.chunk(2, -1)
        torch.mul(d_kept, by_gates[..., :size], out=d_outer[..., size : 2 * size])
        spread(d_written, by_gates[..., size:], out=d_outer[..., 2 * size :])
        return [d_outer @ weights[0].transpose(1, 2), d_kept * f, d_memory_prev]

    def weight_gradients(
        self, d_gates: Tensor, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]
    ) -> list[Tensor]:
        d_outer, d_inner = d_gates.chunk(2, -1)
        _, f, i, g = gates.chunk(2, -1)[0].chunk(4, -1)
        read = torch.cat([f * old[1], i * g], -1)
        return [product(old[0], d_outer), product(read, d_inner), d_inner.sum((1, 2))[:, None]]


class ResetBeforeGRUCell(Cell):
    """z, r = sigma(.);  n = tanh(W x + U (r * h-) + b);  h = (1 - z) * h- + z * n

    The GRU of Cho et al. (2014), with r applied before the recurrent product as there. z is that of Chung et al.
    (2014), the weight of the new state; in Cho et al. it is the weight of the old one, 1 - z here, which makes no
    difference to what can be learned. The weights are that of h- to z and r, and U.
    """

    inputs = gates = 3
    initial = (0.0,)

    def weight_shapes(self, size: int) -> list[tuple[int, ...]]:
        return [(size, 2 * size), (size, size)]

    def step(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
        (h,), (h_prev,), (recurrent, candidate) = new, old, weights
        size = h.shape[-1]
        z_and_r, n = torch.split(gates, [2 * size, size], -1)
        z, r = z_and_r.baddbmm_(h_prev, recurrent).sigmoid_().chunk(2, -1)
        n.baddbmm_(r * h_prev, candidate).tanh_()
        torch.lerp(h_prev, n, z, out=h)

    def factors(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> tuple[Tensor, ...]:
        (h_prev,), (z, r, n) = old, gates.chunk(3, -1)
        return (n - h_prev) * z * (1 - z), h_prev * r * (1 - r), z * (1 - n * n), r, 1 - z

    def step_back(
        self, d_gates: Tensor, d_new: Sequence[Tensor], factors: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> list[Tensor]:
        (d_h,), (h_by_z, by_r, h_by_n, r, kept), (recurrent, candidate) = d_new, factors, weights
        size = d_h.shape[-1]
        d_z_and_r, d_n = torch.split(d_gates, [2 * size, size], -1)
        torch.mul(d_h, h_by_n, out=d_n)
        d_reset = d_n @ candidate.transpose(1, 2)
        torch.mul(d_h, h_by_z, out=d_z_and_r[..., :size])
        torch.mul(d_reset, by_r, out=d_z_and_r[..., size:])
        return [(d_z_and_r @ recurrent.transpose(1, 2)).addcmul_(d_reset, r).addcmul_(d_h, kept)]

    def weight_gradients(
        self, d_gates: Tensor, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]
    ) -> list[Tensor]:
        (h_prev,), (_, r, _) = old, gates.chunk(3, -1)
        size = h_prev.shape[-1]
        return [product(h_prev, d_gates[..., : 2 * size]), product(r * h_prev, d_gates[..., 2 * size :])]


class SLSTMCell(Cell):
    """The sLSTM of xLSTM (Beck et al., 2024), with a forget gate f = exp(f^):

    o = sigma(o^), z = tanh(z^);  m = max(f^ + m-, i^);  i' = exp(i^ - m), f' = exp(f^ + m- - m);
    c = f' * c- + i' * z;  n = f' * n- + i';  h = o * c / n

    m only keeps exp in range: h does not depend on it, so it has no gradient. It starts at minus infinity, which keeps
    n at 1 or more, since i' or f' is 1 at every step.
    """

    inputs = gates = 4  # o, i, f, z
    initial = (0.0, 0.0, 0.0, -torch.inf)  # h, c, n, m

    def log_forget_(self, gate: Tensor) -> Tensor:
        """log f in place of f^."""
        return gate

    def log_forget_slope(self, log_f: Tensor) -> Tensor:
        """The derivative of log f by f^."""
        return torch.ones_like(log_f)

    def weight_shapes(self, size: int) -> list[tuple[int, ...]]:
        return [(size, 4 * size)]

    def step(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
        (h, c, n, m), (h_prev, c_prev, n_prev, m_prev) = new, old
        o, i, f, z = gates.baddbmm_(h_prev, weights[0]).chunk(4, -1)
        o.sigmoid_()
        z.tanh_()
        decayed = self.log_forget_(f) + m_prev
        torch.maximum(decayed, i, out=m)
        kept, written = decayed.sub_(m).exp_(), torch.exp(i - m)
        torch.mul(kept, c_prev, out=c).addcmul_(written, z)
        torch.addcmul(written, kept, n_prev, out=n)
        torch.div(c, n, out=h).mul_(o)

    def factors(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> tuple[Tensor, ...]:
        (_, c, n, m), (_, c_prev, n_prev, m_prev), (o, i, log_f, z) = new, old, gates.chunk(4, -1)
        mean, written, kept = c / n, torch.exp(i - m), torch.exp(log_f + m_prev - m)
        forgotten = kept * self.log_forget_slope(log_f)
        return (
            mean * o * (1 - o),
            o / n,
            mean,
            torch.cat([written * z, forgotten * c_prev, written * (1 - z * z)], -1),
            torch.cat([written, forgotten * n_prev], -1),
            kept,
        )

    def step_back(
        self, d_gates: Tensor, d_new: Sequence[Tensor], factors: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> list[Tensor]:
        (d_h, d_c, d_n, d_m), (h_by_o, h_by_c, mean, c_by_gates, n_by_gates, kept) = d_new, factors
        size = d_h.shape[-1]
        torch.mul(d_h, h_by_o, out=d_gates[..., :size])
        from_h = d_h * h_by_c
        d_c, d_n = d_c + from_h, torch.addcmul(d_n, from_h, mean, value=-1)
        spread(d_c, c_by_gates, out=d_gates[..., size:])
        d_i_and_f = torch.unflatten(d_gates[..., size : 3 * size], -1, (2, size))
        d_i_and_f.addcmul_(d_n[..., None, :], torch.unflatten(n_by_gates, -1, (2, size)))
        return [d_gates @ weights[0].transpose(1, 2), d_c * kept, d_n * kept, d_m]

    def weight_gradients(
        self, d_gates: Tensor, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]
    ) -> list[Tensor]:
        return [product(old[0], d_gates)]


class SigmoidSLSTMCell(SLSTMCell):
    """`SLSTMCell` with a forget gate f = sigma(f^)."""

    def log_forget_(self, gate: Tensor) -> Tensor:
        return gate.copy_(logsigmoid(gate))

    def log_forget_slope(self, log_f: Tensor) -> Tensor:
        return -torch.expm1(log_f)


def spread(values: Tensor, factors: Tensor, *, out: Tensor) -> None:
    """Multiply the values (.., size) by each of the n factors in (.., n * size), into `out` of the same shape."""
    shape = (-1, values.shape[-1])
    torch.mul(values[..., None, :], torch.unflatten(factors, -1, shape), out=torch.unflatten(out, -1, shape))
