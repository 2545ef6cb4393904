"""What all tests share: the real configuration, a tiny corpus of invented text, and a run trained on it."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import chromium
import pytest
import torch
from encoders import save_encoder
from hydra import compose, initialize_config_dir
from hypothesis import settings
from omegaconf import DictConfig, OmegaConf

from ner.components import menu_choices
from ner.corpus.conllx import write_conllx
from ner.corpus.files import write_json
from ner.corpus.rows import to_table
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.tags import spans_to_tags
from ner.resources import conf_directory
from ner.schemas import register
from ner.scoring import score
from ner.training.predictions_file import write_predictions

# One thread: on busy cores, two that wait for each other take many times as long. tests/test_threads.py takes more.
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start
torch.set_num_threads(1)

settings.register_profile("ner", deadline=None)  # the first example imports what it needs
settings.load_profile("ner")

Compose = Callable[..., DictConfig]
WriteRun = Callable[..., Path]

PEOPLE = ["Ada", "Bruno", "Chiara", "Dmitri", "Edda", "Fritz", "Gita", "Hugo"]
TOWNS = ["Ulm", "Graz", "Basel", "Turin"]
TINY = (
    "corpus=conllx",
    "dependencies=given",
    "model.word_size=12",
    "model.hidden_size=16",
    "model.relation_size=4",
    "model.characters.embedding_size=4",
    "model.characters.hidden_size=6",
    "training.batch_size=4",
    "training.log_every=3",
    "model.characters.dropout=0.1",
    "model.input_dropout=0.1",
    "model.between_dropout=0.1",
    "model.output_dropout=0.1",
    "optimizer.learning_rate=0.05",
    "vocabulary.min_count=1",
    "device=cpu",
    "threads=1",
)


@pytest.fixture(scope="session")
def compose_config() -> Compose:
    """Composes a command's real configuration: `compose_config("train", "model=bilstm_crf")`."""
    register()

    def compose_one(command: str, *overrides: str) -> DictConfig:
        with initialize_config_dir(str(conf_directory()), version_base="1.3"):
            return compose(command, list(overrides))

    return compose_one


@pytest.fixture(scope="session")
def compose_choices(compose_config: Compose) -> Callable[..., dict[str, str]]:
    """What overrides of a training choose from the menu, as Hydra says it: `compose_choices("model=bilstm_crf")`."""

    @cache
    def choices(*overrides: str) -> dict[str, str]:
        with initialize_config_dir(str(conf_directory()), version_base="1.3"):
            composed = compose("train", list(overrides), return_hydra_config=True)
        return menu_choices(composed.hydra.runtime.choices)

    return choices


@pytest.fixture(scope="session")
def sentences() -> list[Sentence]:
    """Two patterns over a few names; in the second, the first name of a person is the name of a town elsewhere."""
    made = []
    for person, town in product(PEOPLE, TOWNS):
        made.append(
            Sentence(
                words=(person, "lives", "in", town, "."),
                spans=(Span(0, 1, "PERSON"), Span(3, 4, "GPE")),
                pos=("NNP", "VBZ", "IN", "NNP", "."),
                tree=DependencyTree((1, 1, 3, 1, 1), ("nsubj", "root", "case", "obl", "punct")),
                document="nw/tiny",
            )
        )
        made.append(
            Sentence(
                words=("We", "met", town, person),
                spans=(Span(2, 4, "PERSON"),),
                pos=("PRP", "VBD", "NNP", "NNP"),
                tree=DependencyTree((1, 1, 1, 2), ("nsubj", "root", "obj", "flat")),
                document="bc/tiny",
            )
        )
    return made


