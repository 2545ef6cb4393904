"""Commands killed at random moments: what was there stays whole, and the same command ends as if nothing had been.

`make fuzz` kills each of them 40 times, `make test` once. NER_FUZZ_SEED chooses the moments.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from processes import begin, status_of

from ner.corpus.dataset import load
from ner.corpus.jars import JARS, cache_directory
from ner.interruption import _descendants
from ner.training.export import load_export
from ner.training.run import Run
from ner.training.run_directory import is_run

KILLS = int(os.environ.get("NER_FUZZ_KILLS", "1"))
SEED = int(os.environ.get("NER_FUZZ_SEED", "1"))
PATIENCE = 8
"""Seconds in which an interrupted command ends, on a busy machine; on an idle one it has two."""


class Killed:
    """A command that is run to its end, then killed in fresh directories, and run again in each."""

    def __init__(self, root: Path, command: str, *arguments: str) -> None:
        self.root, self.command, self.arguments = root, command, arguments
        self.rng = random.Random(f"{SEED} {command}")
        self.whole = self._fresh("whole")
        begun = time.monotonic()
        assert status_of(begin(self.whole, command, *arguments)) == 0, (self.whole / "output.txt").read_text()
        self.seconds = time.monotonic() - begun

    def _fresh(self, name: str) -> Path:
        (self.root / name).mkdir()
        return self.root / name

    def each(
        self, check: Callable[[Path], object], again: Callable[[Path], tuple[str, ...]] = lambda directory: ()
    ) -> None:
        """Kill the command at KILLS random moments, and call `check` on what it left, before and after it is repeated.

        Args:
            again: gives the arguments with which the command is repeated, none for the same ones.
        """
        for number in range(KILLS):
            directory = self._fresh(f"killed-{number}")
            by = self.rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            process = begin(directory, self.command, *self.arguments)
            time.sleep(self.rng.random() * self.seconds)
            os.kill(process, by)
            begun = time.monotonic()
            status = status_of(process)
            assert time.monotonic() - begun < PATIENCE
            said = (directory / "output.txt").read_text() if (directory / "output.txt").exists() else ""
            assert status in ((0, -by) if by == signal.SIGKILL else (0, 130, -by)), said
            check(directory)
            arguments = again(directory) or self.arguments
            assert status_of(begin(directory, self.command, *arguments)) == 0, (directory / "output.txt").read_text()
            check(directory)
            assert "Traceback" not in (directory / "output.txt").read_text()
            assert not [path for path in directory.rglob("*") if path.name.endswith(".partial")]
            shutil.rmtree(directory)


@pytest.fixture
def prepared(run_directory):
    return json.loads((run_directory / "environment.json").read_text())["prepared"]


def same_files(directory: Path, whole: Path, pattern: str) -> None:
    """Whichever of the files are in a directory are those of the whole."""
    for path in directory.glob(pattern):
        assert path.read_bytes() == (whole / path.relative_to(directory)).read_bytes()


@pytest.mark.slow
def test_a_training_resumes_to_the_same_end(tiny, prepared, tmp_path):
    options = [option for option in tiny if option.split("=")[0].split(".")[0] not in ("corpus", "dependencies")]
    killed = Killed(tmp_path, "train", *options, f"prepared={prepared}", "training.epochs=2", "hydra.run.dir=run")
    begun: list[bool] = []

    def check(directory: Path) -> None:
        if is_run(directory / "run"):
            run = Run.open(directory / "run")
            if (run.directory / "last.pt").is_file():
                run.best_tagger(torch.device("cpu"))
                run.restore(tagger := run.new_tagger(), run.new_optimizer(tagger))
            if run.best_f1 is not None:
                same_files(directory, killed.whole, "run/scores.json")
                same_files(directory, killed.whole, "run/predictions-*.conll")
        begun.append((directory / "run" / "last.pt").is_file())

    killed.each(check, lambda directory: ("resume=run",) if begun[-1] else ())
    assert begun[-1]


def test_a_preparation_is_found_whole_or_not_at_all(corpus_files, tmp_path):
    files = [f"corpus.{split}={corpus_files / split}.conllx" for split in ("train", "validation", "test")]
    killed = Killed(tmp_path, "prepare", "corpus=conllx", *files)

    def check(directory: Path) -> None:
        for path in (directory / "data" / "prepared").glob("[!.]*"):
            load(path)
            same_files(directory, killed.whole, "data/prepared/*/manifest.json")
            same_files(directory, killed.whole, "data/prepared/*/*/*.arrow")

    killed.each(check)


def test_predictions_are_whole_or_not_there(run_directory, corpus_files, tmp_path):
    source = corpus_files / "test.conllx"
    killed = Killed(
        tmp_path, "predict", f"run={run_directory}", f"input={source}", "output=out.jsonl", "overwrite=true"
    )
    killed.each(lambda directory: same_files(directory, killed.whole, "out.jsonl"))


def test_an_export_is_whole_or_not_there(run_directory, tmp_path):
    killed = Killed(tmp_path, "export", f"run={run_directory}", "to=model")

    def check(directory: Path) -> None:
        if (directory / "model").exists():
            load_export(directory / "model", torch.device("cpu"))

    def again(directory: Path) -> tuple[str, ...]:
        shutil.rmtree(directory / "model", ignore_errors=True)  # which it would not write over
        return ()

    killed.each(check, again)


def test_a_report_of_a_run_is_the_same_after_all(sweep_directory, tmp_path):
    killed = Killed(
        tmp_path, "report", f"runs={sweep_directory}", "output=report", "resamples=20", "text=false", "pictures=false"
    )
    killed.each(lambda directory: same_files(directory, killed.whole, "report/*.json"))


@pytest.mark.slow
def test_a_search_goes_on_where_it_was(tiny, prepared, tmp_path):
    optuna = pytest.importorskip("optuna", reason="the search needs Optuna: pip install -e '.[tune]'")
    options = [
        option
        for option in tiny
        if option.split("=")[0].split(".")[0] not in ("corpus", "dependencies")
        and option.split("=")[0] not in ("model.hidden_size", "model.relation_size")
    ]
    search = ("tune.trials=2", "tune.directory=study", "training.epochs=1", "space=sizes", "tune.study=mine")
    killed = Killed(tmp_path, "tune", *options, f"prepared={prepared}", *search)

    def check(directory: Path) -> None:
        if (directory / "study" / "best.json").is_file():
            storage = f"sqlite:///{directory / 'study' / 'study.db'}"
            assert len(optuna.load_study(study_name="mine", storage=storage).trials) == 2
            assert json.loads((directory / "study" / "best.json").read_text())["trial"] in (0, 1)

    killed.each(check)


@pytest.mark.parametrize("formalism", ["ud", "sd"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_java_ends_with_its_command(tmp_path, formalism, by):
    if shutil.which("java") is None or not all((cache_directory() / jar.file_name).is_file() for jar in JARS):
        pytest.skip("no Java, or no CoreNLP in the cache")
    sample = Path(__file__).parents[1] / "data" / "sample"
    (tmp_path / "train.gold_conll").write_bytes((sample / "train.gold_conll").read_bytes() * 10)
    others = [f"corpus.{split}={sample / split}.gold_conll" for split in ("validation", "test")]
    process = begin(
        tmp_path, "prepare", "corpus=conll2012", "corpus.train=train.gold_conll", *others, f"dependencies={formalism}"
    )
    started: list[int] = []
    for _ in range(1200):
        started = _descendants(process)
        if started:
            break
        time.sleep(0.05)
    assert started, (tmp_path / "output.txt").read_text()
    time.sleep(random.random())
    os.kill(process, by)
    begun = time.monotonic()
    assert status_of(process) == 130, (tmp_path / "output.txt").read_text()
    assert time.monotonic() - begun < PATIENCE
    assert [child for child in started if Path(f"/proc/{child}/exe").exists()] == []
    assert not list((tmp_path / "data" / "prepared").glob("[!.]*"))
    assert "Traceback" not in (tmp_path / "output.txt").read_text()
