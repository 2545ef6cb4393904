"""Fill out the entity column of a CoNLL file: `python -m ner.predict run=RUN input=FILE output=FILE`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from ner.command import command
from ner.training.run_directory import check_run

if TYPE_CHECKING:
    from ner.corpus.sentence import Sentence

log = logging.getLogger(__name__)


@command("predict")
def main(cfg: DictConfig) -> None:
    """Copy a file with the entities that a run finds in it; all else stays as it is, byte for byte."""
    source, target = Path(cfg.input), Path(cfg.output)
    if not source.is_file():
        raise ValueError(f"input={source}: no such file")
    if target.exists() and not cfg.overwrite:
        raise ValueError(f"output={target} exists already: choose another, or overwrite=true")
    check_run(cfg.run)
    from hydra.utils import instantiate  # what is slow to import comes after the checks

    from ner.corpus.dependencies import TreePolicy
    from ner.threads import share_threads
    from ner.training.prediction import format_of_run, predict_spans, tree_provider
    from ner.training.run import Run, choose_device

    share_threads(cfg.threads)
    run = Run.open(cfg.run)
    tagger = run.best_tagger(choose_device(cfg.device))
    file_format = format_of_run(source, run)
    policy = TreePolicy.of(cfg, uses_trees=tagger.uses_trees)
    provider = tree_provider(source, file_format, run, instantiate(cfg.dependencies), uses_trees=tagger.uses_trees)
    sentences = provider.attach(policy.read(file_format.read_path(source)))
    spans = predict_spans(
        tagger,
        _some(sentences, source),
        run.vocabularies,
        trees=policy,
        chunk=cfg.chunk,
        batch_tokens=cfg.batch_tokens,
    )
    file_format.rewrite(source, target, spans)
    log.info("%s", target)


def _some(sentences: Iterable[Sentence], path: Path) -> Iterator[Sentence]:
    sentences = iter(sentences)
    first = next(sentences, None)
    if first is None:
        raise ValueError(f"{path}: there is no sentence in it")
    yield first
    yield from sentences


if __name__ == "__main__":
    main()
