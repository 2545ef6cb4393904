"""The learning rate's factor as a function of progress: 0 before the first step of training, 1 after the last."""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[float], float]
"""A factor for the learning rate at a progress in [0, 1]."""


def constant(progress: float) -> float:
    """1 throughout."""
    return 1.0


def linear(progress: float, *, final: float = 0.0) -> float:
    """Fall from 1 to `final` on a straight line."""
    return 1.0 + (final - 1.0) * progress


def cosine(progress: float, *, final: float = 0.0) -> float:
    """Fall from 1 to `final` on half a cosine wave (Loshchilov & Hutter, 2017, without restarts)."""
    return final + (1.0 - final) * (1.0 + math.cos(math.pi * progress)) / 2.0


def warmup_linear(progress: float, *, warmup: float, final: float = 0.0) -> float:
    """Rise from 0 to 1 over the first share `warmup` of training, then fall to `final`, both on straight lines.

    Raises:
        ValueError: unless 0 < warmup < 1.
    """
    if not 0.0 < warmup < 1.0:
        raise ValueError(f"warmup is the share of training that the rise takes, between 0 and 1, not {warmup}")
    if progress < warmup:
        return progress / warmup
    return linear((progress - warmup) / (1.0 - warmup), final=final)
