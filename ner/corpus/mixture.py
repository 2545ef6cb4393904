"""Two trees for each training sentence, such as gold and a parser's, of which every epoch draws one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ner.corpus.dataset import EncodedSplit
from ner.shapes import Int

if TYPE_CHECKING:
    from datasets import Dataset


class TreeMixture:
    """A training split whose sentences have other trees, in other words heads and relations, in a share of the epochs.

    Each sentence draws its tree anew in each epoch. An epoch depends on the seed and its number only, so that training
    can be resumed at any of them.

    Args:
        split: the sentences with their own trees.
        heads, relation_ids: the other trees, token by token as in `split`; see `ner.corpus.dataset.encode_trees`.
        share: the probability of the other tree, 0 to 1.
    """

    def __init__(
        self,
        split: EncodedSplit,
        heads: Int[Tensor, " token"],
        relation_ids: Int[Tensor, " token"],
        *,
        share: float,
        seed: int,
    ) -> None:
        self.split = split
        self.heads = heads
        self.relation_ids = relation_ids
        self.share = share
        self.seed = seed

    def epoch(self, number: int) -> EncodedSplit:
        """The split with the trees of an epoch."""
        draws = np.random.default_rng((self.seed, number, 1)).random(len(self.split))  # 1: not the draws of the sampler
        is_other = torch.repeat_interleave(torch.from_numpy(draws < self.share), self.split.lengths)
        return replace(
            self.split,
            heads=torch.where(is_other, self.heads, self.split.heads),
            relation_ids=torch.where(is_other, self.relation_ids, self.split.relation_ids),
        )


def check_same_sentences(first: Dataset, second: Dataset) -> None:
    """Refuse the rows of two prepared splits that are not the same words in the same sentences in the same order.

    Raises:
        ValueError: with the place of the first sentence that differs in both files.
    """
    columns = [rows.with_format("arrow")[:] for rows in (first, second)]
    words, other_words = (table["words"] for table in columns)
    if words.equals(other_words):
        return
    pairs = enumerate(zip(words.to_pylist(), other_words.to_pylist(), strict=False))
    at = next((number for number, (one, other) in pairs if one != other), min(map(len, (words, other_words))))
    places = [table["source"][at].as_py() if at < len(table) else "the end" for table in columns]
    raise ValueError(
        f"sentence {at + 1} of {len(words):,} ({places[0]}) has other words than that of {len(other_words):,} "
        f"({places[1]})"
    )
