"""The number of parameters, and the size that gives a wanted number, against trying all sizes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ner.model.size import count_parameters, matching_size


def test_shared_parameters_count_once():
    one, other = nn.Linear(3, 4), nn.Linear(3, 4)
    other.weight = one.weight
    assert count_parameters(nn.ModuleList([one, other])) == 12 + 4 + 4


@given(wanted=st.integers(1, 3000), step=st.integers(1, 7), smallest=st.integers(1, 9))
def test_it_is_the_closest_of_all_sizes_that_suit(wanted, step, smallest):
    def build(size: int) -> nn.Module:
        if size % step or size < smallest:
            raise ValueError(f"{size} does not suit")
        return nn.Linear(size, size)

    suitable = [size for size in range(smallest, 100) if size % step == 0]
    closest = min(suitable, key=lambda size: abs(size * size + size - wanted))
    assert matching_size(build, wanted) == closest


def test_nothing_is_drawn_and_nothing_is_kept():
    devices = set()

    def build(size: int) -> nn.Module:
        module = nn.Linear(size, size)
        devices.add(module.weight.device.type)
        return module

    torch.manual_seed(0)
    before = torch.get_rng_state()
    matching_size(build, 1000)
    assert torch.equal(torch.get_rng_state(), before)
    assert devices == {"meta"}


def test_what_never_suits_says_why():
    def build(size: int) -> nn.Module:
        raise ValueError("3 is no rank")

    with pytest.raises(ValueError, match="3 is no rank"):
        matching_size(build, 1000)
