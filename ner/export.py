"""Export a run for others: `python -m ner.export run=RUN to=DIR`."""

from __future__ import annotations

import logging
from pathlib import Path

from omegaconf import DictConfig

from ner.command import command

log = logging.getLogger(__name__)


@command("export")
def main(cfg: DictConfig) -> None:
    """Write safetensors, configuration, vocabularies and a model card, as the Hugging Face Hub lays them out."""
    from ner.training.export import write_export
    from ner.training.run import Run

    run, target = Run.open(cfg.run), Path(cfg.to)
    write_export(run, target, licence=cfg.licence, data_licence=cfg.data_licence, onnx=cfg.onnx)
    for path in sorted(target.iterdir()):
        log.info("%s", path)


if __name__ == "__main__":
    main()
