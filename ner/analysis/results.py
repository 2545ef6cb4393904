"""What came of the runs below a directory, read from their files: systems, their runs, and what is set aside."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ner.analysis.settings import Settings, name_systems, settings_of
from ner.compatibility import completed
from ner.corpus.sentence import Sentence, Span
from ner.corpus.tags import tags_to_spans
from ner.scoring import Counts, score
from ner.sweep import FAILURE
from ner.training.predictions_file import predictions_path, read_predictions

SPLITS = ("validation", "test")
ROUNDING = 0.002
"""As much may the F1 of predictions differ from that in `scores.json`: another device rounds otherwise."""
DAMAGED = (
    *(AttributeError, EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError),
    *(OmegaConfBaseException, UnpicklingError, YAMLError),
)
"""What reading the files of a run raises where they are not such files."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """A line of `metrics.jsonl`: `loss` is the mean of a token in training, in nats."""

    number: int
    loss: float
    validation_f1: float
    tokens_per_second: float
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """A finished run and what it predicted of a split.

    Attributes:
        name: its directory, as seen from that of the sweep.
        best_epoch: the one with the best validation F1, which the rest is of.
        validation_f1, scores: strict, all types together; `scores` are those of `predicted`.
        num_parameters: None where the weights are gone.
        sentences: of the split, with gold entities and the trees of the run's formalism.
        predicted: the entities predicted of each sentence.
    """

    name: str
    directory: Path
    settings: Settings
    seed: int
    formalism: str
    epochs: tuple[Epoch, ...]
    best_epoch: int
    validation_f1: float
    scores: Counts
    num_parameters: int | None
    sentences: tuple[Sentence, ...]
    predicted: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class System:
    """Runs that differ in their seed only, in its order."""

    name: str
    settings: Settings
    runs: tuple[Result, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        return self.runs[0].sentences

    @property
    def validation_f1(self) -> float:
        """The mean over the seeds."""
        return sum(run.validation_f1 for run in self.runs) / len(self.runs)


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A run that the report leaves out."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """All systems have predicted the same sentences; trees differ where formalisms do."""

    directory: Path
    split: str
    systems: tuple[System, ...]
    set_aside: tuple[SetAside, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """Those of the first system, for what does not depend on the formalism."""
        return self.systems[0].sentences


def read_sweep(directory: Path, *, split: str = "test") -> Sweep:
    """Read the runs in a directory and below it.

    Set aside, with the reason, are runs that failed or are not finished, that have no predictions of the split or not
    those that their scores are of, that repeat another's settings and seed, and those of other sentences than most.

    Raises:
        ValueError: where there is no run, or none of which something can be said.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: choose one of {', '.join(SPLITS)}")
    if not directory.is_dir():
        raise ValueError(f"{directory}: no such directory")
    found = _run_directories(directory)
    if not found:
        raise ValueError(f"{directory}: there is no run in it or below it; `python -m ner.train` makes runs")
    annotations: dict[bytes, tuple[Sentence, ...]] = {}
    results: list[Result] = []
    set_aside: list[SetAside] = []
    for path in found:
        name = path.relative_to(directory).as_posix()
        read = _read(path, name=path.name if name == "." else name, split=split, annotations=annotations)
        if isinstance(read, Result):
            results.append(read)
        else:
            set_aside.append(read)
    results, others = _of_one_corpus(results)
    systems, repeated = _group(results)
    set_aside += [*others, *repeated]
    if not systems:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in set_aside[:3])
        raise ValueError(f"{directory}: none of its {len(found)} runs can be reported on ({reasons})")
    set_aside.sort(key=lambda one: one.name)
    return Sweep(directory=directory, split=split, systems=systems, set_aside=tuple(set_aside))


def _run_directories(directory: Path) -> list[Path]:
    """Those of runs, and of jobs that failed before they were runs."""
    names = ("config.yaml", FAILURE)
    found = {path.parent for name in names for path in directory.rglob(name)}
    # Hydra keeps a config.yaml of its own for each job, in directories that begin with a dot
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(directory).parts))


