"""How well the trees of two prepared corpora agree: `python -m ner.corpus.dependencies.attachment GOLD PARSED`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

Tree = tuple[Sequence[int], Sequence[str]] | None
"""Heads and relations of a sentence, or None."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """Counts over all words of the sentences that have a gold tree, punctuation included.

    `heads` words have the gold head, `labelled` the gold head and relation; `exact` sentences have these throughout.
    """

    sentences: int
    words: int
    heads: int
    labelled: int
    exact: int

    @property
    def uas(self) -> float:
        """The unlabelled attachment score, between 0 and 1."""
        return self.heads / self.words if self.words else 0.0

    @property
    def las(self) -> float:
        """The labelled attachment score, between 0 and 1."""
        return self.labelled / self.words if self.words else 0.0


def attachment(gold: Iterable[Tree], parsed: Iterable[Tree]) -> Attachment:
    """Compare trees of the same sentences. A sentence without a parsed tree has no head right.

    Raises:
        ValueError: where the sentences are not as many, or not as long.
    """
    sentences = words = heads = labelled = exact = 0
    for number, (right, found) in enumerate(zip(gold, parsed, strict=True)):
        if right is None:
            continue
        sentences += 1
        words += len(right[0])
        if found is None:
            continue
        if len(found[0]) != len(right[0]):
            raise ValueError(f"sentence {number} has {len(right[0])} words in one and {len(found[0])} in the other")
        same = [ours == theirs for ours, theirs in zip(found[0], right[0], strict=True)]
        both = [head and a == b for head, a, b in zip(same, found[1], right[1], strict=True)]
        heads += sum(same)
        labelled += sum(both)
        exact += all(both)
    return Attachment(sentences=sentences, words=words, heads=heads, labelled=labelled, exact=exact)


def main() -> None:
    from ner.corpus.dataset import load

    parser = argparse.ArgumentParser(prog="python -m ner.corpus.dependencies.attachment", description=__doc__)
    parser.add_argument("gold", type=Path, help="a prepared corpus")
    parser.add_argument("parsed", type=Path, help="the same corpus, prepared with a parser's trees")
    chosen = parser.parse_args()
    gold = load(chosen.gold)
    parsed = load(chosen.parsed, formalism=gold.formalism)
    print(f"{'':<12}{'sentences':>10}{'words':>12}{'UAS':>8}{'LAS':>8}{'exact':>8}")
    for split, rows in gold.splits.items():
        others = parsed.splits[split]
        if rows["words"][:] != others["words"][:]:
            raise SystemExit(f"error: the {split} splits hold other words")
        pairs = [list(map(_tree, each["heads"][:], each["relations"][:])) for each in (rows, others)]
        found = attachment(*pairs)
        shares = (found.uas, found.las, found.exact / max(found.sentences, 1))
        print(f"{split:<12}{found.sentences:>10,}{found.words:>12,}" + "".join(f"{100 * one:>8.2f}" for one in shares))


def _tree(heads: Sequence[int] | None, relations: Sequence[str] | None) -> Tree:
    return None if heads is None or relations is None else (heads, relations)


if __name__ == "__main__":
    main()
