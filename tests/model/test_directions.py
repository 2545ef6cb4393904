"""The two directions of a layer: sizes, and the way there and back."""

from __future__ import annotations

import pytest
import torch

from ner.model.directions import direction_size, head_size, join_directions, reversed_positions, split_directions

MASK = torch.arange(6) < torch.tensor([6, 1, 4])[:, None]


def test_reversal_turns_real_tokens_only():
    assert reversed_positions(MASK).tolist() == [[5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5], [3, 2, 1, 0, 4, 5]]


def test_steps_are_tokens_in_order_and_reversed():
    features = torch.arange(18.0).view(3, 6, 1)
    split = split_directions(features, MASK)[..., 0]
    assert split[0].T.tolist() == features[..., 0].tolist()
    assert split[1].T.tolist() == [[5, 4, 3, 2, 1, 0], [6, 7, 8, 9, 10, 11], [15, 14, 13, 12, 16, 17]]


def test_joining_puts_both_where_the_token_stands():
    features = torch.randn(3, 6, 5)
    joined = join_directions(split_directions(features, MASK), MASK)
    torch.testing.assert_close(joined, torch.cat([features, features], 2))


def test_sizes():
    assert direction_size(8) == 4
    assert head_size(24, 3) == 4


@pytest.mark.parametrize(("size", "heads", "message"), [(7, 1, "7 is odd"), (8, 3, "heads is 3"), (8, 0, "heads is 0")])
def test_sizes_that_cannot_be_shared_are_refused(size, heads, message):
    with pytest.raises(ValueError, match=message):
        head_size(size, heads)
