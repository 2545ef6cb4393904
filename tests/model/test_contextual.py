"""Contextual vectors: those of the encoder itself, whatever the company, and nothing that it brings is executed."""

from __future__ import annotations

import json
import shutil
import sys
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from ner.corpus.dataset import encode
from ner.corpus.sentence import DependencyTree, Sentence
from ner.corpus.vocabulary import build
from ner.model.contextual import Transformer, build_encoder, longest_window
from ner.training.step import padded

KINDS = ("wordpiece", "bpe", "unigram")
OPTIONS = {
    "revision": None,
    "layers": "last",
    "num_layers": None,
    "pooling": "mean",
    "finetune": False,
    "dropout": 0.0,
    "window": None,
    "stride": 8,
    "context": 0,
    "gradient_checkpointing": False,
}


@pytest.fixture
def transformer(encoders):
    def make(kind: str = "wordpiece", **options) -> Transformer:
        return Transformer(**{"name": str(encoders(kind)), **OPTIONS, **options})

    return make


def sentence(*words: str) -> Sentence:
    return Sentence(words=words, tree=DependencyTree((0,) * len(words), ("root",) + ("dep",) * (len(words) - 1)))


SENTENCES = [sentence("Ada", "lives", "in", "Ulm", "."), sentence("We", "met", "Bruno"), sentence("Graz")]
LONG = sentence(*["Ada", "lives", "in", "Turin", "and", "Basel"] * 6)


@pytest.mark.parametrize(("ids", "padding"), [((5, 7, 8), 5), ((None, 7, 8), 7), ((-1, [7], 8), 8), ((None,) * 3, 0)])
def test_padding_is_a_piece_that_no_text_has(transformer, encoders, tmp_path, ids, padding):
    """GPT-2 has none of its own, and its piece 0 is an exclamation mark."""
    folder = shutil.copytree(encoders("wordpiece"), tmp_path / "encoder")
    config = json.loads((folder / "config.json").read_text())
    names = ("pad_token_id", "eos_token_id", "bos_token_id")
    (folder / "config.json").write_text(json.dumps(config | dict(zip(names, ids, strict=True))))
    assert transformer().cutter(folder).padding == padding


def batch_of(made: Transformer, sentences: list[Sentence]):
    vocabularies = build(word_counts={"Ada": 2}, relations=["dep"], labels=["PERSON"])
    vocabularies = replace(vocabularies, cutter=made.cutter(made.find().folder))
    return encode(sentences, vocabularies).batch(range(len(sentences)))


