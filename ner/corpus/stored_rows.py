"""The rows of a prepared corpus, read from Arrow files that may be damaged, or a stranger's."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ner.corpus.rows import schema
from ner.corpus.sentence import CONTROL, NOT_IN_NAMES
from ner.corpus.tags import split_tag
from ner.stored import first_line, shortened

if TYPE_CHECKING:
    import pyarrow as pa

ADDED_LATER = frozenset({"malformed", "source"})
"""Columns that corpora of format 1 lack."""
PER_WORD = ("words", "tags", "pos", "heads", "relations")
OPTIONAL = frozenset({"pos", "heads", "relations", "malformed"})
"""Columns that are null where a sentence has none."""
_PATTERN = "data-*.arrow"  # as `Dataset.save_to_disk` names them

_HEADER, _COMPRESSION = 2, 3  # fields of a message, and of a record batch

Integers = NDArray[np.int64]


def read_rows(directory: Path) -> pa.Table:
    """The rows of a split, mapped into memory, once they are found to be what `ner.corpus.rows` makes.

    Only the Arrow files are read, none of the descriptions beside them, which could name other files.

    Raises:
        ValueError: for files that are no Arrow streams of such rows, and for a sentence that is none: of cells of
            unlike numbers, with heads that are no tree, tags that are none, or control characters.
    """
    import pyarrow as pa

    if not (paths := sorted(directory.glob(_PATTERN))):
        raise ValueError("there are no rows")
    batches: list[pa.RecordBatch] = []
    try:
        for path in paths:
            with pa.ipc.open_stream(pa.memory_map(str(path))) as reader:
                _check_columns(reader.schema)
                _check_messages(path)
                batches += (batch.replace_schema_metadata(None) for batch in reader)
        table = pa.Table.from_batches(batches)
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, OverflowError) as error:
        raise ValueError(f"not the rows of a prepared corpus ({first_line(str(error))})") from error
    check_rows(table)
    return table


def check_rows(table: pa.Table) -> None:
    """Refuse rows that no reader could have made.

    Raises:
        ValueError: with the number of the first sentence that is wrong, from 1.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = np.array(pc.fill_null(pc.list_value_length(table["words"]), 0), dtype=np.int64)
    _refuse(lengths < 1, "has no words")
    for name in table.column_names:
        column = table[name]
        if name not in OPTIONAL:
            _refuse(np.array(column.is_null(), dtype=bool), f"has no {name}")
        if name in PER_WORD:
            own = np.array(pc.fill_null(pc.list_value_length(column), -1), dtype=np.int64)
            _refuse((own != lengths) & (own >= 0), f"has more or fewer {name} than words")
            values = pa.concat_arrays([chunk.flatten() for chunk in column.chunks])
            if values.null_count:
                raise ValueError(f"a value of {name} is null")
        elif pa.types.is_string(column.type):
            values = column.combine_chunks()
        else:
            continue
        if name != "heads":
            _check_texts(name, pc.unique(values).drop_null().to_pylist())
    has_tree = np.array(table["heads"].is_valid(), dtype=bool)
    _refuse(has_tree != np.array(table["relations"].is_valid(), dtype=bool), "has heads or relations, not both")
    heads = pa.concat_arrays([chunk.flatten() for chunk in table["heads"].chunks])
    _check_trees(np.array(heads, dtype=np.int64), lengths[has_tree], np.flatnonzero(has_tree))


def _check_messages(path: Path) -> None:
    """Refuse buffers that are compressed, which nothing here writes: a few bytes could stand for gigabytes."""
    import pyarrow as pa

    for message in pa.ipc.MessageReader.open_stream(pa.memory_map(str(path))):
        if message.type not in ("schema", "record batch"):
            raise ValueError(f"not the rows of a prepared corpus (a message of type {message.type})")
        try:
            is_compressed = message.type == "record batch" and _is_compressed(message.metadata.to_pybytes())
        except struct.error as error:
            raise ValueError(f"not the rows of a prepared corpus ({error})") from error
        if is_compressed:
            raise ValueError("not the rows of a prepared corpus (its buffers are compressed)")


def _is_compressed(metadata: bytes) -> bool:
    """Whether a record batch has a compression, in the words of Arrow's `Message.fbs`: its `header.compression`."""
    (message,) = struct.unpack_from("<I", metadata)
    batch = _field(metadata, message, _HEADER)
    if batch is None:
        raise struct.error("a message without a header")
    (offset,) = struct.unpack_from("<I", metadata, batch)
    return _field(metadata, batch + offset, _COMPRESSION) is not None


def _field(metadata: bytes, table: int, number: int) -> int | None:
    """Where a field of a table of a flat buffer is, None where it has none."""
    (back,) = struct.unpack_from("<i", metadata, table)
    vtable = table - back
    if vtable < 0:
        raise struct.error("a table before the message")
    (size,) = struct.unpack_from("<H", metadata, vtable)
    place = 4 + 2 * number
    if place + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", metadata, vtable + place)
    return table + offset if offset else None


def _check_columns(found: pa.Schema) -> None:
    expected = schema()
    for name in expected.names:
        if name not in found.names and name in ADDED_LATER:
            continue
        if found.names.count(name) != 1 or found.field(name).type != expected.field(name).type:
            raise ValueError(f"not the rows of a prepared corpus (no column {name} of {expected.field(name).type})")
    if strange := set(found.names) - set(expected.names):
        raise ValueError(f"not the rows of a prepared corpus (a column {shortened(repr(min(strange)))})")


def _check_texts(name: str, texts: Sequence[str]) -> None:
    """Refuse control characters, and in names white space too, as `Sentence` does."""
    forbidden = NOT_IN_NAMES if name in ("tags", "relations", "document") else CONTROL
    if forbidden.search("".join(texts)):  # rarely: texts are many
        text = next(filter(forbidden.search, texts))
        raise ValueError(f"{name} holds {shortened(repr(text))}, with a control character or white space")
    if name == "tags":
        for tag in texts:
            split_tag(tag)


def _check_trees(heads: Integers, lengths: Integers, sentences: Integers) -> None:
    """Refuse heads that are no trees: see `DependencyTree`, which this is for many sentences at once.

    Args:
        heads: (token) positions in the sentence, the sentences one after the other.
        lengths: (sentence) tokens in each.
        sentences: (sentence) their numbers, for messages.
    """
    if not len(lengths):
        return
    starts = np.cumsum(lengths) - lengths
    of_sentence = np.repeat(np.arange(len(lengths)), lengths)

    def refuse(is_wrong: NDArray[np.bool_], what: str) -> None:
        _refuse(is_wrong, what, numbers=sentences[of_sentence])

    refuse((heads < 0) | (heads >= lengths[of_sentence]), "has a head outside of it")
    heads = heads + starts[of_sentence]
    is_root = heads == np.arange(len(heads))
    _refuse(np.add.reduceat(is_root, starts, dtype=np.int64) != 1, "has no root, or more than one", numbers=sentences)
    reached = heads
    for _ in range(int(lengths.max()).bit_length()):  # each step doubles the way up
        reached = reached[reached]
    refuse(~is_root[reached], "has heads that run in a circle")


def _refuse(is_wrong: NDArray[np.bool_], what: str, *, numbers: Integers | None = None) -> None:
    if is_wrong.any():
        first = int(is_wrong.argmax())
        raise ValueError(f"sentence {1 + (first if numbers is None else int(numbers[first]))} {what}")