@pytest.fixture(scope="session")
def corpus_files(sentences: list[Sentence], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `train.conllx`, `validation.conllx` and `test.conllx`."""
    directory = tmp_path_factory.mktemp("corpus")
    half = len(sentences) // 2
    for split, chosen in (
        ("train", sentences[:half]),
        ("validation", sentences[half : half + half // 2]),
        ("test", sentences[half + half // 2 :]),
    ):
        write_conllx(chosen, directory / f"{split}.conllx")
    return directory


@pytest.fixture(scope="session")
def tiny(corpus_files: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Overrides for a training that takes a second."""
    root = tmp_path_factory.mktemp("prepared")
    splits = [f"corpus.{split}={corpus_files / split}.conllx" for split in ("train", "validation", "test")]
    return [*TINY, *splits, f"prepared_root={root}"]


@pytest.fixture(scope="session")
def encoders(sentences: list[Sentence], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of tiny random encoders as `save_pretrained` leaves them, by the kind of their tokenizer.

    `wordpiece` (a BERT without case), `bpe` (a RoBERTa) or `unigram` (a DeBERTa v2); each takes 40 pieces at most.
    """
    root = tmp_path_factory.mktemp("encoders")
    texts = [" ".join(sentence.words) for sentence in sentences]

    @cache
    def folder(kind: str) -> Path:
        save_encoder(root / kind, kind, texts)
        return root / kind

    return folder


@pytest.fixture(scope="session")
def run_directory(compose_config: Compose, tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five epochs; tests leave it as it is."""
    from ner.train import train_and_score

    directory = tmp_path_factory.mktemp("runs") / "run"
    train_and_score(compose_config("train", *tiny, "training.epochs=5"), directory)
    return directory


@pytest.fixture(scope="session")
def write_run(compose_config: Compose, compose_choices: Callable[..., dict[str, str]]) -> WriteRun:
    """Writes the files of a finished run that was never trained: `write_run(directory, sentences, predicted, ...)`.

    `predicted` holds the entities of each sentence, for validation and test alike; more arguments are overrides.
    """
    composed = cache(lambda *overrides: compose_config("train", *overrides))

    def write(
        directory: Path,
        sentences: Sequence[Sentence],
        predicted: Sequence[Sequence[Span]],
        *overrides: str,
        seed: int = 1,
        formalism: str = "ud",
        digest: str = "0" * 64,
    ) -> Path:
        cfg = OmegaConf.merge(composed(*overrides), {"seed": seed})
        directory.mkdir(parents=True)
        OmegaConf.save(cfg, directory / "config.yaml", resolve=True)
        environment = {
            "formalism": formalism,
            "digest": digest,
            "prepared": f"/data/corpus-{digest[:10]}",
            "seed": seed,
        }
        write_json(directory / "environment.json", {**environment, "choices": compose_choices(*overrides)})
        columns = to_table(sentences).to_pydict()
        tags = [spans_to_tags(spans, len(sentence)) for spans, sentence in zip(predicted, sentences, strict=True)]
        for split in ("validation", "test"):
            write_predictions(directory / f"predictions-{split}.conll", columns, tags)
        scores = score((sentence.spans for sentence in sentences), predicted, task=cfg.task).to_dict()
        epochs = [
            {
                "epoch": number,
                "loss_per_token": 1 / number,
                "validation": scores,
                "tokens_per_second": 1e4,
                "seconds": 2.0,
            }
            for number in (1, 2)
        ]
        (directory / "metrics.jsonl").write_text("".join(json.dumps(epoch) + "\n" for epoch in epochs))
        write_json(
            directory / "scores.json", {"epoch": 2, "validation": {"strict": scores}, "test": {"strict": scores}}
        )
        return directory

    return write


@pytest.fixture(scope="session")
def sweep_directory(write_run: WriteRun, sentences: list[Sentence], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two systems with two seeds each, one with trees and nearly right, and a run that is not finished."""
    directory = tmp_path_factory.mktemp("sweep")
    mistakes: list[Callable[[Span], list[Span]]] = [
        lambda span: [],
        lambda span: [Span(span.start, span.end, "ORG")],
        lambda span: [Span(span.start, span.end + 1, span.label)] if span.start == 0 else [],
        lambda span: [Span(span.start, span.start + 1, "GPE"), *([Span(1, 2, "ORG")] if span.start > 1 else [])],
    ]

    def predict(*, every: int, seed: int) -> list[tuple[Span, ...]]:
        """What is gold, but for the last entity of every so many sentences, and of some that the seed chooses."""
        found = []
        for number, sentence in enumerate(sentences):
            *before, last = sentence.spans
            is_wrong = number % every == 0 or (number + seed) % 11 == 0
            spans = [*before, *(mistakes[(number + seed) % 4](last) if is_wrong else [last])]
            found.append(tuple(sorted(set(spans))))
        return found

    for model, every in (("dglstm_crf", 9), ("bilstm_crf", 3)):
        for seed in (1, 2):
            predicted = predict(every=every, seed=seed)
            write_run(directory / f"{model}-{seed}", sentences, predicted, f"model={model}", seed=seed)
    (write_run(directory / "late", sentences, predicted, seed=3) / "scores.json").unlink()
    return directory


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Opens a page in Chromium and asks it something: `ask(document, probes, ...)`, see `chromium.ask`."""
    if chromium.find() is None:
        pytest.skip(f"no browser to look at the page with: none of {', '.join(chromium.NAMES)} is on the PATH")
    return lambda *arguments, **options: chromium.ask(tmp_path_factory.mktemp("page"), *arguments, **options)


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command in this process as `python -m` would: `run_command("evaluate", "run=RUN")`.

    Gives its exit status and the text it wrote to the standard error.
    """

    def run(command: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", [f"ner-{command}", *arguments])
        monkeypatch.setattr("ner.interruption.PATIENCE", 10**6)  # this process goes on
        monkeypatch.setattr("ner.interruption.leave", lambda: None)
        monkeypatch.setattr("logging.raiseExceptions", True)
        status = 0
        try:
            importlib.import_module(f"ner.{command}").main()
        except SystemExit as end:
            status = int(end.code or 0)
        return status, capfd.readouterr().err

    return run
