import subprocess
import sys

import pytest
from hydra.errors import ConfigCompositionException

from ner.configuration import check_components, menu
from ner.resources import conf_directory

COMMANDS = ("prepare", "train", "tune", "evaluate", "predict")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_menu(command):
    help_text = subprocess.run(
        [sys.executable, "-m", f"ner.{command}", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert f"ner-{command}" in help_text
    assert "dependencies=" in help_text
    assert "Basic Stanford Dependencies" in help_text


def test_each_option_of_each_group_says_what_it_is():
    groups = [path.name for path in conf_directory().iterdir() if path.is_dir() and path.name != "hydra"]
    for line in menu(conf_directory(), groups).splitlines():
        assert line.endswith("=") or len(line.split()) > 1, line


@pytest.mark.parametrize(
    ("command", "override"),
    [("train", "training.epoch=3"), ("train", "epochs=3"), ("evaluate", "spilt=test"), ("predict", "inputs=x")],
)
def test_an_unknown_option_is_refused(compose_config, command, override):
    with pytest.raises(ConfigCompositionException, match="Could not override"):
        compose_config(command, override)


def test_an_option_of_the_wrong_type_is_refused(compose_config):
    with pytest.raises(ConfigCompositionException, match=r"training\.epochs"):
        compose_config("train", "training.epochs=many")


def test_a_wrong_name_lists_the_right_ones(compose_config):
    with pytest.raises(Exception, match=r"bilstm_crf\n(.*\n)*\s*dglstm_crf"):
        compose_config("train", "model=transformer")


@pytest.mark.parametrize("model", ["dglstm_crf", "bilstm_crf"])
def test_our_own_components_are_allowed(compose_config, model):
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(compose_config("train", f"model={model}"), resolve=True)
    for name, package in (("model", "ner.model"), ("optimizer", "ner.training"), ("corpus", "ner.corpus")):
        check_components(config[name], package)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "ner.model",
        "ner.model.tagger",
        "ner.model.tagger.nn.Linear",
        "ner.model.tagger.torch",
        "ner.model.tagger.LSTM",  # imported there, defined elsewhere
        "ner.model.tagger.CONSTRAINTS",
        "ner.modelling.x",
        ".",
        "",
        3,
        None,
    ],
)
def test_all_else_is_not(target):
    for config in ({"_target_": target}, [{"deeper": {"_target_": target, "_partial_": True}}]):
        with pytest.raises(ValueError, match="no component of"):
            check_components(config, "ner.model")


def test_interpolations_are_refused_in_keys_and_values():
    for config in ({"${x}": 1}, [["a ${oc.env:HOME}"]]):
        with pytest.raises(ValueError, match="interpolation"):
            check_components(config, "ner.model")
