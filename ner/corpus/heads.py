"""Cells with the number of a head and a relation, as CoNLL-X and its relatives have them, to dependency trees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ner.corpus.dependencies.malformed import tree_of
from ner.corpus.sentence import DependencyTree, MalformedTree

_HEAD = re.compile(r"0|[1-9][0-9]{0,8}")


def tree_of_cells(
    path: Path, lines: Sequence[int], heads: Sequence[str], relations: Sequence[str]
) -> tuple[DependencyTree | None, MalformedTree | None]:
    """What `ner.corpus.dependencies.malformed.tree_of` makes of the heads and relations of a sentence.

    Args:
        lines: the line of each word.

    Raises:
        ValueError: naming file and line, for a head that is neither a number nor `_`.
    """
    for line, cell in zip(lines, heads, strict=True):
        if cell != "_" and not _HEAD.fullmatch(cell):
            raise ValueError(
                f"{path}:{line}: the head is {cell[:20]!r}; expected a word number, 0 for the root, or '_' for none"
            )
    numbers = [None if cell == "_" else int(cell) for cell in heads]
    return tree_of(numbers, relations, [f"{path}:{line}" for line in lines])
