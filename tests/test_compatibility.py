"""Runs of earlier versions are read as what they were."""

from __future__ import annotations

from omegaconf import OmegaConf

from ner.analysis.settings import settings_of
from ner.compatibility import ADDED_OPTIONS, completed


def without_added(config):
    """As a version wrote it that knew none of these options."""
    old = OmegaConf.create(config)
    for option in ADDED_OPTIONS:
        part, _, name = option.rpartition(".")
        del (OmegaConf.select(old, part) if part else old)[name]
    return OmegaConf.to_container(old)


def test_added_options_stand_for_what_the_defaults_are(compose_config):
    config = compose_config("train")
    assert {option: OmegaConf.select(config, option) for option in ADDED_OPTIONS} == ADDED_OPTIONS


def test_an_old_run_is_the_same_system_as_a_new_one(compose_config):
    config = OmegaConf.to_container(compose_config("train"), resolve=True)
    old = without_added(config)
    assert old != config
    assert completed(old) == config
    assert settings_of(completed(old), formalism="ud", choices={}) == settings_of(config, formalism="ud", choices={})


def test_what_is_set_stays_and_what_is_not_there_gets_nothing():
    training = {
        "average": 0.5,
        "batches": "fixed",
        "other_share": 0.2,
        "other_trees": "there",
        "share": 0.1,
        "workers": 2,
    }
    config = {"training": training, "optimizer": {"word_rate": 0.1}, "seed": 1}
    config |= {"malformed_trees": "repair", "task": "sentiment"}
    assert completed(config) == config
    added = {"malformed_trees": "error", "task": "ner"}
    assert completed({"corpus": None, "seed": 1}) == {"corpus": None, "seed": 1, **added}
