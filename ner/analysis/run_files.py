"""The files of one run, validated as they are read: they may be damaged, or a stranger's."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.analysis.breakdown import KnownWords
from ner.analysis.settings import Settings, settings_of
from ner.compatibility import completed
from ner.corpus.sentence import Sentence, Span
from ner.corpus.tags import tags_to_spans
from ner.corpus.vocabulary import MOST_BYTES, Vocabularies
from ner.overrides import pasted
from ner.scoring import Counts, score
from ner.stored import MEGABYTE, field, first_line, integer, number, parse_json, read_bounded, read_json, read_yaml
from ner.stored import name as name_field
from ner.stored import string as text_field
from ner.training.predictions_file import parse_predictions, predictions_path
from ner.training.run_directory import FAILURE

ROUNDING = 0.002
"""How far the F1 of the predictions may be from the one in `scores.json`: another device rounds differently."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_GROUP = re.compile(r"[a-z_]+(/[a-z_]+)*(@[\w.]+)?")
_OPTION = re.compile(r"[\w.+-]{1,100}")


class Unusable(ValueError):
    """A run that cannot be reported on, and why."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """A line of `metrics.jsonl`: `loss` is the mean over the training tokens, in nats."""

    number: int
    loss: float
    validation_f1: float
    tokens_per_second: float
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """A finished run and its predictions for a split.

    Attributes:
        name: its directory, relative to the one that is reported on.
        choices: the option of the menu in each group, `{"model/interaction": "mlp"}`; empty where it was not kept.
        digest: of the prepared corpus, see `ner.corpus.dataset.Prepared`; `corpus` is the name of its directory.
        best_epoch: the epoch with the best validation F1, which scores and predictions belong to.
        task: `ner`, or `sentiment`, where the micro F1 is the accuracy.
        validation_f1, scores: strict, over all types together; `scores` are those of `predicted`, and `macro_f1` too.
        num_parameters: None where the weights are gone.
        known_words: None where the vocabularies are gone, or do not say which words are of the training split.
        sentences: of the split, with gold entities and the trees of the run's formalism.
        predicted: the predicted entities of each sentence.
    """

    name: str
    directory: Path
    settings: Settings
    choices: Mapping[str, str]
    seed: int
    formalism: str
    digest: str
    corpus: str
    epochs: tuple[Epoch, ...]
    best_epoch: int
    task: str
    validation_f1: float
    scores: Counts
    macro_f1: float
    num_parameters: int | None
    known_words: KnownWords | None
    sentences: tuple[Sentence, ...]
    predicted: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True)
class Shared:
    """What runs share in memory, by a digest of what was read: sentences with their trees, and the words of models."""

    sentences: dict[bytes, tuple[Sentence, ...]] = dataclasses.field(default_factory=dict)
    known_words: dict[bytes, KnownWords] = dataclasses.field(default_factory=dict)


def read_run(directory: Path, *, name: str, split: str, shared: Shared) -> Result:
    """Read a finished run.

    Args:
        shared: of the runs read before; this run's are added.

    Raises:
        Unusable: saying why nothing can be reported on it.
    """
    try:
        return _read(directory, name=name, split=split, shared=shared)
    except Unusable:
        raise
    except OSError as error:
        raise Unusable(first_line(f"cannot be read: {error.filename}: {error.strerror}")) from error
    except Exception as error:  # whatever a damaged file leads to, the other runs are reported
        raise Unusable(f"damaged: {first_line(str(error)) or type(error).__name__}") from error


def _read(directory: Path, *, name: str, split: str, shared: Shared) -> Result:
    if (directory / FAILURE).exists():
        raise Unusable(f"failed: {first_line(read_bounded(directory / FAILURE).decode(errors='replace'))}")
    config = completed(read_yaml(directory / "config.yaml"))
    environment = read_json(directory / "environment.json")
    formalism = name_field(environment, "formalism", where="environment.json")
    choices = _choices(directory, environment)
    settings = settings_of(config, formalism=formalism, choices=choices)
    scheme = text_field(config, "vocabulary", "scheme", where="config.yaml")
    epochs = _epochs(directory / "metrics.jsonl")
    if not (directory / "scores.json").exists():
        expected = integer(config, "training", "epochs", where="config.yaml")
        raise Unusable(f"not finished: {len(epochs)} of {expected} epochs")
    if not epochs:
        raise ValueError("metrics.jsonl holds no epoch")
    scores = read_json(directory / "scores.json")
    validation_f1 = _f1(scores, "validation")
    if split not in scores:
        raise Unusable(f"no scores of {split}: its corpus has no such split")
    f1 = _f1(scores, split)
    path = predictions_path(directory, split)
    command = f"`python -m ner.evaluate {pasted('run', directory)} split={split}`"
    if not path.exists():
        raise Unusable(f"no predictions for {split}: {command} writes them")
    sentences, tags = _predictions(path, shared)
    predicted = tuple(_spans(one, scheme) for one in tags)
    found = score((sentence.spans for sentence in sentences), predicted)
    if abs(found.micro.f1 - f1) > ROUNDING:
        raise Unusable(f"{path.name} and scores.json disagree: {command} writes the former anew")
    return Result(
        name=name,
        directory=directory,
        settings=settings,
        choices=choices,
        seed=integer(environment, "seed", where="environment.json"),
        formalism=formalism,
        digest=text_field(environment, "digest", where="environment.json"),
        corpus=Path(str(environment.get("prepared", ""))).name,
        epochs=epochs,
        best_epoch=integer(scores, "epoch", where="scores.json", low=1),
        task=text_field(config, "task", where="config.yaml"),
        validation_f1=validation_f1,
        scores=found.micro,
        macro_f1=found.macro.f1,
        num_parameters=_num_parameters(directory / "best.pt"),
        known_words=_known_words(directory / "vocabularies.json", shared),
        sentences=sentences,
        predicted=predicted,
    )


def _f1(scores: Any, split: str) -> float:
    return number(scores, split, "strict", "micro", "f1", where="scores.json", low=0, high=1)


def _choices(directory: Path, environment: Mapping[str, Any]) -> dict[str, str]:
    """The menu choices as the run keeps them, or for older runs as Hydra's record of the job has them."""
    choices = environment.get("choices")
    if choices is None:
        record = directory / ".hydra" / "hydra.yaml"
        choices = field(read_yaml(record), "hydra", "runtime", "choices", where=record.name) if record.exists() else {}
    return {
        group: option
        for group, option in choices.items()
        if isinstance(option, str) and _GROUP.fullmatch(group) and _OPTION.fullmatch(option)
    }


