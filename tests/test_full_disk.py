"""Disks on which something cannot be written: a line says so, what was there stays whole, and nothing is half-done.

`make fuzz` tries each fault on each command, `make test` some, which NER_FUZZ_SEED chooses.
"""

from __future__ import annotations

import errno
import json
import os
import random
import re
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from processes import begin, status_of

from ner.corpus.dataset import load
from ner.training.export import load_export
from ner.training.run import Run
from ner.training.run_directory import is_run

FAULTS = int(os.environ.get("NER_FUZZ_FAULTS", "1"))
SEED = int(os.environ.get("NER_FUZZ_SEED", "1"))
VARYING = re.compile(
    r"events\.out|\.log$|\.lock$|\.db$|metrics\.jsonl|\.hydra|output\.txt|environment\.json|\.pt$|/tables/timing|"
    r"/state\.json|SHA256SUMS"
)
"""Files with times, paths, random numbers or random names in them, or sums of such."""


def no_larger_than(size: int) -> Callable[[], None]:
    """From now on no file of this process grows beyond a size."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def failing(operation: str, number: int) -> Callable[[], None]:
    """From now on, the call of that number of an operation of `os` fails, as on a full disk, and all after it."""

    def patch() -> None:
        original, calls = getattr(os, operation), iter(range(10**6))

        def fail(*arguments: object, **options: object) -> object:
            if next(calls) >= number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return original(*arguments, **options)

        setattr(os, operation, fail)

    return patch


POSSIBLE = {
    **{f"{size} bytes": no_larger_than(size) for size in (0, 100, 2_000, 20_000)},
    **{
        f"{operation} {number}": failing(operation, number)
        for operation in ("fsync", "replace", "rename")
        for number in range(3)
    },
}


def run(directory: Path, command: str, *arguments: str, before: Callable[[], object] = lambda: None) -> tuple[int, str]:
    """Run a command to its end: its exit status, and what it said, which no fault keeps back."""
    reading, writing = os.pipe()

    def told() -> None:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        before()

    process = begin(directory, command, *arguments, before=told)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as said:
        text = said.read()
    return status_of(process), text


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name not in ("output.txt",)
    }


def usable(directory: Path) -> None:
    """Whatever a directory has can be read."""
    for path in [directory, *filter(Path.is_dir, directory.rglob("[!.]*"))]:
        if (path / "manifest.json").is_file():
            load(path)
        if (path / "model.safetensors").is_file():
            load_export(path, torch.device("cpu"))
        if is_run(path):
            found = Run.open(path)
            if (path / "last.pt").is_file():
                found.best_tagger(torch.device("cpu"))
                found.restore(tagger := found.new_tagger(), found.new_optimizer(tagger))
            if (metrics := path / "metrics.jsonl").is_file():  # the first epoch makes it
                assert all(map(json.loads, metrics.read_text().splitlines()))


@pytest.fixture(scope="module")
def commands(run_directory, corpus_files, tiny):
    """The command lines, by name; what is there before is `run`, and what the command has written once before."""
    splits = [f"corpus.{split}={corpus_files / split}.conllx" for split in ("train", "validation", "test")]
    prepared = json.loads((run_directory / "environment.json").read_text())["prepared"]
    own = [option for option in tiny if option.split("=")[0].split(".")[0] not in ("corpus", "dependencies")]
    source = corpus_files / "test.conllx"
    return {
        "prepare": ("prepare", "corpus=conllx", *splits),
        "train": ("train", *own, f"prepared={prepared}", "training.epochs=1", "hydra.run.dir=new"),
        "resume": ("train", "resume=run", "training.epochs=6", f"prepared={prepared}"),
        "jsonl": ("predict", "run=run", f"input={source}", "output=out.jsonl", "overwrite=true"),
        "html": ("predict", "run=run", f"input={source}", "output=out.html", "overwrite=true"),
        "conll": ("predict", "run=run", f"input={source}", "output=out.conllx", "overwrite=true"),
        "brat": ("predict", "run=run", f"input={source}", "output=brat", "output_format=brat", "overwrite=true"),
        "evaluate": ("evaluate", "run=run", f"prepared={prepared}"),
        "export": ("export", "run=run", "to=model"),
        "calibrate": ("calibrate", "run=run"),
        "report": ("report", "runs=run", "output=report", "resamples=20", "pictures=false"),
    }


@pytest.mark.parametrize(
    "name",
    ["prepare", "train", "resume", "jsonl", "html", "conll", "brat", "evaluate", "export", "calibrate", "report"],
)
def test_on_a_full_disk_everything_stays_whole(commands, run_directory, tmp_path, name):
    command, *arguments = commands[name]
    whole = tmp_path / "whole"
    shutil.copytree(run_directory, whole / "run")
    status, said = run(whole, command, *arguments)
    assert status == 0, said
    after = contents(whole)
    rng = random.Random(f"{SEED} {name}")
    chosen = sorted(rng.sample(sorted(POSSIBLE), min(FAULTS, len(POSSIBLE))))
    for number, fault in enumerate(chosen):
        directory = tmp_path / f"fault-{number}"
        shutil.copytree(run_directory, directory / "run")
        if name in ("jsonl", "html", "conll"):
            (directory / arguments[2].removeprefix("output=")).write_text("what was there before\n")
        before = contents(directory)
        status, said = run(directory, command, *arguments, before=POSSIBLE[fault])
        assert "Traceback" not in said, f"{fault}: {said}"
        assert status in (0, 1), f"{fault}: {said}"
        if status:
            last = said.splitlines()[-1]
            assert re.match(r"error: .*(No space left on device|File too large)", last), f"{fault}: {said}"
        found = contents(directory)
        for path, content in found.items():
            assert ".partial" not in path or path.startswith("data/prepared/."), f"{fault}: {path}"
            if not VARYING.search(path) and not path.startswith("data/prepared/."):
                assert content in (before.get(path), after.get(path)), f"{fault}: {path} is neither old nor new"
        may_go = {"run/scores.json"} if name == "resume" else set()
        if found.get("run/best.pt") != before.get("run/best.pt"):
            may_go |= {"run/calibration.json"}
        assert before.keys() - found.keys() <= may_go, fault
        usable(directory)
        if name == "train":
            shutil.rmtree(directory / "new", ignore_errors=True)
        if name != "export" or status:
            status, said = run(directory, command, *arguments)
            assert status == 0, f"after {fault}: {said}"
        found = contents(directory)
        assert not [path for path in found if ".partial" in path], fault
        assert {path for path in found if not VARYING.search(path)} == {
            path for path in after if not VARYING.search(path)
        }, fault