def _read(
    directory: Path, *, name: str, split: str, annotations: dict[bytes, tuple[Sentence, ...]]
) -> Result | SetAside:
    def aside(reason: str) -> SetAside:
        return SetAside(name=name, reason=reason)

    if (directory / FAILURE).is_file():
        first, *_ = (directory / FAILURE).read_text(encoding="utf-8").splitlines() or [""]
        return aside(f"failed: {first}")
    try:
        config: Any = OmegaConf.to_container(OmegaConf.load(directory / "config.yaml"), resolve=False)
        environment = _json(directory / "environment.json")
        settings = settings_of(completed(config), formalism=environment["formalism"])
        scheme = config["vocabulary"]["scheme"]
        epochs = _epochs(directory / "metrics.jsonl")
        if not (directory / "scores.json").is_file():
            return aside(f"not finished: {len(epochs)} of {config['training']['epochs']} epochs")
        if not epochs:
            raise ValueError("metrics.jsonl holds no epoch")
        scores = _json(directory / "scores.json")
        best_epoch = int(scores["epoch"])
        validation_f1, f1 = (float(scores[name]["strict"]["micro"]["f1"]) for name in ("validation", split))
        num_parameters = _num_parameters(directory / "best.pt")
    except DAMAGED as error:
        return aside(f"not the files of a run ({type(error).__name__}: {error})")
    path = predictions_path(directory, split)
    if not path.is_file():
        return aside(f"no predictions of {split}: `python -m ner.evaluate run={directory} split={split}` writes them")
    try:
        predictions = read_predictions(path)
        key = hashlib.sha256(predictions.annotation.encode()).digest()
        if key not in annotations:
            annotations[key] = predictions.sentences()
        predicted = tuple(_spans(tags, scheme) for tags in predictions.tags)
    except ValueError as error:
        return aside(str(error))
    sentences = annotations[key]
    counts = score((sentence.spans for sentence in sentences), predicted).micro
    if abs(counts.f1 - f1) > ROUNDING:
        remedy = f"`python -m ner.evaluate run={directory} split={split}` writes the first anew"
        return aside(f"{path.name} and scores.json disagree: {remedy}")
    return Result(
        name=name,
        directory=directory,
        settings=settings,
        seed=int(environment["seed"]),
        formalism=str(environment["formalism"]),
        epochs=epochs,
        best_epoch=best_epoch,
        validation_f1=validation_f1,
        scores=counts,
        num_parameters=num_parameters,
        sentences=sentences,
        predicted=predicted,
    )


def _spans(tags: Sequence[str], scheme: str) -> tuple[Span, ...]:
    return tags_to_spans(tags, scheme=scheme) if tags.count("O") < len(tags) else ()


def _epochs(path: Path) -> tuple[Epoch, ...]:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    records = (json.loads(line) for line in lines if '"validation"' in line and line.endswith("\n"))  # while it grows
    return tuple(
        Epoch(
            number=record["epoch"],
            loss=record["loss_per_token"],
            validation_f1=record["validation"]["micro"]["f1"],
            tokens_per_second=record["tokens_per_second"],
            seconds=record["seconds"],
        )
        for record in records
    )


def _num_parameters(path: Path) -> int | None:
    import torch

    if not path.is_file():
        return None
    state = torch.load(path, map_location="meta", weights_only=True)  # shapes only: nothing else is read
    return sum(int(weights.numel()) for weights in state["tagger"].values())


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _of_one_corpus(results: Sequence[Result]) -> tuple[list[Result], list[SetAside]]:
    """The runs of the sentences that most runs have predicted, and the others."""
    texts = {id(result.sentences): _text(result.sentences) for result in results}  # one tuple a formalism
    numbers = Counter(texts[id(result.sentences)] for result in results)
    if len(numbers) < 2:
        return list(results), []
    most = numbers.most_common(1)[0][0]
    first = next(result.name for result in results if texts[id(result.sentences)] == most)
    kept = [result for result in results if texts[id(result.sentences)] == most]
    return kept, [
        SetAside(name=result.name, reason=f"of another corpus than {first}: give runs= a directory with runs of one")
        for result in results
        if texts[id(result.sentences)] != most
    ]


def _text(sentences: Sequence[Sentence]) -> str:
    """Stands for words and gold entities."""
    content = repr([(sentence.words, [(s.start, s.end, s.label) for s in sentence.spans]) for sentence in sentences])
    return hashlib.sha256(content.encode()).hexdigest()


def _group(results: Sequence[Result]) -> tuple[tuple[System, ...], list[SetAside]]:
    groups: dict[str, dict[int, Result]] = defaultdict(dict)
    repeated = []
    for result in results:
        runs = groups[repr(sorted(result.settings.items()))]
        if result.seed in runs:
            reason = f"settings and seed are those of {runs[result.seed].name}"
            repeated.append(SetAside(name=result.name, reason=reason))
        runs.setdefault(result.seed, result)
    members = [tuple(runs[seed] for seed in sorted(runs)) for runs in groups.values()]
    names = name_systems([runs[0].settings for runs in members])
    systems = (
        System(name=name, settings=runs[0].settings, runs=runs) for name, runs in zip(names, members, strict=True)
    )
    return tuple(sorted(systems, key=lambda system: system.name)), repeated
