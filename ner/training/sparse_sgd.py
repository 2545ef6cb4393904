"""Stochastic gradient descent for parameters of which a step touches some rows only, as with an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ner.training.sparse_rows import RowOptimizer


class SparseSGD(RowOptimizer):
    """What `torch.optim.SGD` without momentum does to sparse gradients, but never waiting for the device."""

    def _move(self, parameter: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        parameter.index_add_(0, gradient._indices()[0], gradient._values() * -group["lr"])
