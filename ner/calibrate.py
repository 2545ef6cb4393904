"""Calibrate the probabilities of a run's entities on validation: `python -m ner.calibrate run=RUN`."""

from __future__ import annotations

import logging

from omegaconf import DictConfig

from ner.command import command

log = logging.getLogger(__name__)


@command("calibrate")
def main(cfg: DictConfig) -> None:
    """Write `calibration.json` to a run: for runs of versions that did not calibrate at the end of a training."""
    from pathlib import Path

    from ner.corpus.dataset import load
    from ner.corpus.files import write_json
    from ner.corpus.tags import tags_to_spans
    from ner.threads import share_threads
    from ner.training.calibration import calibrate
    from ner.training.run import Run, choose_device

    share_threads(cfg.threads)
    run = Run.open(cfg.run)
    tagger = run.best_tagger(choose_device(cfg.device))
    path = Path(run.environment["prepared"] if cfg.prepared is None else cfg.prepared)
    prepared = load(path, formalism=run.formalism)
    if prepared.digest != run.environment["digest"]:
        raise ValueError(f"{path} is not the corpus that the run was trained on: its digest differs")
    gold = [tags_to_spans(tags) for tags in prepared.splits["validation"]["tags"]]
    calibration = calibrate(tagger, run.encode(prepared, "validation", tagger), gold, run.vocabularies)
    target = run.directory / "calibration.json"
    write_json(target, calibration.to_dict())
    log.info("%s", calibration.summary())
    log.info("%s", target)


if __name__ == "__main__":
    main()
