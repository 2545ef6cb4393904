"""Sentences as the rows of an Arrow table: what a prepared corpus stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ner.corpus.sentence import DependencyTree, Sentence
from ner.corpus.tags import spans_to_tags
from ner.corpus.vocabulary import ROOT

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
FORMAT = 2
"""Raise it when rows change their meaning, so that corpora prepared before are not taken for the new ones."""


def schema() -> pa.Schema:
    """The columns of a row: `tags` are IOBES, `heads` 0-based positions, the root's its own.

    Heads and relations are null where the sentence has no tree, `pos` where it has none; `malformed` says what is wrong
    where its file has heads that are no tree. `source` is the place in its file.
    """
    import pyarrow as pa  # slow to import, and not needed by `--help`

    strings = pa.list_(pa.string())
    return pa.schema(
        {
            "words": strings,
            "pos": strings,
            "tags": strings,
            "heads": pa.list_(pa.int32()),
            "relations": strings,
            "document": pa.string(),
            "part": pa.int32(),
            "genre": pa.string(),
            "source": pa.string(),
            "malformed": pa.string(),
        }
    )


def tree_of(sentence: Sentence) -> DependencyTree | None:
    """Its tree. One of a single word has only one, which need not be given."""
    return DependencyTree((0,), (ROOT,)) if sentence.tree is None and len(sentence) == 1 else sentence.tree


def to_table(sentences: Sequence[Sentence]) -> pa.Table:
    """Make one row of each sentence, with its `tree_of`."""
    import pyarrow as pa

    rows = []
    for sentence in sentences:
        tree = tree_of(sentence)
        rows.append(
            {
                "words": sentence.words,
                "pos": sentence.pos,
                "tags": spans_to_tags(sentence.spans, len(sentence)),
                "heads": None if tree is None else tree.heads,
                "relations": None if tree is None else tree.relations,
                "document": sentence.document,
                "part": sentence.part,
                "genre": sentence.genre,
                "source": sentence.source,
                "malformed": None if tree is not None or sentence.malformed is None else sentence.malformed.defect,
            }
        )
    columns = schema()
    return pa.table({name: [row[name] for row in rows] for name in columns.names}, schema=columns)
