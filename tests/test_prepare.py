import json
import subprocess
import sys
from pathlib import Path

import pytest

from ner.corpus.columns import ColumnsSource
from ner.corpus.dataset import load
from ner.corpus.dependencies import GivenDependencies
from ner.corpus.preparation import prepare
from ner.prepare import prepared_corpus, summary

SLOW = {"torch", "datasets", "pyarrow", "stanza"}


@pytest.fixture
def options(corpus_files, tmp_path):
    files = [f"corpus.{split}={corpus_files / split}.conllx" for split in ("train", "validation", "test")]
    return ["corpus=conllx", "dependencies=given", f"prepared_root={tmp_path / 'prepared'}", *files]


def test_importing_the_command_imports_nothing_slow():
    code = f"import ner.prepare, sys; sys.exit(bool({SLOW} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_corpus_is_prepared_once(compose_config, options, sentences, caplog):
    caplog.set_level("INFO")
    cfg = compose_config("prepare", *options)
    path = prepared_corpus(cfg)
    assert str(path) in caplog.text
    assert "without a dependency tree" in caplog.text
    caplog.clear()
    assert prepared_corpus(cfg) == path
    assert caplog.messages == [f"prepared before: {path}"]
    rows = load(path, formalism="given").splits
    assert sum(len(rows[split]) for split in rows) == len(sentences)


def test_the_command(run_command, options, tmp_path):
    status, error = run_command("prepare", *options)
    assert status == 0
    assert "train: 100%" in error
    assert "Saving" not in error
    assert [path.name[:12] for path in (tmp_path / "prepared").iterdir() if path.is_dir()] == ["conllx-given"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("corpus.test=nowhere", "nowhere: no such file"),
        ("missing_trees=drop", "it must be error or self_heads"),
        ("malformed_trees=drop", "it must be error, self_heads or repair"),
        ("corpus.test=???", "this corpus needs corpus.test=..."),
    ],
)
def test_errors_take_one_line(run_command, options, override, message):
    status, error = run_command("prepare", *options, override)
    assert status == 1
    assert message in error
    assert "Traceback" not in error


def test_every_corpus_of_the_menu_can_be_made(compose_config):
    from hydra.utils import instantiate

    from ner.corpus.source import Source
    from ner.resources import conf_directory

    for path in (conf_directory() / "corpus").glob("*.yaml"):
        needed = [
            f"corpus.{option}=x"
            for option in ("root", "train", "validation", "test")
            if f"{option}: ???" in path.read_text()
        ]
        cfg = compose_config("prepare", f"corpus={path.stem}", *needed)
        assert isinstance(instantiate(cfg.corpus, _convert_="all"), Source)


@pytest.mark.slow
@pytest.mark.parametrize("formalism", ["ud", "sd"])
def test_the_sample_needs_no_java(compose_config, monkeypatch, tmp_path, formalism):
    monkeypatch.setenv("PATH", "")
    cfg = compose_config("prepare", "corpus=sample", f"dependencies={formalism}", f"prepared_root={tmp_path}")
    prepared = load(prepared_corpus(cfg), formalism=formalism)
    assert prepared.path.name.startswith(f"sample-{formalism}-")
    relations = {relation for row in prepared.splits["test"]["relations"] for relation in row}
    assert ("obl" in relations) == (formalism == "ud")
    assert ("pobj" in relations) == (formalism == "sd")


def test_published_counts_stand_beside_those_of_ontonotes():
    counts = {"documents": 207, "sentences": 8262, "tokens": 152728, "entities": 11257}
    conversion = {"sentences": 8262, "without tree": 2}
    manifest = {"source": {"component": "OntonotesSource"}, "counts": {"test": {**counts, "conversion": conversion}}}
    lines = summary(json.loads(json.dumps(manifest))).splitlines()
    assert lines[1].split() == ["test", "207", "8,262", "152,728", "11,257"]
    assert lines[2].split() == ["published", *lines[1].split()[1:]]
    assert lines[3] == "test: sentences without a dependency tree: 2 of 8262"
    manifest["source"]["component"] = "ConllxSource"
    assert "published" not in summary(manifest)


