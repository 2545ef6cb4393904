"""AdaGrad for parameters of which a step touches some rows only, as with an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ner.training.sparse_rows import RowOptimizer, gradients_of_rows

EPSILON = 1e-10


class LazyAdagrad(RowOptimizer):
    """AdaGrad (Duchi et al., 2011), which leaves rows without a gradient alone by itself: the same as on all rows.

    Of dense gradients, which are allowed too, it makes what `torch.optim.Adagrad` does, but never waits for a CUDA
    device, as that one does to read a learning rate in a tensor.
    """

    def _move(self, parameter: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        state, learning_rate = self.state[parameter], group["lr"]
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
