import dataclasses
import re

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from ner.analysis.settings import APART, SHORT
from ner.resources import conf_directory
from ner.schemas import INCIDENTAL, Evaluate, Predict, Report, Train, Tune, flattened
from ner.sweep import DATA
from ner.train import PREPARATION, RESUMABLE
from ner.training.run import COMPONENTS


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


@pytest.fixture(scope="module")
def options(compose_config):
    """The options of `ner.train`, nested ones and what holds them: `training`, `training.epochs`."""
    names = {name for name, _ in flattened(OmegaConf.to_container(compose_config("train"), resolve=False))}
    return names | {name.rpartition(".")[0] for name in names} | {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(INCIDENTAL, id="incidental"),
        pytest.param(RESUMABLE, id="resumable"),
        pytest.param(PREPARATION, id="preparation"),
        pytest.param(DATA, id="data of a sweep"),
        pytest.param(COMPONENTS, id="components of a run"),
        pytest.param(APART, id="left out of a system"),
        pytest.param(SHORT, id="short in the name of a system"),
    ],
)
def test_every_name_in_a_list_of_options_is_one(options, names):
    assert names
    assert set(names) <= options


@pytest.mark.parametrize("schema", [Train, Tune, Evaluate, Predict, Report])
def test_every_option_of_a_schema_has_a_value_or_must_be_given(compose_config, schema):
    """None is left to the schema alone, where it could never be set from a file."""
    name = schema.__name__.lower()
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (conf_directory() / f"{name}.yaml", conf_directory() / "recipe.yaml")
    )
    for option in dataclasses.fields(schema):
        assert re.search(rf"^(  - )?{option.name}:", text, re.MULTILINE), option.name
