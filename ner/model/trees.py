"""The dependency trees of a batch, as the layers of a model see them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ner.model.gather import gather_tokens
from ner.shapes import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class Trees:
    """What a layer may know of the sentences besides their features.

    `mask` is True on real tokens; `heads` are positions in the sentence, the root's and the padding's their own.
    """

    mask: Bool[Tensor, "batch token"]
    heads: Int[Tensor, "batch token"]
    relation_ids: Int[Tensor, "batch token"]

    def of_heads(self, values: Float[Tensor, "batch token feature"]) -> Float[Tensor, "batch token feature"]:
        """h_p where h_i stands: for each token the value at its head."""
        return gather_tokens(values, self.heads)
