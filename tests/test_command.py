import subprocess
import sys

import pytest

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


def test_each_option_of_each_group_says_what_it_is():
    groups = [path.name for path in conf_directory().iterdir() if path.is_dir() and path.name != "hydra"]
    for line in menu(conf_directory(), groups).splitlines():
        assert line.endswith("=") or len(line.split()) > 1, line
