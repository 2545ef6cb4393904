"""Values at other positions of the same sentence: the one definition, for heads, reversal and last states."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding

from ner.shapes import Float, Int


def look_up(rows: Int[Tensor, "*place"], table: Float[Tensor, "row feature"]) -> Float[Tensor, "*place feature"]:
    """The rows of a table at each place, one row at several; the gradient adds them up.

    On the CPU in one order, the same each time; on CUDA devices in the order in which they come, without sorting them
    first as the gradient of `embedding` does there.
    """
    if not table.is_cuda:
        return embedding(rows, table)
    return table.index_select(0, rows.flatten()).view(*rows.shape, table.shape[1])


def gather_tokens(
    values: Float[Tensor, "batch token feature"], places: Int[Tensor, "batch place"]
) -> Float[Tensor, "batch place feature"]:
    """The values at the given positions of the same sentence: with heads as positions, h_{p(i)} at token i."""
    batch, length, _ = values.shape
    starts = torch.arange(0, batch * length, length, device=places.device)[:, None]
    return look_up(places + starts, values.flatten(0, 1))  # whole rows: twice as fast as Tensor.gather
