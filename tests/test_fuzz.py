"""Every file that the program reads, damaged at random: it is read, or refused in a line; never a traceback or a hang.

Files with checksums must be refused whenever a byte differs. `make fuzz` runs 20,000 inputs, `make test` a small dose.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ner.analysis.run_files import Shared, read_run
from ner.corpus.checksums import write_checksums
from ner.corpus.conll2012 import write_conll2012
from ner.corpus.conllx import write_conllx
from ner.corpus.dataset import load
from ner.corpus.sniffing import format_of
from ner.corpus.vectors import read_vectors
from ner.corpus.vocabulary import Vocabularies
from ner.scoring import Scores
from ner.training.loop import Epoch, Progress
from ner.training.predictions_file import read_predictions
from ner.training.run import Run

INPUTS = int(os.environ.get("NER_FUZZ_INPUTS", "240"))
SEED = int(os.environ.get("NER_FUZZ_SEED", "1"))
SECONDS = 20
"""In which an input is read, on a busy machine."""
TOKENS = (
    *(b"\0", b"\n", b"\n\n", b"\t", b" ", b"\r\n", b"\xff", b"\xef\xbb\xbf", b"\xc3", b"\x1b[2J", b"\xe2\x80\xa8"),
    *(b"-1", b"0", b"1e999", b"NaN", b"Infinity", b"99999999999999999999", b"9" * 5000, b"null", b"true", b"3.5"),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b"[" * 3000,
        b'"',
        b"'",
        b"*",
        b"(",
        b")",
        b"_",
        b"B-",
        b"&a",
        b"*a",
        b"!!python/name:os",
    ),
    *(
        b"${oc.env:HOME}",
        b"_target_: os.system",
        b"ner.model.tagger.bilstm_crf",
        b"# newdoc id = x",
        b"#begin document",
    ),
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A few changes: of a bit, of a number of bytes, a token put in, a part removed, repeated, moved or cut off."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        start = rng.randrange(len(content) + 1)
        end = min(start + rng.choice((1, 2, 8, 64, 1000)), len(content))
        part = content[start:end]
        new = rng.choice(
            (
                bytes([part[0] ^ 1 << rng.randrange(8)]) + part[1:] if part else b"x",
                rng.randbytes(len(part)),
                rng.choice(TOKENS),
                rng.choice(TOKENS) + part,
                b"",
                part * rng.choice((2, 2, 50)),
                part[::-1],
            )
        )
        content = content[:start] + new + (b"" if rng.random() < 0.05 else content[end:])
    return content


@pytest.fixture(scope="module")
def material(run_directory, sentences, tmp_path_factory):
    """Whole files to damage."""
    directory = tmp_path_factory.mktemp("whole")
    write_conllx(sentences[:6], directory / "a.conllx")
    shutil.copy(directory / "a.conllx", directory / "a.conllu")
    write_conll2012(sentences[:6], directory / "a.gold_conll")
    rows = "".join(f"{word} O\n" for word in sentences[0].words) + "\nAda B-PER\nmet O\nUlm B-LOC\n"
    (directory / "a.txt").write_text(rows)
    (directory / "vectors.txt").write_text("3 4\n" + "".join(f"w{n} 0.1 -2 3e-1 {n}\n" for n in range(3)))
    (directory / "vectors.bin").write_bytes(b"2 3\n" + b"".join(w + b" " + os.urandom(12) for w in (b"a", b"b")))
    shutil.copytree(run_directory, directory / "run")
    shutil.copytree(json.loads((run_directory / "environment.json").read_text())["prepared"], directory / "prepared")
    return directory


def read_corpus(path: Path) -> None:
    for sentence in format_of(path).read_path(path):
        assert len(sentence)


def use_run(directory: Path) -> None:
    run = Run.open(directory)
    assert run.best_f1 is None or 0 <= run.best_f1 <= 1
    run.best_progress()
    run.best_tagger(torch.device("cpu"))
    read_run(directory, name="run", split="test", shared=Shared())


def resume_run(directory: Path) -> None:
    run = Run.open(directory)
    tagger = run.new_tagger()
    run.restore(tagger, run.new_optimizer(tagger))


def read_prepared(directory: Path) -> None:
    for rows in load(directory).splits.values():
        assert len(rows[:]["words"])


def read_strangers_prepared(directory: Path) -> None:
    """Whose checksums are those of the damaged files."""
    write_checksums(directory)
    read_prepared(directory)


IS_SEALED = True
OF_FILES = ("a.", "vectors", "predictions", "vocabularies")
TARGETS: dict[str, tuple[str, str, Callable[[Path], object], bool]] = {
    "CoNLL-X": (".", "a.conllx", read_corpus, False),
    "CoNLL-U": (".", "a.conllu", read_corpus, False),
    "CoNLL-2012": (".", "a.gold_conll", read_corpus, False),
    "columns": (".", "a.txt", read_corpus, False),
    "vectors": (".", "vectors.txt", read_vectors, False),
    "binary vectors": (".", "vectors.bin", read_vectors, False),
    "predictions": ("run", "predictions-test.conll", lambda path: read_predictions(path).sentences(), False),
    **{
        f"a run's {name}": ("run", name, use_run, False)
        for name in ("config.yaml", "environment.json", "scores.json", "metrics.jsonl")
    },
    "a stranger's vocabularies.json": ("run", "vocabularies.json", Vocabularies.load, False),
    **{
        f"a stranger's {name}": ("prepared", name, read_strangers_prepared, False)
        for name in ("manifest.json", "train/data-00000-of-00001.arrow")
    },
    "a run's vocabularies.json": ("run", "vocabularies.json", lambda path: use_run(path.parent), IS_SEALED),
    "a run's best.pt": ("run", "best.pt", use_run, IS_SEALED),
    "a run's last.pt": ("run", "last.pt", resume_run, IS_SEALED),
    **{
        f"a prepared corpus' {name}": ("prepared", name, read_prepared, IS_SEALED)
        for name in (
            *("manifest.json", "SHA256SUMS", "dataset_dict.json"),
            *("train/state.json", "train/dataset_info.json", "train/data-00000-of-00001.arrow"),
        )
    },
}


def refusal_of(read: Callable[[Path], object], path: Path) -> str | None:
    try:
        read(path)
    except (ValueError, OSError, FloatingPointError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("target", TARGETS)
def test_a_damaged_file_is_read_or_refused_in_a_line(material, tmp_path, target):
    place, name, read, is_sealed = TARGETS[target]
    directory = tmp_path / "copy"
    if place == ".":
        directory.mkdir()
    else:
        shutil.copytree(material / place, directory)
    whole, path = (material / place / name).read_bytes(), directory / name
    rng = random.Random(f"{SEED} {target}")
    previous = signal.signal(signal.SIGALRM, _too_long)
    try:
        for number in range(max(INPUTS // len(TARGETS), 1)):
            content = damaged(whole, rng)
            path.write_bytes(content)
            signal.alarm(SECONDS)
            refusal = refusal_of(read, path if name.startswith(OF_FILES) else directory)
            signal.alarm(0)
            assert refusal is None or len(refusal.splitlines()) == 1, f"input {number}: {refusal!r}"
            assert not is_sealed or refusal or content == whole, f"input {number} is other data, unnoticed"
    finally:
        signal.signal(signal.SIGALRM, previous)


def _too_long(number: int, frame: object) -> None:
    raise AssertionError(f"an input takes more than {SECONDS} seconds")


@pytest.mark.parametrize("operation", ["fsync", "replace", "open"])
def test_whichever_write_fails_the_run_stays_as_it_was(run_directory, tmp_path, monkeypatch, operation):
    """The n-th call of an operation on the disk fails, for every n until all that is to be written is written."""
    directory = shutil.copytree(run_directory, tmp_path / "run")
    run = Run.open(directory)
    tagger = run.new_tagger()
    optimizer = run.new_optimizer(tagger)
    run.restore(tagger, optimizer)
    epoch = Epoch(
        progress=Progress(epoch=6, step=50, best_epoch=6, best_f1=1.0),
        loss_per_sentence=1.0,
        loss_per_token=1.0,
        gradient_norm=1.0,
        learning_rate=1.0,
        tokens_per_second=1.0,
        seconds=1.0,
        scores=Scores({}),
    )
    assert epoch.is_best
    before = {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    owner = os if operation == "fsync" else Path
    original = getattr(owner, operation)
    for number in range(20):
        calls = iter(range(100))

        def fail(*arguments, number=number, calls=calls):
            if arguments[1:] != ("rb",) and next(calls) == number:
                raise OSError(errno.ENOSPC, "No space left on device")
            return original(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(owner, operation, fail)
            refusal = refusal_of(lambda run: run.save(tagger, optimizer, epoch), run)
        if refusal is None:
            break
        assert "No space left on device" in refusal
        changed = [path.name for path, content in before.items() if path.read_bytes() != content]
        assert changed == ["best.pt"][:number], "either as before, or the first of two files complete"
        assert {path for path in directory.iterdir() if path.is_file()} == set(before)
        Run.open(directory).best_tagger(torch.device("cpu"))
    assert number == 2
