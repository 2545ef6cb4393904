"""Tree dropout: in training, trees are taken away or spoilt, so that a model does not come to depend on good ones."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ner.corpus.batch import Batch
from ner.shapes import Bool, Int


class TreeDropout(nn.Module):
    """Lets a model meet in training what a parser gives it in use: trees with errors, and no trees.

    In training, a share of `sentences` lose their tree: each word is its own head by the relation `root`, as in a
    sentence that has none. In the others, a share `heads` of the words but the root hang elsewhere: half of them on the
    head of their head, as when a phrase is attached too high, half on the word before or after them. A share
    `relations` of them get the relation of a word drawn from the batch. A tree stays a tree: where words moved to their
    neighbours would form a cycle, all moved words of the sentence hang on the heads of their heads.

    Args:
        root_relation: the id of the relation `root`.

    Raises:
        ValueError: for a share below 0 or above 1.
    """

    def __init__(self, root_relation: int, *, sentences: float, heads: float, relations: float) -> None:
        super().__init__()
        for name, share in (("sentences", sentences), ("heads", heads), ("relations", relations)):
            if not 0 <= share <= 1:
                raise ValueError(f"tree_dropout.{name} is a share of them between 0 and 1, not {share}")
        self.root_relation = root_relation
        self.sentences = sentences
        self.heads = heads
        self.relations = relations

    def forward(self, batch: Batch) -> Batch:
        """The batch with other trees; as it is outside of training."""
        if not self.training:
            return batch
        places = torch.arange(batch.heads.shape[1], device=batch.heads.device).expand_as(batch.heads)
        is_child = batch.heads != places
        heads, relation_ids = batch.heads, batch.relation_ids
        if self.heads:
            heads = _moved(heads, batch.mask, places, is_child & _drawn(is_child, self.heads))
        if self.relations:
            others = batch.relation_ids.flatten()[(~batch.mask).flatten().argsort(stable=True)]  # the real ones first
            drawn = (torch.rand(heads.shape, dtype=torch.float64, device=heads.device) * batch.mask.sum()).long()
            relation_ids = torch.where(is_child & _drawn(is_child, self.relations), others[drawn], relation_ids)
        if self.sentences:
            without = _drawn(batch.mask[:, :1], self.sentences)
            heads = torch.where(without, places, heads)
            relation_ids = torch.where(without & batch.mask, self.root_relation, relation_ids)
        return replace(batch, heads=heads, relation_ids=relation_ids)

    def extra_repr(self) -> str:
        return f"sentences={self.sentences}, heads={self.heads}, relations={self.relations}"


def _drawn(like: Bool[Tensor, "*shape"], share: float) -> Bool[Tensor, "*shape"]:
    return torch.rand(like.shape, device=like.device) < share


def _moved(
    heads: Int[Tensor, "batch token"],
    mask: Bool[Tensor, "batch token"],
    places: Int[Tensor, "batch token"],
    moves: Bool[Tensor, "batch token"],
) -> Int[Tensor, "batch token"]:
    above = torch.where(moves, heads.gather(1, heads), heads)
    step = torch.where(_drawn(mask, 0.5), 1, -1)
    neighbour = (places + step).clamp(min=0)
    last = mask.sum(1, keepdim=True) - 1
    is_beside = moves & _drawn(mask, 0.5) & (places + step >= 0) & (neighbour <= last)
    moved = torch.where(is_beside, neighbour, above)
    top = moved
    for _ in range(moved.shape[1].bit_length()):  # each step doubles the distance
        top = top.gather(1, top)
    has_cycle = (moved.gather(1, top) != top).any(1, keepdim=True)
    return torch.where(has_cycle, above, moved)
