"""The features of tokens that feature templates make, and their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ner.corpus.templates import Cell, Template, Templates, boundary_values
from ner.corpus.token_columns import Column, TokenColumns
from ner.corpus.vocabulary import UNKNOWN, Vocabulary, stored_strings
from ner.shapes import Int
from ner.stored import field


@dataclass(frozen=True, kw_only=True)
class Features:
    """The features that training knows, and the templates that make them.

    `known` has `<unk>` as 0, which stands for all others; `counts` says how often each comes in the training split, 1
    for `<unk>`. `gazetteer` holds the type of each name.

    Raises:
        ValueError: where counts and features do not match, and for templates that need a gazetteer or have none for it.
    """

    templates: Templates
    known: Vocabulary
    counts: tuple[int, ...]
    gazetteer: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.known.items[0] != UNKNOWN:
            raise ValueError(f"the first feature is {self.known.items[0]!r}, not {UNKNOWN!r}")
        if len(self.counts) != len(self.known) or not 1 <= min(self.counts) <= max(self.counts) < 2**63:
            raise ValueError(f"{len(self.counts)} counts of {len(self.known)} features, not a positive one of each")
        _check_gazetteer(self.templates, self.gazetteer)

    def __len__(self) -> int:
        return len(self.known)

    @classmethod
    def of_training(cls, templates: Templates, columns: TokenColumns, *, min_count: int) -> Features:
        """The features that come at least `min_count` times in a training split, by falling count.

        Raises:
            ValueError: for a `min_count` below 1, where no feature comes so often, for parts of speech that are not
                there, and for a gazetteer that no template reads, or that one reads and is not there.
        """
        if min_count < 1:
            raise ValueError(f"min_count must be at least 1, found {min_count}")
        _check_gazetteer(templates, columns.gazetteer)
        found: Counter[str] = Counter()
        for column in _expanded(templates, columns):
            counts = np.bincount(column.codes, minlength=len(column.values)).tolist()
            for name, count in zip(column.values, counts, strict=True):  # names may come twice: of a/b and c, a and b/c
                found[name] += count
        kept = sorted((-count, name) for name, count in found.items() if count >= min_count)
        if not kept:
            raise ValueError(f"no feature comes {min_count} times in training: lower min_count")
        names, counts = (UNKNOWN, *(name for _, name in kept)), (1, *(-count for count, _ in kept))
        return cls(
            templates=templates, known=Vocabulary(names, unknown=True), counts=counts, gazetteer=columns.gazetteer
        )

    def ids(self, columns: TokenColumns) -> Int[Tensor, "token template"]:
        """The feature of each template at each token; 0 where training does not know it.

        Raises:
            ValueError: for parts of speech that are not there.
        """
        expanded = _expanded(self.templates, columns)
        ids = [np.array(self.known.ids(column.values), dtype=np.int32)[column.codes] for column in expanded]
        return torch.from_numpy(np.stack(ids, axis=1))

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "templates": self.templates.lines,
            "columns": self.templates.columns,
            "gazetteer": dict(self.gazetteer),
            "known": self.known.items,
            "counts": self.counts,
        }

    @classmethod
    def from_json(cls, content: Any) -> Features:
        """Read what `to_json` gave; it may be a stranger's.

        Raises:
            ValueError: for anything else.
        """
        gazetteer, counts = (field(content, name, where="features") for name in ("gazetteer", "counts"))
        if not isinstance(gazetteer, Mapping) or not all(isinstance(label, str) for label in gazetteer.values()):
            raise ValueError("the gazetteer is no mapping of names to types")
        if not isinstance(counts, list) or not all(type(count) is int for count in counts):
            raise ValueError("the counts of features are no list of whole numbers")
        lines, columns, known = (stored_strings(content, name) for name in ("templates", "columns", "known"))
        return cls(
            templates=Templates(lines=lines, columns=columns),
            known=Vocabulary(known, unknown=True),
            counts=tuple(counts),
            gazetteer=dict(gazetteer),
        )


def _expanded(templates: Templates, columns: TokenColumns) -> Iterator[Column]:
    """What each template makes of each token."""
    return (expand(template, columns) for template in templates.unigrams)


def expand(template: Template, columns: TokenColumns) -> Column:
    """The string that a template makes of each token; each distinct string is put together once."""
    cells = {cell: _of_cell(cell, columns) for cell in template.cells}
    codes = np.zeros(len(columns.words.codes), dtype=np.int64)
    for column in cells.values():
        codes = np.unique(codes * len(column.values) + column.codes, return_inverse=True)[1]
    _, tokens, codes = np.unique(codes, return_index=True, return_inverse=True)
    texts = (
        [part] * len(tokens)
        if isinstance(part, str)
        else [cells[part].values[code] for code in cells[part].codes[tokens].tolist()]
        for part in template.parts
    )
    return Column(["".join(parts) for parts in zip(*texts, strict=True)], codes)


def _of_cell(cell: Cell, columns: TokenColumns) -> Column:
    """The value of a cell at each token, `_B-1`, `_B+1` and so on where it is outside the sentence."""
    column = columns.column(cell.column)
    if cell.row == 0:
        return column
    places = columns.positions + cell.row
    beyond = places + 1 if cell.row < 0 else places - columns.lengths
    is_outside = places < 0 if cell.row < 0 else beyond >= 0
    tokens = np.where(is_outside, 0, np.arange(len(places)) + cell.row)
    outside = len(column.values) + np.abs(beyond)
    codes = np.where(is_outside, outside, column.codes[tokens])
    return Column([*column.values, *boundary_values(cell.row)], codes)


def _check_gazetteer(templates: Templates, gazetteer: Mapping[str, str]) -> None:
    if templates.reads("gazetteer") and not gazetteer:
        raise ValueError("the templates read a gazetteer: model.templates.gazetteer=FILE gives it")
    if gazetteer and not templates.reads("gazetteer"):
        raise ValueError("no template reads the gazetteer: write one with %x[0,gazetteer]")
