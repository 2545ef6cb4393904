from functools import cache

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from ner.analysis.settings import name_systems, settings_of


@pytest.fixture(scope="module")
def settings(compose_config, compose_choices):
    """The settings of a run with these overrides: `settings("model.layers=1")`."""

    @cache
    def of(*overrides, formalism="sd"):
        config = OmegaConf.to_container(compose_config("train", *overrides), resolve=True)
        return settings_of(config, formalism=formalism, choices=compose_choices(*overrides))

    return of


def names(*systems):
    return name_systems(systems)


def test_components_go_by_what_was_chosen_from_the_menu(settings):
    chosen = settings("model=bilstm_gcn_crf", "model/interaction@model.graph=gat", "optimizer=adamw", "model.layers=3")
    assert [chosen[name] for name in ("model", "model.graph", "optimizer", "model.decoder")] == [
        "bilstm_gcn_crf",
        "gat",
        "adamw",
        "crf",
    ]
    assert settings("+model/recurrent@model.by_layer.2=gru")["model.by_layer.2"] == "gru"


def test_without_choices_components_go_by_their_class():
    config = {"model": {"_target_": "ner.model.tagger.dglstm_crf", "interaction": {"_target_": "ner.interaction.MLP"}}}
    assert settings_of(config, formalism="ud", choices={}) == {
        "model": "dglstm_crf",
        "model.interaction": "MLP",
        "dependencies": "ud",
    }


def test_how_a_run_was_made_is_no_setting(settings):
    here = settings("seed=1", "device=cpu", "threads=1", "prepared=data/here", "training.log_every=5")
    there = settings("seed=2", "device=auto", "threads=4", "prepared=data/there", "prepared_root=elsewhere")
    assert here == there
    assert settings(formalism="sd") != settings(formalism="ud")


def test_names_say_what_differs_and_nothing_else(settings):
    assert names(settings()) == ["dglstm_crf"]
    assert names(settings(), settings("model=bilstm_crf")) == ["dglstm_crf", "bilstm_crf"]
    assert names(settings("model/interaction=self"), settings("model/interaction=add")) == ["self", "add"]
    assert names(settings("model/recurrent=gru"), settings(formalism="ud")) == ["gru sd", "lstm ud"]
    assert names(settings(), settings("training.epochs=3", "vectors=data/glove.txt")) == [
        "epochs:30 vectors:none",
        "epochs:3 vectors:glove.txt",
    ]


def test_what_most_systems_have_goes_without_saying(settings):
    plain, wide, graph = settings(), settings("model.hidden_size=300"), settings("model=bilstm_gcn_crf")
    without = settings("model.head_word=false", "model.relation_size=0")
    assert names(plain, settings("model/interaction=self"), without, graph) == [
        "dglstm_crf mlp",
        "dglstm_crf self",
        "dglstm_crf mlp head_word:False relation_size:0",
        "bilstm_gcn_crf",
    ]
    assert names(plain, wide, settings("model.hidden_size=400"), settings("model.hidden_size=400", "seed=2")) == [
        "hidden_size:200",
        "hidden_size:300",
        "hidden_size:400",
        "hidden_size:400-2",
    ]
    assert names(plain, plain | {"model.size": 3}, wide | {"model.size": 3}, plain | {"model.size": 4}) == [
        "hidden_size:200",
        "hidden_size:200 size:3",
        "hidden_size:300 size:3",
        "hidden_size:200 size:4",
    ]


def test_names_of_the_papers_table(settings):
    systems = [
        settings("model=bilstm_crf", "model.layers=1"),
        settings("model=bilstm_crf", "model.layers=2"),
        settings("model.layers=1", "model/interaction=none"),
        settings("model/interaction=mlp"),
        settings("model/interaction=self"),
    ]
    assert names(*systems) == [
        "bilstm_crf L1",
        "bilstm_crf L2",
        "dglstm_crf L1",
        "dglstm_crf mlp L2",
        "dglstm_crf self L2",
    ]


def test_different_systems_have_different_names(settings):
    here, there = settings("vectors=a/glove.txt"), settings("vectors=b/glove.txt")
    assert names(here, there) == ["vectors:glove.txt", "vectors:glove.txt-2"]
    older = {key: value for key, value in here.items() if key != "model.relation_size"}
    assert names(here, older) == ["relation_size:50", "default"]


def test_names_can_be_given_in_an_override(settings):
    systems = [
        settings("model=bilstm_crf"),
        settings("model.layers=3", "vectors=a/glove.6B.100d.txt", "optimizer.learning_rate=1e-5"),
        settings("model.layers=3", "vectors=b/glove.6B.100d.txt", "optimizer.learning_rate=1e-5"),
    ]
    for name in names(*systems):
        assert OverridesParser.create().parse_override(f"baseline={name}").value() == name
