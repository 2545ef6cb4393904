"""A refused command changes nothing: one line that names the option, exit status 1, and every file as it was."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from math import inf, nan
from pathlib import Path

import pytest

from ner.corpus.files import check_directory, sha256
from ner.corpus.labels import label_table

IS_FILE = "is not a directory, and none can be made there: "


@pytest.fixture
def place(run_directory, tmp_path, monkeypatch):
    """The current directory: with `run`, `text.txt`, and `there`, which has a file in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run_directory, "run")
    Path("text.txt").write_text("Ada lives in Ulm .\n")
    Path("there").mkdir()
    Path("there/file").write_text("file\n")
    return tmp_path


def contents(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): sha256(path) if path.is_file() else "directory"
        for path in directory.rglob("*")
    }


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("prepare", "prepared_root=", "prepared_root is '': it must be a text (not empty)"),
        ("prepare", "prepared_root=there/file/x", "prepared_root=there/file/x " + IS_FILE),
        ("prepare", "corpus=columns corpus.train=", "corpus.train is '': it must be"),
        ("prepare", "corpus=columns corpus.train=run/best.pt prepared_root=new", "run/best.pt: a file packed by zip"),
        ("prepare", "corpus=columns corpus.train=text.txt prepared_root=new", "text.txt"),
        ("prepare", "corpus.labels={NOPE:LOC} prepared_root=new", "labels: the corpus has no entity of type NOPE"),
        ("prepare", "corpus.labels={GPE:[]} corpus=columns", "this corpus needs corpus.train="),
        ("prepare", "'corpus.labels={GPE: \"a b\"}' prepared_root=new", "labels: GPE is to become 'a b': a type is"),
        ("train", "training.other_trees=nope prepared_root=new", "training.other_trees=nope: not a prepared corpus"),
        ("train", "training.other_share=0.3 prepared_root=new", "training.other_trees is null: training.other_share"),
        ("train", "hydra.run.dir=run prepared_root=new", "run holds a run already"),
        ("train", "hydra.run.dir= prepared_root=new", "hydra.run.dir is '': it must be a directory"),
        ("train", "resume=run prepared=nope", "prepared=nope: not a prepared corpus"),
        ("train", "resume=run training.other_trees=nope", "training.other_trees=nope: not a prepared corpus"),
        ("evaluate", "run=run output=there/file", "output=there/file is not a directory; choose another"),
        ("evaluate", "run=run output=there/file/x", "output=there/file/x " + IS_FILE),
        ("evaluate", "run=run files=", "files is '': it must be a text (not empty) or null"),
        ("report", "runs=", "runs is : give a directory"),
        ("report", "runs=run output=there/file", "output=there/file is not a directory"),
        ("report", "runs=run output=", "output is '': it must be a text (not empty) or null"),
        ("export", "run=run to=there", "to=there exists already"),
        ("export", "run=run to=there/file/x", "to=there/file/x"),
        ("export", "run=run to=model licence=", "licence is '': it must be a text (not empty)"),
        ("predict", "run=run input=text.txt output=there/file/x.jsonl", "output=there/file/x.jsonl"),
        ("predict", "run=run input=text.txt output=there/file output_format=brat", "output=there/file exists already"),
        ("calibrate", "run=run prepared=", "prepared is '': it must be a text (not empty) or null"),
        ("serve", "run=run host=", "host is '': it must be a text (not empty)"),
    ],
)
def test_a_refused_command_changes_nothing(run_command, place, command, arguments, message):

    before = contents(place)
    status, errors = run_command(command, *shlex.split(arguments))
    assert status == 1
    assert errors.startswith("error: ")
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert contents(place) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tune.study=null"], "tune.study is null: it must be a text (not empty)"),
        (["tune.directory=there/file"], "tune.directory=there/file is not a directory"),
        (["tune.directory=run"], "tune.directory=run holds a run: choose another"),
        (["tune.directory=a?b"], "tune.directory=a?b holds a ?"),
        (["+tune.space.seed=[[1,2]]"], "tune.space.seed is [[1, 2]]: it must be a list of choices, or low and"),
        (["+tune.space.nope=[1]"], "unknown option nope"),
        (["+tune.space={training.epochs:[2,0]}"], "training.epochs is 0: it must be a whole number from 1"),
        (["+tune.space={model/interaction:[mlp,nope]}"], "unknown model/interaction 'nope'"),
        (["prepared=nope"], "is a corpus with its trees: corpus, dependencies"),
        (["experiment=paper_table"], "a search is one command"),
    ],
)
def test_a_refused_search_changes_nothing(run_command, place, tiny, arguments, message):
    pytest.importorskip("optuna", reason="the search needs Optuna: pip install -e '.[tune]'")
    space = Path("spaces/space")
    space.mkdir(parents=True)
    (space / "mine.yaml").write_text("# @package tune.space\nmodel.hidden_size: [8]\n")
    fixed = [option for option in tiny if not option.startswith("model.hidden_size")]
    before = contents(place)
    status, errors = run_command("tune", f"--config-dir={space.parent.absolute()}", "space=mine", *fixed, *arguments)
    assert status == 1
    assert "Traceback" not in errors
    assert message in errors.splitlines()[-1]
    assert contents(place) == before


