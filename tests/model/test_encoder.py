"""The stack against its equation, and the options it refuses."""

from __future__ import annotations

import pytest
import torch

from ner.model.encoder import Encoder
from ner.model.interaction import MLP, Interaction, SelfInteraction
from ner.model.recurrent import LSTM
from ner.model.trees import Trees

HEADS = torch.tensor([[1, 1, 1, 2], [0, 0, 1, 3]])
OTHER_HEADS = torch.tensor([[0, 0, 1, 2], [1, 1, 1, 3]])
MASK = torch.tensor([[True] * 4, [True, True, True, False]])


def trees(heads: torch.Tensor = HEADS, mask: torch.Tensor = MASK) -> Trees:
    return Trees(mask=mask, heads=heads, relation_ids=torch.zeros_like(heads))


def encoder(layers: int, interaction: type[Interaction] | None, *, dropout: float = 0.0) -> Encoder:
    torch.manual_seed(0)
    return Encoder(
        5,
        layers=layers,
        hidden_size=6,
        num_relations=3,
        recurrent=LSTM,
        interaction=interaction,
        between_dropout=dropout,
        output_dropout=0.0,
    )


def test_two_layers_are_the_equation():
    model, features = encoder(2, MLP), torch.randn(2, 4, 5)
    below = model.layers[0](features, trees())
    wanted = model.layers[1](model.interactions[0](below, trees()), trees())
    torch.testing.assert_close(model(features, trees()), wanted)


def test_every_layer_has_an_interaction_of_its_own():
    model = encoder(3, MLP)
    assert [len(part) for part in (model.layers, model.interactions)] == [3, 2]
    assert model.interactions[0].own.weight is not model.interactions[1].own.weight


def test_no_layer_gives_the_input():
    features = torch.randn(2, 4, 5)
    model = encoder(0, None)
    assert model(features, trees()) is features
    assert model.output_size == 5


def test_heads_matter_and_padding_does_not():
    model, features = encoder(2, MLP), torch.randn(2, 4, 5)
    found = model(features, trees())
    assert not torch.allclose(found[0], model(features, trees(OTHER_HEADS))[0])
    torch.testing.assert_close(model(features[1:, :3], trees(HEADS[1:, :3], MASK[1:, :3]))[0], found[1, :3])


def test_dropout_between_layers_is_not_on_the_last():
    one, two = encoder(1, None, dropout=0.9), encoder(2, SelfInteraction, dropout=0.9)
    features = torch.randn(2, 4, 5)
    torch.testing.assert_close(one(features, trees()), one.eval()(features, trees()))
    assert not torch.allclose(two(features, trees()), two.eval()(features, trees()))


@pytest.mark.parametrize(
    ("layers", "interaction", "message"),
    [
        (1, MLP, "would have no effect"),
        (0, SelfInteraction, "would have no effect"),
        (2, None, "model/interaction=self"),
        (-1, None, "must be 0 or more"),
    ],
)
def test_options_without_effect_are_refused(layers, interaction, message):
    with pytest.raises(ValueError, match=message):
        encoder(layers, interaction)
