import pytest
from omegaconf import OmegaConf

from ner.components import check_components


@pytest.mark.parametrize("model", ["dglstm_crf", "bilstm_crf"])
def test_our_own_components_are_allowed(compose_config, model):
    config = OmegaConf.to_container(compose_config("train", f"model={model}"), resolve=True)
    packages = {"model": "ner.model", "optimizer": "ner.training", "corpus": "ner.corpus", "dependencies": "ner.corpus"}
    for name, package in packages.items():
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
