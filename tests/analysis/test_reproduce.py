import json
import shlex
import subprocess
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ner.analysis.reproduce import options_of, reproduction, split_options
from ner.analysis.results import read_sweep
from ner.analysis.settings import settings_of
from ner.train import check_training


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=bilstm_crf", "model.layers=1", "training.patience=3"),
        ("model/interaction=self", "model/characters=cnn", "optimizer=sgd", 'vectors="glove,odd.txt"'),
        ("model=bilstm_gcn_crf", "model/interaction@model.graph=gat"),
        ("model.layers=3", "+model/recurrent@model.by_layer.2=gru"),
        ("model.layers=1", "model/interaction=none"),
        ("experiment=ontonotes",),
        ("experiment=finetune", "model.contextual.name=ENCODER", "+optimizer.rates.word=0.5"),
        ("experiment=feature_crf", "model.l2=2", "model.templates.columns=[word]"),
        ("experiment=robust", "corpus.labels={}"),
    ],
)
def test_the_options_of_a_system_give_its_settings(
    compose_config, compose_choices, encoders, monkeypatch, tmp_path, overrides
):
    (tmp_path / "glove,odd.txt").write_text("the 0.5 1.5\n")
    (tmp_path / "ENCODER").symlink_to(encoders("wordpiece"))
    monkeypatch.chdir(tmp_path)

    def settings(*options):
        cfg = compose_config("train", *options)
        return settings_of(check_training(cfg, options), formalism="sd", choices=compose_choices(*options))

    expected = settings(*overrides)
    assert settings(*options_of(expected, compose_choices(*overrides))) == expected


def test_other_trees_have_their_share_and_absolute_paths_go_by_their_name(compose_config, compose_choices):
    def options(*overrides):
        config = OmegaConf.to_container(compose_config("train", *overrides), resolve=True)
        return options_of(settings_of(config, formalism="sd", choices={}), compose_choices(*overrides))

    assert not {"training.other_share=0.5", "training.other_share=0.3"} & {*options("training.other_share=0.3")}
    given = options("training.other_trees=/home/ada/parsed", "training.other_share=0.3", "vectors=/home/ada/v.txt")
    assert {"training.other_trees=parsed", "training.other_share=0.3", "vectors=v.txt"} <= {*given}


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


def test_a_command_for_each_system(sweep_directory, tmp_path):
    sweep = read_sweep(Path(sweep_directory))
    *_, code = reproduction(sweep).parts
    first, *commands = [line for line in code.text.splitlines() if line and not line.startswith("#")]
    assert all(command.endswith("seed=1,2") for command in commands)
    script = tmp_path / "script"
    script.write_text("python() { printf '%s\\0' \"$@\"; echo; }\n" + code.text)
    ran = subprocess.run(["bash", script], capture_output=True, text=True, check=True).stdout.splitlines()
    arguments = [line.split("\0")[:-1] for line in ran]
    shared = shlex.split(first.removeprefix("shared=(").removesuffix(")"))
    assert any(option.startswith("model.word_size=") for option in shared)
    assert all(own[: 3 + len(shared)] == ["-m", "ner.train", "-m", *shared] for own in arguments)
    assert [own[3 + len(shared)] for own in arguments] == ["model=bilstm_crf", "model=dglstm_crf"]
