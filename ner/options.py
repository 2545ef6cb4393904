"""What the options may be: types come from the schemas and from the components' own signatures, ranges from here.

All options are checked before anything is built or written (`check_command`, `check_component`).
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from omegaconf import MISSING

from ner.stored import printable, shortened

MOST = 3.4e38
"""What float32 holds: no number of an option is larger."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, these included unless an end is `open`."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def __str__(self) -> str:
        if self.high == MOST:
            return f"{'above' if self.open_low else 'at least'} {self.low:g}"
        low, high = (f"{end:,}" if isinstance(end, int) else f"{end:g}" for end in (self.low, self.high))
        return f"from {low}{' (excluded)' * self.open_low} to {high}{' (excluded)' * self.open_high}"


COUNT, LARGEST = Range(low=1, high=10**9), 65_536
SHARE = Range(low=0.0, high=1.0)
RANGES: Mapping[str, Range] = {
    "layers": Range(low=0, high=100),
    "graph_layers": Range(low=1, high=100),
    "relation_size": Range(low=0, high=LARGEST),
    "*_size": Range(low=1, high=LARGEST),
    "rank": Range(low=1, high=LARGEST),
    "k": Range(low=0, high=1000),
    "width": Range(low=1, high=100),
    "*dropout": Range(low=0.0, high=1.0, open_high=True),
    "l2": Range(low=0.0, high=MOST),
    "learning_rate": Range(low=0.0, high=MOST, open_low=True),
    "max_norm": Range(low=0.0, high=MOST, open_low=True),
    "word_rate": Range(low=0.0, high=MOST),
    "weight_decay": Range(low=0.0, high=MOST),
    "beta?": Range(low=0.0, high=1.0, open_high=True),
    "warmup": Range(low=0.0, high=1.0, open_low=True, open_high=True),
    "final": SHARE,
    "timeout": Range(low=0.0, high=MOST, open_low=True),
    "num_jvms": Range(low=1, high=1024),
    "epochs": Range(low=1, high=10**6),
    "patience": Range(low=1, high=10**6),
    "batch_size": Range(low=1, high=10**6),
    "pool": Range(low=1, high=10**6),
    "other_share": SHARE,
    "share": Range(low=0.0, high=1.0, open_low=True),
    "average": Range(low=0.0, high=MOST, open_low=True),
    "log_every": COUNT,
    "min_count": COUNT,
    "batch_tokens": COUNT,
    "chunk": COUNT,
    "resamples": COUNT,
    "trials": COUNT,
    "hours": Range(low=0.0, high=MOST),
    "threads": Range(low=1, high=1024),
    "workers": Range(low=1, high=1024),
    "port": Range(low=0, high=65_535),
    "seed": Range(low=0, high=2**63 - 1),
    "sentences": Range(low=0, high=10**9),
    "characters": COUNT,
    "texts": COUNT,
    "queue": COUNT,
    "seconds": Range(low=0.0, high=MOST, open_low=True),
}
"""By the last part of an option's name, or a pattern of it; the first that matches counts."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "device": ("auto", "cpu", "cuda"),
    "precision": ("auto", "float32", "bfloat16"),
    "training.precision": ("auto", "float32", "bfloat16"),
    "training.batches": ("drawn", "fixed"),
    "training.reduction": ("sum", "sentence", "token"),
    "vocabulary.scheme": ("IOBES", "BIO"),
    "corpus.scheme": ("IOB1", "IOB2", "IOBES", "BILOU", "BMES", "IO"),
    "corpus.malformed_tags": ("error", "conlleval"),
    "missing_trees": ("error", "self_heads"),
    "malformed_trees": ("error", "self_heads", "repair"),
    "model.decoder.constraints": ("none", "decoding", "training"),
    "tune.pruner": ("median", "hyperband", "none"),
    "on_error": ("stop", "skip"),
}
"""Of options that are one of a few texts, by their full names."""
AT_RUN_TIME = frozenset({"vocabularies", "vectors", "encoder"})
"""Options of components that no configuration gives."""

_OF_HYDRA: Mapping[str, type] = {"_target_": str, "_partial_": bool, "_convert_": str}


def check_command(config: Mapping[str, Any], schema: type) -> None:
    """Check the options of a command against its schema; components are left to `check_component`.

    Args:
        schema: a dataclass of `ner.schemas`.

    Raises:
        ValueError: naming the first option that may not be what it is, what it is and what it may be.
    """
    for name, hint in typing.get_type_hints(schema).items():
        if name in config:
            _check(name, config[name], hint)


def expected(option: str, schema: type) -> str | None:
    """What an option of a command may be, in words; None for one that the schema does not know.

    Args:
        option: the full name, such as `training.epochs`.
        schema: as of `check_command`.
    """
    hint: Any = schema
    for name in option.split("."):
        hint = typing.get_type_hints(hint).get(name) if is_dataclass(hint) else None
    return None if hint is None or hint is Any or is_dataclass(hint) else _what_it_may_be(option, hint)


def check_component(option: str, config: object) -> None:
    """Check the options of a component, and of those in it, against the signature of what `_target_` names.

    Args:
        option: the full name, such as `model`.
        config: plain dictionaries and lists; `ner.components.check_components` has nothing against it.

    Raises:
        ValueError: as `check_command`, and for options that are missing or that there are none of.
    """
    if not isinstance(config, Mapping) or "_target_" not in config:
        raise ValueError(f"{option} is {_shown(config)}: it must be a component; --help lists them")
    from hydra.utils import get_object

    target = get_object(str(config["_target_"]))
    for name, kind in _OF_HYDRA.items():
        if not isinstance(config.get(name, kind()), kind):
            raise ValueError(f"{option}.{name} is {_shown(config[name])}: it must be of type {kind.__name__}")
    if not config.get("_partial_", False) and any(_at_run_time(target)):
        raise ValueError(f"{option}._partial_ must be true: {target.__name__} is told the rest at run time")
    given = {str(name): value for name, value in config.items() if name not in _OF_HYDRA}
    known = dict(_options_of(target))
    for name, value in given.items():
        if name not in known:
            like = get_close_matches(name, known, n=1)
            hint = f"did you mean {option}.{like[0]}? " if like else ""
            raise ValueError(
                f"unknown option {option}.{printable(shortened(name))}: {hint}"
                f"{target.__name__} has {', '.join(sorted(known)) or 'none'}"
            )
        _check(f"{option}.{name}", value, known[name][0])
    if missing := [name for name, (_, is_required) in known.items() if is_required and name not in given]:
        raise ValueError(f"{option}.{missing[0]} is missing: {target.__name__} needs it")


def _options_of(target: Callable[..., Any]) -> Iterator[tuple[str, tuple[Any, bool]]]:
    """Each option with its type and whether it must be given: what is keyword-only, or a field of a dataclass."""
    function = target.__init__ if inspect.isclass(target) else target
    hints = _hints(target if is_dataclass(target) else function)  # whose fields may come from other modules
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD and typing.get_origin(hints.get(name)) is typing.Unpack:
            (options,) = typing.get_args(hints[name])
            for option, hint in _hints(options).items():
                if option not in AT_RUN_TIME:
                    yield option, (hint, option in options.__required_keys__)
        elif name not in {*AT_RUN_TIME, "self"} and (parameter.kind is parameter.KEYWORD_ONLY or is_dataclass(target)):
            yield name, (hints.get(name, Any), parameter.default is parameter.empty)


def _at_run_time(target: Callable[..., Any]) -> Iterator[str]:
    """What a component is told when it is built: what is not keyword-only, or is in `AT_RUN_TIME`."""
    if not is_dataclass(target):
        for name, parameter in inspect.signature(target).parameters.items():
            is_given = parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is parameter.empty
            if is_given or name in AT_RUN_TIME or parameter.kind is parameter.VAR_KEYWORD:
                yield name


def _hints(thing: Any) -> dict[str, Any]:
    return typing.get_type_hints(thing, include_extras=True)


def _check(option: str, value: object, hint: Any) -> None:
    """Compare a value with a type of its own, a union of such, or a component."""
    if value == MISSING or hint is Any:
        return
    kinds = _kinds(hint)
    if value is None and types.NoneType in kinds:
        return
    schema = next((kind for kind in kinds if getattr(kind, "__module__", "") == "ner.schemas"), None)
    if schema is not None and isinstance(value, Mapping):
        for name, inner in typing.get_type_hints(schema).items():
            if name in value:
                _check(f"{option}.{name}", value[name], inner)
        return
    is_right = any(_is_of(value, kind, _range_of(option)) for kind in kinds)
    if not is_right or (isinstance(value, str) and value not in CHOICES.get(option, (value,))):
        raise ValueError(f"{option} is {_shown(value)}: it must be {_what_it_may_be(option, hint)}")
    if isinstance(value, Mapping) and "_target_" in value:
        check_component(option, value)
    elif isinstance(value, Mapping):
        kind = next((typing.get_args(kind)[1] for kind in kinds if len(typing.get_args(kind)) == 2), Any)
        for name, inner in value.items():
            _check(f"{option}.{name}", inner, kind)


def _kinds(hint: Any) -> tuple[Any, ...]:
    is_union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    return typing.get_args(hint) if is_union else (hint,)


def _range_of(option: str) -> Range | None:
    last = option.rpartition(".")[2]
    return next((found for pattern, found in RANGES.items() if fnmatchcase(last, pattern)), None)


def _what_it_may_be(option: str, hint: Any) -> str:
    kinds, names = _kinds(hint), CHOICES.get(option)
    if names is not None:
        return f"{', '.join(names[:-1])} or {names[-1]}" + " or null" * (types.NoneType in kinds)
    return " or ".join(dict.fromkeys(_expected(kind, _range_of(option)) for kind in kinds))


def _is_of(value: object, kind: Any, range_: Range | None) -> bool:
    origin = typing.get_origin(kind) or kind
    if kind is bool or kind is types.NoneType:
        return isinstance(value, kind)
    if kind in (int, float):
        is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
        return is_number and value in (range_ or Range(low=-MOST, high=MOST))  # type: ignore[operator]
    if kind in (str, Path):
        return isinstance(value, str) and value != ""
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        inner = (typing.get_args(kind) or (Any,))[0]
        return isinstance(value, list | tuple) and all(inner is Any or _is_of(item, inner, None) for item in value)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    return isinstance(value, Mapping) and "_target_" in value  # a component, which builds what the type says


def _expected(kind: Any, range_: Range | None) -> str:
    bounds = "" if range_ is None else f" {range_}"
    origin = typing.get_origin(kind) or kind
    names = {bool: "true or false", types.NoneType: "null", str: "a text (not empty)", Path: "a path"}
    if kind in names:
        return names[kind]
    if kind in (int, float):
        return f"{'a whole number' if kind is int else 'a number'}{bounds}"
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return "a list"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return "a mapping"
    return "a component of the menu (see --help)"


def _shown(value: object) -> str:
    return printable(shortened(repr(value)))
