"""Sparse gradients: those of an embedding, which hold the rows that a batch uses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ner.shapes import Float, Int


class RowOptimizer(torch.optim.Optimizer, ABC):
    """An optimiser that moves the rows that a gradient holds; no other row is read or written, nor what is kept of it.

    Args:
        parameters: matrices whose gradients are sparse in their first dimension.
        lr: may be changed between steps in `param_groups`.
        options: others of a group of parameters.

    Raises:
        ValueError: for a negative `lr`.
    """

    def __init__(self, parameters: Iterable[Tensor] | Iterable[dict[str, Any]], *, lr: float, **options: Any) -> None:
        if not lr >= 0:
            raise ValueError(f"lr must be 0 or more, not {lr}")
        super().__init__(parameters, {"lr": lr, **options})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    @abstractmethod
    def _move(self, parameter: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        """Move a parameter by its gradient, with the options of its group."""


def summed_rows(
    gradient: Tensor,
) -> tuple[Int[Tensor, " place"], Float[Tensor, "place feature"], Int[Tensor, " place"] | None]:
    """The rows of a sparse gradient, the sums of what it has for each, and where each row's sum is.

    The last is None where every row comes once: always on the CPU. Which rows are the same cannot be said of a CUDA
    device without waiting for it, so there a row may come again; the sum is at one of its places, 0 at the others.
    """
    if not gradient.is_cuda or gradient.is_coalesced():
        gradient = gradient.coalesce()
        return gradient.indices()[0], gradient.values(), None
    rows, values = gradient._indices()[0], gradient._values()
    numbers = torch.arange(len(rows), device=rows.device)
    places = rows.new_empty(len(gradient)).index_copy_(0, rows, numbers)[rows]
    return rows, torch.zeros_like(values).index_add_(0, places, values), places


def gradients_of_rows(gradient: Tensor) -> tuple[Int[Tensor, " place"], Float[Tensor, "place feature"]]:
    """The rows of a sparse gradient and what it sums up to for each.

    As in `summed_rows` a row may come again, here with the same values, so that what is made of them may be written
    to the rows twice.
    """
    rows, sums, places = summed_rows(gradient)
    return rows, sums if places is None else sums[places]
