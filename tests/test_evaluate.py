import json
import shutil

import pytest

from ner.corpus.dataset import load
from ner.corpus.files import sha256
from ner.corpus.tags import tags_to_spans
from ner.scoring import score_tags


@pytest.fixture
def run(run_directory, tmp_path):
    """A copy of the run, for its scores."""
    return shutil.copytree(run_directory, tmp_path / "run")


def test_scores_a_split_as_training_did(run, run_command):
    assert run_command("evaluate", f"run={run}", "split=test", "device=cpu") == (0, "")
    scores = json.loads((run / "scores-test.json").read_text())
    expected = json.loads((run / "scores.json").read_text())["test"]
    for mode in ("strict", "conlleval", "released"):
        assert scores[mode] == expected[mode]
    assert scores["sentences"] == 16
    assert scores["epoch"] == json.loads((run / "scores.json").read_text())["epoch"]


def test_another_precision_leaves_the_results_of_the_run(run, run_command, monkeypatch):
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: True)
    before = {path: sha256(path) for path in run.rglob("*") if path.is_file()}
    assert run_command("evaluate", f"run={run}", "precision=bfloat16", "device=cpu") == (0, "")
    assert {path: sha256(path) for path in before} == before
    added = {path.name for path in run.rglob("*") if path.is_file() and path not in before}
    assert added == {"scores-test-bfloat16.json", "predictions-test-bfloat16.conll"}


def test_predictions_are_the_corpus_with_two_columns_of_tags(run, run_command):
    by_training = (run / "predictions-validation.conll").read_bytes()
    (run / "predictions-validation.conll").unlink()
    run_command("evaluate", f"run={run}", "split=validation")
    assert (run / "predictions-validation.conll").read_bytes() == by_training
    blocks = (run / "predictions-validation.conll").read_text().strip().split("\n\n")
    prepared = json.loads((run / "environment.json").read_text())["prepared"]
    rows = load(run.__class__(prepared)).splits["validation"]
    columns = [list(zip(*(line.split("\t") for line in block.splitlines()), strict=True)) for block in blocks]
    assert [list(column[0]) for column in columns] == list(rows["words"])
    assert [list(column[1]) for column in columns] == list(rows["pos"])
    assert [set(column[4]) for column in columns] == [{document} for document in rows["document"]]
    assert [list(column[5]) for column in columns] == list(rows["tags"])
    assert columns[0][2] == ("2", "0", "4", "2", "2") or columns[0][2] == ("2", "0", "2", "3")
    scores = json.loads((run / "scores-validation.json").read_text())
    again = score_tags([column[5] for column in columns], [column[6] for column in columns])
    assert again.to_dict() == scores["strict"]


def test_files_are_scored_like_the_split_they_became(run, run_command, corpus_files):
    own = {path.name: path.read_bytes() for path in run.glob("*.*")}
    assert run_command("evaluate", f"run={run}", f"files={corpus_files / 'test.conllx'}")[0] == 0
    assert {name: (run / name).read_bytes() for name in own} == own
    (scores,) = run.glob("scores-test-*.json")
    (predictions,) = run.glob("predictions-test-*.conll")
    assert predictions.stem.removeprefix("predictions") == scores.stem.removeprefix("scores")
    from_files = json.loads(scores.read_text())
    assert run_command("evaluate", f"run={run}", "split=test")[0] == 0
    assert from_files == json.loads((run / "scores-test.json").read_text())


