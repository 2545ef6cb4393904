"""Every option of the menu, as it stands in conf/, is composed, built and used."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from ner.corpus.dataset import encode
from ner.corpus.vocabulary import build
from ner.resources import conf_directory

MODEL_GROUPS = ("interaction", "recurrent", "characters", "decoder")


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (conf_directory() / group).glob("*.yaml"))


@pytest.fixture(scope="module")
def vocabularies(sentences):
    return build(
        word_counts={word: 2 for sentence in sentences for word in sentence.words},
        relations=[relation for sentence in sentences for relation in sentence.tree.relations],
        labels=["PERSON", "GPE"],
    )


@pytest.fixture(scope="module")
def batch(sentences, vocabularies):
    return encode(sentences[:6], vocabularies).batch(range(6))


CHOICES = [
    (model, f"model/{group}={option}")
    for model, group in product(options("model"), MODEL_GROUPS)
    for option in options(f"model/{group}")
    if (model, group) != ("bilstm_crf", "interaction")
]


@pytest.mark.parametrize(("model", "choice"), CHOICES)
def test_every_part_fits_every_model(compose_config, vocabularies, batch, model, choice):
    layers = 1 if choice == "model/interaction=none" else 2
    cfg = compose_config("train", f"model={model}", choice, f"model.layers={layers}", "model.hidden_size=8")
    torch.manual_seed(0)
    tagger = instantiate(cfg.model)(vocabularies=vocabularies, vectors=None)
    tagger.loss(batch).backward()
    assert all(parameter.grad is not None for parameter in tagger.parameters() if parameter.requires_grad)
    assert tagger.eval().decode(batch).shape == batch.mask.shape


@pytest.mark.parametrize("name", options("optimizer"))
def test_every_optimizer_lowers_the_loss(compose_config, vocabularies, batch, name):
    cfg = compose_config("train", f"optimizer={name}", "model.hidden_size=8", "optimizer.learning_rate=0.01")
    torch.manual_seed(0)
    tagger = instantiate(cfg.model)(vocabularies=vocabularies, vectors=None).eval()  # no dropout
    optimizer = instantiate(cfg.optimizer)(tagger)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = tagger.loss(batch)
        loss.backward()
        optimizer.step(optimizer.learning_rate)
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", options("schedule"))
def test_every_schedule_is_a_factor_of_the_learning_rate(compose_config, name):
    schedule = instantiate(compose_config("train", f"schedule={name}").schedule)
    factors = [schedule(done / 100) for done in range(101)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert max(factors) == pytest.approx(1, abs=0.02)


def test_experiment_paper_is_the_papers_recipe(compose_config):
    """Against the released code's values, written out once more."""
    cfg = compose_config("train", "experiment=paper")
    found = OmegaConf.to_container(cfg, resolve=True)
    model = found["model"]
    assert model["_target_"].endswith("dglstm_crf")
    assert model["interaction"]["_target_"].endswith("MLP")
    assert (model["layers"], model["hidden_size"], model["word_size"], model["relation_size"]) == (2, 200, 100, 50)
    characters = model["characters"]
    assert characters["_target_"].endswith("CharacterLSTM")
    assert (characters["embedding_size"], characters["hidden_size"], characters["dropout"]) == (30, 50, 0.5)
    assert (model["input_dropout"], model["between_dropout"], model["output_dropout"]) == (0.5, 0.5, 0.5)
    assert (model["decoder"]["constraints"], model["word_dropout"]) == ("none", 0)
    assert found["vocabulary"] == {"min_count": 1, "digits_to_zero": True, "scheme": "IOBES"}
    optimizer = found["optimizer"]
    assert optimizer["_target_"].endswith("sgd")
    assert (optimizer["learning_rate"], optimizer["weight_decay"], optimizer["max_norm"]) == (0.01, 1e-8, None)
    assert found["schedule"]["_target_"].endswith("constant")
    training = found["training"]
    assert (training["epochs"], training["batch_size"], training["reduction"]) == (100, 10, "sum")
    assert (training["pool"], training["patience"]) == (1, None)
    assert found["dependencies"]["_target_"].endswith("StanfordDependencies")


def test_the_papers_baseline_is_one_override_away(compose_config):
    model = compose_config("train", "experiment=paper", "model=bilstm_crf", "model.between_dropout=0").model
    assert model._target_.endswith("bilstm_crf")
    assert (model.input_dropout, model.between_dropout, model.output_dropout) == (0.5, 0, 0.5)
