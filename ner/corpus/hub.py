"""Rows in the layout of the Hugging Face dataset `ontonotes/conll2012_ontonotesv5` to sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from ner.corpus.conll2012 import is_missing_parse
from ner.corpus.sentence import Sentence
from ner.corpus.source import SourceBase, check_split
from ner.corpus.tags import spans_to_tags, tags_to_spans

LABELS = (
    *("PERSON", "NORP", "FAC", "ORG", "GPE", "LOC", "PRODUCT", "DATE", "TIME", "PERCENT", "MONEY", "QUANTITY"),
    *("ORDINAL", "CARDINAL", "EVENT", "WORK_OF_ART", "LAW", "LANGUAGE"),
)
"""The 18 entity types in the order in which the dataset numbers them."""

NAMED_ENTITIES = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI"))
"""The dataset's 37 names of `named_entities`: number 1 is `B-PERSON`."""

_PARSE_PIECE = re.compile(r"\(\s*([^\s()]+)\s+([^\s()]+)\s*\)|\(\s*([^\s()]+)|(\))|\s+")


@dataclass(frozen=True, kw_only=True)
class HubSource(SourceBase):
    """A dataset of documents with `sentences` of words, pos_tags, parse_tree and named_entities.

    `path` is a dataset's id on the Hugging Face Hub, with its `data_dir` and `revision`, or a local folder of
    parquet files `SPLIT-*.parquet` or `SPLIT/*.parquet` for the splits train, validation and test.
    """

    path: str | Path
    data_dir: str | None = None
    revision: str | None = None

    name: ClassVar[str] = "hub"

    def __post_init__(self) -> None:
        if Path(self.path).is_dir() and (self.data_dir or self.revision):
            raise ValueError(f"{self.path} is a folder, where data_dir and revision have no effect; leave them out")

    def read(self, split: str) -> Iterator[Sentence]:
        """Yield the sentences of a split.

        Raises:
            ValueError: naming the row, for labels other than `NAMED_ENTITIES` and rows that are not the layout.
        """
        import datasets  # takes seconds
        from pyarrow.parquet import ParquetFile

        source = f"{self.path}:{split}"
        files = self.files(split)
        if not files:
            dataset = datasets.load_dataset(str(self.path), data_dir=self.data_dir, revision=self.revision, split=split)
            yield from _read_rows(dataset, dataset.features, source)
            return
        # Not through `load_dataset`, whose cache would stand between the files and the reader.
        for path in files:
            file = ParquetFile(path)
            rows = (row for batch in file.iter_batches(batch_size=64) for row in batch.to_pylist())
            yield from _read_rows(rows, datasets.Features.from_arrow_schema(file.schema_arrow), str(path))

    def files(self, split: str) -> tuple[Path, ...]:
        """The parquet files of a split in order; none for a dataset on the Hub."""
        check_split(split)
        folder = Path(self.path)
        if not folder.is_dir():
            return ()
        files = sorted({*folder.glob(f"{split}-*.parquet"), *folder.glob(f"{split}/*.parquet")})
        if not files:
            raise ValueError(f"{folder}: no file matches {split}-*.parquet or {split}/*.parquet")
        return tuple(files)


def _read_rows(rows: Iterable[Any], features: Mapping[str, Any], source: str) -> Iterator[Sentence]:
    feature = _sentence_features(features, source)
    tag_names = _names(feature, "named_entities", source)
    if tag_names != NAMED_ENTITIES:
        raise ValueError(f"{source}: named_entities has the names {tag_names}; expected {NAMED_ENTITIES}")
    pos_names = _names(feature, "pos_tags", source)
    for row_number, row in enumerate(rows):
        for sentence_number, sentence in enumerate(row["sentences"]):
            where = f"{source}[{row_number}].sentences[{sentence_number}]"
            words = tuple(sentence["words"])
            if not words:
                raise ValueError(f"{where}: a sentence without words")
            pos = tuple(pos_names[index] for index in sentence["pos_tags"])
            tags = tuple(tag_names[index] for index in sentence["named_entities"])
            spans = tags_to_spans(tags, "BIO")
            if len(tags) != len(words) or spans_to_tags(spans, len(tags), "BIO") != tags:
                raise ValueError(f"{where}: named_entities are not {len(words)} tags in the scheme BIO: {tags}")
            parse = sentence["parse_tree"] and _parse_bits(sentence["parse_tree"], where)
            yield Sentence(
                words=words,
                spans=spans,
                pos=pos,
                parse=None if not parse or is_missing_parse(parse, pos) else parse,
                document=row["document_id"],
                part=sentence["part_id"],
                source=where,
            )


def _sentence_features(features: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    sentences = features.get("sentences")  # a list of one in datasets 3, a List since
    sentence = sentences[0] if isinstance(sentences, list) else getattr(sentences, "feature", None)
    found = {*sentence} if isinstance(sentence, Mapping) else set()
    missing = {"part_id", "words", "pos_tags", "parse_tree", "named_entities"} - found
    missing |= {"document_id"} - {*features}
    if missing:
        raise ValueError(
            f"{source}: not the layout of ontonotes/conll2012_ontonotesv5: "
            f"no {', '.join(sorted(missing))} in {dict(features)}"
        )
    return cast(Mapping[str, Any], sentence)


def _names(feature: Mapping[str, Any], column: str, source: str) -> tuple[str, ...]:
    names = getattr(getattr(feature[column], "feature", None), "names", None)
    if names is None:
        raise ValueError(f"{source}: {column} are not ClassLabels; write the files with `datasets`, which keeps names")
    return tuple(names)


def _parse_bits(tree: str, where: str) -> str:
    """`(TOP (NP (NN word)))` to `(TOP(NP*))`."""
    tree = tree.strip()
    pieces: list[str] = []
    end = depth = 0
    while end < len(tree):
        piece = _PARSE_PIECE.match(tree, end)
        if piece is None:
            raise ValueError(f"{where}: cannot read the parse_tree at {tree[end : end + 20]!r}")
        end = piece.end()
        if piece[1]:
            pieces.append("*")
        elif piece[4]:
            depth -= 1
            pieces.append(")")
        elif piece[3]:
            depth += 1
            pieces.append(f"({piece[3]}")
        if depth < 0 or (depth == 0 and end < len(tree)):
            raise ValueError(f"{where}: the parse_tree is closed before its end, at {tree[end : end + 20]!r}")
    if pieces[:1] == ["*"]:
        raise ValueError(f"{where}: the parse_tree begins with a word; expected a phrase such as '(TOP'")
    if depth:
        raise ValueError(f"{where}: the parse_tree has {depth} brackets that are not closed")
    return "".join(pieces)
