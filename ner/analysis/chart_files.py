"""Charts as files: SVG always, PNG where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ner.analysis import png
from ner.analysis.chart_tables import chart_table
from ner.analysis.charts import Chart
from ner.analysis.drawing import with_legend
from ner.analysis.svg import to_file
from ner.analysis.tables import to_markdown
from ner.corpus.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_charts(charts: Iterable[Chart], directory: Path) -> list[Path]:
    """Write `NAME.svg` of each chart and, where matplotlib is installed, `NAME.png`."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for chart in charts:
        drawing = with_legend(chart)
        contents = {"svg": to_file(drawing).encode()}
        if png.is_available():
            contents["png"] = png.to_png(drawing)
        for suffix, content in contents.items():
            path = directory / f"{chart.name}.{suffix}"
            with replacing(path) as file:
                file.write(content)
            paths.append(path)
    return paths


def figure_or_table(chart: Chart) -> Figure | str:
    """A chart for TensorBoard: a figure where matplotlib is installed, else the numbers in Markdown."""
    return png.figure(chart) if png.is_available() else to_markdown(chart_table(chart))
