"""Dropout: how much is dropped, what is kept of the mean, and when nothing happens."""

from __future__ import annotations

import pytest
import torch

from ner.model.dropout import Dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.75])
def test_drops_its_share_independently_and_keeps_the_mean(probability):
    torch.manual_seed(0)
    values = Dropout(probability)(torch.ones(400, 1001))
    dropped = (values == 0).float()
    assert float(dropped.mean()) == pytest.approx(probability, abs=0.005)
    assert float(values.max()) == pytest.approx(1 / (1 - probability))
    for lag in (1, 2, 3, 4):  # four values share one draw
        together = float((dropped[:, lag:] * dropped[:, :-lag]).mean())
        assert together == pytest.approx(probability**2, abs=0.005)


def test_locked_drops_a_feature_in_all_of_a_sentence_or_nowhere():
    torch.manual_seed(0)
    values = Dropout(0.5, locked=True)(torch.ones(40, 7, 101))
    assert torch.equal(values, values[:, :1].expand_as(values))
    assert float((values == 0).float().mean()) == pytest.approx(0.5, abs=0.02)
    assert float(values.max()) == 2.0


def test_gradient_flows_where_a_value_was_kept():
    torch.manual_seed(0)
    values = torch.randn(7, 3, requires_grad=True)
    output = Dropout(0.5)(values)
    output.sum().backward()
    torch.testing.assert_close(values.grad, torch.where(output == 0, 0.0, 2.0))


def test_nothing_happens_outside_training_or_at_0():
    values = torch.randn(5, 3)
    assert Dropout(0.9).eval()(values) is values
    assert Dropout(0.0)(values) is values


def test_one_seed_one_mask():
    outputs = []
    for _ in range(2):
        torch.manual_seed(3)
        outputs.append(Dropout(0.5)(torch.ones(9, 9)))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("probability", [-0.1, 1.0])
def test_impossible_probabilities_are_refused(probability):
    with pytest.raises(ValueError, match="less than 1"):
        Dropout(probability)
