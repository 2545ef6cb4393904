"""A prepared corpus, from its directory to batches of tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ner.corpus.batch import Batch, Words
from ner.corpus.checksums import REMEDY, verify_checksums
from ner.corpus.dependencies.policy import TreePolicy
from ner.corpus.features import Features
from ner.corpus.pieces import SplitPieces
from ner.corpus.row_columns import RowColumns, columns_of
from ner.corpus.rows import MANIFEST
from ner.corpus.sentence import Sentence
from ner.corpus.source import check_split
from ner.corpus.stored_rows import read_rows
from ner.corpus.tags import split_tag, tags_to_spans
from ner.corpus.templates import Templates
from ner.corpus.token_columns import Column, TokenColumns
from ner.corpus.vocabulary import ROOT, Vocabularies, build
from ner.shapes import Bool, Float, Int
from ner.stored import field, integer, read_json, string
from ner.stored import name as name_field

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


FIRST_WITH_CHECKSUMS = 2  # format of a prepared corpus
NEEDS_TREES = TreePolicy()


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A corpus that `ner.corpus.preparation.prepare` has written: rows of all splits, and where they come from."""

    path: Path
    manifest: dict[str, Any]
    splits: DatasetDict

    @property
    def formalism(self) -> str:
        """What the heads and relations are, such as `ud` or `sd`; `given` where nobody has said."""
        return str(self.manifest["formalism"])

    @property
    def trees(self) -> dict[str, Any]:
        """The fingerprint of what the trees come from (see `ner.corpus.dependencies.TreeProvider`)."""
        return dict(self.manifest.get("trees") or {"formalism": self.formalism})

    def with_training_share(self, share: float) -> Prepared:
        """The corpus with a share of its training sentences, in their order.

        They are drawn at random but always the same, and those of a smaller share are among those of a larger one.

        Args:
            share: above 0 and at most 1; one sentence is left at least.
        """
        train = self.splits["train"]
        if share == 1:
            return self
        drawn = Random(0).sample(range(len(train)), len(train))[: max(1, round(share * len(train)))]
        splits = type(self.splits)({**self.splits, "train": train.select(sorted(drawn), keep_in_memory=True)})
        return replace(self, splits=splits)

    def check_trees(self, policy: TreePolicy) -> None:
        """Refuse splits with sentences without a tree, unless they are accepted.

        Raises:
            ValueError: see `TreePolicy.check`.
        """
        for split, counts in self.manifest["counts"].items():
            policy.check(counts, f"{split} sentences")

    @property
    def digest(self) -> str:
        """Stands for the content of all source files and the options they were read and converted with."""
        return str(self.manifest["digest"])


def load(path: Path, *, formalism: str | None = None) -> Prepared:
    """Open a prepared corpus, once it is found to be as it was written; its rows stay on disk, mapped into memory.

    Raises:
        ValueError: where there is no prepared corpus, where a byte of it has changed (see `ner.corpus.checksums`), and
            where its dependencies are not of the formalism asked for.
    """
    from datasets import Dataset, DatasetDict

    manifest_path = path / MANIFEST
    if not manifest_path.is_file():
        raise ValueError(f"{path}: not a prepared corpus, it has no {MANIFEST}; `python -m ner.prepare` makes one")
    manifest = _manifest(manifest_path)
    if manifest["format"] >= FIRST_WITH_CHECKSUMS:
        verify_checksums(path)
    if formalism is not None and manifest["formalism"] != formalism:
        raise ValueError(
            f"{path}: prepared with dependencies {manifest['formalism']!r}, but {formalism!r} is needed; "
            f"prepare it with dependencies={formalism}"
        )
    splits = DatasetDict()
    for split, counts in manifest["counts"].items():
        try:
            rows = read_rows(path / split)
            if len(rows) != counts["sentences"]:
                raise ValueError(f"{len(rows):,} sentences, where {MANIFEST} counts {counts['sentences']:,}")
        except ValueError as error:
            raise ValueError(f"{path / split}: {error}; {REMEDY}") from error
        splits[split] = Dataset(rows, fingerprint=f"{manifest['digest'][:32]}-{split}")
    return Prepared(path=path, manifest=manifest, splits=splits)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = read_json(path)
        integer(manifest, "format", where=path.name)
        name_field(manifest, "formalism", where=path.name)
        string(manifest, "digest", where=path.name)
        for split in field(manifest, "counts", where=path.name):
            check_split(split)
            for name in ("sentences", "without_tree"):
                integer(manifest, "counts", split, name, where=path.name, low=0)
    except ValueError as error:
        raise ValueError(f"{path.parent}: not a prepared corpus ({error})") from error
    return manifest


