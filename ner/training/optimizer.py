"""One optimiser over dense parameters and over the rows of a word embedding that a batch touches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ner.shapes import Float


class Optimizer:
    """Steps a torch optimiser over the dense parameters of a model and another over its sparse ones.

    Sparse parameters are the weights of modules with `sparse` true, such as `nn.Embedding(sparse=True)`: their
    gradients hold only the rows that a batch uses, and only those rows are read or written by a step.

    The sparse ones take `word_rate` times the learning rate.

    Before the step all gradients are scaled together so that their global L2 norm is at most `max_norm` (None: not
    at all). Weight decay is the business of `dense` for dense parameters; a touched row of a sparse one is
    multiplied by `1 - learning_rate * weight_decay` at the step that touches it, and no other row changes. For
    plain SGD that is what decaying the touched rows' gradients does. With the paper's 0.01 and 1e-8 the factor
    rounds to 1 in float32, so leaving the other rows alone is exact.

    Raises:
        ValueError: for a learning rate or `max_norm` that is not positive, and a negative `word_rate`.
    """

    def __init__(
        self,
        dense: torch.optim.Optimizer,
        sparse: torch.optim.Optimizer | None,
        *,
        learning_rate: float,
        weight_decay: float,
        max_norm: float | None,
        word_rate: float = 1.0,
    ) -> None:
        if not learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {learning_rate}")
        if word_rate < 0:
            raise ValueError(f"word_rate must be 0 or more, not {word_rate}")
        if max_norm is not None and not max_norm > 0:
            raise ValueError(f"max_norm must be positive, or null for no clipping, not {max_norm}")
        self.learning_rate = learning_rate
        self._weight_decay = weight_decay
        self._max_norm = max_norm
        self._word_rate = word_rate
        self._dense = dense
        self._sparse = sparse

    def zero_grad(self) -> None:
        for optimizer in self._all():
            optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def step(self, learning_rate: float) -> Float[Tensor, ""]:
        """Clip, decay and step; return the global norm of the gradients as it was before clipping.

        Nothing here waits for the device.
        """
        gradients = []
        for parameter in self._parameters():
            if parameter.grad is not None:
                if parameter.grad.is_sparse:
                    parameter.grad = parameter.grad.coalesce()
                    self._decay_rows(parameter, learning_rate * self._word_rate)
                gradients.append(parameter.grad.values() if parameter.grad.is_sparse else parameter.grad)
        norm = torch.nn.utils.get_total_norm(gradients)
        if self._max_norm is not None:
            scale = (self._max_norm / (norm + 1e-6)).clamp(max=1.0)
            torch._foreach_mul_(gradients, scale)
        for optimizer in self._all():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * (self._word_rate if optimizer is self._sparse else 1)
            optimizer.step()
        return norm

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [optimizer.state_dict() for optimizer in self._all()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`.

        Raises:
            ValueError: when it comes from an optimiser over other parameters.
        """
        for optimizer, part in zip(self._all(), state["parts"], strict=True):
            optimizer.load_state_dict(part)

    def _decay_rows(self, parameter: Tensor, learning_rate: float) -> None:
        factor = 1.0 - learning_rate * self._weight_decay
        if self._weight_decay and parameter.grad is not None:
            rows = parameter.grad.indices()[0]
            parameter.index_copy_(0, rows, parameter[rows] * factor)

    def _parameters(self) -> list[Tensor]:
        return [
            parameter for optimizer in self._all() for group in optimizer.param_groups for parameter in group["params"]
        ]

    def _all(self) -> list[torch.optim.Optimizer]:
        return [self._dense] if self._sparse is None else [self._dense, self._sparse]


def sgd(
    model: nn.Module,
    *,
    learning_rate: float,
    word_rate: float = 1.0,
    weight_decay: float = 0.0,
    max_norm: float | None = None,
) -> Optimizer:
    """Stochastic gradient descent without momentum; weight decay is the gradient of the L2 penalty.

    `word_rate` times `learning_rate` is that of the word vectors, here and below; 0 freezes them.
    """
    dense, sparse = _split_parameters(model, word_rate)
    return Optimizer(
        torch.optim.SGD(dense, lr=learning_rate, weight_decay=weight_decay, fused=True),
        torch.optim.SGD(sparse, lr=learning_rate) if sparse else None,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        max_norm=max_norm,
        word_rate=word_rate,
    )


def adam(
    model: nn.Module,
    *,
    learning_rate: float,
    word_rate: float = 1.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    max_norm: float | None = None,
) -> Optimizer:
    """Adam (Kingma & Ba, 2015); the moments of an embedding row move only when it is touched (lazy Adam)."""
    return adamw(
        model,
        learning_rate=learning_rate,
        word_rate=word_rate,
        beta1=beta1,
        beta2=beta2,
        weight_decay=0.0,
        max_norm=max_norm,
    )


def adamw(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    word_rate: float = 1.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    max_norm: float | None = None,
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019), lazy on embedding rows as `adam`."""
    dense, sparse = _split_parameters(model, word_rate)
    betas = (beta1, beta2)
    return Optimizer(
        torch.optim.AdamW(dense, lr=learning_rate, betas=betas, weight_decay=weight_decay, fused=True),
        torch.optim.SparseAdam(sparse, lr=learning_rate, betas=betas) if sparse else None,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        max_norm=max_norm,
        word_rate=word_rate,
    )


def _split_parameters(model: nn.Module, word_rate: float) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The dense and the sparse parameters to train; with a rate of 0 the sparse ones are frozen and left out."""
    sparse = {
        parameter: None
        for module in model.modules()
        if getattr(module, "sparse", False)
        for parameter in module.parameters(recurse=False)
        if parameter.requires_grad
    }
    dense = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter not in sparse]
    if word_rate == 0:
        for parameter in sparse:
            parameter.requires_grad_(False)
        return dense, []
    return dense, list(sparse)
