import pytest
from omegaconf import OmegaConf

from ner import resources


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "ner")
    return tmp_path / "ner"


def test_this_checkout_or_installation_is_complete():
    assert (resources.conf_directory() / "prepare.yaml").is_file()
    assert (resources.data_path("splits") / "train.txt").is_file()
    assert (resources.data_path("sample") / "ud" / "train.conllx").is_file()


def test_in_a_wheel_the_files_lie_inside_the_package(package):
    for place in (package / "conf", package / "data" / "sample", package.parent / "conf"):
        place.mkdir(parents=True)
    assert resources.conf_directory() == package / "conf"
    assert resources.data_path("sample") == package / "data" / "sample"


def test_in_a_checkout_they_lie_beside_it(package):
    (package.parent / "conf").mkdir()
    assert resources.conf_directory() == package.parent / "conf"


def test_an_incomplete_installation_says_so(package):
    with pytest.raises(FileNotFoundError, match="the installation is incomplete"):
        resources.conf_directory()


def test_an_unknown_resource_is_refused():
    with pytest.raises(ValueError, match="unknown resource 'prepared': choose one of sample, sentiment, splits"):
        resources.data_path("prepared")


def test_configurations_can_name_them():
    cfg = OmegaConf.create({"lists": "${resource:splits}"})
    assert cfg.lists == str(resources.data_path("splits"))