def test_the_heads_of_conllx_are_taken_unless_others_are_chosen(compose_config):
    for command, overrides, expected in (
        ("prepare", (), "UniversalDependencies"),
        ("prepare", ("corpus=conllx",), "GivenDependencies"),
        ("train", ("corpus=conllx",), "GivenDependencies"),
        ("tune", ("corpus=conllx",), "GivenDependencies"),
        ("train", ("corpus=conllx", "dependencies=sd"), "StanfordDependencies"),
        ("train", ("corpus=conllx", "experiment=paper"), "StanfordDependencies"),
    ):
        assert compose_config(command, *overrides).dependencies._target_.endswith(f".{expected}")
    for corpus in ("conllx", "columns"):
        options = compose_config("train", f"corpus={corpus}").corpus.keys()
        assert {"_target_", "train", "validation", "test"} <= options
        assert "dependencies" not in options


def test_the_command_refuses_what_is_no_tree_unless_it_may(run_command, options, corpus_files, tmp_path):
    text = (corpus_files / "test.conllx").read_text()
    lines = text.splitlines(keepends=True)
    second_root = tmp_path / "two.conllx"
    second_root.write_text(text.replace("\t2\tnsubj", "\t0\tnsubj", 1))
    none = tmp_path / "none.conllx"
    cells = [line.split("\t") for line in lines]
    none.write_text("".join("\t".join([*row[:6], "_", "_", *row[8:]]) if len(row) > 1 else row[0] for row in cells))
    for file, accepting, message in (
        (second_root, ("malformed_trees=repair",), "two.conllx:"),
        (second_root, ("malformed_trees=self_heads",), "one root, found 2"),
        (none, ("missing_trees=self_heads",), "no dependency tree, as 16 of 16 test sentences"),
    ):
        status, error = run_command("prepare", *options, f"corpus.test={file}")
        assert status == 1
        assert message in error
        assert run_command("prepare", *options, f"corpus.test={file}", *accepting)[0] == 0


COLUMNS = "".join(f"-DOCSTART- O\n\nw{number} U-X\nis O\n\n" for number in range(12)) + "w1 U-X\nis O\n"


@pytest.mark.parametrize(("more", "status"), [("", 0), ("\na\n", 1)])
def test_a_dry_run_prepares_nothing(run_command, tmp_path, more, status):
    train = tmp_path / "all.txt"
    train.write_text(COLUMNS + more)
    found, errors = run_command(
        "prepare", "corpus=columns", f"corpus.train={train}", f"prepared_root={tmp_path / 'root'}", "dry=true"
    )
    assert (found, "error: 1 problems; the first are above" in errors) == (status, bool(status))
    assert not (tmp_path / "root").exists()


def test_types_notes_and_overlaps_are_said(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text(COLUMNS)
    prepared = load(prepare(ColumnsSource(train=path, test=path), GivenDependencies(), root=tmp_path / "root"))
    said = summary(prepared.manifest)
    for line in (
        "test: word in column 1, tag in column 2 of 2 (BILOU)",
        "validation: no corpus.validation: 1 of 12 documents",
        "12 of 13 test sentences stand in train too",
    ):
        assert line in said


def test_a_parser_takes_the_place_of_the_trees_in_the_files(run_command, options, tmp_path):
    models = Path(__file__).parent / "stanza_models"
    parser = [
        "dependencies=stanza",
        f"dependencies.directory={models}",
        "dependencies.download=false",
        "+dependencies.options.lemma_use_identity=true",
        "+dependencies.options.tokenize_with_mwt=false",
    ]
    assert run_command("prepare", *(option for option in options if option != "dependencies=given"), *parser)[0] == 0
    (path,) = (path for path in (tmp_path / "prepared").iterdir() if path.is_dir())
    prepared = load(path, formalism="ud")
    assert path.name.startswith("conllx-ud-")
    assert prepared.trees["provider"] == "stanza"
    assert {relation for row in prepared.splits["train"]["relations"] for relation in row} != {"nsubj", "root"}
    assert prepared.manifest["counts"]["train"]["without_tree"] == 0
