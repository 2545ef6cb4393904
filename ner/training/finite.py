"""Weights that are no longer numbers: named, so that they are neither kept nor used."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

REMEDY = "try a lower optimizer.learning_rate or set optimizer.max_norm"


def first_non_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that holds an infinity or a nan; the device is waited for once if there is none."""
    checks = {name: tensor.isfinite().all() for name, tensor in tensors.items() if tensor.is_floating_point()}
    if not checks or bool(torch.stack(list(checks.values())).all()):
        return None
    return next(name for name, is_finite in checks.items() if not is_finite)
