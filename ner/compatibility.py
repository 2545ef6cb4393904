"""What the runs of earlier versions are read as: options that they lack, and the values that say what they did."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

ADDED_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "malformed_trees": "error",
        "model.contextual": None,
        "model.features": MappingProxyType({}),
        "model.locked_dropout": False,
        "model.tree_dropout": None,
        "optimizer.word_rate": 1.0,
        "task": "ner",
        "training.average": None,
        "training.batches": "drawn",
        "training.other_share": 0.5,
        "training.other_trees": None,
        "training.share": 1.0,
        "training.workers": 1,
    }
)
"""By full name. An option added to a component or a schema is added here, with what came of its absence."""

NEWER = frozenset({"ner.model.feature_crf.feature_crf"})
"""Components that came after these options, and have none of them."""


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a run with the options that came after it, where the part that they belong to is there.

    So a run from before does not differ from one of the same training after, neither for a sweep that is resumed nor
    as a system of a report.
    """
    parts = {name: _completed_part(name, value) for name, value in config.items()}
    return {**{option: default for option, default in ADDED_OPTIONS.items() if "." not in option}, **parts}


def _completed_part(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping) or value.get("_target_") in NEWER:
        return value
    added = {
        option.removeprefix(f"{name}."): default
        for option, default in ADDED_OPTIONS.items()
        if option.rpartition(".")[0] == name
    }
    return {**added, **value}
