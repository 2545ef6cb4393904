"""The dependency trees of a batch, as tensors for the layers of a model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ner.model.gather import gather_tokens
from ner.shapes import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class Trees:
    """What a layer may use besides the features of the sentences.

    `mask` is True on real tokens; `heads` are positions in the sentence; the root and padding are their own heads.
    A token's children are the other tokens whose head it is: neither the root nor padding is its own child.
    """

    mask: Bool[Tensor, "batch token"]
    heads: Int[Tensor, "batch token"]
    relation_ids: Int[Tensor, "batch token"]

    @cached_property
    def is_child(self) -> Bool[Tensor, "batch token"]:
        """True where a token's head is another token: everywhere but at the root and padding."""
        return self.heads != torch.arange(self.heads.shape[1], device=self.heads.device)

    @cached_property
    def num_children(self) -> Int[Tensor, "batch token"]:
        return self._sums(torch.ones_like(self.heads)[:, :, None])[:, :, 0]

    def of_heads(self, values: Float[Tensor, "batch token feature"]) -> Float[Tensor, "batch token feature"]:
        """h_{p(i)} at each token i: the value at its head."""
        return gather_tokens(values, self.heads)

    def sums_of_children(self, values: Float[Tensor, "batch token feature"]) -> Float[Tensor, "batch token feature"]:
        """sum_{c in C(i)} h_c at each token i: the sum of the values at its children, 0 without any."""
        return self._sums(values)

    def maxima_of_children(self, values: Float[Tensor, "batch token feature"]) -> Float[Tensor, "batch token feature"]:
        """As `sums_of_children` with the maximum, -inf without children."""
        rows = self._parents[:, None].expand(-1, values.shape[2])
        maxima = values.new_full((values.shape[0] * values.shape[1] + 1, values.shape[2]), -torch.inf)
        return maxima.scatter_reduce(0, rows, values.flatten(0, 1), "amax")[:-1].view(values.shape)

    @cached_property
    def _parents(self) -> Int[Tensor, " row"]:
        """The row of each token's head in the flattened batch; for a root and padding, one row after the last."""
        batch, length = self.heads.shape
        starts = torch.arange(0, batch * length, length, device=self.heads.device)[:, None]
        return torch.where(self.is_child, self.heads + starts, batch * length).flatten()

    def _sums(self, values: Tensor) -> Tensor:
        batch, length, size = values.shape
        sums = values.new_zeros(batch * length + 1, size)
        return sums.index_add_(0, self._parents, values.flatten(0, 1))[:-1].view(values.shape)
