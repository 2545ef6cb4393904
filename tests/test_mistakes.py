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
        ("train", "training.epochs=many", "training.epochs is many: it must be a whole number from 1 to"),
        ("train", "training.reduction=null", "training.reduction is null: it must be sum, sentence or token"),
        ("train", "threads=many", "threads is many: it must be a whole number from 1 to 1,024 or null"),
        ("prepare", "prepared_root=null", "prepared_root is null: it must be a text"),
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


@pytest.mark.parametrize(
    ("error", "overrides", "message"),
    [
        (ValueError("/nope: no such directory"), ["runs=/nope"], "runs=/nope: no such directory"),
        (ValueError("/x is not the directory of a run"), ["run='/x'"], "run=/x is not the directory of a run"),
        (ValueError("/x/a.conll:3: bad"), ["files=/x"], "/x/a.conll:3: bad"),
        (FileNotFoundError(2, "No such file", "/x/y/z"), ["a=1", "output=/x/y"], "output=/x/y: /x/y/z: No such file"),
        (FileNotFoundError(2, "No such file", "/x/.y.partial"), ["to=/x/y"], "to=/x/y: /x/.y.partial: No such file"),
        (PermissionError(13, "Permission denied", "/x"), ["output=/x"], "output=/x: Permission denied"),
        (OSError(28, "No space left on device", "/y"), ["output=/x"], "/y: No space left on device"),
        (ValueError("whatever"), ["=3"], "=3 sets no option: write NAME=VALUE"),
    ],
)
def test_a_message_names_the_option_that_gave_the_path(error, overrides, message):
    assert explain(error, command="train", overrides=overrides, conf=conf_directory()) == message


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
