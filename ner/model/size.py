"""How large a model is, and how large it should be to compare with another."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

MOST_TRIED = 64


def count_parameters(module: nn.Module) -> int:
    """The learned numbers of a module, shared ones once."""
    return sum(parameter.numel() for parameter in module.parameters())


def matching_size(build: Callable[[int], nn.Module], num_parameters: int) -> int:
    """The size whose module has the number of parameters closest to `num_parameters`; of two, the smaller.

    Args:
        build: makes the module of a size, the more parameters the larger. It may raise ValueError for sizes that do
            not suit it, such as an odd one: these are passed over. Nothing of it is computed or kept.

    Raises:
        ValueError: what `build` raises where so many sizes on end do not suit it that none will.
    """

    def count(size: int) -> int:
        with torch.device("meta"):
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
