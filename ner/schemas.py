"""The options of the commands and their types; `conf/*.yaml` has the values and says what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class Vocabulary:
    min_count: int = MISSING
    digits_to_zero: bool = MISSING
    scheme: str = MISSING


@dataclass
class Training:
    share: float = MISSING
    epochs: int = MISSING
    batch_size: int = MISSING
    batches: str = MISSING
    pool: int = MISSING
    other_trees: str | None = MISSING
    other_share: float = MISSING
    average: float | None = MISSING
    patience: int | None = MISSING
    reduction: str = MISSING
    precision: str = MISSING
    log_every: int = MISSING
    workers: int = MISSING


@dataclass
class Prepare:
    corpus: Any = MISSING
    dependencies: Any = MISSING
    prepared_root: str = MISSING
    missing_trees: str = MISSING
    malformed_trees: str = MISSING
    dry: bool = MISSING


@dataclass
class Train:
    """The types of `conf/recipe.yaml`, where the values are and what they mean; so for the others in their files."""

    task: str = MISSING
    corpus: Any = MISSING
    dependencies: Any = MISSING
    model: Any = MISSING
    optimizer: Any = MISSING
    schedule: Any = MISSING
    prepared: str | None = MISSING
    prepared_root: str = MISSING
    missing_trees: str = MISSING
    malformed_trees: str = MISSING
    vectors: str | None = MISSING
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    training: Training = field(default_factory=Training)
    seed: int = MISSING
    device: str = MISSING
    threads: int | None = MISSING
    resume: str | None = MISSING


@dataclass
class Search:
    study: str = MISSING
    directory: str = MISSING
    trials: int = MISSING
    hours: float | None = MISSING
    pruner: str = MISSING
    seed: int = MISSING
    space: dict[str, Any] = MISSING


@dataclass
class Tune(Train):
    tune: Search = field(default_factory=Search)


@dataclass
class Evaluate:
    run: str = MISSING
    split: str = MISSING
    prepared: str | None = MISSING
    files: str | None = MISSING
    output: str | None = MISSING
    dependencies: Any = None  # a group, of which none is the default
    missing_trees: str = MISSING
    malformed_trees: str = MISSING
    batch_tokens: int = MISSING
    device: str = MISSING
    precision: str = MISSING
    threads: int | None = MISSING


@dataclass
class Calibrate:
    run: str = MISSING
    prepared: str | None = MISSING
    device: str = MISSING
    threads: int | None = MISSING


@dataclass
class Export:
    run: str = MISSING
    to: str = MISSING
    licence: str = MISSING
    data_licence: str | None = MISSING
    onnx: bool = MISSING


@dataclass
class RequestLimits:
    characters: int = MISSING
    texts: int = MISSING
    queue: int = MISSING
    seconds: float = MISSING


@dataclass
class Serve:
    run: str = MISSING
    host: str = MISSING
    port: int = MISSING
    limits: RequestLimits = field(default_factory=RequestLimits)
    dependencies: Any = None  # a group, of which none is the default
    missing_trees: str = MISSING
    device: str = MISSING
    precision: str = MISSING
    threads: int | None = MISSING


@dataclass
class Predict:
    run: str = MISSING
    input: str = MISSING
    output: str = MISSING
    input_format: str | None = MISSING
    output_format: str | None = MISSING
    overwrite: bool = MISSING
    on_error: str = MISSING
    k: int = MISSING
    dependencies: Any = None  # a group, of which none is the default
    missing_trees: str = MISSING
    malformed_trees: str = MISSING
    chunk: int = MISSING
    batch_tokens: int = MISSING
    device: str = MISSING
    precision: str = MISSING
    threads: int | None = MISSING


@dataclass
class Report:
    runs: Any = MISSING  # a path or a list of paths
    output: str | None = MISSING
    split: str = MISSING
    baseline: str | None = MISSING
    compare: list[str] | None = MISSING
    resamples: int = MISSING
    seed: int = MISSING
    text: bool = MISSING
    sentences: int = MISSING
    pictures: bool = MISSING


INCIDENTAL = frozenset({"device", "threads", "prepared_root", "resume", "training.log_every"})
"""The options that say how and where a training runs, and leave what comes of it alone."""


SCHEMAS: Mapping[str, type] = MappingProxyType(
    {
        "prepare": Prepare,
        "train": Train,
        "tune": Tune,
        "evaluate": Evaluate,
        "calibrate": Calibrate,
        "export": Export,
        "serve": Serve,
        "predict": Predict,
        "report": Report,
    }
)
"""By command."""


def register() -> None:
    """Make the schemas known to Hydra."""
    for name, schema in SCHEMAS.items():
        ConfigStore.instance().store(name=f"{name}_schema", node=schema)


def flattened(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The options of a nested configuration as `model.layers`, each with its value."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
