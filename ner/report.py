"""Compare runs: `python -m ner.report runs=DIR`, or `'runs=[DIR,DIR]'`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ner.command import command

log = logging.getLogger(__name__)

PARTS = ("tables", "pictures")
"""The directories of a report."""


@command("report")
def main(cfg: DictConfig) -> None:
    """Compute everything, then write tables, numbers, a page and charts, and show the main tables.

    Raises:
        ValueError: where there is nothing to report on, where an option has a wrong value, and where the report would
            be written through a link.
    """
    from ner.analysis.browser_data import browser_data
    from ner.analysis.chart_files import save_charts
    from ner.analysis.findings import compute_findings
    from ner.analysis.page import page
    from ner.analysis.results import common_directory, read_sweep
    from ner.analysis.sections import WITH_TEXT, charts, sections, tables
    from ner.analysis.summary import summary
    from ner.analysis.tables import FORMATS, to_markdown
    from ner.corpus.files import check_directory, check_replaceable, replacing, write_json

    directories = _directories(cfg.runs)
    output = common_directory(directories) / "report" if cfg.output is None else Path(cfg.output)
    for path in (output, *(output / part for part in PARTS)):
        if path.is_symlink():
            raise ValueError(f"{path} is a link: a report is not written through it; give output= another directory")
        check_directory(path)
    for name in ("report.html", "summary.json"):
        check_replaceable(output / name)
    sweep = read_sweep(*directories, split=cfg.split)
    findings = compute_findings(
        sweep, baseline=cfg.baseline, compare=cfg.compare, resamples=cfg.resamples, seed=cfg.seed
    )
    parts = sections(findings, text=cfg.text)
    named = {table.name: table for table in tables(parts)}
    browser = browser_data(sweep, first=findings.compared, limit=cfg.sentences) if cfg.text else None
    num_runs = sum(len(system.runs) for system in sweep.systems)
    lead = (
        f"{_number(len(sweep.systems), 'system')}, {_number(num_runs, 'run')}, "
        f"{_number(len(sweep.sentences), 'sentence')} of {sweep.split}."
    )

    (output / "tables").mkdir(parents=True, exist_ok=True)
    write_json(output / "summary.json", summary(findings))
    for name, table in named.items():
        for suffix, write in FORMATS.items():
            with replacing(output / "tables" / f"{name}.{suffix}") as file:
                file.write(write(table).encode())
    if not cfg.text:
        for suffix in FORMATS:  # an earlier report may have left it
            (output / "tables" / f"{WITH_TEXT}.{suffix}").unlink(missing_ok=True)
    with replacing(output / "report.html") as file:
        title = "Named entity recognition" if sweep.measure == "F1" else "Sentiment towards targets"
        file.write(page(title=title, lead=lead, sections=parts, browser=browser).encode())
    if cfg.pictures:
        save_charts(charts(parts), output / "pictures")

    for name in ("results", "significance", "left-out"):
        if name in named:
            log.info("%s", to_markdown(named[name]))
    for systems in sweep.several_corpora:
        log.warning("of different corpora, and kept apart: %s", ", ".join(system.name for system in systems))
    for name in ("report.html", "summary.json", "tables", *(["pictures"] if cfg.pictures else [])):
        log.info("%s", output / name)


def _directories(runs: Any) -> list[Path]:
    """The directories of the option `runs`: a path, or a list of paths."""
    paths = OmegaConf.to_container(runs) if OmegaConf.is_list(runs) else [runs]
    if not isinstance(paths, list) or not paths or any(not isinstance(one, str | int) or one == "" for one in paths):
        raise ValueError(f"runs is {runs}: give a directory, or several as in 'runs=[A,B]'")
    return [Path(str(path)) for path in paths]


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    main()
