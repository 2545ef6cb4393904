import json
import shutil

import pytest

from ner import Recognizer


def test_a_training_leaves_its_calibration(run_directory):
    content = json.loads((run_directory / "calibration.json").read_text())
    assert content["entities"] > 0
    assert 0 <= content["calibrated"]["ece"] <= 1
    assert Recognizer.load(run_directory, device="cpu").temperature == content["temperature"]


def test_an_older_run_is_calibrated_afterwards_with_the_same_result(run_directory, tmp_path, run_command):
    run = shutil.copytree(run_directory, tmp_path / "run")
    (run / "calibration.json").unlink()
    assert Recognizer.load(run, device="cpu").temperature == 1
    status, errors = run_command("calibrate", f"run={run}", "device=cpu", "threads=1")
    assert (status, errors) == (0, "")
    content, before = (json.loads((path / "calibration.json").read_text()) for path in (run, run_directory))
    assert content["temperature"] == before["temperature"]
    assert content["entities"] == before["entities"]


def test_a_damaged_calibration_is_one_line(run_directory, tmp_path, run_command):
    run = shutil.copytree(run_directory, tmp_path / "run")
    for text in ('{"temperature": "x"}', "{", "[]", '{"temperature": 0}', "{}"):
        (run / "calibration.json").write_text(text)
        with pytest.raises(ValueError, match=r"calibration\.json: .*ner\.calibrate"):
            Recognizer.load(run, device="cpu")


def test_another_corpus_is_refused(run_directory, tmp_path, run_command):
    status, errors = run_command("calibrate", f"run={run_directory}", f"prepared={tmp_path}", "device=cpu")
    assert status == 1
    assert "not a prepared corpus" in errors
