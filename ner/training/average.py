"""Averaged weights: an exponential moving average of a tagger beside its training (Polyak & Juditsky, 1992)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch

from ner.model.tagger import Tagger

SAMPLES = 64
"""How often a horizon looks at the weights: more would cost time and change next to nothing."""


class Average:
    """The exponential moving average of all weights of a tagger, those of the word vectors among them.

    `tagger` has the averaged weights; until the first `interval` is over, the initial ones. Every `interval` steps the
    weights are added with the share 1 / n, the n-th time, so that the average is the plain mean, until that has fallen
    to `interval / horizon`, where it stays.

    Args:
        tagger: what is averaged, as it is before the first step.
        horizon: in epochs; weights of so long ago count 1 / e of the present ones.
        steps_per_epoch: batches in an epoch.

    Raises:
        ValueError: for a horizon that is not positive.
    """

    def __init__(self, tagger: Tagger, *, horizon: float, steps_per_epoch: int) -> None:
        if not horizon > 0:
            raise ValueError(f"training.average is a horizon in epochs, so it must be positive, or null, not {horizon}")
        steps = horizon * steps_per_epoch
        self.tagger = deepcopy(tagger).requires_grad_(False)
        self.interval = min(max(int(steps / SAMPLES), 1), steps_per_epoch)
        self._smallest_share = min(self.interval / steps, 1.0)
        self._added = 0

    @torch.no_grad()
    def update(self, tagger: Tagger, step: int) -> None:
        """Take the weights after a step, counted from 1, into account if its turn has come."""
        if step % self.interval == 0:
            self._added += 1
            share = max(1 / self._added, self._smallest_share)
            torch._foreach_lerp_(list(self.tagger.parameters()), list(tagger.parameters()), share)

    def state_dict(self) -> dict[str, Any]:
        return {"tagger": self.tagger.state_dict(), "added": self._added}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a `state_dict`."""
        self.tagger.load_state_dict(state["tagger"])
        self._added = state["added"]
