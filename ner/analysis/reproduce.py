"""The commands that would train the systems of a sweep again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from ner.analysis.page import Code, Section
from ner.analysis.results import Sweep, System
from ner.resources import conf_directory

NOTE = (
    "Every option is named here, so that another default changes nothing. Of the data only the dependencies are: add "
    "corpus=, or prepared= and leave out dependencies and missing_trees. A run's own config.yaml says what its corpus "
    "was, and its environment.json has the versions."
)


def reproduction(sweep: Sweep) -> Section:
    """The options that all systems share, once, and what each adds to them."""
    shared, own = split_options([options_of(system) for system in sweep.systems])
    lines = [f"shared={shlex.quote(' '.join(shared))}"] if shared else []
    for system, options in zip(sweep.systems, own, strict=True):
        seeds = ",".join(str(run.seed) for run in system.runs)
        words = ("python", "-m", "ner.train", "-m", *(["$shared"] if shared else []))
        lines.append(f"\n# {system.name}\n{' '.join(words)} {shlex.join([*options, f'seed={seeds}'])}")
    return Section(name="reproduce", title="How to reproduce these runs", parts=[NOTE, Code("\n".join(lines).strip())])


def options_of(system: System) -> list[str]:
    """A system's settings as `ner.train` takes them: `model/interaction=mlp`, `model.layers=2`."""
    options = []
    for name, value in system.settings.items():
        group = name.replace(".", "/")
        options.append(f"{group if (conf_directory() / group).is_dir() else name}={_text(value)}")
    return options


def split_options(systems: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """What all have, and what each has beside it."""
    common = set(systems[0]).intersection(*systems[1:]) if len(systems) > 1 else set[str]()
    shared = [option for option in systems[0] if option in common]
    return shared, [[option for option in options if option not in common] for options in systems]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