def build_vocabularies(
    prepared: Prepared,
    *,
    vectors: Container[str] = (),
    min_count: int = 2,
    digits_to_zero: bool = False,
    scheme: str = "IOBES",
    other_trees: Prepared | None = None,
    task: str = "ner",
) -> Vocabularies:
    """Make the vocabularies of a prepared corpus; see `ner.corpus.vocabulary.build`.

    Args:
        other_trees: the same sentences with other trees, whose relations count too.
    """
    train = prepared.splits["train"]
    others = (word for split in prepared.splits if split != "train" for word in count(prepared.splits[split], "words"))
    relations = {
        relation
        for corpus in (prepared, other_trees)
        if corpus is not None
        for relation in count(corpus.splits["train"], "relations")
    }
    return build(
        word_counts=count(train, "words"),
        relations=relations,
        labels={split_tag(tag)[1] for tag in count(train, "tags") if tag != "O"},
        vectors=vectors,
        other_words=others,
        min_count=min_count,
        digits_to_zero=digits_to_zero,
        scheme=scheme,
        task=task,
    )


def with_features(
    vocabularies: Vocabularies,
    prepared: Prepared,
    templates: Templates,
    *,
    min_count: int,
    gazetteer: Mapping[str, str],
) -> Vocabularies:
    """The vocabularies with the features of the training split; see `ner.corpus.features.Features.of_training`."""
    gazetteer = {vocabularies.normalize(name): label for name, label in gazetteer.items()}
    columns = token_columns(columns_of(prepared.splits["train"]), vocabularies, gazetteer)
    return replace(vocabularies, features=Features.of_training(templates, columns, min_count=min_count))


def count(rows: Dataset, column: str) -> Counter[str]:
    """How often each string comes in a column of strings, in order of first sight: of `words`, say."""
    texts, places = columns_of(rows).distinct(column)
    return Counter(dict(zip(texts, torch.bincount(places, minlength=len(texts)).tolist(), strict=True)))


