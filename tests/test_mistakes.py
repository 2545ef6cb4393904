import pytest

from ner.mistakes import closest, explain
from ner.resources import conf_directory


def explained(compose_config, command, *overrides):
    with pytest.raises(Exception) as raised:  # noqa: PT011 (of Hydra, several)
        compose_config(command, *overrides)
    return explain(raised.value, command=command, overrides=overrides, conf=conf_directory())


@pytest.mark.parametrize(
    ("command", "override", "message"),
    [
        ("train", "training.epoch=3", "unknown option training.epoch: did you mean training.epochs?"),
        ("train", "epochs=3", "unknown option epochs: did you mean training.epochs?"),
        ("train", "model.layer=3", "unknown option model.layer: did you mean model.layers?"),
        ("train", "batchsize=3", "unknown option batchsize: did you mean training.batch_size?"),
        ("train", "modle=dglstm_crf", "unknown option modle: did you mean model?"),
        ("train", "interaction=mlp", "unknown option interaction: did you mean model/interaction?"),
        ("train", "model/interation=mlp", "unknown option model/interation: did you mean model/interaction?"),
        ("train", "experimnt=paper", "unknown option experimnt: did you mean experiment?"),
        ("train", "xyzzy=3", "unknown option xyzzy: --help lists all of them"),
        ("tune", "spcae=sizes", "unknown option spcae: did you mean space"),
        ("evaluate", "spilt=test", "unknown option spilt: did you mean split?"),
        ("predict", "inputs=x", "unknown option inputs: did you mean input?"),
        ("report", "rusn=x", "unknown option rusn: did you mean runs?"),
        ("train", "model/interaction=mpl", "unknown model/interaction 'mpl': did you mean mlp? choose one of add,"),
        ("train", "model=dglstm", "unknown model 'dglstm': did you mean dglstm_crf? choose one of bilstm_crf,"),
        ("train", "model=transformer", "unknown model 'transformer': choose one of bilstm_crf,"),
        ("train", "experiment=[paper,papr]", "unknown experiment 'papr': did you mean paper"),
        ("train", "model=3", "unknown model '3': choose one of bilstm_crf,"),
        ("train", "training.epochs=many", "training.epochs=many: Value 'many' of type 'str' could not be converted to"),
        ("train", "foo", "foo sets no option: write NAME=VALUE"),
        ("train", "resume=a=b,c", "resume=a=b,c cannot be read"),
        ("train", "~modle", "Could not delete from config. 'modle' does not exist."),
    ],
)
def test_what_was_meant_is_said_in_one_line(compose_config, command, override, message):
    explanation = explained(compose_config, command, override)
    assert explanation.startswith(message)
    assert len(explanation.splitlines()) == 1


def test_a_value_that_needs_quotes_is_given_back_with_them(run_command):
    status, errors = run_command("train", "resume=a=b,c")
    assert status == 1
    assert errors.endswith("for a text write 'resume=\"a=b,c\"'\n")
    status, errors = run_command("train", "resume=a,b")
    assert status == 1
    assert errors.startswith("error: resume=a,b: for several jobs add --multirun, for a list write resume=[a,b]")
    assert errors.endswith("for a text 'resume=\"a,b\"'\n")


def test_other_errors_are_left_as_they_are():
    assert explain(ValueError("x: y\nz"), command="train", overrides=(), conf=conf_directory()) == "x: y\nz"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("epochs", ["training.epochs"]),
        ("model.layer", ["model.layers"]),
        ("dep", ["dependencies", "model/depth"]),
        ("lr", []),
    ],
)
def test_names_are_alike_as_a_whole_or_in_their_last_part(name, expected):
    assert closest(name, ["training.epochs", "model.layers", "dependencies", "model/depth", "seed"]) == expected
    assert closest(name, []) == []
