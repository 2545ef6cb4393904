"""A recurrence over the tokens with its analytic gradient, shared by all cells that torch has no kernel for.

Several independent recurrences of one kind and size run in the same loop: the two directions of a layer, and the
memory heads of each. The loop does only what has to be done step by step. The products with the layer below are
computed for all steps before it; in the backward pass, the factors of the chain rule are computed for all steps at
once, so that a step only multiplies; and the gradient of the weights is one product after the loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ner.shapes import Float


class Cell(ABC):
    """One step of a recurrence, and its derivative. It holds no parameters: its weights are passed to it.

    `inputs` and `gates` are multiples of the hidden size: `gates` is the number of pre-activations, of which the first
    `inputs` depend on the layer below. `initial` has the value of each state before the first token; the first state
    is h. Tensors of one step are (recurrence, batch, size), those of all steps (recurrence, token, batch, size).
    """

    inputs: int
    gates: int
    initial: tuple[float, ...]

    @abstractmethod
    def weight_shapes(self, size: int) -> list[tuple[int, ...]]:
        """The shapes of the weights of one recurrence, for a hidden size."""

    @abstractmethod
    def step(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
        """Write the new states, and replace each pre-activation by the value that `factors` needs."""

    @abstractmethod
    def factors(self, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The factors of the chain rule that `step_back` multiplies by, for all steps."""

    @abstractmethod
    def step_back(
        self, d_gates: Tensor, d_new: Sequence[Tensor], factors: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> list[Tensor]:
        """Write the gradient by the pre-activations, and return the one by the old states."""

    @abstractmethod
    def weight_gradients(
        self, d_gates: Tensor, gates: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]
    ) -> list[Tensor]:
        """The gradient by each of the weights, from all steps."""


def scan(
    cell: Cell, inputs: Float[Tensor, "recurrence token batch inputs"], weights: Sequence[Tensor]
) -> Float[Tensor, "recurrence token batch hidden"]:
    """h of every step; differentiable once.

    Each weight stacks those of the recurrences. Everything is computed in their number type, under autocast too.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        hidden: Tensor = _Scan.apply(inputs.to(weights[0].dtype), cell, *weights)  # type: ignore[no-untyped-call]
    return hidden


def product(left: Tensor, right: Tensor) -> Float[Tensor, "recurrence row column"]:
    """The gradient of a weight between two quantities of all steps: the sum of their outer products."""
    return left.flatten(1, 2).transpose(1, 2) @ right.flatten(1, 2)


class _Scan(torch.autograd.Function):
    """States are stored after the initial one, so that those of all tokens and of the tokens before are views."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, cell: Cell, *weights: Tensor) -> Tensor:
        recurrences, length, batch, width = inputs.shape
        size = width // cell.inputs
        gates = inputs.new_empty(recurrences, length, batch, cell.gates * size)
        gates[..., :width] = inputs
        states = [inputs.new_full((recurrences, length + 1, batch, size), value) for value in cell.initial]
        by_step = list(zip(*(state.unbind(1) for state in states), strict=True))
        for now, old, new in zip(gates.unbind(1), by_step[:-1], by_step[1:], strict=True):
            cell.step(now, new, old, weights)
        ctx.cell, ctx.width = cell, width
        ctx.save_for_backward(gates, *states, *weights)
        return states[0][:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor) -> tuple[Tensor | None, ...]:
        cell: Cell = ctx.cell
        gates, *saved = ctx.saved_tensors
        states, weights = saved[: len(cell.initial)], saved[len(cell.initial) :]
        new, old = [state[:, 1:] for state in states], [state[:, :-1] for state in states]
        factors = cell.factors(gates, new, old)
        d_gates = torch.empty_like(gates)
        d_states = [torch.zeros_like(state[:, 0]) for state in states]
        steps = list(zip(d_hidden.unbind(1), d_gates.unbind(1), *(part.unbind(1) for part in factors), strict=True))
        for d_output, d_now, *now in reversed(steps):
            d_states = cell.step_back(d_now, [d_states[0] + d_output, *d_states[1:]], now, weights)
        return d_gates[..., : ctx.width], None, *cell.weight_gradients(d_gates, gates, new, old)
