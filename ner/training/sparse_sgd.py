"""Stochastic gradient descent for parameters of which a step touches some rows only, as with an embedding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class SparseSGD(torch.optim.Optimizer):
    """What `torch.optim.SGD` without momentum does to sparse gradients, but never waiting for the device.

    Args:
        parameters: matrices whose gradients are sparse in their first dimension.
        lr: may be changed between steps in `param_groups`.

    Raises:
        ValueError: for a negative `lr`.
    """

    def __init__(self, parameters: Iterable[Tensor] | Iterable[dict[str, Any]], *, lr: float) -> None:
        if not lr >= 0:
            raise ValueError(f"lr must be 0 or more, not {lr}")
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the rows that the gradients hold; no other row is read or written."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if (gradient := parameter.grad) is not None:
                    parameter.index_add_(0, gradient._indices()[0], gradient._values() * -group["lr"])
