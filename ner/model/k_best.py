"""The k best tag sequences of a chain, exactly: list Viterbi (Seshadri & Sundberg, 1994)."""

from __future__ import annotations

import torch
from torch import Tensor

from ner.model.chain import ChainScores
from ner.shapes import Bool, Float, Int


@torch.no_grad()
def k_best(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores, k: int
) -> tuple[Int[Tensor, "batch k token"], Float[Tensor, "batch k"]]:
    """The k tag sequences of the highest scores of each sentence, best first, and these scores, in double precision.

    Tags are 0 on padding. Where a sentence has fewer than k possible sequences, the score of the others is -inf.

    Raises:
        ValueError: for a k below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}: it must be 1 or more")
    start, transitions, end = (part.double() for part in scores)
    observed, real = emissions.double().transpose(0, 1), mask.T
    batch, num_tags = observed.shape[1:]
    best = observed.new_full((batch, num_tags, k), -torch.inf)  # the k best up to here that end in each tag
    best[:, :, 0] = start + observed[0]
    stay = torch.arange(num_tags * k, device=mask.device).view(num_tags, k).expand(batch, -1, -1)
    pointers = []
    for t in range(1, len(observed)):
        reached = (best[:, :, :, None] + transitions[:, None, :]).flatten(1, 2).transpose(1, 2)
        values, origins = reached.topk(k, 2)
        goes_on = real[t][:, None, None]
        best = torch.where(goes_on, values + observed[t][:, :, None], best)
        pointers.append(torch.where(goes_on, origins, stay))
    totals, place = (best + end[:, None]).flatten(1).topk(k, 1)
    path = [place // k]
    for origins in reversed(pointers):
        place = origins.flatten(1).gather(1, place)
        path.append(place // k)
    return torch.stack(path[::-1], 2).masked_fill(~mask[:, None, :], 0), totals
