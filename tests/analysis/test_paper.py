from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from ner.analysis import paper
from ner.analysis.paper import PUBLISHED, published
from ner.analysis.results import read_sweep
from ner.analysis.settings import settings_of
from ner.resources import conf_directory


@pytest.fixture
def system(write_run, sentences, tmp_path, compose_config, compose_choices, monkeypatch):
    """A system on a split of the paper's size, with the settings of these overrides."""
    write_run(tmp_path / "run", sentences[:6], [one.spans for one in sentences[:6]])
    (found,) = read_sweep(tmp_path).systems
    monkeypatch.setattr(paper, "SENTENCES", 6)
    monkeypatch.setattr(paper, "ENTITIES", sum(len(one.spans) for one in sentences[:6]))

    def of(*overrides, formalism="sd"):
        config = OmegaConf.to_container(compose_config("train", *overrides), resolve=True)
        return replace(found, settings=settings_of(config, formalism=formalism, choices=compose_choices(*overrides)))

    return of


@pytest.mark.parametrize(
    ("option", "f1"),
    [
        ("bilstm_crf-L0", 81.40),
        ("bilstm_crf-L1", 87.07),
        ("bilstm_crf-L2", 87.78),
        ("bilstm_crf-L3", 87.65),
        ("dglstm_crf-L0", 84.09),
        ("dglstm_crf-L1", 88.03),
        ("dglstm_crf-L2", 88.52),
        ("dglstm_crf-L3", 88.25),
        ("bilstm_gcn_crf", 88.18),
        ("dglstm_crf-L2-self", None),
        ("dglstm_crf-L2-concat", None),
        ("dglstm_crf-L2-add", None),
    ],
)
def test_the_systems_of_the_papers_table_have_their_figure(system, option, f1):
    scores = published(system(f"system={option}"), split="test")
    assert (scores and scores.f1) == f1


def test_every_system_of_the_menu_is_above():
    marks = test_the_systems_of_the_papers_table_have_their_figure.pytestmark
    named = {case[0] for mark in marks for case in mark.args[1]}
    assert named == {path.stem for path in (conf_directory() / "system").glob("*.yaml")}


@pytest.mark.parametrize(
    "overrides",
    [
        ["model/recurrent=gru"],
        ["model.hidden_size=100"],
        ["model.relation_size=0"],
        ["model.layers=4"],
        ["model/contextual=transformer", "model.contextual.name=bert"],
        ["+model/feature@model.features.case=case"],
    ],
)
def test_another_model_has_none(system, overrides):
    assert published(system(*overrides), split="test") is None


def test_other_data_have_none(system, monkeypatch):
    assert published(system(), split="test") is not None
    assert published(system(), split="validation") is None
    assert published(system(formalism="ud"), split="test") is None
    assert published(system("model=bilstm_crf", formalism="ud"), split="test") is not None  # it sees no tree
    monkeypatch.setattr(paper, "SENTENCES", 7)
    assert published(system(), split="test") is None


def test_f1_follows_from_precision_and_recall_but_where_noted():
    for key, scores in PUBLISHED.items():
        f1 = 2 * scores.precision * scores.recall / (scores.precision + scores.recall)
        assert scores.f1 == pytest.approx(f1, abs=0.5 if key == ("dglstm_crf", 0) else 0.011)
