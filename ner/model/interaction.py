"""Interaction functions g(h_i, h_p) of a word's hidden state and its head's, applied between recurrent layers.

A class here with a file of its name in `conf/model/interaction/` is all that a new one needs: it is built with the
hidden size and the number of relations, says its `output_size`, and maps the states, (batch, token, hidden), and the
trees over them to (batch, token, output).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ner.model.trees import Trees
from ner.shapes import Float


class Interaction(nn.Module, ABC):
    """g: what a recurrent layer reads of the layer below, for each word and its head."""

    output_size: int

    @abstractmethod
    def forward(
        self, hidden: Float[Tensor, "batch token hidden"], trees: Trees
    ) -> Float[Tensor, "batch token output"]: ...


class SelfInteraction(Interaction):
    """g = h_i: the plain stack."""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = hidden_size

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return hidden


class Concatenation(Interaction):
    """g = [h_i ; h_p]"""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return torch.cat([hidden, trees.of_heads(hidden)], 2)


class Addition(Interaction):
    """g = h_i + h_p"""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = hidden_size

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return hidden + trees.of_heads(hidden)


class MLP(Interaction):
    """g = ReLU(W_1 h_i + W_2 h_p + b), twice as wide as h (the released code's size; b is the sum of its two)."""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size
        self.own = nn.Linear(hidden_size, self.output_size)
        self.head = nn.Linear(hidden_size, self.output_size, bias=False)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return torch.relu(self.own(hidden) + self.head(trees.of_heads(hidden)))
