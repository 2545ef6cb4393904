"""Recurrent layers: features and a mask to hidden states. Output at real tokens does not depend on padding.

Here are those that torch has a module for; the others are in `gated.py`, `mlstm.py` and `tree_lstm.py`. A new layer
needs a class and a file of its name in `conf/model/recurrent/`, nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from ner.model.directions import direction_size, reversed_positions
from ner.model.gather import gather_tokens
from ner.model.trees import Trees
from ner.shapes import Float
from ner.threads import run_recurrences

Choice = TypeVar("Choice")


class Recurrent(nn.Module, ABC):
    """A layer of the stack, built with its input size and its hidden size: that of both directions together."""

    output_size: int
    uses_trees: bool = False

    @abstractmethod
    def forward(
        self, features: Float[Tensor, "batch token input"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]: ...


class TwoDirections(Recurrent):
    """One of torch's own recurrences in both directions: cuDNN's on CUDA devices, oneDNN's LSTM on the CPU.

    Raises:
        ValueError: for an odd hidden size, which two directions cannot share.
    """

    def __init__(self, input_size: int, hidden_size: int, kind: Callable[..., nn.RNNBase]) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.forwards = kind(input_size, direction_size(hidden_size), batch_first=True)
        self.backwards = kind(input_size, direction_size(hidden_size), batch_first=True)

    def forward(
        self, features: Float[Tensor, "batch token input"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]:
        reversal = reversed_positions(trees.mask)
        left, right = run_recurrences((self.forwards, self.backwards), (features, gather_tokens(features, reversal)))
        return torch.cat([left, gather_tokens(right, reversal)], 2)


class RNN(TwoDirections):
    """h = tanh(W [h-, x] + b) (Elman, 1990)"""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, nn.RNN)


class LSTM(TwoDirections):
    """f, i, o = sigma(W [h-, x] + b);  c = f * c- + i * tanh(W [h-, x] + b);  h = o * tanh(c)

    Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, nn.LSTM)


class GRU(TwoDirections):
    """z, r = sigma(W [h-, x] + b);  n = tanh(W x + b + r * (U h- + b'));  h = (1 - z) * n + z * h-

    The form of cuDNN and torch: r comes after the recurrent product, where Cho et al. (2014) apply it before. z is
    theirs, the weight of the old state; `ResetBeforeGRU` has its complement, as Chung et al. (2014).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, nn.GRU)


def choose(option: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    """The choice of that name.

    Raises:
        ValueError: for an unknown name, listing the right ones.
    """
    if name not in choices:
        raise ValueError(f"{option} {name!r}: choose one of {', '.join(choices)}")
    return choices[name]
