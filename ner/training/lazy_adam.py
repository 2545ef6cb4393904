"""Adam for parameters of which a step touches some rows only, as with an embedding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ner.training.sparse_rows import RowOptimizer, gradients_of_rows


class LazyAdam(RowOptimizer):
    """Adam (Kingma & Ba, 2015) on each row by itself: a row knows only the steps whose batches hold its word.

    Each touched row moves as `torch.optim.Adam` would move it had it seen these steps and no others. In particular its
    bias correction counts its own steps: `torch.optim.SparseAdam` counts all, and so moves a row that is first met
    late by up to (1 - beta1) / sqrt(1 - beta2), about 3, times the learning rate.

    Args:
        parameters: matrices whose gradients are sparse in their first dimension.
        lr: may be changed between steps in `param_groups`.
        betas: decay of the first and the second moment, at each step of a row.
        eps: is added to the root of the second moment.

    Raises:
        ValueError: for a negative `lr` or `eps`, and for betas outside [0, 1).
    """

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        if not eps >= 0:
            raise ValueError(f"eps must be 0 or more, not {eps}")
        for beta in betas:
            if not 0 <= beta < 1:
                raise ValueError(f"betas must be at least 0 and less than 1, not {betas}")
        super().__init__(parameters, lr=lr, betas=betas, eps=eps)

    def _move(self, parameter: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        learning_rate, betas, epsilon = group["lr"], group["betas"], group["eps"]
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(len(parameter), device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        rows, gradient = gradients_of_rows(gradient)
        steps = state["step"][rows] + 1
        mean = torch.lerp(state["exp_avg"][rows], gradient, 1 - betas[0])
        square = torch.lerp(state["exp_avg_sq"][rows], gradient * gradient, 1 - betas[1])
        for name, values in (("step", steps), ("exp_avg", mean), ("exp_avg_sq", square)):
            state[name].index_copy_(0, rows, values)
        counts = steps.double()[:, None]  # in float32, 1 - 0.999 has four digits
        first, second = ((1 - beta**counts).to(mean.dtype) for beta in betas)
        change = (mean / first) / ((square / second).sqrt_().add_(epsilon))
        parameter.index_copy_(0, rows, parameter[rows] - learning_rate * change)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume from a `state_dict`, which may be of a `torch.optim.SparseAdam`: its one count goes to all rows."""
        super().load_state_dict(state_dict)
        for state in self.state.values():
            if not torch.is_tensor(state["step"]) or state["step"].dim() == 0:
                touched = state["exp_avg_sq"].any(1)
                state["step"] = touched.to(state["exp_avg"].dtype) * float(state["step"])
            # torch moves every state to the device of its parameter but the one of this name
            state["step"] = state["step"].to(state["exp_avg"].device)