def test_files_without_an_entity_are_said_to_have_none(run, run_command, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("ner.evaluate.log.warning", lambda text, *values: said.append(text % values))
    path = tmp_path / "untagged.conll"
    path.write_text("Ada\nmet\n")
    assert run_command("evaluate", f"run={run}", f"files={path}", "missing_trees=self_heads")[0] == 0
    (warning,) = said
    assert warning.startswith(f"{path}: no entity to score by; how tags are looked for: none of its 1 columns holds")


def test_whatever_files_are_given_the_results_of_the_run_stay(run, run_command, corpus_files, tmp_path):
    mixed, broken, unnamed, empty = (tmp_path / name for name in ("mixed", "broken", "unnamed", "empty"))
    for folder in (mixed, broken, unnamed, empty):
        folder.mkdir()
    shutil.copy(corpus_files / "test.conllx", mixed)
    (mixed / "columns.txt").write_text("Ada B-PER\nleft O\n")
    shutil.copy(corpus_files / "test.conllx", broken)
    (broken / "lost.conllx").symlink_to("nowhere")
    shutil.copy(corpus_files / "test.conllx", unnamed)
    shutil.copy(corpus_files / "train.conllx", unnamed / "train.txt")
    own = {path: sha256(path) for path in run.rglob("*") if path.is_file()}
    for given, status, message in (
        (mixed, 1, "files of several formats"),
        (broken, 1, "lost.conllx is no file"),
        (unnamed, 1, "train.txt is conllx, but not by its name"),
        (empty, 1, "no file below this directory matches"),
        (run, 1, "predictions-test.conll"),
        (run / "config.yaml", 1, "config.yaml"),
        (corpus_files, 0, ""),
    ):
        found, errors = run_command("evaluate", f"run={run}", f"files={given}")
        assert found == status, errors
        assert message in errors
        assert len(errors.splitlines()) == status, errors
        assert {path: sha256(path) for path in own} == own
        assert status == 0 or {path for path in run.rglob("*") if path.is_file()} == {*own}


def test_entities_of_labels_unseen_in_training_count(run, run_command, corpus_files, tmp_path):
    text = (corpus_files / "test.conllx").read_text().replace("-GPE", "-LAW")
    (tmp_path / "law.conllx").write_text(text)
    run_command("evaluate", f"run={run}", f"files={tmp_path / 'law.conllx'}")
    (path,) = run.glob("scores-law-*.json")
    scores = json.loads(path.read_text())
    assert scores["strict"]["labels"]["LAW"]["support"] == 8
    assert scores["strict"]["labels"]["LAW"]["recall"] == 0


def test_another_prepared_corpus(run, run_command):
    prepared = json.loads((run / "environment.json").read_text())["prepared"]
    assert run_command("evaluate", f"run={run}", f"prepared={prepared}")[0] == 0
    (path,) = run.glob("scores-conllx-given-*-test.json")
    assert tags_to_spans(()) == ()
    assert json.loads(path.read_text())["strict"] == json.loads((run / "scores.json").read_text())["test"]["strict"]


def test_results_go_where_they_are_asked_for(run, run_command, corpus_files, tmp_path):
    before = {path: path.read_bytes() for path in run.glob("*.*")}
    options = (f"files={corpus_files / 'test.conllx'}", f"output={tmp_path / 'a' / 'b'}")
    assert run_command("evaluate", f"run={run}", *options)[0] == 0
    assert len(list((tmp_path / "a" / "b").iterdir())) == 2
    assert {path: path.read_bytes() for path in run.glob("*.*")} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["run=/nowhere"], "error: run=/nowhere is not the directory of a run"),
        (["split=dev"], "error: unknown split 'dev': choose one of train, validation, test"),
        (["prepared=/nowhere"], "error: prepared=/nowhere: not a prepared corpus"),
        (["files=/nowhere"], "error: files=/nowhere: no such file or directory"),
        (["files=x", "prepared=y"], "error: files and prepared are two things to score"),
        (["dependencies=ud"], "error: dependencies are for files"),
        (["device=tpu"], "error: device is 'tpu': it must be auto, cpu or cuda"),
    ],
)
def test_errors_are_one_line(run, run_command, options, message):
    status, errors = run_command("evaluate", f"run={run}", *options)
    assert status == 1
    assert errors.startswith(message)
    assert len(errors.splitlines()) == 1


def test_another_formalism_is_refused(run, run_command):
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps(environment | {"formalism": "sd"}))
    status, errors = run_command("evaluate", f"run={run}")
    assert status == 1
    assert "'given'" in errors
    assert "'sd'" in errors


def test_a_changed_corpus_is_refused(run, run_command):
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps(environment | {"digest": "0"}))
    status, errors = run_command("evaluate", f"run={run}")
    assert status == 1
    assert "no longer the corpus that the run was trained on" in errors


def test_another_prepared_corpus_may_lack_trees(run, run_command, tmp_path):
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.conll").write_text("Ann B-PER\nlives O\n\nhere O\n")
    files = [f"corpus.{split}={tmp_path / split}.conll" for split in ("train", "validation", "test")]
    status, output = run_command(
        "prepare", "corpus=columns", *files, "missing_trees=self_heads", f"prepared_root={tmp_path / 'prepared'}"
    )[:2]
    assert status == 0, output
    (prepared,) = (path for path in (tmp_path / "prepared").iterdir() if path.is_dir())
    status, output = run_command("evaluate", f"run={run}", f"prepared={prepared}")[:2]
    assert status == 1
    assert "missing_trees=self_heads accepts them" in output
    assert run_command("evaluate", f"run={run}", f"prepared={prepared}", "missing_trees=self_heads")[0] == 0