def _predictions(path: Path, shared: Shared) -> tuple[tuple[Sentence, ...], tuple[tuple[str, ...], ...]]:
    text = read_bounded(path, limit=1024 * MEGABYTE).decode()
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"{path.name}:{line}: a control character ({found[0]!r})")
    predictions = parse_predictions(text, where=path.name)
    if not predictions.tags:
        raise ValueError(f"{path.name} holds no sentence")
    key = hashlib.sha256(predictions.annotation.encode()).digest()
    if key not in shared.sentences:
        shared.sentences[key] = predictions.sentences()
    return shared.sentences[key], predictions.tags


def _known_words(path: Path, shared: Shared) -> KnownWords | None:
    if not path.exists():
        return None
    key = hashlib.sha256(read_bounded(path, limit=MOST_BYTES)).digest()
    if key not in shared.known_words:
        vocabularies = Vocabularies.load(path)
        if vocabularies.num_trained is None:
            return None
        words = frozenset(vocabularies.words.items[1 : vocabularies.num_trained])
        shared.known_words[key] = KnownWords(words=words, digits_to_zero=vocabularies.digits_to_zero)
    return shared.known_words[key]


def _spans(tags: Sequence[str], scheme: str) -> tuple[Span, ...]:
    return tags_to_spans(tags, scheme=scheme) if tags.count("O") < len(tags) else ()


def _epochs(path: Path) -> tuple[Epoch, ...]:
    if not path.exists():
        return ()
    lines = read_bounded(path, limit=256 * MEGABYTE).decode().splitlines(keepends=True)
    epochs = []
    for line, text in enumerate(lines, 1):
        if '"validation"' not in text or not text.endswith("\n"):  # a step; the last line while it is written
            continue
        where = f"{path.name}:{line}"
        content = parse_json(text, where=where)
        epochs.append(
            Epoch(
                number=integer(content, "epoch", where=where, low=1, high=10**6),
                loss=number(content, "loss_per_token", where=where),
                validation_f1=number(content, "validation", "micro", "f1", where=where, low=0, high=1),
                tokens_per_second=number(content, "tokens_per_second", where=where, low=0),
                seconds=number(content, "seconds", where=where, low=0),
            )
        )
    return tuple(epochs)


def _num_parameters(path: Path) -> int | None:
    import torch

    if not path.exists():
        return None
    if path.is_symlink():
        raise ValueError(f"{path.name} is a link, which is not followed")
    try:
        state = torch.load(path, map_location="meta", weights_only=True)  # shapes only: nothing else is read
        return sum(int(weights.numel()) for weights in state["tagger"].values())
    except Exception as error:
        raise ValueError(f"{path.name}: not the weights of a run ({first_line(str(error))})") from error
