"""The linear-chain conditional random field (Lafferty et al., 2001): the layer that learns the scores of a chain."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ner.corpus.tags import LegalTransitions
from ner.model.chain import ChainScores, log_partition, marginals, score, viterbi
from ner.model.decoder import Decoder, check_constraints
from ner.shapes import Bool, Float, Int

CONSTRAINTS = ("none", "decoding", "training")


class LinearChainCRF(Decoder):
    """A learned linear chain over `num_tags` tags.

    Args:
        legal: the starts, transitions and ends of well-formed tag sequences.
        constraints: where only these are possible: nowhere (`none`), in `decoding`, or in `training` as well, which
            takes probability from malformed sequences in the likelihood and the marginals.

    Raises:
        ValueError: for unknown constraints, constraints without `legal`, or `legal` of another tag set.
    """

    def __init__(self, num_tags: int, legal: LegalTransitions | None = None, *, constraints: str = "none") -> None:
        super().__init__()
        check_constraints(constraints, CONSTRAINTS, num_tags, legal)
        self.num_tags = num_tags
        self.constrain_training = constraints == "training"
        self.start_transitions = nn.Parameter(torch.empty(num_tags).uniform_(-0.1, 0.1))
        self.transitions = nn.Parameter(torch.empty(num_tags, num_tags).uniform_(-0.1, 0.1))  # [from, to]
        self.end_transitions = nn.Parameter(torch.empty(num_tags).uniform_(-0.1, 0.1))
        allowed = (legal.start, legal.transitions, legal.end) if legal and constraints != "none" else (True, True, True)
        parameters = (self.start_transitions, self.transitions, self.end_transitions)
        for name, may, parameter in zip(ChainScores._fields, allowed, parameters, strict=True):
            forbidden = ~torch.tensor(may).expand_as(parameter)
            self.register_buffer(f"forbidden_{name}", forbidden.contiguous(), persistent=False)

    def log_likelihood(
        self,
        emissions: Float[Tensor, "batch token tag"],
        tags: Int[Tensor, "batch token"],
        mask: Bool[Tensor, "batch token"],
    ) -> Float[Tensor, " batch"]:
        scores = self._scores(constrained=self.constrain_training)
        return (score(emissions, tags, mask, scores) - log_partition(emissions, mask, scores)).to(emissions.dtype)

    def marginals(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token tag"]:
        return marginals(emissions, mask, self._scores(constrained=self.constrain_training))

    def decode(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Int[Tensor, "batch token"]:
        return viterbi(emissions, mask, self._scores(constrained=True))

    def chain(self, emissions: Float[Tensor, "batch token tag"]) -> ChainScores:
        return self._scores(constrained=True)

    def _scores(self, *, constrained: bool) -> ChainScores:
        scores = ChainScores(self.start_transitions, self.transitions, self.end_transitions)
        if not constrained:
            return scores
        forbidden = (getattr(self, f"forbidden_{name}") for name in ChainScores._fields)
        return ChainScores(*(part.masked_fill(no, -torch.inf) for part, no in zip(scores, forbidden, strict=True)))