@dataclass(frozen=True, eq=False, kw_only=True)
class EncodedSplit:
    """All sentences of a split as ids, one after the other, without padding.

    Sentence i owns the tokens from `offsets[i]` to `offsets[i + 1]`. `words` holds the split's distinct words,
    `word_rows` points each token into it; `heads` are positions in the sentence. `num_unseen_tags` tokens carry a
    tag that the vocabulary lacks, because its label does not come in training: their id is that of `O`, so scoring
    must use the rows' own tags. Where there is an encoder, its `pieces`, and the (token, layer, vector) `layers` that
    it made of them if that is done. `targets` are the start and the end of the one span of each sentence, whatever its
    label, where the task is to label it. `feature_ids` are what feature templates make, where there are any.
    """

    offsets: Int[Tensor, " offset"]
    word_rows: Int[Tensor, " token"]
    heads: Int[Tensor, " token"]
    relation_ids: Int[Tensor, " token"]
    tag_ids: Int[Tensor, " token"] | None
    words: Words
    num_unseen_tags: int = 0
    pieces: SplitPieces | None = None
    layers: NDArray[np.float16] | None = None
    targets: Int[Tensor, "sentence 2"] | None = None
    feature_ids: Int[Tensor, "token template"] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> Int[Tensor, " sentence"]:
        """Tokens in each sentence."""
        return self.offsets.diff()

    def batch(self, indices: Sequence[int] | Int[Tensor, " batch"], *, distinct: bool = True) -> Batch:
        """Pad the sentences at `indices` to the longest of them.

        With `distinct` the batch brings only its own words, each once; without, all words of the split, so that what
        is computed of them serves every batch.
        """
        chosen = torch.as_tensor(indices, dtype=torch.long)
        starts, lengths = self.offsets[chosen], self.lengths[chosen]
        positions = torch.arange(int(lengths.max()))
        mask = positions < lengths[:, None]
        tokens = torch.where(mask, starts[:, None] + positions, 0)

        def pad(
            values: Int[Tensor, " all"], padding: Int[Tensor, ""] | Int[Tensor, " token"]
        ) -> Int[Tensor, "b token"]:
            return torch.where(mask, values[tokens], padding)

        zero = torch.tensor(0)
        words, word_rows = self.words, pad(self.word_rows, zero)
        if distinct:
            used, rows_of_tokens = torch.unique(word_rows[mask], return_inverse=True)
            word_rows = torch.zeros_like(word_rows).masked_scatter(mask, rows_of_tokens)
            words = words.select(used)
        return Batch(
            words=words,
            mask=mask,
            word_rows=word_rows,
            heads=pad(self.heads, positions),
            relation_ids=pad(self.relation_ids, zero),
            tag_ids=None if self.tag_ids is None else pad(self.tag_ids, zero),
            pieces=None if self.pieces is None or self.layers is not None else self.pieces.batch(chosen, mask),
            layers=None if self.layers is None else _padded_layers(self.layers, tokens, mask),
            targets=None if self.targets is None else self.targets[chosen],
            feature_ids=None if self.feature_ids is None else self.feature_ids[tokens].mul_(mask[:, :, None]),
        )


def encode(
    rows: Dataset | Sequence[Sentence], vocabularies: Vocabularies, *, trees: TreePolicy = NEEDS_TREES
) -> EncodedSplit:
    """Turn the rows of a prepared split, or sentences with their trees, into ids.

    The words of a sentence without a tree are their own heads, with the relation `root`.

    Args:
        trees: whether there may be such sentences.

    Raises:
        ValueError: where there is no sentence, for a sentence without a tree that `trees` refuses, and for one that
            has no target or several where the task is `sentiment`.
    """
    columns = columns_of(rows)
    lengths = columns.lengths()
    if not len(lengths):
        raise ValueError("there is no sentence to encode")
    trees.check(columns.num_trees())
    spelled, word_rows = columns.distinct("words")
    heads, relation_ids = _trees(columns, vocabularies)
    tags, tag_rows = columns.distinct("tags")
    tags = [_in_scheme(tag, vocabularies.scheme) for tag in tags]
    is_unseen = torch.tensor([tag not in vocabularies.tags for tag in tags])
    known_tags = [tag if tag in vocabularies.tags else "O" for tag in tags]
    offsets, cutter, features = _offsets(lengths), vocabularies.cutter, vocabularies.features
    return EncodedSplit(
        offsets=offsets,
        word_rows=word_rows,
        heads=heads,
        relation_ids=relation_ids,
        tag_ids=torch.tensor(vocabularies.tags.ids(known_tags))[tag_rows],
        words=encode_words(spelled, vocabularies),
        num_unseen_tags=int(is_unseen[tag_rows].sum()),
        pieces=None if cutter is None else cutter.cut_split(spelled, word_rows, offsets, _documents(columns)),
        targets=_targets(columns) if vocabularies.task == "sentiment" else None,
        feature_ids=None
        if features is None
        else features.ids(token_columns(columns, vocabularies, features.gazetteer)),
    )


