"""Sentences as the rows of an Arrow table: what a prepared corpus stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ner.corpus.sentence import Sentence
from ner.corpus.tags import spans_to_tags
from ner.corpus.vocabulary import ROOT

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
FORMAT = 1
"""Raise it when rows change their meaning, so that corpora prepared before are not taken for the new ones."""
MISSING_TREES = ("error", "self_heads")


def schema() -> pa.Schema:
    """The columns of a row: `tags` are IOBES, `heads` 0-based positions, the root's its own."""
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
        }
    )


def to_table(sentences: Sequence[Sentence], *, missing_trees: str = "error") -> pa.Table:
    """Make one row of each sentence.

    Args:
        missing_trees: what becomes of a sentence without a tree: an `error`, or each word its own head (`self_heads`)
            with the relation `root`.

    Raises:
        ValueError: for a sentence without a tree under `error`, naming its source.
    """
    import pyarrow as pa

    check_missing_trees(missing_trees)
    rows = []
    for sentence in sentences:
        tree = sentence.tree
        if lacks_tree(sentence) and missing_trees == "error":
            raise ValueError(
                f"{sentence.source}: the sentence has no dependency tree; missing_trees=self_heads accepts it"
            )
        rows.append(
            {
                "words": sentence.words,
                "pos": sentence.pos,
                "tags": spans_to_tags(sentence.spans, len(sentence)),
                "heads": range(len(sentence)) if tree is None else tree.heads,
                "relations": (ROOT,) * len(sentence) if tree is None else tree.relations,
                "document": sentence.document,
                "part": sentence.part,
                "genre": sentence.genre,
            }
        )
    columns = schema()
    return pa.table({name: [row[name] for row in rows] for name in columns.names}, schema=columns)


def lacks_tree(sentence: Sentence) -> bool:
    """Whether a tree is missing. A sentence of one word has only one tree, which need not be given."""
    return sentence.tree is None and len(sentence) > 1


def check_missing_trees(missing_trees: str) -> None:
    """Refuse a way to treat missing trees that is not one of `MISSING_TREES`.

    Raises:
        ValueError: listing the right names.
    """
    if missing_trees not in MISSING_TREES:
        raise ValueError(f"unknown missing_trees {missing_trees!r}: choose one of {', '.join(MISSING_TREES)}")
