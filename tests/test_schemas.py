import pytest
from hydra.errors import ConfigCompositionException


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
