"""How probable it is that given tags stand at a given place: exactly, over all sequences of the chain."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ner.model.chain import ChainScores, messages
from ner.shapes import Bool, Float, Int

NO_TAG = -1


@dataclass(frozen=True, eq=False)
class TagPaths:
    """Runs of tags in the sentences of a batch, one a row.

    Path n assigns `tag_ids[n]` (`NO_TAG` after its end) to the tokens of sentence `sentences[n]` from `starts[n]` on.
    The token after it, if there is one, must not have the tag `stops[n]`, unless that is `NO_TAG`. Thus an entity that
    is spelled B I in BIO, with the stop I, is exactly this one and no longer one.
    """

    sentences: Int[Tensor, " path"]
    starts: Int[Tensor, " path"]
    tag_ids: Int[Tensor, "path step"]
    stops: Int[Tensor, " path"]

    def to(self, device: torch.device) -> TagPaths:
        return TagPaths(*(getattr(self, name).to(device) for name in ("sentences", "starts", "tag_ids", "stops")))


@torch.no_grad()
def path_probabilities(
    emissions: Float[Tensor, "batch token tag"],
    mask: Bool[Tensor, "batch token"],
    scores: ChainScores,
    paths: TagPaths,
) -> Float[Tensor, " path"]:
    """p(y_s..y_e = path, y_{e+1} != stop | P), summed over all that may stand around it, in double precision.

    One run of forward-backward serves all paths of the batch; where every sequence is forbidden, all are 0.

    Raises:
        ValueError: for a path without a tag, or one that leaves its sentence.
    """
    chain = messages(emissions, mask, scores)

    def log(values: Tensor) -> Tensor:
        return chain.log(values.double())

    rows, starts, sizes = paths.sentences, paths.starts, (paths.tag_ids != NO_TAG).sum(1)
    ends, lengths = starts + sizes - 1, mask.sum(1)[rows]
    if bool(((sizes < 1) | (starts < 0) | (ends >= lengths)).any()):
        raise ValueError("a path of tags is empty or leaves its sentence")
    tags = paths.tag_ids.clamp(min=0)
    steps = torch.arange(tags.shape[1], device=tags.device)
    places = torch.minimum(starts[:, None] + steps, ends[:, None])
    last = tags.gather(1, sizes[:, None] - 1)[:, 0]

    entered = log(chain.forward[starts, rows, tags[:, 0]])
    moved = log(chain.move[tags[:, :-1], tags[:, 1:]]) + log(chain.observed[places, rows[:, None], tags])[:, 1:]
    moved = moved.masked_fill(steps[1:] >= sizes[:, None], 0).sum(1)
    left = log(chain.backward[ends, rows, last])
    following = torch.minimum(ends + 1, lengths - 1)
    onward = log(chain.move[last]) + log(chain.observed[following, rows]) + log(chain.backward[following, rows])
    onward = onward.scatter(1, paths.stops.clamp(min=0)[:, None], -torch.inf).logsumexp(1)
    left = torch.where((ends + 1 < lengths) & (paths.stops != NO_TAG), onward, left)
    return (entered + moved + left).exp().clamp(max=1)
