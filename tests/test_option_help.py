import io
import re
from contextlib import redirect_stdout

import pytest

from ner.option_help import HEADING, with_comments
from ner.resources import conf_directory
from ner.schemas import SCHEMAS


@pytest.mark.parametrize("command", SCHEMAS)
def test_each_option_says_what_it_is(command, run_command):
    with redirect_stdout(io.StringIO()) as shown:
        assert run_command(command, "--help")[0] == 0
    options = shown.getvalue().partition(HEADING)[2].partition("The options in full")[0].splitlines()
    values = [line for line in options if re.match(r" *[a-z]\w*: \S", line)]
    silent = [line for line in values if "  # " not in line]
    assert len(values) > 3
    assert not silent or command == "tune", silent  # the space of a search is a list of ranges
    assert all(re.match(r" +(low|high|log):", line) for line in silent)


def test_a_comment_is_that_of_the_component_that_is_chosen(tmp_path):
    (tmp_path / "model").mkdir()
    for name, comment in (("one", "of one"), ("two", "of two")):
        (tmp_path / "model" / f"{name}.yaml").write_text(f"# A model\n_target_: ner.{name}\nsize: 3 # {comment}\n")
    (tmp_path / "train.yaml").write_text("seed: 1 # of it all\nnested:\n  seed: 2 # of this\n")
    text = "ner-train\n\nAll options:\n\nmodel:\n  size: 3\n  _target_: ner.two\nnested:\n  seed: 5\nseed: 1\n\nEnd.\n"
    shown = with_comments(text, command="train", conf=tmp_path)
    assert "  size: 3  # of two\n" in shown
    assert "  seed: 5  # of this\nseed: 1  # of it all\n\nEnd.\n" in shown
    assert with_comments("", command="train", conf=tmp_path) == ""


def test_what_has_no_comment_is_told_by_its_range():
    text = "All options:\n\nthreads: 3\ntune:\n  trials: 5\n"
    shown = with_comments(text, command="report", conf=conf_directory() / "nowhere")
    assert "threads: 3\n" in shown
    shown = with_comments(text, command="tune", conf=conf_directory() / "nowhere")
    assert "threads: 3  # a whole number from 1 to 1,024 or null\n" in shown
    assert "  trials: 5  # a whole number from 1 to 1,000,000,000\n" in shown
