"""The commands that train the systems of a sweep again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ner.analysis.page import Code, Section
from ner.analysis.results import Sweep
from ner.analysis.settings import Settings, package_of, public
from ner.overrides import assignment

NOTE = (
    "Every option is given, so that changed defaults make no difference. Of the data only the dependencies are given: "
    "add corpus=, or add prepared= and leave out dependencies and malformed_trees. Of files and directories with "
    "absolute paths only the name is given: say where yours are. The config.yaml of a run holds the options of its "
    "corpus, and its environment.json the versions."
)
UNKNOWN = "the choices from the menu were not kept in these runs: see their config.yaml"


def reproduction(sweep: Sweep) -> Section:
    """A section with the options that all systems share, and a command with the rest for each system."""
    options = [options_of(system.settings, system.runs[0].choices) for system in sweep.systems]
    shared, own = split_options([one for one in options if one is not None])
    lines = [f"shared=({shlex.join(shared)})"] if shared else []
    for system, known in zip(sweep.systems, options, strict=True):
        lines.append(f"\n# {system.name}")
        if known is None:
            lines.append(f"# {UNKNOWN}")
            continue
        seeds = ",".join(str(run.seed) for run in system.runs)
        words = ("python -m ner.train -m", *(['"${shared[@]}"'] if shared else []))
        lines.append(f"{' '.join(words)} {shlex.join([*own.pop(0), f'seed={seeds}'])}")
    return Section(name="reproduce", title="How to reproduce these runs", parts=[NOTE, Code("\n".join(lines).strip())])


def options_of(settings: Settings, choices: Mapping[str, str]) -> list[str] | None:
    """Settings as options of `ner.train`, such as `model/interaction=mlp`; None where the choices were not kept."""
    if not choices:
        return None
    groups = {package_of(group): group for group in choices}
    return [
        f"{_group(groups[name])}={choices[groups[name]]}" if name in groups else _option(name, value)
        for name, value in settings.items()
        if name != "training.other_share" or settings.get("training.other_trees") is not None
    ]


def split_options(systems: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """The options that all systems share, and the other options of each."""
    common = set(systems[0]).intersection(*systems[1:]) if len(systems) > 1 else set[str]()
    shared = [option for option in systems[0] if option in common] if systems else []
    return shared, [[option for option in options if option not in common] for options in systems]


def _group(group: str) -> str:
    """A group as an override; one that is in no defaults list is added with `+`."""
    return f"+{group}" if "@model.by_layer." in group or "@model.features." in group else group


def _option(name: str, value: Any) -> str:
    added = "+" if name.startswith("optimizer.rates.") else ""
    return added + assignment(name, public(value))
