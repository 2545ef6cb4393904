"""Independent softmax per token: beside the CRF it shows what modelling transitions is worth."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from ner.corpus.tags import LegalTransitions
from ner.model.chain import ChainScores, viterbi
from ner.model.decoder import Decoder, check_constraints
from ner.shapes import Bool, Float, Int

CONSTRAINTS = ("none", "decoding")


class Softmax(Decoder):
    """p(y | P) = prod_i softmax(P_i)[y_i]: independent tags, trained by the cross entropy of each token.

    Args:
        legal: the starts, transitions and ends of well-formed tag sequences.
        constraints: where only these are possible. `none`: each token gets its most probable tag; a malformed
            sequence is left as it is, and spells only the spans that the scorer finds in it.
            `decoding`: the most probable well-formed sequence.

    Raises:
        ValueError: for unknown constraints, constraints without `legal`, or `legal` of another tag set.
    """

    def __init__(self, num_tags: int, legal: LegalTransitions | None = None, *, constraints: str = "none") -> None:
        super().__init__()
        check_constraints(constraints, CONSTRAINTS, num_tags, legal)
        self.num_tags = num_tags
        self.constrained = legal is not None and constraints == "decoding"
        if legal is not None and self.constrained:
            for name, allowed in zip(ChainScores._fields, (legal.start, legal.transitions, legal.end), strict=True):
                self.register_buffer(name, torch.where(torch.tensor(allowed), 0.0, -torch.inf), persistent=False)

    def log_likelihood(
        self,
        emissions: Float[Tensor, "batch token tag"],
        tags: Int[Tensor, "batch token"],
        mask: Bool[Tensor, "batch token"],
    ) -> Float[Tensor, " batch"]:
        chosen = log_softmax(emissions, 2).gather(2, tags[:, :, None])[:, :, 0]
        return chosen.masked_fill(~mask, 0).sum(1)

    def marginals(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token tag"]:
        return emissions.softmax(2).masked_fill(~mask[:, :, None], 0)

    def decode(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Int[Tensor, "batch token"]:
        if not self.constrained:
            return emissions.argmax(2).masked_fill(~mask, 0)
        return viterbi(emissions, mask, self.chain(emissions))  # a token's normaliser is the same for all tags

    def chain(self, emissions: Float[Tensor, "batch token tag"]) -> ChainScores:
        if not self.constrained:
            free = emissions.new_zeros(self.num_tags)
            return ChainScores(free, emissions.new_zeros(self.num_tags, self.num_tags), free)
        return ChainScores(*(getattr(self, name).to(emissions.dtype) for name in ChainScores._fields))
