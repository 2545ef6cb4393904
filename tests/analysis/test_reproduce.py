import json
import shlex
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ner.analysis.reproduce import options_of, reproduction, split_options
from ner.analysis.results import read_sweep
from ner.analysis.settings import settings_of


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=bilstm_crf", "model.layers=1", "training.patience=3"),
        ("model/interaction=self", "model/characters=cnn", "optimizer=sgd", "vectors=/data/glove.txt"),
        ("model=bilstm_gcn_crf", "model/interaction@model.graph=gat"),
        ("model.layers=3", "+model/recurrent@model.by_layer.2=gru"),
        ("model.layers=1", "model/interaction=none"),
    ],
)
def test_the_options_of_a_system_give_its_settings(compose_config, compose_choices, overrides):
    def settings(*options):
        config = OmegaConf.to_container(compose_config("train", *options), resolve=True)
        return settings_of(config, formalism="sd", choices=compose_choices(*options))

    expected = settings(*overrides)
    assert settings(*options_of(expected, compose_choices(*overrides))) == expected


def test_where_no_choices_were_kept_no_command_is_invented(write_run, sentences, tmp_path):
    directory = write_run(tmp_path / "run", sentences, [one.spans for one in sentences])
    environment = json.loads((directory / "environment.json").read_text())
    del environment["choices"]
    (directory / "environment.json").write_text(json.dumps(environment))
    *_, code = reproduction(read_sweep(tmp_path)).parts
    assert code.text.splitlines() == [
        "# dglstm_crf",
        "# the choices from the menu were not kept in these runs: see their config.yaml",
    ]


def test_shared_options_are_said_once():
    assert split_options([["a=1", "b=1"], ["b=1", "c=2", "a=2"]]) == (["b=1"], [["a=1"], ["c=2", "a=2"]])
    assert split_options([["a=1"]]) == ([], [["a=1"]])


def test_a_command_for_each_system(sweep_directory):
    sweep = read_sweep(Path(sweep_directory))
    *_, code = reproduction(sweep).parts
    first, *commands = [line for line in code.text.splitlines() if line and not line.startswith("#")]
    assert "model.word_size=" in first
    assert {shlex.split(command)[-2] for command in commands} >= {"model=bilstm_crf"}
    assert all(command.endswith("seed=1,2") for command in commands)
    assert all(shlex.split(command)[:5] == ["python", "-m", "ner.train", "-m", "$shared"] for command in commands)
