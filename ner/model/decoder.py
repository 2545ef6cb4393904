"""Decoders: from emissions, a score for each tag at each token, to the tags of a sentence and their probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ner.corpus.tags import LegalTransitions
from ner.model.chain import ChainScores, log_partition
from ner.model.k_best import k_best
from ner.model.paths import TagPaths, path_probabilities
from ner.shapes import Bool, Float, Int


class Decoder(nn.Module, ABC):
    """What the emissions say about the tags; built with the number of tags and their legal transitions.

    The probabilities of paths and sequences are those of the distribution whose mode `decode` finds: where decoding is
    constrained, given that the sequence is well-formed. A `temperature` T divides all scores, so that p becomes
    p^(1/T), normalised: below 1 it sharpens, above 1 it flattens, and the order of sequences stays.
    """

    num_tags: int

    @abstractmethod
    def log_likelihood(
        self,
        emissions: Float[Tensor, "batch token tag"],
        tags: Int[Tensor, "batch token"],
        mask: Bool[Tensor, "batch token"],
    ) -> Float[Tensor, " batch"]:
        """log p(tags | emissions) of each sentence, in nats."""

    @abstractmethod
    def marginals(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token tag"]:
        """The probability of each tag at each token; 0 on padding."""

    @abstractmethod
    def decode(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Int[Tensor, "batch token"]:
        """The most probable tags of each sentence; 0 on padding."""

    @abstractmethod
    def chain(self, emissions: Float[Tensor, "batch token tag"]) -> ChainScores:
        """The scores, beside the emissions, of the sequences that `decode` chooses from."""

    def path_probabilities(
        self,
        emissions: Float[Tensor, "batch token tag"],
        mask: Bool[Tensor, "batch token"],
        paths: TagPaths,
        *,
        temperature: float = 1.0,
    ) -> Float[Tensor, " path"]:
        """The probability of each path of tags; see `ner.model.paths.path_probabilities`."""
        return path_probabilities(*self._tempered(emissions, mask, temperature), paths)

    @torch.no_grad()
    def best_sequences(
        self,
        emissions: Float[Tensor, "batch token tag"],
        mask: Bool[Tensor, "batch token"],
        k: int,
        *,
        temperature: float = 1.0,
    ) -> tuple[Int[Tensor, "batch k token"], Float[Tensor, "batch k"]]:
        """The k most probable tag sequences, best first, and their probabilities, 0 beyond those that are possible.

        Raises:
            ValueError: for a k below 1.
        """
        tempered = self._tempered(emissions, mask, temperature)
        tags, scores = k_best(*tempered, k)
        probabilities = (scores - log_partition(*tempered)[:, None]).exp().clamp(max=1)
        return tags, probabilities.masked_fill(scores.isneginf(), 0)

    def _tempered(
        self, emissions: Tensor, mask: Tensor, temperature: float
    ) -> tuple[Float[Tensor, "batch token tag"], Bool[Tensor, "batch token"], ChainScores]:
        if temperature <= 0:
            raise ValueError(f"a temperature of {temperature}: it must be above 0")
        scores = self.chain(emissions)
        return emissions / temperature, mask, ChainScores(*(part / temperature for part in scores))


def check_constraints(constraints: str, known: tuple[str, ...], num_tags: int, legal: LegalTransitions | None) -> None:
    """Refuse unknown or impossible constraints.

    Raises:
        ValueError: for unknown constraints, constraints without `legal`, or `legal` of another tag set.
    """
    if constraints not in known:
        raise ValueError(f"constraints {constraints!r}: choose one of {', '.join(known)}")
    if legal is None and constraints != "none":
        raise ValueError(f"constraints {constraints!r} need the legal transitions to constrain to")
    if legal is not None and len(legal.start) != num_tags:
        raise ValueError(f"legal transitions of {len(legal.start)} tags for a decoder of {num_tags}")
