"""Answer over HTTP: `python -m ner.serve run=RUN`."""

from __future__ import annotations

import logging
import socket
from importlib.util import find_spec

from omegaconf import DictConfig

from ner.command import command

log = logging.getLogger(__name__)


@command("serve")
def main(cfg: DictConfig) -> None:
    """Load a run, or an exported model, and serve it until interrupted."""
    for package in ("starlette", "uvicorn"):
        if find_spec(package) is None:
            raise ValueError("pip install 'dependency-guided-ner[serve]' (Starlette and uvicorn) for a server")
    import uvicorn

    from ner.components import provider_of
    from ner.recognizer import Recognizer
    from ner.service import Limits, application
    from ner.threads import share_threads

    limits = Limits(
        characters=cfg.limits.characters, texts=cfg.limits.texts, queue=cfg.limits.queue, seconds=cfg.limits.seconds
    )
    share_threads(cfg.threads)
    trees = provider_of(cfg.dependencies)
    recognizer = Recognizer.load(
        cfg.run, device=cfg.device, precision=cfg.precision, trees=trees, missing_trees=cfg.missing_trees
    )
    if recognizer.vocabularies.task != "ner":
        raise ValueError(
            f"run={cfg.run} labels given targets, which texts do not have: ner-predict takes files with them"
        )
    with socket.socket(socket.AF_INET6 if ":" in cfg.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((cfg.host, cfg.port))
        except OSError as error:
            raise ValueError(f"host={cfg.host} port={cfg.port}: {error.strerror}; choose another") from None
    log.info("http://%s:%d", f"[{cfg.host}]" if ":" in cfg.host else cfg.host, cfg.port)
    uvicorn.run(
        application(recognizer, limits),
        host=cfg.host,
        port=cfg.port,
        log_level="warning",
        access_log=False,
        limit_concurrency=None,
        timeout_keep_alive=5,
        server_header=False,
    )


if __name__ == "__main__":
    main()
