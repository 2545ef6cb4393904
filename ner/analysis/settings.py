"""The settings of a run in the words of the menu, and names for the systems of a sweep."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath, PurePosixPath
from types import MappingProxyType
from typing import Any

from ner.schemas import INCIDENTAL
from ner.stored import shortened

Settings = Mapping[str, Any]
"""Options by name, `model.layers`; a component stands under the name of its group, as `model.interaction: mlp`."""

APART = frozenset({"seed", "corpus", "dependencies", "prepared"})
"""Not settings, like those that are `INCIDENTAL`: seeds tell runs of a system apart; of the data, formalisms count."""
SHORT = MappingProxyType(
    {"model": "", "model.interaction": "", "model.recurrent": "", "model.layers": "L", "dependencies": ""}
)
"""The first parts of a system's name, in order, each with the prefix that makes its value clear."""


def settings_of(config: Mapping[str, Any], *, formalism: str, choices: Mapping[str, str]) -> Settings:
    """The settings that define a system: runs with equal settings belong to the same one.

    Args:
        config: of a run, as its `config.yaml` has it.
        formalism: of its trees.
        choices: the option of the menu in each group, see `ner.components.menu_choices`. A component of a group that
            is not among them goes by the name of its class or function.
    """
    kept = {name: value for name, value in config.items() if name not in APART}
    options = {package_of(group): option for group, option in choices.items()}
    settings = {name: value for name, value in _named(kept, options) if name not in INCIDENTAL}
    return MappingProxyType({**settings, "dependencies": formalism})


def public(value: Any) -> Any:
    """A value as a report shows it: where a file was is nobody else's business, so of an absolute path the name."""
    return PurePath(value).name if isinstance(value, str) and PurePath(value).is_absolute() else value


def package_of(group: str) -> str:
    """Where an option of a group stands in the configuration: `model.graph` for `model/interaction@model.graph`."""
    group, _, package = group.partition("@")
    return package or group.replace("/", ".")


def name_systems(systems: Sequence[Settings]) -> list[str]:
    """A distinct name for each system, made of the settings in which it differs from the others.

    Names can be used as they are in Hydra's overrides, as in `'baseline=bilstm_crf L2'`, so they hold no `=`. Where the
    names are distinct without it, two things go without saying: a value that most of the systems with that setting
    have, but for the settings in `SHORT`, and a setting that some systems lack and that is equal in all others, as that
    a baseline has no interaction.
    """
    if len(systems) == 1:
        return [str(systems[0].get("model", "system"))]
    keys = sorted({key for settings in systems for key in settings}, key=_order)
    values = {key: {repr(settings[key]) for settings in systems if key in settings} for key in keys}
    telling = [key for key in keys if len(values[key]) > 1]
    usual = {key: _usual(systems, key) for key in telling if key not in SHORT}
    names = [
        _name(settings, [key for key in telling if repr(settings.get(key)) != usual.get(key)]) for settings in systems
    ]
    if len(set(names)) < len(names):
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


def _usual(systems: Sequence[Settings], key: str) -> str | None:
    """The value, as it is written, that more than half of the systems with a setting have."""
    counts = Counter(repr(settings[key]) for settings in systems if key in settings)
    ((value, number),) = counts.most_common(1)
    return value if 2 * number > counts.total() else None


def _name(settings: Settings, keys: Sequence[str]) -> str:
    parts = []
    for key in keys:
        if key in settings and not (key in SHORT and settings[key] is None):  # no interaction where L < 2
            parts.append(SHORT.get(key, f"{_plain(key.rpartition('.')[2])}:") + _text(settings[key]))
    return " ".join(parts) or "default"


def _order(key: str) -> tuple[int, str]:
    order = tuple(SHORT)
    return (order.index(key) if key in order else len(order)), key


def _text(value: Any) -> str:
    text = "none" if value is None else PurePosixPath(str(value)).name if "/" in str(value) else str(value)
    return _plain(text)


def _plain(text: str) -> str:
    """The text with only the characters that Hydra's overrides accept without quotes."""
    return shortened(re.sub(r"[^\w.+-]", "_", text), 60)


def _named(config: Mapping[str, Any], options: Mapping[str, str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            if "_target_" in value:
                yield name, options.get(name, str(value["_target_"]).rpartition(".")[2])
            yield from _named(value, options, f"{name}.")
        elif not str(key).startswith("_"):
            yield name, value