@pytest.mark.parametrize("name", ["others", "garbage", "link"])
def test_a_search_leaves_the_databases_of_others_alone(run_command, place, tiny, name):
    pytest.importorskip("optuna", reason="the search needs Optuna: pip install -e '.[tune]'")
    database = place / "there" / "study.db"
    if name == "others":
        with sqlite3.connect(database) as connection:
            connection.execute("create table studies(name)")
        connection.close()
    elif name == "garbage":
        database.write_bytes(b"garbage" * 1000)
    else:
        database.symlink_to(place / "text.txt")
    before = contents(place)
    status, errors = run_command("tune", *tiny, "tune.directory=there")
    assert status == 1
    assert "there/study.db" in errors
    assert len(errors.splitlines()) == 1
    assert contents(place) == before


def test_a_directory_is_made_below_one_only(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for good in (".", "a", "a/b/c"):
        check_directory(tmp_path / good)
    for bad in ("file", "file/a", "loop", "loop/a"):
        with pytest.raises(ValueError, match="is not a directory"):
            check_directory(tmp_path / bad)


def test_a_type_that_becomes_nothing_is_refused():
    with pytest.raises(ValueError, match="GPE is to become '': a type is a text without white space"):
        label_table({"": ["GPE"]})


@pytest.mark.parametrize(
    "values",
    [
        *("x", 3, None, [], {}, [[1, 2]], [{"low": 1}], {"low": 1}, {"low": 1, "high": 2, "steps": 1}),
        *({"low": 5, "high": 1}, {"low": "a", "high": "b"}, {"low": True, "high": 2}, {"low": 1, "high": None}),
        *({"low": nan, "high": 5.0}, {"low": 1.0, "high": inf}, {"low": 1, "high": 5, "log": "maybe"}),
        *({"low": 0, "high": 5, "log": True}, {"low": 1, "high": 5, "step": -1}, {"low": 1, "high": 5, "step": 0.5}),
        {"low": 1, "high": 5, "step": 2, "log": True},
    ],
)
def test_a_space_of_what_cannot_be_suggested_is_refused(values):
    from ner.tune import check_space

    with pytest.raises(ValueError, match=r"^tune\.space\.seed is .*: it must be a list of choices, or low and a high"):
        check_space({"optimizer.learning_rate": {"low": 0.1, "high": 0.1, "log": True}, "seed": values})


def test_a_space_holds_only_what_makes_a_difference():
    from ner.tune import check_space

    check_space({"seed": [1, "x", None], "model.layers": {"low": 0, "high": 4, "step": 2}})
    for name in ("device", "resume", "training.log_every", "hydra.run.dir", "tune.trials"):
        with pytest.raises(ValueError, match=f"tune.space.{name} is no option to search"):
            check_space({name: [1]})