def vectors(made: Transformer, sentences: list[Sentence], part=None) -> torch.Tensor:
    part = part or made.part(made.find().files()).eval()
    batch = batch_of(made, sentences)
    return part(batch, torch.zeros(*batch.mask.shape, 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pooling", ["first", "mean", "last"])
def test_vectors_are_those_of_the_encoder(transformer, encoders, kind, pooling):
    """Against the encoder of transformers itself, on the pieces of one sentence."""
    from transformers import AutoModel

    made = transformer(kind, pooling=pooling)
    found = vectors(made, SENTENCES)
    cutter = made.cutter(encoders(kind))
    cut = cutter.cut(SENTENCES[0].words)
    ids = torch.tensor([[*cutter.prefix, *(piece for pieces in cut for piece in pieces), *cutter.suffix]])
    attention = {"unigram": "eager"}.get(kind, "sdpa")
    hidden = AutoModel.from_pretrained(encoders(kind), attn_implementation=attention).eval()(ids).last_hidden_state[0]
    start = len(cutter.prefix)
    for token, pieces in enumerate(cut):
        own = hidden[start : start + len(pieces)]
        expected = {"first": own[0], "last": own[-1], "mean": own.mean(0)}[pooling]
        torch.testing.assert_close(found[0, token], expected, rtol=2e-3, atol=2e-3)  # float16 has 11 bits
        start += len(pieces)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_has_the_same_vectors_in_any_company(transformer, kind):
    made = transformer(kind)
    part = made.part(made.find().files())
    together = vectors(made, [*SENTENCES, LONG], part)
    for place, own in enumerate([*SENTENCES, LONG]):
        alone = vectors(made, [own], part)[0]
        torch.testing.assert_close(together[place, : len(own)], alone, rtol=1e-2, atol=1e-2)


def test_a_word_keeps_its_vector_when_the_batch_is_padded_for_a_device(transformer):
    made = transformer(finetune=True)
    part = made.part(made.find().files()).eval()
    batch = batch_of(made, SENTENCES)
    found, expected = part.layers(padded(batch)), part.layers(batch)
    assert found.shape[1] > expected.shape[1]
    torch.testing.assert_close(found[:, : expected.shape[1]], expected)
    assert not found[:, expected.shape[1] :].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_sentence_is_read_in_windows(transformer, kind):
    """The encoder would fail on all of it at once."""
    made = transformer(kind, stride=20)
    batch = batch_of(made, [LONG])
    assert len(batch.pieces.piece_ids) > 1
    assert batch.pieces.piece_ids.shape[1] == 40
    found = vectors(made, [LONG])
    assert found.isfinite().all()
    assert (found != 0).any(2).all(), "each word has a vector"


def test_words_that_vanish_have_zeros(transformer):
    found = vectors(transformer(), [sentence("Ada", "\ufeff", "Ulm"), sentence("\ufeff")])
    assert (found != 0).any(2).tolist() == [[True, False, True], [False, False, False]]


def test_layers_are_combined_as_asked(transformer):
    """All hidden layers, the mean of the last ones, and ELMo's mix, whose weights are even at first."""
    every = transformer(layers="mix")
    part = every.part(every.find().files())
    batch = batch_of(every, SENTENCES)
    layers = part.layers(batch)
    assert layers.shape == (3, 5, 3, 8)
    torch.testing.assert_close(vectors(transformer(), SENTENCES), layers[:, :, -1])
    mean = vectors(transformer(layers="mean", num_layers=2), SENTENCES)
    torch.testing.assert_close(mean, layers[:, :, 1:].mean(2), rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(vectors(every, SENTENCES, part), layers.mean(2))
    with torch.no_grad():
        part.weights.copy_(torch.tensor([0.0, 1.0, 2.0]))
        part.scale.fill_(3.0)
    share = torch.tensor([0.0, 1.0, 2.0]).softmax(0)
    expected = 3 * sum(share[i] * layers[:, :, i] for i in range(3))
    torch.testing.assert_close(vectors(every, SENTENCES, part), expected)


def test_a_frozen_encoder_is_no_part_of_the_weights(transformer):
    made = transformer(layers="mix", num_layers=2)
    part = made.part(made.find().files())
    vectors(made, SENTENCES, part).sum().backward()
    assert set(part.state_dict()) == {name for name, own in part.named_parameters() if own.grad is not None}
    assert set(part.state_dict()) == {"weights", "scale"}
    assert part.train().is_frozen
    torch.testing.assert_close(vectors(made, SENTENCES, part), vectors(made, SENTENCES, deepcopy(part)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gradient_checkpointing", [False, True])
def test_a_fine_tuned_encoder_learns_whole(transformer, kind, gradient_checkpointing):
    made = transformer(kind, finetune=True, gradient_checkpointing=gradient_checkpointing)
    part = made.part(made.find().files()).train()
    vectors(made, SENTENCES, part).square().sum().backward()
    assert not part.is_frozen
    assert part.encoder.rate_group == "transformer"
    assert all(parameter.grad is not None for parameter in part.parameters())
    assert any("word_embeddings" in name for name in part.state_dict())


def test_dropout_is_on_the_vectors(transformer):
    made = transformer(dropout=0.9)
    part = made.part(made.find().files())
    assert float((vectors(made, SENTENCES, part.train()) == 0).float().mean()) > 0.5
    assert float((vectors(made, SENTENCES, part.eval()) == 0).float().mean()) < 0.5


def test_layers_that_a_batch_brings_are_taken(transformer):
    made = transformer(layers="mix")
    part = made.part(made.find().files())
    batch = batch_of(made, SENTENCES)
    words = torch.zeros(*batch.mask.shape, 1)
    stored = replace(batch, pieces=None, layers=part.layers(batch).half())
    assert torch.equal(part(stored, words), part(batch, words)), "the bits are those of the stored ones"
    with pytest.raises(ValueError, match="needs batches with pieces"):
        part(replace(batch, pieces=None), words)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": "all"}, "unknown layers 'all': choose one of last, mean, mix"),
        ({"num_layers": 2}, "num_layers has no effect with layers=last"),
        ({"layers": "mean", "num_layers": 0}, "num_layers is 0"),
        ({"gradient_checkpointing": True}, "no effect on a frozen encoder"),
    ],
)
def test_options_without_effect_are_refused(transformer, options, message):
    with pytest.raises(ValueError, match=message):
        transformer(**options)


def test_what_an_encoder_cannot_give_is_refused(transformer):
    made = transformer(layers="mean", num_layers=4)
    with pytest.raises(ValueError, match=r"num_layers is 4, but .* has 3"):
        made.part(made.find().files())
    made = transformer(window=41)
    with pytest.raises(ValueError, match=r"window is 41, but .* takes 40 pieces at most"):
        made.cutter(made.find().folder)


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_window_is_the_encoders(encoders, kind, tmp_path):
    """RoBERTa's first positions are those of the padding; a tokenizer may know of a shorter limit."""
    encoder = build_encoder(encoders(kind))
    assert longest_window(encoder, encoders(kind)) == 40
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 30}))
    assert longest_window(encoder, tmp_path) == 30
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": int(1e30)}))
    assert longest_window(encoder, tmp_path) == 40


