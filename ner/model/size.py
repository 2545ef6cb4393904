"""The number of parameters of a model, known before it is built, and the size at which it has as many as another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

MOST_TRIED = 64


@contextmanager
def shapes_only() -> Iterator[None]:
    """Modules that are built in here have shapes and no values: they take neither memory nor random numbers."""
    with _WithoutCompiler(), torch.device("meta"):
        yield


class _WithoutCompiler(TorchFunctionMode):
    """For the shapes of some operations torch imports its compiler, which takes seconds: here are those of ours."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if function in (Tensor.normal_, nn.init.normal_):
            return args[0] if args else given["tensor"]
        if function is Tensor.__invert__:
            return torch.empty(args[0].shape, dtype=args[0].dtype)
        return function(*args, **given)


def count_parameters(module: nn.Module) -> int:
    """The number of parameters of a module, shared ones counted once."""
    return sum(parameter.numel() for parameter in module.parameters())


def matching_size(build: Callable[[int], nn.Module], num_parameters: int) -> int:
    """The size whose module has the number of parameters closest to `num_parameters`; of two, the smaller.

    Args:
        build: makes the module of a size; larger sizes have more parameters. It may raise ValueError for sizes that it
            does not support, such as odd ones: these are skipped. Modules are built without values.

    Raises:
        ValueError: the last error of `build`, where it refused `MOST_TRIED` sizes in a row.
    """

    def count(size: int) -> int:
        with shapes_only():
            return count_parameters(build(size))

    def from_size_on(size: int) -> tuple[int, int]:
        """The first size from this on that suits, and its number of parameters."""
        for candidate in range(size, size + MOST_TRIED - 1):
            try:
                return candidate, count(candidate)
            except ValueError:
                continue
        return size + MOST_TRIED - 1, count(size + MOST_TRIED - 1)

    upper = 1
    while from_size_on(upper)[1] < num_parameters:
        upper *= 2
    lower = upper // 2
    while upper - lower > 1:
        middle = (lower + upper) // 2
        if from_size_on(middle)[1] < num_parameters:
            lower = middle
        else:
            upper = middle
    closest = min((from_size_on(size) for size in (lower, upper) if size), key=lambda it: abs(it[1] - num_parameters))
    return closest[0]
