"""Left to right and right to left: what layers with two directions share.

The second direction runs left to right too, over the real tokens reversed in their place, so that padding stays behind
them and no state ever runs through it: nothing needs sorting, packing, or the lengths on the host.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding

from ner.shapes import Bool, Float, Int


def direction_size(hidden_size: int) -> int:
    """The hidden size of one direction.

    Raises:
        ValueError: for an odd hidden size.
    """
    if hidden_size % 2:
        raise ValueError(f"hidden_size {hidden_size} is odd, and is shared by two directions")
    return hidden_size // 2


def head_size(hidden_size: int, heads: int) -> int:
    """The hidden size of one head of one direction.

    Raises:
        ValueError: for fewer heads than one, and a hidden size that directions and heads cannot share.
    """
    size = direction_size(hidden_size)
    if heads < 1 or size % heads:
        raise ValueError(f"heads is {heads}: it must be at least 1, and divide the {size} of hidden_size {hidden_size}")
    return size // heads


def reversed_positions(mask: Bool[Tensor, "batch token"]) -> Int[Tensor, "batch token"]:
    """For each place the one that takes it when a sentence's real tokens are reversed; padding keeps its own."""
    places = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)


def in_both_directions(mask: Bool[Tensor, "batch token"]) -> Int[Tensor, "direction batch token"]:
    """The positions of each sentence as they are, and reversed."""
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    return torch.stack([places, reversed_positions(mask)])


def split_directions(
    features: Float[Tensor, "batch token feature"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "2 token batch feature"]:
    """The features step by step, from left to right and from right to left; `join_directions` is the way back."""
    batch, length = mask.shape
    starts = torch.arange(0, batch * length, length, device=mask.device)
    return embedding(in_both_directions(mask).transpose(1, 2) + starts, features.flatten(0, 1))


def join_directions(
    hidden: Float[Tensor, "2 token batch hidden"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "batch token both"]:
    """The states of both directions side by side, where their tokens stand."""
    batch, length = mask.shape
    directions, sentences = torch.arange(2, device=mask.device), torch.arange(batch, device=mask.device)
    rows = (directions[:, None, None] * length + in_both_directions(mask)) * batch + sentences[:, None]
    return embedding(rows.permute(1, 2, 0), hidden.flatten(0, 2)).flatten(2)
