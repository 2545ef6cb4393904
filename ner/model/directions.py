"""Left to right and right to left: what layers with two directions share.

The second direction also runs left to right, over the real tokens in reverse order, so that padding stays behind them
and never affects a state. Nothing needs sorting or packing, and lengths need not be copied to the host.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ner.model.gather import look_up
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
    """The hidden size of one memory head of one direction.

    Raises:
        ValueError: for fewer than one, and for a hidden size that directions and memory heads cannot share.
    """
    size = direction_size(hidden_size)
    if heads < 1 or size % heads:
        raise ValueError(f"heads is {heads}: it must be at least 1, and divide the {size} of hidden_size {hidden_size}")
    return size // heads


def reversed_positions(mask: Bool[Tensor, "batch token"]) -> Int[Tensor, "batch token"]:
    """The position that each token moves to when a sentence's real tokens are reversed; padding stays in place."""
    places = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)


def in_both_directions(mask: Bool[Tensor, "batch token"]) -> Int[Tensor, "direction batch token"]:
    """The positions of each sentence in order, and reversed."""
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    return torch.stack([places, reversed_positions(mask)])


def split_directions(
    features: Float[Tensor, "batch token feature"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "2 token batch feature"]:
    """The features in time-major order, left to right and right to left; `join_directions` is the inverse."""
    batch, length = mask.shape
    starts = torch.arange(0, batch * length, length, device=mask.device)
    return look_up(in_both_directions(mask).transpose(1, 2) + starts, features.flatten(0, 1))


def join_directions(
    hidden: Float[Tensor, "2 token batch hidden"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "batch token both"]:
    """The states of both directions concatenated, at the positions of their tokens."""
    batch, length = mask.shape
    directions, sentences = torch.arange(2, device=mask.device), torch.arange(batch, device=mask.device)
    rows = (directions[:, None, None] * length + in_both_directions(mask)) * batch + sentences[:, None]
    return look_up(rows.permute(1, 2, 0), hidden.flatten(0, 2)).flatten(2)
