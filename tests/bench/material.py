"""What is measured on: invented sentences with the statistics of OntoNotes, and the paper's model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from ner.components import component
from ner.corpus.batch import Batch
from ner.corpus.dataset import EncodedSplit, build_vocabularies, encode, load
from ner.corpus.sampler import LengthBuckets
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import ROOT, Vocabularies, build
from ner.model.tagger import Tagger
from ner.resources import conf_directory
from ner.schemas import register
from ner.training.optimizer import Optimizer, sgd

from .measuring import Options

# Tokens a sentence in the training split of OntoNotes 5.0, and the share of the sentences that are no longer.
LENGTHS = (1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 19, 21, 23, 25, 28, 32, 36, 44, 62, 98, 210)
SHARES = (*np.arange(0, 1, 0.05), 0.99, 0.999, 1.0)
NUM_WORDS, NUM_LABELS, NUM_RELATIONS = 40_000, 18, 44


@dataclass(frozen=True)
class Material:
    """Sentences to train and decode, and the vocabularies they are encoded with."""

    split: EncodedSplit
    vocabularies: Vocabularies
    name: str

    def batches(self, batch_size: int, *, num_sentences: int, pool: int = 50) -> list[Batch]:
        """The first batches of an epoch, on the CPU."""
        return [self.split.batch(indices) for indices in self.sampler(batch_size, num_sentences, pool).epoch(1)]

    def sampler(self, batch_size: int, num_sentences: int, pool: int = 50) -> FirstBatches:
        return FirstBatches(self.split, batch_size, num_sentences, pool)

    def tagger(self, device: torch.device, model: str = "dglstm_crf", *, vectors: Vectors | None = None) -> Tagger:
        """The paper's model, two layers, mlp, no constraints, or one of its baselines."""
        register()
        with initialize_config_dir(str(conf_directory()), version_base="1.3"):
            config = OmegaConf.to_container(
                compose("train", ["experiment=paper", f"model={model}"]).model, resolve=True
            )
        if vectors is not None:
            config["word_size"] = vectors.width
        torch.manual_seed(1)
        builder = component(cast(dict[str, object], config), "ner.model")
        return cast(Tagger, builder(vocabularies=self.vocabularies, vectors=vectors)).to(device)


class FirstBatches(LengthBuckets):
    """Epochs of a part of the sentences: the first batches only."""

    def __init__(self, split: EncodedSplit, batch_size: int, num_sentences: int, pool: int) -> None:
        super().__init__(split.lengths, batch_size, pool=pool, seed=1)
        self.num_batches = max(num_sentences // batch_size, 1)

    def epoch(self, number: int) -> list[torch.Tensor]:
        return super().epoch(number)[: self.num_batches]


def material(options: Options) -> Material:
    """The training split of `options.prepared`, else invented sentences."""
    if options.prepared is not None:
        prepared = load(options.prepared)
        vocabularies = build_vocabularies(prepared, min_count=1, digits_to_zero=True)
        return Material(encode(prepared.splits["train"], vocabularies), vocabularies, options.prepared.name)
    return invented(random_lengths(10 * options.sentences), name="invented sentences")


def random_lengths(num_sentences: int) -> list[int]:
    """Sentence lengths distributed as in OntoNotes: 18 tokens on average."""
    random = np.random.default_rng(1)
    return [round(length) for length in np.interp(random.random(num_sentences), SHARES, LENGTHS).tolist()]


def invented(lengths: Iterable[int], *, name: str = "") -> Material:
    """Sentences of so many words, as frequent and as long as those of OntoNotes, with random trees and entities."""
    random = np.random.default_rng(2)
    ranks = [f"{rank:o}" for rank in range(NUM_WORDS)]
    endings = random.poisson([0.45 * len(rank) for rank in ranks])
    words = np.array([rank + "i" * number for rank, number in zip(ranks, endings, strict=True)])
    frequencies = 1 / (3 + np.arange(NUM_WORDS))
    relations = [ROOT, *(f"relation{number}" for number in range(NUM_RELATIONS))]
    labels = [f"LABEL{number}" for number in range(NUM_LABELS)]
    vocabularies = build(word_counts=dict.fromkeys(words.tolist(), 1), relations=relations, labels=labels, min_count=1)

    def sentence(length: int) -> Sentence:
        heads = [0, *random.integers(0, np.arange(1, length)).tolist()]
        starts = np.flatnonzero(random.random(length) < 0.1).tolist()
        return Sentence(
            words=tuple(random.choice(words, length, p=frequencies / frequencies.sum()).tolist()),
            spans=tuple(Span(start, start + 1, str(random.choice(labels))) for start in starts),
            tree=DependencyTree(tuple(heads), (ROOT, *random.choice(relations, length - 1).tolist())),
        )

    return Material(encode([sentence(length) for length in lengths], vocabularies), vocabularies, name)


def paper_optimizer(tagger: Tagger) -> Optimizer:
    return sgd(tagger, learning_rate=0.01, weight_decay=1e-8)
