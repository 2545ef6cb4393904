"""What is done about a sentence that has no dependency tree: decided here, for every command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ner.corpus.dependencies.malformed import repaired
from ner.corpus.rows import tree_of
from ner.corpus.sentence import Sentence

if TYPE_CHECKING:
    import pyarrow as pa

MISSING_TREES = ("error", "self_heads")
MALFORMED_TREES = ("error", "self_heads", "repair")


@dataclass(frozen=True, kw_only=True)
class TreePolicy:
    """Whether sentences without a tree, or with heads that are none, are accepted.

    A sentence without a tree is read and stored without one. Only when it is encoded do its words become their own
    heads, with the relation `root` (`self_heads`).

    Args:
        missing: a sentence that has no tree is an `error` or accepted (`self_heads`).
        malformed: heads that are no tree are an `error`, set aside (`self_heads`), or made one where they can be
            (`repair`, see `ner.corpus.dependencies.malformed.repaired`) and an error where they cannot.

    Raises:
        ValueError: for another word, listing the right ones.
    """

    missing: str = "error"
    malformed: str = "error"

    def __post_init__(self) -> None:
        for option, value, choices in (
            ("missing_trees", self.missing, MISSING_TREES),
            ("malformed_trees", self.malformed, MALFORMED_TREES),
        ):
            if value not in choices:
                raise ValueError(f"unknown {option} {value!r}: choose one of {', '.join(choices)}")

    @classmethod
    def of(cls, options: Mapping[str, Any], *, uses_trees: bool = True) -> TreePolicy:
        """The policy that a configuration asks for; a model that uses no trees needs none."""
        asked = cls(missing=options["missing_trees"], malformed=options["malformed_trees"])
        return asked if uses_trees else ACCEPT_ALL

    def read(self, sentences: Iterable[Sentence], counts: Counter[str] | None = None) -> Iterator[Sentence]:
        """Pass sentences on as their files have them, malformed trees repaired if that is asked for.

        Args:
            counts: gets `repaired`, the number of trees that were.
        """
        for sentence in sentences:
            if self.malformed == "repair" and sentence.malformed is not None:
                tree = repaired(sentence.malformed)
                if tree is not None:
                    sentence = replace(sentence, tree=tree, malformed=None)
                    if counts is not None:
                        counts["repaired"] += 1
            yield sentence

    def check(self, counts: Mapping[str, Any], what: str = "sentences") -> None:
        """Refuse sentences without a tree, unless they are accepted.

        Args:
            counts: from `count_trees`.
            what: the sentences are, as in `test sentences`.

        Raises:
            ValueError: with their number and the place of the first.
        """
        if self.malformed != "self_heads" and counts.get("malformed"):
            remedy = (
                "which repair cannot mend; correct them, or accept"
                if self.malformed == "repair"
                else "correct them, have them made trees with malformed_trees=repair, or accept"
            )
            raise ValueError(
                f"{counts['first_malformed']}: in {counts['malformed']:,} of {counts['sentences']:,} {what} the heads "
                f"are no tree; {remedy} each word as its own head with malformed_trees=self_heads"
            )
        if self.missing == "error" and counts["without_tree"]:
            raise ValueError(
                f"{counts['first_without_tree']}: the sentence has no dependency tree, as {counts['without_tree']:,} "
                f"of {counts['sentences']:,} {what}; missing_trees=self_heads accepts them, each word as its own head"
            )


ACCEPT_ALL = TreePolicy(missing="self_heads", malformed="self_heads")
"""For a model that does not look at trees."""


def count_trees(table: pa.Table) -> dict[str, Any]:
    """Count the rows (see `ner.corpus.rows`) without a tree.

    Returns:
        `sentences`; `without_tree` and `first_without_tree`, the place of the first or None; `malformed` and
        `first_malformed`, the place and defect of the first whose heads are no tree.
    """
    lacking = table.filter(table["heads"].is_null())
    if not len(lacking):  # a corpus of an earlier format has no column `malformed`, and a tree for each sentence
        return _counts(len(table), [])
    return _counts(len(table), zip(*(lacking[name].to_pylist() for name in ("source", "malformed")), strict=True))


def count_trees_of(sentences: Sequence[Sentence]) -> dict[str, Any]:
    """The `count_trees` of the rows of sentences."""
    lacking = (sentence for sentence in sentences if tree_of(sentence) is None)
    defects = ((one.source, None if one.malformed is None else one.malformed.defect) for one in lacking)
    return _counts(len(sentences), defects)


def _counts(number: int, lacking: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """Of so many sentences, those without a tree by their place, and by what is wrong with their heads."""
    defects, places = [], []
    for place, defect in lacking:
        if defect is None:
            places.append(place)
        else:
            defects.append(defect)
    return {
        "sentences": number,
        "without_tree": len(places),
        "first_without_tree": places[0] if places else None,
        "malformed": len(defects),
        "first_malformed": defects[0] if defects else None,
    }


def add_counts(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The `count_trees` of two tables, one after the other."""
    return {
        name: (first[name] or value) if name.startswith("first") else first[name] + value
        for name, value in second.items()
    }
