"""Every option of the menu, as it stands in conf/, is composed, built and used."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from ner.components import component
from ner.corpus.dataset import encode, token_columns
from ner.corpus.features import Features
from ner.corpus.row_columns import columns_of
from ner.corpus.sentence import Span
from ner.corpus.vocabulary import build
from ner.model.graph import ReleasedGCN
from ner.model.size import count_parameters, shapes_only
from ner.model.tree_dropout import TreeDropout
from ner.model.trees import Trees
from ner.resources import conf_directory
from ner.schemas import flattened

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


TARGET_MODELS = ("dg_lstm", "lstm", "tc_lstm", "td_lstm")
TAGGERS = [model for model in options("model") if model not in (*TARGET_MODELS, "feature_crf")]
CHOICES = [
    (model, f"model/{group}={option}")
    for model, group in product(TAGGERS, MODEL_GROUPS)
    for option in options(f"model/{group}")
    if group != "interaction" or model == "dglstm_crf"
]
INTERACTIONS = [name for name in options("model/interaction") if name != "none"]
GRAPHS = [("bilstm_gcn_crf", f"model/interaction@model.graph={name}") for name in INTERACTIONS]


def as_a_run_builds(config, vocabularies):
    """From plain values, once they are found to name nothing but our own components."""
    plain = OmegaConf.to_container(config, resolve=True)
    return component(plain, "ner.model")(vocabularies=vocabularies, vectors=None)


@pytest.mark.parametrize(("model", "choice"), [*CHOICES, *GRAPHS])
def test_every_part_fits_every_model(compose_config, vocabularies, batch, model, choice):
    layers = 1 if choice == "model/interaction=none" else 2
    cfg = compose_config("train", f"model={model}", choice, f"model.layers={layers}", "model.hidden_size=8")
    torch.manual_seed(0)
    tagger = as_a_run_builds(cfg.model, vocabularies)
    tagger.loss(batch).backward()
    assert all(parameter.grad is not None for parameter in tagger.parameters() if parameter.requires_grad)
    assert tagger.eval().decode(batch).shape == batch.mask.shape
    state = torch.get_rng_state()
    with shapes_only():  # so that weights can be compared with a model before it is built
        blueprint = as_a_run_builds(cfg.model, vocabularies).state_dict()
    assert torch.equal(state, torch.get_rng_state())
    shapes = {name: (value.shape, value.dtype) for name, value in tagger.state_dict().items()}
    assert {name: (value.shape, value.dtype) for name, value in blueprint.items()} == shapes


MANY = ("model/characters=cnn", "+model/feature@model.features.case=case", "model.layers=2")
OF_TARGETS = [
    *((model, MANY) for model in TARGET_MODELS),
    ("dg_lstm", ("model/recurrent=tree", "model/interaction=mlp")),
    *(("td_lstm", (f"model/recurrent={name}",)) for name in options("model/recurrent") if name != "tree"),
]


@pytest.mark.parametrize(("model", "choices"), OF_TARGETS)
def test_every_part_fits_every_model_of_targets(compose_config, sentences, vocabularies, model, choices):
    vocabularies = replace(vocabularies, task="sentiment")
    cfg = compose_config("train", "task=sentiment", f"model={model}", "model.hidden_size=8", *choices)
    tagger = as_a_run_builds(cfg.model, vocabularies).eval()
    one = replace(sentences[0], spans=(Span(2, 3, "GPE"),))
    person, verb, middle, town, end = one.words
    texts = [one.words, (person, verb, middle, verb, verb), (town, end, middle, town, end)]
    batch, other_end, other_start = (
        encode([replace(one, words=words)], vocabularies).batch([0], distinct=False) for words in texts
    )
    tagger.loss(batch).backward()
    assert all(parameter.grad is not None for parameter in tagger.parameters() if parameter.requires_grad)
    assert tagger.decode(batch).shape == batch.mask.shape
    if choices != MANY and model == "td_lstm":  # each half of a layer's states is of one direction
        trees = Trees(mask=batch.mask, heads=batch.heads, relation_ids=batch.relation_ids)
        states, end, start = (
            tagger.encoder(tagger.embedder(one), trees)[0, 2] for one in (batch, other_end, other_start)
        )
        assert torch.equal(states[:4], end[:4])
        assert torch.equal(states[4:], start[4:])
        assert not torch.equal(states[:4], start[:4])
        assert not torch.equal(states[4:], end[4:])


@pytest.mark.parametrize("model", TAGGERS)
@pytest.mark.parametrize("feature", options("model/feature"))
def test_every_feature_fits_every_model(compose_config, vocabularies, batch, model, feature):
    chosen = f"+model/feature@model.features.{feature}={feature}"
    cfg = compose_config("train", f"model={model}", "model.hidden_size=8", chosen)
    tagger = as_a_run_builds(cfg.model, vocabularies)
    tagger.loss(batch).backward()
    assert all(parameter.grad is not None for parameter in tagger.parameters())
    assert any(name.startswith(f"embedder.{feature}.") for name in tagger.state_dict())
    taken = compose_config("train", f"model={model}", f"+model/feature@model.features.word={feature}").model
    with pytest.raises(ValueError, match="a feature is named word"):
        as_a_run_builds(taken, vocabularies)


@pytest.mark.parametrize("model", TAGGERS)
@pytest.mark.parametrize("finetune", [False, True])
def test_contextual_vectors_fit_every_model(compose_config, sentences, vocabularies, encoders, model, finetune):
    chosen = [f"name={encoders('bpe')}", f"finetune={finetune}", "layers=mix", "num_layers=null", "stride=8"]
    options = ["model/contextual=transformer", *(f"model.contextual.{option}" for option in chosen)]
    cfg = compose_config("train", f"model={model}", "model.hidden_size=8", *options)
    transformer = component(OmegaConf.to_container(cfg.model.contextual), "ner.model.contextual")
    cutter = transformer.cutter(transformer.find().folder)
    batch = encode(sentences[:6], replace(vocabularies, cutter=cutter)).batch(range(6))
    tagger = as_a_run_builds(cfg.model, vocabularies)
    tagger.loss(batch).backward()
    assert all(parameter.grad is not None for parameter in tagger.parameters())
    assert tagger.eval().decode(batch).shape == batch.mask.shape


@pytest.mark.parametrize("model", TAGGERS)
def test_the_recipes_of_contextual_vectors(compose_config, model):
    frozen = compose_config("train", "experiment=[contextual,ontonotes]", f"model={model}")
    assert (frozen.model.contextual.finetune, frozen.optimizer.rates) == (False, {})
    tuned = compose_config("train", "experiment=finetune", f"model={model}")
    assert tuned.model.contextual.finetune
    assert tuned.optimizer.learning_rate * tuned.optimizer.rates.transformer == pytest.approx(2e-5)


@pytest.mark.parametrize("templates", options("model/templates"))
def test_every_choice_of_templates(compose_config, sentences, vocabularies, tmp_path, templates):
    path = tmp_path / "names"
    path.write_text("Ulm\tGPE\n")
    needed = {"gazetteer": [f"model.templates.gazetteer={path}"], "file": [f"model.templates.file={tmp_path}/template"]}
    (tmp_path / "template").write_text("U00:%x[-1,0]/%x[0,1]\nB\n")
    cfg = compose_config("train", "model=feature_crf", f"model/templates={templates}", *needed.get(templates, []))
    chosen = component(OmegaConf.to_container(cfg.model.templates), "ner.model")
    columns = token_columns(columns_of(sentences[:6]), vocabularies, chosen.names())
    features = Features.of_training(chosen.templates(), columns, min_count=chosen.min_count)
    vocabularies = replace(vocabularies, features=features)
    tagger = as_a_run_builds(cfg.model, vocabularies)
    tagger.loss(encode(sentences[:6], vocabularies).batch(range(6))).backward()
    assert all(parameter.grad is not None for parameter in tagger.parameters())
    assert tagger.uses_trees == (templates in ("dependencies", "all"))
    with torch.device("meta"):
        blueprint = as_a_run_builds(cfg.model, vocabularies)
    assert [value.shape for value in blueprint.parameters()] == [value.shape for value in tagger.parameters()]


def test_a_layer_is_chosen_by_its_number(compose_config, vocabularies):
    choices = ["model.layers=3", "model.hidden_size=8", "+model/recurrent@model.by_layer.2=gru"]
    tagger = as_a_run_builds(compose_config("train", *choices).model, vocabularies)
    kinds = [type(layer).__name__ for layer in tagger.encoder.layers]
    assert kinds[0] == kinds[2] != kinds[1]
    cfg = compose_config("train", "+model/recurrent@model.by_layer.3=gru")
    with pytest.raises(ValueError, match="by_layer has a layer '3', but there are 2"):
        as_a_run_builds(cfg.model, vocabularies)


def encoder_size(config, vocabularies) -> int:
    tagger = as_a_run_builds(config, vocabularies)
    return count_parameters(tagger.encoder) + count_parameters(tagger.projection)


@pytest.fixture(scope="module")
def reference_size(compose_config, vocabularies) -> int:
    return encoder_size(compose_config("train").model, vocabularies)


MATCHED = [
    "model.residual=true",
    *(f"model/interaction={name}" for name in INTERACTIONS),
    *(f"model/recurrent={name}" for name in options("model/recurrent")),
]


@pytest.mark.parametrize("choice", MATCHED)
def test_every_variant_can_be_as_large_as_the_reference(compose_config, vocabularies, reference_size, choice):
    """At the sizes of the defaults, where a step of the hidden size is a small part of the whole."""
    variant = compose_config("train", choice, "model.match_parameters=true").model
    assert encoder_size(variant, vocabularies) == pytest.approx(reference_size, rel=0.03)


def test_the_menu_has_a_line_for_each_option():
    """The first comment of a file is what `--help` says of it."""
    for path in (conf_directory() / "model").rglob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        first = next(line for line in lines if not line.startswith("# @package"))
        assert first.startswith("# "), f"{path} does not begin with a comment"
        assert len(first) <= 120


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
    assert (training["batches"], training["pool"]) == ("fixed", 1)
    assert (training["average"], training["patience"]) == (None, None)
    assert found["dependencies"]["_target_"].endswith("StanfordDependencies")


PAPERS_BASELINES = [
    ("model=bilstm_crf", "bilstm_crf", None),
    ("system=bilstm_crf-L3", "bilstm_crf", None),
    ("system=bilstm_gcn_crf", "bilstm_gcn_crf", 5.0),
]


def test_the_large_recipe_is_the_recipe_but_for_size_and_time(compose_config):
    recipe, large = (
        dict(flattened(OmegaConf.to_container(compose_config("train", f"experiment={name}"), resolve=True)))
        for name in ("ontonotes", "ontonotes_large")
    )
    differing = {name for name in large if large[name] != recipe.get(name)}
    sizes = {"model.layers", "model.hidden_size", "model.residual"}
    assert differing == sizes | {"training.epochs", "training.batch_size", "optimizer.learning_rate"}
    assert large.keys() == recipe.keys()


@pytest.mark.parametrize("experiment", ["robust", "[ontonotes,robust]", "[robust,ontonotes_large]"])
def test_the_robust_model_knows_heads_through_g_alone(compose_config, vocabularies, experiment):
    model = compose_config("train", f"experiment={experiment}").model
    tagger = as_a_run_builds(model, vocabularies)
    assert tagger.uses_trees
    assert isinstance(tagger.tree_dropout, TreeDropout)
    assert (model.head_word, model.relation_size) == (False, 0)


@pytest.mark.parametrize("experiment", ["paper", "[paper_table,paper]"])
@pytest.mark.parametrize(("choice", "name", "max_norm"), PAPERS_BASELINES)
def test_experiment_paper_knows_the_baselines(compose_config, vocabularies, experiment, choice, name, max_norm):
    cfg = compose_config("train", f"experiment={experiment}", choice)
    assert cfg.model._target_.endswith(f".{name}")
    assert (cfg.model.input_dropout, cfg.model.between_dropout, cfg.model.output_dropout) == (0.5, 0, 0.5)
    assert cfg.optimizer.max_norm == max_norm
    tagger = as_a_run_builds(cfg.model, vocabularies)
    if name == "bilstm_gcn_crf":
        (layer,) = tagger.encoder.layers
        assert (type(layer), layer.weights is None) == (ReleasedGCN, False)
        assert tagger.encoder.dropout.probability == 0


@pytest.mark.parametrize("model", TAGGERS)
def test_experiment_paper_says_what_it_sets_for_every_model(compose_config, model):
    assert model in options("released")
    assert (
        compose_config("train", "experiment=paper", f"model={model}", "model.between_dropout=0.1").model.between_dropout
        == 0.1
    )