def token_columns(columns: RowColumns, vocabularies: Vocabularies, gazetteer: Mapping[str, str]) -> TokenColumns:
    """What feature templates read of the rows of a split; a sentence without a tree is read as `encode` does."""
    heads, relation_ids = _trees(columns, vocabularies)
    return TokenColumns(
        offsets=_offsets(columns.lengths()).numpy(),
        words=_column(columns, "words").map(vocabularies.normalize),
        heads=heads.numpy(),
        relations=Column(vocabularies.relations.items, relation_ids.numpy()),
        pos=_column(columns, "pos") if columns.has_all("pos") else None,
        gazetteer=gazetteer,
    )


def _column(columns: RowColumns, name: str) -> Column:
    values, codes = columns.distinct(name)
    return Column(values, codes.numpy())


def _offsets(lengths: Int[Tensor, " sentence"]) -> Int[Tensor, " offset"]:
    return torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])


def encode_trees(
    rows: Dataset, vocabularies: Vocabularies, *, trees: TreePolicy = NEEDS_TREES
) -> tuple[Int[Tensor, " token"], Int[Tensor, " token"]]:
    """The head of each token, a position in its sentence, and the id of its relation, as `encode` has them.

    Raises:
        ValueError: for a sentence without a tree that `trees` refuses.
    """
    columns = columns_of(rows)
    trees.check(columns.num_trees())
    return _trees(columns, vocabularies)


def _trees(columns: RowColumns, vocabularies: Vocabularies) -> tuple[Int[Tensor, " token"], Int[Tensor, " token"]]:
    """The head and relation of each token; a word of a sentence without a tree is its own head."""
    lengths = columns.lengths()
    starts = torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths)
    heads = torch.arange(len(starts)) - starts
    relation_ids = torch.full_like(heads, vocabularies.relations.id(ROOT))
    has_tree = torch.repeat_interleave(columns.has_tree(), lengths)
    heads[has_tree] = columns.heads()
    relations, relation_rows = columns.distinct("relations")
    relation_ids[has_tree] = torch.tensor(vocabularies.relations.ids(relations), dtype=torch.long)[relation_rows]
    return heads, relation_ids


def _targets(columns: RowColumns) -> Int[Tensor, "sentence 2"]:
    """Start and end of the one span of each sentence."""
    targets = []
    for tags, source in zip(columns.values("tags"), columns.values("source"), strict=True):
        spans = tags_to_spans(tags)
        if len(spans) != 1:
            found = "several spans" if spans else "no span"
            raise ValueError(f"{source}: {found}, where task=sentiment needs one target in each sentence")
        targets.append((spans[0].start, spans[0].end))
    return torch.tensor(targets)


def encode_words(words: Iterable[str], vocabularies: Vocabularies) -> Words:
    """The id and the spelling of each word, 0 after its end."""
    words = list(words)
    spellings = [torch.tensor(vocabularies.character_ids(word)) for word in words]
    return Words(
        word_ids=torch.tensor([vocabularies.word_id(word) for word in words]),
        character_ids=torch.nn.utils.rnn.pad_sequence(spellings, batch_first=True),
    )


def _padded_layers(
    layers: NDArray[np.float16], tokens: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "batch token layer vector"]:
    padded = torch.zeros(*mask.shape, *layers.shape[1:], dtype=torch.float16)
    padded[mask] = torch.from_numpy(layers[tokens[mask].numpy()])
    return padded


def _documents(columns: RowColumns) -> list[tuple[str, int] | None]:
    """Where each sentence stands: in a part of a document, or alone."""
    pairs = zip(columns.values("document"), columns.values("part"), strict=True)
    return [(document, part) if document else None for document, part in pairs]


def _in_scheme(tag: str, scheme: str) -> str:
    prefix, label = split_tag(tag)
    if scheme == "BIO" and prefix in "ES":
        return f"{'I' if prefix == 'E' else 'B'}-{label}"
    return tag
