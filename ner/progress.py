"""What is seen of a training between the ends of two epochs: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ner.training.loop import Epoch, Step

log = logging.getLogger(__name__)

SECONDS = 30.0
"""Between two lines, where there is no terminal."""


def with_progress(results: Iterable[Step | Epoch], *, sentences: int, epochs: int) -> Iterator[Step | Epoch]:
    """Pass the results of a training on, and show how far it has come.

    Args:
        sentences: of an epoch.
        epochs: of the training.
    """
    show = _with_bar if sys.stderr.isatty() else _with_lines
    return show(results, sentences, epochs)


def _with_bar(results: Iterable[Step | Epoch], sentences: int, epochs: int) -> Iterator[Step | Epoch]:
    from tqdm import tqdm

    from ner.training.loop import Step

    bar: tqdm[None] | None = None
    try:
        for result in results:
            if isinstance(result, Step):
                if bar is None:
                    bar = tqdm(desc=_epoch(result, epochs), total=sentences, unit=" sentences", leave=False)
                bar.set_postfix_str(_speed(result), refresh=False)
                bar.update(result.sentences - bar.n)
            elif bar is not None:
                bar.close()
                bar = None
            yield result
    finally:
        if bar is not None:
            bar.close()


def _with_lines(results: Iterable[Step | Epoch], sentences: int, epochs: int) -> Iterator[Step | Epoch]:
    from ner.training.loop import Step

    last = monotonic()
    for result in results:
        if not isinstance(result, Step):
            last = monotonic()
        elif monotonic() - last >= SECONDS:
            last = monotonic()
            done = f"{result.sentences:,} of {sentences:,} sentences"
            log.info("%s  %s  %s", _epoch(result, epochs), done, _speed(result))
        yield result


def _epoch(step: Step, epochs: int) -> str:
    return f"epoch {step.epoch}/{epochs}"


def _speed(step: Step) -> str:
    return f"loss {step.loss:.4f}, {step.tokens_per_second:,.0f} tokens/s"
