"""Entity types renamed, merged or dropped before anything else sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ner.corpus.sentence import NOT_IN_NAMES, Sentence

Labels = Mapping[str, str | Sequence[str]]
"""`{GPE: LOC}` makes locations of the GPE, and a list under a new name gathers several: `{O: [DATE, TIME]}`. What
becomes `O` is dropped."""

DROPPED = "O"


def label_table(labels: Labels | None) -> dict[str, str]:
    """The new label of each label that gets one.

    Raises:
        ValueError: for a label that is given two new ones, and for a new one that can be none.
    """
    table: dict[str, str] = {}
    for name, value in (labels or {}).items():
        pairs = [(name, value)] if isinstance(value, str) else [(old, name) for old in value]
        for old, new in pairs:
            if not new or NOT_IN_NAMES.search(new):
                raise ValueError(f"labels: {old} is to become {new!r}: a type is a text without white space")
            if table.setdefault(old, new) != new:
                raise ValueError(f"labels: {old} is to become {table[old]} and {new}; choose one")
    return table


def relabelled(sentence: Sentence, table: Mapping[str, str]) -> Sentence:
    """The sentence with the new labels, and without the entities whose label becomes `O`."""
    if not any(span.label in table for span in sentence.spans):
        return sentence
    spans = (replace(span, label=table.get(span.label, span.label)) for span in sentence.spans)
    return replace(sentence, spans=tuple(span for span in spans if span.label != DROPPED))


def check_labels(table: Mapping[str, str], found: Iterable[str]) -> None:
    """Refuse a new name for a label that no sentence has.

    Raises:
        ValueError: listing the labels there are.
    """
    found = set(found)
    unknown = sorted(table.keys() - found)
    if unknown:
        there = ", ".join(sorted(found)) or "none"
        raise ValueError(f"labels: the corpus has no entity of type {', '.join(unknown)}; it has {there}")
