import pytest

from ner.training.run_directory import check_run, is_run


def test_a_run_has_a_configuration(tmp_path):
    assert not is_run(tmp_path)
    with pytest.raises(ValueError, match="is not the directory of a run: it has no config"):
        check_run(tmp_path)
    (tmp_path / "config.yaml").touch()
    assert is_run(tmp_path)
    assert check_run(str(tmp_path)) == tmp_path


def test_what_is_not_there_is_no_run(tmp_path):
    with pytest.raises(ValueError, match="there is no such directory"):
        check_run(tmp_path / "nope")
