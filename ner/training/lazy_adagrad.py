"""AdaGrad for parameters of which a step touches some rows only, as with an embedding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ner.training.sparse_rows import gradients_of_rows

EPSILON = 1e-10


class LazyAdagrad(torch.optim.Optimizer):
    """AdaGrad (Duchi et al., 2011), which leaves rows without a gradient alone by itself: the same as on all rows.

    Of dense gradients it makes what `torch.optim.Adagrad` does, but never waits for a CUDA device, as that one does to
    read a learning rate in a tensor.

    Args:
        parameters: those with sparse gradients have them in their first dimension.
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
        """Move what the gradients hold; no other row is read or written, nor are its sums."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"])

    def _move(self, parameter: Tensor, gradient: Tensor, learning_rate: float | Tensor) -> None:
        state = self.state[parameter]
        if not state:
            state["sum"] = torch.zeros_like(parameter)
        if not gradient.is_sparse:
            sums = state["sum"].addcmul_(gradient, gradient)
            parameter.sub_(learning_rate * gradient / sums.sqrt().add_(EPSILON))
            return
        rows, gradient = gradients_of_rows(gradient)
        squares = state["sum"][rows].addcmul_(gradient, gradient)
        state["sum"].index_copy_(0, rows, squares)
        parameter.index_copy_(0, rows, parameter[rows] - learning_rate * gradient / squares.sqrt().add_(EPSILON))
