"""The heads of a model: from emissions, a score for each tag at each token, to the tags of a sentence."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ner.corpus.tags import LegalTransitions
from ner.shapes import Bool, Float, Int


class Decoder(nn.Module, ABC):
    """What the emissions say of the tags; built with the number of tags and their legal transitions."""

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


def check_constraints(constraints: str, known: tuple[str, ...], num_tags: int, legal: LegalTransitions | None) -> None:
    """Refuse a wrong answer to where only well-formed sequences are possible, or to which are.

    Raises:
        ValueError: for unknown constraints, constraints without `legal`, or `legal` of another tag set.
    """
    if constraints not in known:
        raise ValueError(f"constraints {constraints!r}: choose one of {', '.join(known)}")
    if legal is None and constraints != "none":
        raise ValueError(f"constraints {constraints!r} need the legal transitions to constrain to")
    if legal is not None and len(legal.start) != num_tags:
        raise ValueError(f"legal transitions of {len(legal.start)} tags for a decoder of {num_tags}")
