"""Gated recurrent layers that torch has no module for: a cell of `cells.py`, scanned in both directions in one loop.

They are initialised as torch's own modules: every weight and bias is uniform between -1/sqrt(d) and 1/sqrt(d), with d
the hidden size of one direction. Only `Nested` differs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ner.model.cells import (
    CoupledCell,
    DiagonalPeepholeCell,
    NestedCell,
    NoForgetCell,
    PeepholeCell,
    ResetBeforeGRUCell,
    SigmoidSLSTMCell,
    SLSTMCell,
)
from ner.model.directions import head_size, join_directions, split_directions
from ner.model.recurrent import GRU, Recurrent, choose
from ner.model.scan import Cell, scan
from ner.model.trees import Trees
from ner.shapes import Float

OPEN = 3.0  # a gate with this bias lets 95 % pass


class Gated(Recurrent):
    """A cell in both directions, and in each memory head of a direction, all in one loop.

    Args:
        heads: memory heads: parts of a direction's hidden state that do not see each other's past, since the
            recurrent weights are block-diagonal (not heads of a tree).

    Raises:
        ValueError: for a hidden size that two directions and their memory heads cannot share.
    """

    def __init__(self, input_size: int, hidden_size: int, cell: Cell, *, heads: int = 1) -> None:
        super().__init__()
        size = head_size(hidden_size, heads)
        self.output_size = hidden_size
        self.cell = cell
        self.heads = heads
        self.weight = nn.Parameter(torch.empty(2, input_size, heads * cell.inputs * size))
        self.bias = nn.Parameter(torch.empty(2, 1, heads * cell.inputs * size))
        self.recurrent = nn.ParameterList(torch.empty(2 * heads, *shape) for shape in cell.weight_shapes(size))
        bound = (heads * size) ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(
        self, features: Float[Tensor, "batch token input"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]:
        batch, length, _ = features.shape
        read = split_directions(features, trees.mask).flatten(1, 2)
        inputs = torch.unflatten(torch.baddbmm(self.bias, read, self.weight), 2, (self.heads, -1))
        recurrences = inputs.transpose(1, 2).reshape(2 * self.heads, length, batch, -1)
        hidden = torch.unflatten(scan(self.cell, recurrences, list(self.recurrent)), 0, (2, self.heads))
        return join_directions(hidden.permute(0, 2, 3, 1, 4).flatten(3), trees.mask)


class ResetBeforeGRU(Gated):
    """The GRU with r before the recurrent product, as published (Cho et al., 2014); see the cell about z."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, ResetBeforeGRUCell())


def gru(input_size: int, hidden_size: int, *, reset: str) -> Recurrent:
    """A GRU whose r is applied `before` the recurrent product, or `after` it, for which torch has a faster module.

    Raises:
        ValueError: for another name.
    """
    return choose("reset", reset, {"before": ResetBeforeGRU, "after": GRU})(input_size, hidden_size)


class Peephole(Gated):
    """An LSTM whose gates see its memory (Gers & Schmidhuber, 2000).

    Args:
        connections: `diagonal`, as in the paper: each gate sees only its own memory cell; or `full`.

    Raises:
        ValueError: for another name.
    """

    def __init__(self, input_size: int, hidden_size: int, *, connections: str) -> None:
        cell = choose("connections", connections, {"diagonal": DiagonalPeepholeCell, "full": PeepholeCell})
        super().__init__(input_size, hidden_size, cell())


class Coupled(Gated):
    """An LSTM that writes as much as it forgets, i = 1 - f (Greff et al., 2017, there with peepholes)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, CoupledCell())


class NoForget(Gated):
    """The LSTM of 1997, without a forget gate."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, NoForgetCell())


class Nested(Gated):
    """An LSTM whose memory is an LSTM (Moniz & Krueger, 2017).

    It is initialised close to the plain LSTM: the inner cell adds what is kept and what is written, with its gates i
    and o open and f closed. From small random weights its memory holds next to nothing, and training may not start.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, NestedCell())
        _, inner, bias = self.recurrent
        size = bias.shape[2] // 4
        with torch.no_grad():
            o, i, f, written = bias.split(size, 2)
            for gate in (o, i):
                gate += OPEN
            f -= OPEN
            written.zero_()
            inner[:, :, -size:] = torch.eye(size).repeat(2, 1)


class SLSTM(Gated):
    """The sLSTM of xLSTM (Beck et al., 2024): exponential gates, and a memory that is an average.

    Args:
        forget: the forget gate, `sigma` or `exp`.
        heads: memory heads of each direction (not heads of a tree).

    Raises:
        ValueError: for another name, or a hidden size that the memory heads cannot share.
    """

    def __init__(self, input_size: int, hidden_size: int, *, forget: str, heads: int) -> None:
        cell = choose("forget", forget, {"sigma": SigmoidSLSTMCell, "exp": SLSTMCell})
        super().__init__(input_size, hidden_size, cell(), heads=heads)
