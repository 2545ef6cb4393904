"""The stack against its equation, and the options it refuses."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from ner.model.encoder import Encoder, GraphEncoder
from ner.model.graph import GCN
from ner.model.interaction import MLP, Addition, Concatenation, Interaction, Residual, SelfInteraction
from ner.model.recurrent import LSTM
from ner.model.trees import Trees

HEADS = torch.tensor([[1, 1, 1, 2], [0, 0, 1, 3]])
OTHER_HEADS = torch.tensor([[0, 0, 1, 2], [1, 1, 1, 3]])
MASK = torch.tensor([[True] * 4, [True, True, True, False]])


def trees(heads: torch.Tensor = HEADS, mask: torch.Tensor = MASK) -> Trees:
    return Trees(mask=mask, heads=heads, relation_ids=torch.zeros_like(heads))


class OtherLSTM(LSTM):
    """A layer that can be told from the others."""


def encoder(layers: int, interaction: type[Interaction] | None, **options: Any) -> Encoder:
    torch.manual_seed(0)
    given: dict[str, Any] = {"recurrent": LSTM, "between_dropout": 0.0, "output_dropout": 0.0} | options
    return Encoder(5, layers=layers, hidden_size=6, num_relations=3, interaction=interaction, **given)


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
    one, two = encoder(1, None, between_dropout=0.9), encoder(2, SelfInteraction, between_dropout=0.9)
    features = torch.randn(2, 4, 5)
    torch.testing.assert_close(one(features, trees()), one.eval()(features, trees()))
    assert not torch.allclose(two(features, trees()), two.eval()(features, trees()))


@pytest.mark.parametrize("key", ["2", 2])
def test_a_stack_may_mix_layers(key):
    model = encoder(3, MLP, by_layer={key: OtherLSTM})
    assert [type(layer) for layer in model.layers] == [LSTM, OtherLSTM, LSTM]
    assert model(torch.randn(2, 4, 5), trees()).shape == (2, 4, 6)


def test_every_layer_may_be_another():
    model = encoder(2, MLP, by_layer={"2": OtherLSTM, "1": OtherLSTM})
    assert [type(layer) for layer in model.layers] == [OtherLSTM, OtherLSTM]


@pytest.mark.parametrize("interaction", [Addition, Concatenation])
def test_residual_goes_around_each_interaction(interaction):
    model, features = encoder(3, interaction, residual=True), torch.randn(2, 4, 5)
    assert all(isinstance(g, Residual) and isinstance(g.inner, interaction) for g in model.interactions)
    hidden = model.layers[0](features, trees())
    for g, layer in zip(model.interactions, list(model.layers)[1:], strict=True):
        hidden = layer(g(hidden, trees()), trees())
    torch.testing.assert_close(model(features, trees()), hidden)


GRAPH = partial(GCN, relation_weights=True)


def test_graph_layers_stand_on_the_stack():
    stack, features = encoder(2, SelfInteraction), torch.randn(2, 4, 5)
    model = GraphEncoder(stack, layers=2, num_relations=3, graph=GRAPH, dropout=0.0)
    hidden = stack(features, trees())
    for layer in model.layers:
        hidden = layer(hidden, trees())
    torch.testing.assert_close(model(features, trees()), hidden)
    assert not torch.allclose(hidden[0], model(features, trees(torch.tensor([[1, 1, 1, 1], [0, 0, 1, 3]])))[0])


def test_graph_layers_may_widen():
    model = GraphEncoder(encoder(1, None), layers=2, num_relations=3, graph=Concatenation, dropout=0.0)
    assert model.output_size == 24
    assert model(torch.randn(2, 4, 5), trees()).shape == (2, 4, 24)


def test_dropout_is_on_every_graph_layer():
    stack, features = encoder(1, None), torch.randn(2, 4, 5)
    model = GraphEncoder(stack, layers=1, num_relations=3, graph=SelfInteraction, dropout=0.9)
    assert bool((model(features, trees()) == 0).any())
    torch.testing.assert_close(model.eval()(features, trees()), stack(features, trees()))


def test_a_graph_encoder_has_graph_layers():
    with pytest.raises(ValueError, match="graph_layers is 0: it must be 1 or more"):
        GraphEncoder(encoder(1, None), layers=0, num_relations=3, graph=GRAPH, dropout=0.0)


@pytest.mark.parametrize(
    ("layers", "interaction", "options", "message"),
    [
        (1, MLP, {}, "would have no effect"),
        (0, SelfInteraction, {}, "would have no effect"),
        (2, None, {}, "model/interaction=self"),
        (-1, None, {}, "must be 0 or more"),
        (1, None, {"residual": True}, "residual goes around the interaction"),
        (2, MLP, {"by_layer": {"3": LSTM}}, "a layer '3', but there are 2"),
        (2, MLP, {"by_layer": {"0": LSTM}}, "a layer '0', but there are 2: number them from 1"),
        (2, MLP, {"by_layer": {"first": LSTM}}, "a layer 'first'"),
    ],
)
def test_options_without_effect_are_refused(layers, interaction, options, message):
    with pytest.raises(ValueError, match=message):
        encoder(layers, interaction, **options)
