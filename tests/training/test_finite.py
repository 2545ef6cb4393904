import math

import pytest
import torch

from ner.training.finite import first_non_finite


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_names_what_is_no_longer_finite(value):
    tensors = {"ids": torch.tensor([1]), "a": torch.zeros(2, 2), "b": torch.tensor([0.0, value]), "c": torch.ones(1)}
    assert first_non_finite(tensors) == "b"
    assert first_non_finite({name: tensor for name, tensor in tensors.items() if name != "b"}) is None
    assert first_non_finite({}) is None
