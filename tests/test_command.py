import importlib
import os
import subprocess
import sys

import pytest

import ner
from ner.command import menu
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


@pytest.mark.parametrize("command", [*COMMANDS, "report"])
def test_the_version_is_ours(command, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [f"ner-{command}", "--version"])
    importlib.import_module(f"ner.{command}").main()
    assert capsys.readouterr().out == f"ner-{command} {ner.__version__}\n"


@pytest.mark.parametrize(
    ("command", "given", "missing"),
    [
        ("evaluate", [], "run=..."),
        ("predict", ["output=x"], "run=... input=..."),
        ("report", [], "runs=..."),
    ],
)
def test_a_forgotten_option_is_one_line(run_command, command, given, missing):
    assert run_command(command, *given) == (1, f"error: ner-{command} needs {missing} (see --help)\n")


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_what_is_no_run_is_told_before_torch_is_imported(command, tmp_path):
    (tmp_path / "in.conllx").touch()
    options = ["run=nope"] + ["input=in.conllx", "output=out.conllx"] * (command == "predict")
    code = f"""
import sys
from ner.{command} import main
sys.argv = ["ner-{command}", *{options}]
try:
    main()
except SystemExit as end:
    print(end.code, "torch" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert result.stdout == "1 False\n"
    assert result.stderr == "error: run=nope is not the directory of a run: there is no such directory\n"


def test_a_traceback_is_there_where_it_is_wanted(run_command, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match="ner-evaluate needs run"):
        run_command("evaluate")
    assert os.environ["HYDRA_FULL_ERROR"] == "1"
    monkeypatch.delenv("HYDRA_FULL_ERROR")
    assert run_command("evaluate", "spilt=x")[0] == 1
    assert "HYDRA_FULL_ERROR" not in os.environ


def test_each_option_of_each_group_says_what_it_is():
    groups = [path.name for path in conf_directory().iterdir() if path.is_dir() and path.name != "hydra"]
    for line in menu(conf_directory(), groups).splitlines():
        assert line.endswith("=") or len(line.split()) > 1, line
