"""What was set in a run, in the words of the menu, and what to call the systems of a sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from omegaconf import OmegaConf

from ner.resources import conf_directory
from ner.schemas import INCIDENTAL, flattened

Settings = Mapping[str, Any]
"""Options by name, `model.layers`; a component stands under the name of its group, as `model.interaction: mlp`."""

APART = frozenset({"seed", "corpus", "dependencies", "prepared"})
"""Left out, beside what is `INCIDENTAL`: the seed tells runs of one system apart, of the data the formalism counts."""
SHORT = MappingProxyType(
    {"model": "", "model.interaction": "", "model.recurrent": "", "model.layers": "L", "dependencies": ""}
)
"""The parts of a system's name, in order, with what stands before the value where it does not say all by itself."""


def settings_of(config: Mapping[str, Any], *, formalism: str) -> Settings:
    """The settings that make runs systems of their own, if they differ.

    Args:
        config: of a run, as its `config.yaml` has it.
        formalism: of its trees.
    """
    kept = {name: value for name, value in config.items() if name not in APART}
    settings = {name: value for name, value in _named(kept) if name not in INCIDENTAL}
    return MappingProxyType({**settings, "dependencies": formalism})


def name_systems(systems: Sequence[Settings]) -> list[str]:
    """A name for each of these different systems, made of what tells it from the others.

    It can be given as it is in an override of Hydra, as in `'baseline=bilstm_crf L2'`: there, no = comes in a value.
    A setting that some systems lack, and that is the same in all others, is told only where the rest does not do: a
    baseline has no interaction, which is no difference beside that of the models.
    """
    if len(systems) == 1:
        return [str(systems[0].get("model", "system"))]
    keys = sorted({key for settings in systems for key in settings}, key=_order)
    values = {key: {repr(settings[key]) for settings in systems if key in settings} for key in keys}
    telling = [key for key in keys if len(values[key]) > 1]
    names = [_name(settings, telling) for settings in systems]
    if len(set(names)) < len(names):
        partial = [key for key in keys if key not in telling and not all(key in settings for settings in systems)]
        names = [_name(settings, [*telling, *partial]) for settings in systems]
    seen = Counter[str]()
    for number, name in enumerate(names):  # two files of one name in different places, say
        seen[name] += 1
        if seen[name] > 1:
            names[number] = f"{name}-{seen[name]}"
    return names


def _name(settings: Settings, keys: Sequence[str]) -> str:
    parts = []
    for key in keys:
        if key in settings and not (key in SHORT and settings[key] is None):  # no interaction where L < 2
            parts.append(SHORT.get(key, f"{key.rpartition('.')[2]}:") + _text(settings[key]))
    return " ".join(parts) or "default"


def _order(key: str) -> tuple[int, str]:
    order = tuple(SHORT)
    return (order.index(key) if key in order else len(order)), key


def _text(value: Any) -> str:
    return "none" if value is None else PurePosixPath(str(value)).name if "/" in str(value) else str(value)


def _named(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            if "_target_" in value:
                yield name, _option(name, value)
            yield from _named(value, f"{name}.")
        elif not key.startswith("_"):
            yield name, value


def _option(group: str, config: Mapping[str, Any]) -> str:
    """The option of the menu that a component is: of those with its target, the one that says most of it."""
    found = dict(flattened(config))
    options = {
        option: values for option, values in _menu(group).items() if values.get("_target_") == config["_target_"]
    }
    if len(options) > 1:
        options = {
            option: values
            for option, values in options.items()
            if all(found.get(key) == value for key, value in values.items())
        }
    if not options:
        return str(config["_target_"]).rpartition(".")[2]
    return max(options, key=lambda option: len(options[option]))


@cache
def _menu(group: str) -> dict[str, dict[str, Any]]:
    files = (conf_directory() / group.replace(".", "/")).glob("*.yaml")
    contents = {path.stem: OmegaConf.to_container(OmegaConf.load(path), resolve=False) for path in sorted(files)}
    return {
        name: dict(flattened({str(key): value for key, value in content.items() if key != "defaults"}))
        for name, content in contents.items()
        if isinstance(content, dict)
    }
