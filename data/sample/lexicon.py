"""The words of the sample corpus: names and numbers drawn from pools, and the forms of verbs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path


def read_sections(path: Path) -> dict[str, list[str]]:
    """The lines under each `[NAME]`, each as often as the weight before it (`2* `) says."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            weight = re.match(r"(\d+)\* ", line)
            lines += [line.removeprefix(weight[0])] * int(weight[1]) if weight else [line]
    return sections


SECTIONS = read_sections(Path(__file__).with_name("words.txt"))
WORDS = {name: " ".join(lines).split() for name, lines in SECTIONS.items()}

# ---------------------------------------------------------------------------------------------------------------------
# Names and numbers
# ---------------------------------------------------------------------------------------------------------------------

TRAINING_SIZES = {
    "NAME": 420,
    "MAN": 24,
    "WOMAN": 24,
    "COUNTRY": 20,
    "NORP": 20,
    "PEOPLE": 20,
    "PARTY": 8,
    "LANGUAGE": 20,
    "ADJECTIVE": 16,
    "NOUN": 16,
}
"""Pools of names, and how many of each training draws from. Any NAME may be a person, a town, a company, a river ..."""


class Pools:
    """Names by pool for training, and other ones that validation and test mostly draw from.

    `seen_share` of what validation and test draw comes from training's.
    """

    def __init__(self, rng: random.Random, *, seen_share: float) -> None:
        self.rng = rng
        self.seen_share = seen_share
        family_names = [first + last for first in WORDS["FIRST"] for last in WORDS["LAST"] if first[-1] != last[0]]
        self._training: dict[str, Sequence[str]] = {}
        self._held_out: dict[str, Sequence[str]] = {}
        for pool, size in TRAINING_SIZES.items():
            names = family_names if pool == "NAME" else WORDS[pool]
            names = rng.sample(names, len(names))
            self._training[pool], self._held_out[pool] = names[:size], names[size : 2 * size]

    def draw(self, pool: str, *, training: bool) -> str:
        seen = training or self.rng.random() < self.seen_share
        return self.rng.choice((self._training if seen else self._held_out)[pool])


NUMBERS: dict[str, Callable[[random.Random], str]] = {
    "MONTH": lambda rng: rng.choice(WORDS["MONTH"]),
    "WEEKDAY": lambda rng: rng.choice(WORDS["WEEKDAY"]),
    "YEAR": lambda rng: str(rng.randrange(1890, 1996)),
    "DECADE": lambda rng: f"{rng.randrange(1900, 2010, 10)}s",
    "DAY": lambda rng: str(rng.randrange(1, 29)),
    "AGE": lambda rng: str(rng.randrange(19, 97)),
    "BODY_WEIGHT": lambda rng: str(rng.randrange(95, 260, 5)),
    "CLOCK": lambda rng: str(rng.randrange(1, 12)) + rng.choice(("", ":15", ":30", ":45")),
    "QUARTER": lambda rng: rng.choice(WORDS["ORDINAL"][:4]),
    "ORDINAL": lambda rng: rng.choice(WORDS["ORDINAL"]),
    "SMALL": lambda rng: rng.choice((rng.choice(WORDS["NUMERAL"]), str(rng.randrange(13, 60)))),
    "TENS": lambda rng: str(rng.randrange(12, 99)),
    "HUNDREDS": lambda rng: str(rng.randrange(110, 990, 10)),
    "THOUSANDS": lambda rng: f"{rng.randrange(1100, 90000, 100):,}",
    "DECIMAL": lambda rng: f"{rng.randrange(11, 99) / 10:.1f}",
    "PRICE": lambda rng: rng.choice((str(rng.randrange(5, 900)), f"{rng.randrange(3, 90)}.{rng.randrange(10, 100)}")),
    "MODEL": lambda rng: str(rng.randrange(100, 1000, 50)),
    "ARTICLE": lambda rng: str(rng.randrange(2, 40)),
    "INITIAL": lambda rng: rng.choice("ABCDEFGHJKLMNPRSTW") + ".",
}


class Names:
    """What a document draws: a NAME keeps its type within it, and `return_share` of the draws give one again.

    Within a sentence no name occurs twice.
    """

    def __init__(self, pools: Pools, rng: random.Random, *, training: bool, return_share: float) -> None:
        self.pools = pools
        self.rng = rng
        self.training = training
        self.return_share = return_share
        self._types: dict[str, str] = {}
        self._used: set[str] = set()

    def new_sentence(self) -> None:
        """From here on the names of the last sentence may occur again."""
        self._used.clear()

    def draw(self, pool: str, entity: str) -> str:
        """A word of a pool, for an entity of this type.

        Raises:
            ValueError: listing the pools, where there is none of this name.
        """
        if pool in NUMBERS:
            return NUMBERS[pool](self.rng)
        if pool not in TRAINING_SIZES:
            raise ValueError(f"no pool {pool!r}; pools of names and numbers: {sorted({*TRAINING_SIZES, *NUMBERS})}")
        name = self._name(entity) if pool == "NAME" else self._unused(pool)
        self._used.add(name)
        return name

    def _name(self, entity: str) -> str:
        known = [name for name, kind in self._types.items() if kind == entity and name not in self._used]
        if known and self.rng.random() < self.return_share:
            return self.rng.choice(known)
        while True:
            name = self._unused("NAME")
            if self._types.setdefault(name, entity) == entity:
                return name

    def _unused(self, pool: str) -> str:
        while True:
            name = self.pools.draw(pool, training=self.training)
            if name not in self._used:
                return name


# ---------------------------------------------------------------------------------------------------------------------
# Verbs
# ---------------------------------------------------------------------------------------------------------------------

AUXILIARIES = {form: lemma for lemma in ("be", "have", "do") for form in WORDS[lemma]}
IRREGULAR = {lemma: (past, participle) for lemma, past, participle in map(str.split, SECTIONS["IRREGULAR"])}


def conjugate(verb: str, tag: str) -> tuple[str, str]:
    """A verb's form for a Penn tag, and its lemma. A form of be, have or do stays as it is."""
    if verb in AUXILIARIES:
        return verb, AUXILIARIES[verb]
    if tag in ("VB", "VBP"):
        return verb, verb
    consonant_y = verb.endswith("y") and verb[-2] not in "aeiou"
    if tag == "VBZ":
        if consonant_y:
            return verb[:-1] + "ies", verb
        return verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh", "o")) else "s"), verb
    stem = verb + verb[-1] if verb in WORDS["DOUBLED"] else verb
    if tag == "VBG":
        return stem.removesuffix("e") + "ing", verb
    if verb in IRREGULAR:
        return IRREGULAR[verb][tag == "VBN"], verb
    if consonant_y:
        return verb[:-1] + "ied", verb
    return stem + ("d" if stem.endswith("e") else "ed"), verb
