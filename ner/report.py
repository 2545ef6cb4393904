"""Compare the runs of a sweep: `python -m ner.report runs=DIR`."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path

from omegaconf import DictConfig

from ner.command import command

log = logging.getLogger(__name__)


@command("report")
def main(cfg: DictConfig) -> None:
    """Compute everything, then write tables, numbers, a page and pictures, and show the main tables.

    Raises:
        ValueError: where there is nothing to report on, or a choice does not fit.
    """
    from ner.analysis.browser_data import browser_data
    from ner.analysis.chart_files import save_pictures
    from ner.analysis.findings import compute_findings
    from ner.analysis.page import page
    from ner.analysis.results import read_sweep
    from ner.analysis.sections import WITH_TEXT, charts, sections, tables
    from ner.analysis.summary import summary
    from ner.analysis.tables import FORMATS, to_markdown
    from ner.corpus.files import replacing, write_json

    if cfg.pictures and find_spec("matplotlib") is None:
        raise ValueError("pictures need matplotlib: pip install 'dependency-guided-ner[report]', or pictures=false")
    sweep = read_sweep(Path(cfg.runs), split=cfg.split)
    numbers = compute_findings(
        sweep, baseline=cfg.baseline, compare=cfg.compare, resamples=cfg.resamples, seed=cfg.seed
    )
    parts = sections(numbers, text=cfg.text)
    named = {table.name: table for table in tables(parts)}
    browser = browser_data(sweep, first=numbers.closer, limit=cfg.sentences) if cfg.text else None
    num_runs = sum(len(system.runs) for system in sweep.systems)
    lead = f"{len(sweep.systems)} systems, {num_runs} runs, {len(sweep.sentences):,} sentences of {sweep.split}."

    output = Path(cfg.runs) / "report" if cfg.output is None else Path(cfg.output)
    (output / "tables").mkdir(parents=True, exist_ok=True)
    write_json(output / "summary.json", summary(numbers))
    for name, table in named.items():
        for suffix, write in FORMATS.items():
            with replacing(output / "tables" / f"{name}.{suffix}") as file:
                file.write(write(table).encode())
    if not cfg.text:
        for suffix in FORMATS:  # an earlier report may have left it
            (output / "tables" / f"{WITH_TEXT}.{suffix}").unlink(missing_ok=True)
    with replacing(output / "report.html") as file:
        file.write(page(title="Named entity recognition", lead=lead, sections=parts, browser=browser).encode())
    if cfg.pictures:
        save_pictures(charts(parts), output / "pictures")

    for name in ("results", "significance", "left-out"):
        if name in named:
            log.info("%s", to_markdown(named[name]))
    for name in ("report.html", "summary.json", "tables", *(["pictures"] if cfg.pictures else [])):
        log.info("%s", output / name)


if __name__ == "__main__":
    main()
