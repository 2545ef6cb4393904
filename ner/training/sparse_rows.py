"""Sparse gradients: those of an embedding, which hold the rows that a batch uses."""

from __future__ import annotations

import torch
from torch import Tensor

from ner.shapes import Float, Int


def summed_rows(
    gradient: Tensor,
) -> tuple[Int[Tensor, " place"], Float[Tensor, "place feature"], Int[Tensor, " place"] | None]:
    """The rows of a sparse gradient, the sums of what it has for each, and where each row's sum is.

    The last is None where every row comes once: always on the CPU. Which rows are the same cannot be said of a CUDA
    device without waiting for it, so there a row may come again; the sum is at one of its places, 0 at the others.
    """
    if not gradient.is_cuda or gradient.is_coalesced():
        gradient = gradient.coalesce()
        return gradient.indices()[0], gradient.values(), None
    rows, values = gradient._indices()[0], gradient._values()
    numbers = torch.arange(len(rows), device=rows.device)
    places = rows.new_empty(len(gradient)).index_copy_(0, rows, numbers)[rows]
    return rows, torch.zeros_like(values).index_add_(0, places, values), places


def gradients_of_rows(gradient: Tensor) -> tuple[Int[Tensor, " place"], Float[Tensor, "place feature"]]:
    """The rows of a sparse gradient and what it sums up to for each.

    As in `summed_rows` a row may come again, here with the same values, so that what is made of them may be written
    to the rows twice.
    """
    rows, sums, places = summed_rows(gradient)
    return rows, sums if places is None else sums[places]
