"""The layers around the cells: both directions, heads, and how they begin."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from ner.model.cells import LSTMCell
from ner.model.gated import SLSTM, Coupled, Gated, Nested, Peephole, ResetBeforeGRU, gru
from ner.model.recurrent import GRU, LSTM
from ner.model.trees import Trees

MASK = torch.arange(6) < torch.tensor([6, 1, 4])[:, None]
HEADS = torch.arange(6).repeat(3, 1)
TREES = Trees(mask=MASK, heads=HEADS, relation_ids=torch.zeros_like(HEADS))


def features() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(3, 6, 5, dtype=torch.float64)


def test_with_an_lstm_cell_it_is_torchs_layer():
    ours, theirs = Gated(5, 8, LSTMCell()).double(), LSTM(5, 8).double()
    in_our_order = torch.cat([torch.arange(4) + gate * 4 for gate in (3, 0, 1, 2)])  # theirs is i, f, g, o
    with torch.no_grad():
        for direction, peer in enumerate((theirs.forwards, theirs.backwards)):
            ours.weight[direction] = peer.weight_ih_l0[in_our_order].T
            ours.bias[direction] = (peer.bias_ih_l0 + peer.bias_hh_l0)[in_our_order]
            ours.recurrent[0][direction] = peer.weight_hh_l0[in_our_order].T
    torch.testing.assert_close(ours(features(), TREES)[MASK], theirs(features(), TREES)[MASK])


def test_heads_are_blocks_of_the_recurrent_weights():
    torch.manual_seed(0)
    parted, whole = (SLSTM(5, 8, forget="sigma", heads=heads).double() for heads in (2, 1))

    def side_by_side(values: torch.Tensor) -> torch.Tensor:
        """From (.., head, gate, unit) to (.., gate, head, unit)."""
        return values.unflatten(-1, (2, 4, 2)).transpose(-3, -2).flatten(-3)

    with torch.no_grad():
        whole.weight.copy_(side_by_side(parted.weight))
        whole.bias.copy_(side_by_side(parted.bias))
        whole.recurrent[0].zero_()
        for direction in range(2):
            for head in range(2):
                block = parted.recurrent[0][2 * direction + head].unflatten(-1, (4, 2))
                rows = slice(2 * head, 2 * head + 2)
                whole.recurrent[0][direction].unflatten(-1, (4, 4))[rows, :, rows] = block
    torch.testing.assert_close(parted(features(), TREES)[MASK], whole(features(), TREES)[MASK])


def test_reset_after_is_torchs_and_before_is_another_with_the_same_formula_where_r_is_1():
    assert isinstance(gru(5, 8, reset="after"), GRU)
    ours, theirs = gru(5, 8, reset="before").double(), GRU(5, 8).double()
    assert isinstance(ours, ResetBeforeGRU)
    with torch.no_grad():
        for direction, peer in enumerate((theirs.forwards, theirs.backwards)):
            peer.bias_hh_l0[:4] = 100  # r = 1
            r, z, n = torch.arange(12).split(4)
            z_and_r = torch.cat([z, r])
            bias = peer.bias_ih_l0 + peer.bias_hh_l0
            sign = torch.cat([-torch.ones(4), torch.ones(8)])  # our z is 1 - theirs
            ours.weight[direction] = torch.cat([peer.weight_ih_l0[z_and_r], peer.weight_ih_l0[n]]).T * sign
            ours.bias[direction] = torch.cat([bias[z_and_r], bias[n]]) * sign
            ours.recurrent[0][direction] = peer.weight_hh_l0[z_and_r].T * sign[:8]
            ours.recurrent[1][direction] = peer.weight_hh_l0[n].T
    torch.testing.assert_close(ours(features(), TREES)[MASK], theirs(features(), TREES)[MASK])


@pytest.mark.parametrize("kind", [Coupled, ResetBeforeGRU, partial(Peephole, connections="full")])
def test_it_begins_as_torchs_modules_do(kind):
    torch.manual_seed(0)
    for parameter in kind(40, 200).parameters():
        assert parameter.abs().max() <= 0.1
        assert parameter.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.05)


def test_a_nested_lstm_begins_close_to_an_lstm_with_its_outer_weights():
    """Its states differ from that LSTM's by what squashing the memory twice changes, a fraction of their size."""
    torch.manual_seed(0)
    nested, lstm = Nested(5, 40).double(), Gated(5, 40, LSTMCell()).double()
    with torch.no_grad():
        for part in ("weight", "bias"):
            o, f, i, g = getattr(nested, part).chunk(4, 2)
            getattr(lstm, part).copy_(torch.cat([o, i, f, g], 2))
        o, f, i, g = nested.recurrent[0].chunk(4, 2)
        lstm.recurrent[0].copy_(torch.cat([o, i, f, g], 2))
    found, wanted = nested(features(), TREES)[MASK], lstm(features(), TREES)[MASK]
    assert (found - wanted).norm() < 0.35 * wanted.norm()
