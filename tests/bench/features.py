"""A CRF over feature templates beside CRFsuite: the time of training on the same features, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from time import process_time

from datasets import Dataset
from omegaconf import OmegaConf

from ner.corpus.conll2012 import read_conll2012
from ner.corpus.dataset import EncodedSplit, count, encode, load, token_columns
from ner.corpus.dependencies.policy import ACCEPT_ALL
from ner.corpus.features import Features
from ner.corpus.row_columns import columns_of
from ner.corpus.rows import to_table
from ner.corpus.sampler import LengthBuckets
from ner.corpus.tags import legal_transitions, split_tag, tags_to_spans
from ner.corpus.templates import Templates
from ner.corpus.vocabulary import Vocabularies, build
from ner.model.crf import LinearChainCRF
from ner.model.feature_crf import FeatureCRF
from ner.resources import conf_directory, data_path
from ner.scoring import Scores, score
from ner.training.decoding import predict_tags
from ner.training.loop import epochs
from ner.training.optimizer import adagrad
from ner.training.schedule import constant

from .measuring import Options, Row

PEER = "CRFsuite (L-BFGS, 100 iterations)"
HAS_PEER = find_spec("sklearn_crfsuite") is not None
MISSING = "the peer is missing: pip install sklearn-crfsuite"
L2, EPOCHS = 1.0, 8


def rows(options: Options) -> Iterator[Row]:
    """Training on `options.sentences` sentences from all over the training split, in seconds of CPU, and test F1."""
    train, test = splits(options)
    vocabularies = with_words(train)
    split, held_out = (encode(rows, vocabularies, trees=ACCEPT_ALL) for rows in (train, test))
    gold = [tags_to_spans(tags) for tags in test["tags"]]

    def f1(tags: Iterable[Sequence[str]]) -> float:
        return 100 * score(gold, (tags_to_spans(one) for one in tags)).micro.f1

    tagger, ours = timed(lambda: fit(split, vocabularies))
    also = {"F1": f1(predict_tags(tagger, held_out, vocabularies))}
    theirs = None
    if HAS_PEER:
        peer, theirs = timed(lambda: fit_peer(split, vocabularies))
        also["F1 of CRFsuite"] = f1(peer.predict(names_of(held_out, vocabularies)))
    yield Row(
        what="CRF over templates, training",
        settings=f"{len(split):,} sentences, {len(vocabularies.features or ()):,} features",
        value=ours,
        unit="s of CPU",
        peer=PEER,
        peer_value=theirs,
        ratio=theirs and theirs / ours,
        also=also,
        note="" if HAS_PEER else MISSING,
    )


def timed(function: Callable[[], FeatureCRF]) -> tuple[FeatureCRF, float]:
    start = process_time()
    return function(), process_time() - start


def splits(options: Options) -> tuple[Dataset, Dataset]:
    """Sentences of the training split, as many as asked for and spread over it, and the test split."""
    if options.prepared is None:
        train, test = (
            Dataset(to_table(list(read_conll2012(data_path("sample") / f"{name}.gold_conll"))))
            for name in ("train", "test")
        )
    else:
        train, test = (load(options.prepared).splits[name] for name in ("train", "test"))
    return train.select(range(0, len(train), max(len(train) // options.sentences, 1))), test


def with_words(train: Dataset) -> Vocabularies:
    vocabularies = build(
        word_counts=count(train, "words"),
        relations=(),
        labels={split_tag(tag)[1] for tag in count(train, "tags")} - {""},
    )
    lines = OmegaConf.load(conf_directory() / "model" / "templates" / "words.yaml").lines.words
    columns = token_columns(columns_of(train), vocabularies, {})
    return replace(vocabularies, features=Features.of_training(Templates(lines=tuple(lines)), columns, min_count=2))


def fit(split: EncodedSplit, vocabularies: Vocabularies) -> FeatureCRF:
    assert vocabularies.features is not None
    tags = vocabularies.tags.items
    decoder = LinearChainCRF(len(tags), legal_transitions(tags), constraints="decoding")
    tagger = FeatureCRF(features=vocabularies.features, decoder=decoder, l2=L2)
    for _ in epochs(
        tagger,
        split,
        sampler=LengthBuckets(split.lengths, 32, pool=50, seed=1),
        validate=lambda _: Scores({}),
        optimizer=adagrad(tagger, learning_rate=0.1),
        schedule=constant,
        num_epochs=EPOCHS,
    ):
        pass
    return tagger


def fit_peer(split: EncodedSplit, vocabularies: Vocabularies):
    """The same loss: CRFsuite's c2 |w|^2 is l2 / 2 |w|^2, also of the transitions."""
    from sklearn_crfsuite import CRF

    assert split.tag_ids is not None
    names = vocabularies.tags.items
    tags = [[names[tag] for tag in one] for one in by_sentence(split, split.tag_ids.tolist())]
    peer = CRF(algorithm="lbfgs", c1=0.0, c2=L2 / 2, max_iterations=100)
    return peer.fit(names_of(split, vocabularies), tags)


def names_of(split: EncodedSplit, vocabularies: Vocabularies) -> list[list[list[str]]]:
    """The known features of each token of each sentence."""
    assert vocabularies.features is not None
    assert split.feature_ids is not None
    names = vocabularies.features.known.items
    return [
        [[names[id_] for id_ in ids if id_] for ids in one] for one in by_sentence(split, split.feature_ids.tolist())
    ]


def by_sentence(split: EncodedSplit, values: list) -> list[list]:
    return [values[start:end] for start, end in pairwise(split.offsets.tolist())]
