"""Heads as a file has them: a dependency tree, or what is wrong with them, or the tree that they can be made."""

from __future__ import annotations

from collections.abc import Sequence

from ner.corpus.corenlp import UNATTACHED
from ner.corpus.sentence import DependencyTree, MalformedTree


def tree_of(
    heads: Sequence[int | None], relations: Sequence[str], places: Sequence[str]
) -> tuple[DependencyTree | None, MalformedTree | None]:
    """Make a tree of the heads in a file, or say why they are none; neither where there is no head at all.

    What comes back is for the fields `tree` and `malformed` of a `Sentence`.

    Args:
        heads: 1-based, 0 at the root, None where the file has none (`_`).
        relations: one for each word.
        places: where each word stands, as `file:line`.
    """
    if all(head is None for head in heads):
        return None, None
    defect = None
    for word, (head, place) in enumerate(zip(heads, places, strict=True), 1):
        if head is None:
            defect = f"{place}: no head, where other words of the sentence have one"
        elif head == word:
            defect = f"{place}: word {word} is its own head; the root has head 0"
        elif not 0 <= head <= len(heads):
            defect = f"{place}: the head is {head}, outside the sentence of {len(heads)} words"
        if defect is not None:
            return None, MalformedTree(tuple(heads), tuple(relations), defect)
    positions = tuple(head - 1 if head else word for word, head in enumerate(heads))
    try:
        return DependencyTree(positions, tuple(relations)), None
    except ValueError as error:
        return None, MalformedTree(tuple(heads), tuple(relations), f"{places[0]}: {error} (words counted from 0)")


def repaired(malformed: MalformedTree) -> DependencyTree | None:
    """Make a tree of heads that are none, or give None where that cannot be done: where they run in a circle.

    Words without a head of their own in the sentence (`_`, `erased`, themselves, a number beyond it) depend on the
    root by `dep`; so do second roots, but for the relation, which they keep unless it is `root`. The root is the first
    word with head 0 that is not `erased`; where there is none, the first word without a head.
    """
    heads, relations, length = malformed.heads, malformed.relations, len(malformed.heads)
    tops = [word for word in range(length) if heads[word] == 0]
    loose = [
        word
        for word in range(length)
        if relations[word] == UNATTACHED or (head := heads[word]) is None or head > length or head == word + 1
    ]
    candidates = [word for word in tops if word not in loose] or loose
    if not candidates:
        return None
    root = candidates[0]
    positions, names = [], []
    for word, (head, relation) in enumerate(zip(heads, relations, strict=True)):
        is_loose = word in loose
        positions.append(root if is_loose or not head else head - 1)
        names.append("root" if word == root else "dep" if is_loose or (not head and relation == "root") else relation)
    try:
        return DependencyTree(tuple(positions), tuple(names))
    except ValueError:
        return None
