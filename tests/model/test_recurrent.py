"""Every recurrent layer of the menu as it must behave, and those of torch against torch itself."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ner.components import component_from_menu
from ner.model.recurrent import GRU, LSTM, RNN, Recurrent, choose
from ner.model.trees import Trees
from ner.resources import conf_directory

GROUP = "model/recurrent"
MENU = sorted(path.stem for path in (conf_directory() / GROUP).glob("*.yaml"))
LAYERS = [
    *((name, {}) for name in MENU),
    ("gru", {"reset": "before"}),
    ("peephole", {"connections": "full"}),
    ("slstm", {"forget": "exp", "heads": 2}),
    ("mlstm", {"forget": "exp", "heads": 2}),
    ("tree", {"direction": "bottom_up"}),
    ("tree", {"direction": "top_down"}),
]
"""Each option with its defaults as they stand in conf/, then what else they offer."""

LENGTHS = [6, 1, 4]
HEADS = torch.tensor([[1, 3, 3, 3, 5, 3], [0, 1, 2, 3, 4, 5], [1, 2, 2, 0, 4, 5]])
TREES = Trees(mask=torch.arange(6) < torch.tensor(LENGTHS)[:, None], heads=HEADS, relation_ids=torch.zeros_like(HEADS))

every_layer = pytest.mark.parametrize(
    ("name", "options"), LAYERS, ids=[" ".join([name, *map(str, options.values())]) for name, options in LAYERS]
)


def build(name: str, options: dict[str, object], *, dtype: torch.dtype = torch.float64) -> Recurrent:
    torch.manual_seed(0)
    return component_from_menu(GROUP, name)(5, 8, **options).to(dtype)


def draw_features(*, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    torch.manual_seed(1)
    return scale * torch.randn(3, 6, 5, dtype=dtype)


def part(trees: Trees, rows: object, length: int = 6) -> Trees:
    return Trees(
        mask=trees.mask[rows, :length], heads=trees.heads[rows, :length], relation_ids=trees.relation_ids[rows, :length]
    )


@every_layer
def test_a_sentence_is_read_alike_alone_and_beside_others(name, options):
    layer, features = build(name, options), draw_features()
    together = layer(features, TREES)
    assert together.shape == (3, 6, layer.output_size) == (3, 6, 8)
    for row, length in enumerate(LENGTHS):
        alone = layer(features[row : row + 1, :length], part(TREES, slice(row, row + 1), length))
        torch.testing.assert_close(alone[0], together[row, :length])


@every_layer
def test_the_order_of_sentences_is_theirs(name, options):
    layer, features, order = build(name, options), draw_features(), [2, 0, 1]
    torch.testing.assert_close(layer(features[order], part(TREES, order)), layer(features, TREES)[order])


@every_layer
def test_padding_is_not_read(name, options):
    layer, features = build(name, options), draw_features()
    real = TREES.mask[:, :, None]
    other = torch.where(real, features, 100.0).requires_grad_()
    found = layer(other, TREES)
    torch.testing.assert_close(found.where(real, 0), layer(features, TREES).where(real, 0))
    (gradient,) = torch.autograd.grad((found * real).square().sum(), other)
    assert not gradient[~TREES.mask].any()
    assert gradient[TREES.mask].any(1).all()


@every_layer
def test_gradients_are_those_of_finite_differences(name, options):
    layer = component_from_menu(GROUP, name)(3, 4, **options).double()
    trees = part(TREES, slice(1, 3), 4)
    features = draw_features()[1:, :4, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda features, *_: layer(features, trees), (features, *layer.parameters()))


@every_layer
def test_extreme_inputs_leave_everything_finite(name, options):
    layer = build(name, options, dtype=torch.float32)
    features = draw_features(scale=1e5, dtype=torch.float32).requires_grad_()
    hidden = layer(features, TREES)
    hidden.square().sum().backward()
    for values in (hidden, features.grad, *(parameter.grad for parameter in layer.parameters())):
        assert values.isfinite().all()


@every_layer
def test_decoding_computes_what_training_does(name, options):
    layer, features = build(name, options), draw_features()
    with torch.inference_mode():
        found = layer(features, TREES)
    torch.testing.assert_close(found, layer(features, TREES))


@every_layer
def test_under_autocast_it_is_nearly_the_same(name, options):
    layer, features = build(name, options, dtype=torch.float32), draw_features(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(features, TREES)
    found.sum().backward()
    torch.testing.assert_close(found.float(), layer(features, TREES), atol=0.03, rtol=0)


@pytest.mark.parametrize("name", MENU)
def test_odd_hidden_size_is_refused(name):
    with pytest.raises(ValueError, match="7 is odd"):
        component_from_menu(GROUP, name)(5, 7)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gru", {"reset": "never"}, "reset 'never': choose one of before, after"),
        ("peephole", {"connections": "some"}, "connections 'some': choose one of diagonal, full"),
        ("slstm", {"forget": "relu"}, "forget 'relu': choose one of sigma, exp"),
        ("mlstm", {"forget": "relu"}, "forget 'relu': choose one of sigma, exp"),
        ("tree", {"direction": "up"}, "direction 'up': choose one of bottom_up, top_down, both"),
        ("slstm", {"heads": 3}, "heads is 3: it must be at least 1, and divide the 4"),
        ("mlstm", {"heads": 0}, "heads is 0"),
    ],
)
def test_unknown_choices_are_refused_with_the_known_ones(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, options)


def test_a_choice_is_found_by_its_name():
    assert choose("number", "two", {"one": 1, "two": 2}) == 2


@pytest.mark.parametrize(("kind", "peer"), [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)])
def test_torchs_layers_equal_theirs_on_packed_sequences(kind, peer):
    features = draw_features(dtype=torch.float32)
    ours, theirs = kind(5, 8), peer(5, 4, batch_first=True, bidirectional=True)
    state = {name.removesuffix("_reverse"): value for name, value in theirs.named_parameters() if "reverse" not in name}
    ours.forwards.load_state_dict(state)
    reverse = {name.removesuffix("_reverse"): value for name, value in theirs.named_parameters() if "reverse" in name}
    ours.backwards.load_state_dict(reverse)

    inputs = [features.clone().requires_grad_() for _ in range(2)]
    found = ours(inputs[0], TREES).masked_fill(~TREES.mask[:, :, None], 0)
    packed = pack_padded_sequence(inputs[1], torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    wanted, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    torch.testing.assert_close(found, wanted)

    weight = torch.randn_like(found)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    torch.testing.assert_close(ours.backwards.weight_hh_l0.grad, theirs.weight_hh_l0_reverse.grad)
