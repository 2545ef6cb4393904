"""One optimiser over dense parameters and over the rows of a word embedding that a batch touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ner.shapes import Float, Int
from ner.training.lazy_adagrad import LazyAdagrad
from ner.training.lazy_adam import LazyAdam
from ner.training.sparse_rows import summed_rows
from ner.training.sparse_sgd import SparseSGD

NO_RATES: Mapping[str, float] = MappingProxyType({})


class Optimizer:
    """Steps a torch optimiser over the dense parameters of a model and another over its sparse ones.

    Sparse parameters are the weights of modules with `sparse` true, such as `nn.Embedding(sparse=True)`: their
    gradients hold only the rows that a batch uses, and only those rows are read or written by a step.

    A parameter group of either may have a `rate`, a factor of the learning rate; without one it is 1.

    Before the step all gradients are scaled together so that their global L2 norm is at most `max_norm` (None: not
    at all). Weight decay is the business of `dense` for dense parameters; a touched row of a sparse one is
    multiplied by `1 - learning_rate * weight_decay` at the step that touches it, and no other row changes. For
    plain SGD that is what decaying the touched rows' gradients does. With the paper's 0.01 and 1e-8 the factor
    rounds to 1 in float32, so leaving the other rows alone is exact.

    Raises:
        ValueError: for a learning rate or `max_norm` that is not positive.
    """

    def __init__(
        self,
        dense: torch.optim.Optimizer,
        sparse: torch.optim.Optimizer | None,
        *,
        learning_rate: float,
        weight_decay: float,
        max_norm: float | None,
    ) -> None:
        if not learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {learning_rate}")
        if max_norm is not None and not max_norm > 0:
            raise ValueError(f"max_norm must be positive, or null for no clipping, not {max_norm}")
        self.learning_rate = learning_rate
        self._weight_decay = weight_decay
        self._max_norm = max_norm
        self._dense = dense
        self._sparse = sparse

    def zero_grad(self) -> None:
        for optimizer in self._all():
            optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def step(self, learning_rate: float | Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Clip, decay and step; return the global norm of the gradients as it was before clipping.

        Nothing here waits for the device. A learning rate in a tensor is read there, so that a CUDA graph can be
        replayed with another.
        """
        gradients, sums = [], []  # of a sparse gradient all its values, and their sum for each row
        for group in self._groups():
            group["lr"] = learning_rate * group.get("rate", 1.0)
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if not parameter.grad.is_sparse:
                    gradients.append(parameter.grad)
                    sums.append(parameter.grad)
                    continue
                if not parameter.grad.is_cuda:
                    parameter.grad = parameter.grad.coalesce()
                rows, row_sums, _ = summed_rows(parameter.grad)
                self._decay_rows(parameter, rows, group["lr"])
                gradients.append(parameter.grad._values())
                sums.append(row_sums)
        norm = torch.nn.utils.get_total_norm(sums)
        if self._max_norm is not None:
            scale = (self._max_norm / (norm + 1e-6)).clamp(max=1.0)
            torch._foreach_mul_(gradients, scale)
        for optimizer in self._all():
            optimizer.step()
        return norm

    @property
    def parameters(self) -> list[Tensor]:
        """All that are trained."""
        return [parameter for group in self._groups() for parameter in group["params"]]

    @contextmanager
    def capturable(self) -> Iterator[None]:
        """Let torch's optimisers be captured in a CUDA graph."""
        groups = [group for group in self._groups() if "capturable" in group]
        for group in groups:
            group["capturable"] = True
        try:
            yield
        finally:
            for group in groups:
                group["capturable"] = False

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [optimizer.state_dict() for optimizer in self._all()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a `state_dict`.

        Raises:
            ValueError: when it comes from an optimiser over other parameters.
        """
        rates = [group.get("rate", 1.0) for group in self._groups()]  # runs of before 0.2 stored none
        for optimizer, part in zip(self._all(), state["parts"], strict=True):
            optimizer.load_state_dict(part)
        for group, rate in zip(self._groups(), rates, strict=True):
            group["rate"] = rate

    def state(self) -> Iterator[tuple[Tensor, str, Any]]:
        """What is kept of each parameter between steps: the parameter, a name and the value."""
        for optimizer in self._all():
            for parameter, values in optimizer.state.items():
                for name, value in values.items():
                    yield parameter, name, value

    def _decay_rows(self, parameter: Tensor, rows: Int[Tensor, " row"], learning_rate: float | Tensor) -> None:
        factor = 1.0 - learning_rate * self._weight_decay
        if self._weight_decay:
            parameter.index_copy_(0, rows, parameter[rows] * factor)

    def _groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self._all() for group in optimizer.param_groups]

    def _all(self) -> list[torch.optim.Optimizer]:
        return [self._dense] if self._sparse is None else [self._dense, self._sparse]


def sgd(
    model: nn.Module,
    *,
    learning_rate: float,
    word_rate: float = 1.0,
    rates: Mapping[str, float] = NO_RATES,
    weight_decay: float = 0.0,
    max_norm: float | None = None,
) -> Optimizer:
    """Stochastic gradient descent without momentum; weight decay is the gradient of the L2 penalty.

    Args:
        word_rate: factor of the learning rate for the word vectors (the group `word`); 0 freezes them.
        rates: such factors for other groups of parameters, by the name that their modules give as `rate_group`.

    Raises:
        ValueError: for a negative rate and for a group that the model does not have, here and below.
    """
    dense, sparse = _parameter_groups(model, {"word": word_rate, **rates})
    return Optimizer(
        torch.optim.SGD(dense, lr=learning_rate, weight_decay=weight_decay, fused=True),
        SparseSGD(sparse, lr=learning_rate) if sparse else None,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        max_norm=max_norm,
    )


def adagrad(
    model: nn.Module,
    *,
    learning_rate: float,
    word_rate: float = 1.0,
    rates: Mapping[str, float] = NO_RATES,
    max_norm: float | None = None,
) -> Optimizer:
    """AdaGrad (Duchi et al., 2011): a weight's steps shrink with its past squared gradients; rates as in `sgd`."""
    dense, sparse = _parameter_groups(model, {"word": word_rate, **rates})
    return Optimizer(
        LazyAdagrad(dense, lr=learning_rate),
        LazyAdagrad(sparse, lr=learning_rate) if sparse else None,
        learning_rate=learning_rate,
        weight_decay=0.0,
        max_norm=max_norm,
    )


def adam(
    model: nn.Module,
    *,
    learning_rate: float,
    word_rate: float = 1.0,
    rates: Mapping[str, float] = NO_RATES,
    beta1: float = 0.9,
    beta2: float = 0.999,
    max_norm: float | None = None,
) -> Optimizer:
    """Adam (Kingma & Ba, 2015); for the word vectors `LazyAdam`, and the rates as in `sgd`."""
    return adamw(
        model,
        learning_rate=learning_rate,
        word_rate=word_rate,
        rates=rates,
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
    rates: Mapping[str, float] = NO_RATES,
    beta1: float = 0.9,
    beta2: float = 0.999,
    max_norm: float | None = None,
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019), otherwise as `adam`."""
    dense, sparse = _parameter_groups(model, {"word": word_rate, **rates})
    betas = (beta1, beta2)
    return Optimizer(
        torch.optim.AdamW(dense, lr=learning_rate, betas=betas, weight_decay=weight_decay, fused=True),
        LazyAdam(sparse, lr=learning_rate, betas=betas) if sparse else None,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        max_norm=max_norm,
    )


def _parameter_groups(
    model: nn.Module, rates: Mapping[str, float]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The dense and the sparse parameters to train, each group with its rate; those with a rate of 0 are frozen.

    The sparse parameters are the group `word`. Dense ones are of the group that the innermost module around them names
    in `rate_group`, if any does.
    """
    for name, rate in rates.items():
        if not rate >= 0:
            option = "word_rate" if name == "word" else f"rates.{name}"
            raise ValueError(f"optimizer.{option} must be 0 or more, not {rate}")
    dense: dict[str, list[nn.Parameter]] = {"": []}
    sparse: list[nn.Parameter] = []
    for group, is_sparse, parameter in _parameters(model):
        if rates.get(group, 1.0) == 0:
            parameter.requires_grad_(False)
        elif parameter.requires_grad:
            (sparse if is_sparse else dense.setdefault(group, [])).append(parameter)
    if unknown := rates.keys() - {group for group, _, _ in _parameters(model)} - {"word"}:
        raise ValueError(f"optimizer.rates names {', '.join(sorted(unknown))}, which this model has no parameters of")
    return (
        [{"params": own, "rate": rates.get(group, 1.0)} for group, own in dense.items() if own],
        [{"params": sparse, "rate": rates["word"]}] if sparse else [],
    )


def _parameters(model: nn.Module) -> Iterator[tuple[str, bool, nn.Parameter]]:
    """Each parameter once, with its group and whether its gradient is sparse."""
    seen: set[nn.Parameter] = set()

    def of(module: nn.Module, group: str) -> Iterator[tuple[str, bool, nn.Parameter]]:
        is_sparse = bool(getattr(module, "sparse", False))
        group = "word" if is_sparse else getattr(module, "rate_group", group)
        for parameter in module.parameters(recurse=False):
            if parameter not in seen:
                seen.add(parameter)
                yield group, is_sparse, parameter
        for child in module.children():
            yield from of(child, group)

    return of(model, "")
