"""Values at other positions of the same sentence: the one definition, for heads, reversal and last states."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding

from ner.shapes import Float, Int


def gather_tokens(
    values: Float[Tensor, "batch token feature"], places: Int[Tensor, "batch place"]
) -> Float[Tensor, "batch place feature"]:
    """The values at the given positions of the same sentence: with heads as positions, h_{p(i)} at token i."""
    batch, length, _ = values.shape
    starts = torch.arange(0, batch * length, length, device=places.device)[:, None]
    return embedding(places + starts, values.flatten(0, 1))  # whole rows: twice as fast as Tensor.gather
