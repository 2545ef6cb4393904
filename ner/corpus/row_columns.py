"""What of rows is encoded, column by column: of an Arrow table, or of sentences that never become one.

A text is read without Arrow, since pandas, which Arrow imports when it is given Python's values, would take longer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ner.corpus.dependencies.policy import count_trees, count_trees_of
from ner.corpus.rows import tree_of
from ner.corpus.sentence import DependencyTree, Sentence
from ner.corpus.tags import spans_to_tags
from ner.shapes import Bool, Int

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

Distinct = tuple[list[str], Tensor]
"""Texts, each once in the order in which they come, and the number of that at each token."""


class RowColumns(ABC):
    """The columns of `ner.corpus.rows`; heads and relations are those of the sentences that have a tree."""

    @abstractmethod
    def num_trees(self) -> dict[str, Any]:
        """As `ner.corpus.dependencies.policy.count_trees` counts."""

    @abstractmethod
    def lengths(self) -> Int[Tensor, " sentence"]: ...

    @abstractmethod
    def has_tree(self) -> Bool[Tensor, " sentence"]: ...

    @abstractmethod
    def heads(self) -> Int[Tensor, " token"]: ...

    @abstractmethod
    def has_all(self, column: str) -> bool:
        """Whether no sentence lacks it."""

    @abstractmethod
    def distinct(self, column: str) -> Distinct:
        """Of a column with a text for each token."""

    @abstractmethod
    def values(self, column: str) -> list[Any]:
        """One for each sentence."""


def columns_of(rows: Dataset | Sequence[Sentence]) -> RowColumns:
    """The columns of the rows of a prepared split, or of sentences."""
    return OfSentences(rows) if isinstance(rows, Sequence) else OfTable(rows.with_format("arrow")[:])


class OfTable(RowColumns):
    """Of an Arrow table of rows."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def num_trees(self) -> dict[str, Any]:
        return count_trees(self._table)

    def lengths(self) -> Int[Tensor, " sentence"]:
        import pyarrow.compute as pc

        return _to_tensor(pc.list_value_length(self._table["words"]))

    def has_tree(self) -> Bool[Tensor, " sentence"]:
        return torch.from_numpy(np.array(self._table["heads"].is_valid(), dtype=bool))

    def heads(self) -> Int[Tensor, " token"]:
        return _to_tensor(self._flatten("heads"))

    def has_all(self, column: str) -> bool:
        return not self._table[column].null_count

    def distinct(self, column: str) -> Distinct:
        encoded = self._flatten(column).dictionary_encode()
        return encoded.dictionary.to_pylist(), _to_tensor(encoded.indices)

    def values(self, column: str) -> list[Any]:
        found: list[Any] = self._table[column].to_pylist()
        return found

    def _flatten(self, column: str) -> pa.Array:
        import pyarrow as pa

        return pa.concat_arrays([chunk.flatten() for chunk in self._table[column].chunks])


class OfSentences(RowColumns):
    """Of the rows that sentences would become."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._sentences = sentences

    @cached_property
    def _trees(self) -> list[DependencyTree | None]:
        return [tree_of(sentence) for sentence in self._sentences]

    @cached_property
    def _tags(self) -> list[list[str]]:
        return [list(spans_to_tags(sentence.spans, len(sentence))) for sentence in self._sentences]

    def num_trees(self) -> dict[str, Any]:
        return count_trees_of(self._sentences)

    def lengths(self) -> Int[Tensor, " sentence"]:
        return torch.tensor([len(sentence) for sentence in self._sentences], dtype=torch.long)

    def has_tree(self) -> Bool[Tensor, " sentence"]:
        return torch.tensor([tree is not None for tree in self._trees], dtype=torch.bool)

    def heads(self) -> Int[Tensor, " token"]:
        return torch.tensor([head for tree in self._trees if tree is not None for head in tree.heads], dtype=torch.long)

    def has_all(self, column: str) -> bool:
        return None not in self.values(column)

    def distinct(self, column: str) -> Distinct:
        numbers: dict[str, int] = {}
        texts = (text for values in self.values(column) if values is not None for text in values)
        rows = [numbers.setdefault(text, len(numbers)) for text in texts]
        return list(numbers), torch.tensor(rows, dtype=torch.long)

    def values(self, column: str) -> list[Any]:
        if column == "tags":
            return self._tags
        if column == "relations":
            return [None if tree is None else tree.relations for tree in self._trees]
        return list(map(attrgetter(column), self._sentences))


def _to_tensor(values: Iterable[Any]) -> Int[Tensor, " value"]:
    return torch.from_numpy(np.array(values, dtype=np.int64))
