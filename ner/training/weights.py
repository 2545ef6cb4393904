"""Weights and states of training that come from a file, which may be another's: checked before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ner.model.size import count_parameters
from ner.training.finite import REMEDY, first_non_finite
from ner.training.loop import Progress
from ner.training.optimizer import Optimizer

MOST_PARAMETERS = 4 * 10**9  # 16 GB
NOT_A_STATE = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""What putting a state back raises where it is not one of the same parts."""


def check_size(blueprint: nn.Module) -> None:
    """Refuse a model of more than `MOST_PARAMETERS`, before memory is taken for it.

    Args:
        blueprint: the model on the meta device.

    Raises:
        ValueError: with its number of parameters.
    """
    if (size := count_parameters(blueprint)) > MOST_PARAMETERS:
        raise ValueError(f"the model has {size:,} parameters, more than {MOST_PARAMETERS:,}: choose smaller sizes")


def check_weights(model: nn.Module, state: object, *, path: Path, config: str = "config.yaml") -> None:
    """Refuse weights that are not a model's in names, shapes and types, or are no longer finite.

    Args:
        model: may be on the meta device, so that nothing is built for the sizes that a configuration states.
        state: what the file at `path` holds for it.
        config: the file beside it that says what the model is.

    Raises:
        ValueError: naming the file and the first weights that differ.
    """
    own, other = model.state_dict(), f"{path}: not the weights of the model in {config}"
    if not isinstance(state, Mapping) or state.keys() != own.keys():
        raise ValueError(f"{other}: they have other names")
    for name, tensor in own.items():
        found = state[name]
        if not isinstance(found, Tensor) or found.layout is not torch.strided or found.dtype is not tensor.dtype:
            raise ValueError(f"{other}: {name} is no tensor of {tensor.dtype}")
        if found.shape != tensor.shape:
            raise ValueError(f"{other}: {name} is {tuple(found.shape)}, the model's is {tuple(tensor.shape)}")
    if (diverged := first_non_finite(state)) is not None:
        raise ValueError(f"{path}: the weights {diverged} are not finite: train again, and {REMEDY}")


def put_back(optimizer: Optimizer, state: Any, *, path: Path) -> None:
    """Give an optimiser the state that a file holds for it.

    Raises:
        ValueError: naming the file, where it is the state of another optimiser.
    """
    try:
        optimizer.load_state_dict(state)
        for parameter, name, value in optimizer.state():
            if isinstance(value, Tensor) and value.shape not in ((), parameter.shape, parameter.shape[:1]):
                raise ValueError(f"{name} is {tuple(value.shape)} for weights of {tuple(parameter.shape)}")
    except NOT_A_STATE as error:
        raise ValueError(f"{path}: not the state of the optimizer in config.yaml ({error})") from error


def progress_of(state: Mapping[str, Any], *, path: Path) -> Progress:
    """How far training had come when a state was saved.

    Raises:
        ValueError: naming the file, where it does not say so.
    """
    try:
        progress = Progress(**state["progress"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: does not say how far training had come ({error})") from error
    counts = (progress.epoch, progress.step, progress.best_epoch)
    if not all(type(count) is int and count >= 0 for count in counts) or type(progress.best_f1) is not float:
        raise ValueError(f"{path}: does not say how far training had come ({progress})")
    return progress