def test_building_draws_no_random_number(encoders):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    build_encoder(encoders("bpe"))
    build_encoder(encoders("bpe"), encoders("bpe"))
    assert torch.equal(torch.rand(3), expected)


@pytest.fixture
def strange(encoders, tmp_path):
    """An encoder whose files name code to execute, as a file beside them and as kernels of the Hub."""
    folder = shutil.copytree(encoders("wordpiece"), tmp_path / "strange")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"},
        "_attn_implementation": "someone/kernels",
        "attn_implementation": "someone/kernels",
        "_attn_implementation_internal": "someone/kernels",
    }
    (folder / "config.json").write_text(json.dumps(config))
    yield folder
    assert not (tmp_path / "executed").exists()
    assert "evil" not in sys.modules


def test_nothing_that_an_encoder_brings_is_executed(strange, encoders):
    plain = build_encoder(encoders("wordpiece"), encoders("wordpiece"))
    found = build_encoder(strange, strange)
    assert type(found) is type(plain)
    assert found.config._attn_implementation == "sdpa"
    for one, two in zip(found.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, two)


def test_an_unknown_kind_of_encoder_is_refused_in_a_line(strange):
    config = json.loads((strange / "config.json").read_text())
    (strange / "config.json").write_text(json.dumps({**config, "model_type": "evil"}))
    with pytest.raises(ValueError, match=r"^.*no encoder of the kind 'evil'.*$"):
        build_encoder(strange, strange)


def test_weights_in_another_format_are_not_read(strange):
    (strange / "model.safetensors").rename(strange / "pytorch_model.bin")
    with pytest.raises(ValueError, match="no encoder that transformers loads"):
        build_encoder(strange, strange)


def test_weights_that_lack_some_are_refused(strange):
    """transformers itself would go on with random ones in their place."""
    from safetensors.torch import load_file, save_file

    state = load_file(strange / "model.safetensors")
    name = next(name for name in state if "layer.1" in name)
    del state[name]
    save_file(state, strange / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=rf"lack 1 of the encoder's, .*{name} first"):
        build_encoder(strange, strange)


def test_checkpointing_changes_no_gradient(transformer):
    found = []
    for gradient_checkpointing in (False, True):
        made = transformer(finetune=True, gradient_checkpointing=gradient_checkpointing)
        part = made.part(made.find().files()).train()
        torch.manual_seed(0)  # of the encoder's dropout
        vectors(made, SENTENCES, part).square().sum().backward()
        found.append([parameter.grad for parameter in part.parameters()])
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)
