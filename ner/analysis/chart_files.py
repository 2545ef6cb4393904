"""Charts as SVG and PNG files, by matplotlib (the extra `report`)."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, cast

from ner.analysis.chart_tables import chart_table
from ner.analysis.charts import Chart, Curves, Dots, HeatMap
from ner.analysis.tables import to_markdown
from ner.corpus.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

FORMATS = ("svg", "png")
COLOURS = ("#0072b2", "#d55e00", "#007f5c", "#a8478a", "#936300", "#555a61", "#6a51c2")
"""Told apart by the colour-blind too; the marks and lines below tell the systems apart without colour."""
MARKS = "osD^vP*"
LINES = ("-", (0, (6, 3)), (0, (1.5, 2)), (0, (7, 2, 1.5, 2)))
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa0a6",
    "axes.axisbelow": True,
    "grid.color": "#dfe2e4",
    "legend.frameon": False,
    "svg.hashsalt": "ner",
    "figure.dpi": 100,
    "savefig.dpi": 200,
}


def save_pictures(charts: Iterable[Chart], directory: Path) -> list[Path]:
    """Write `NAME.svg` and `NAME.png` of each chart.

    Raises:
        ValueError: where matplotlib is not installed, naming the extra that brings it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    matplotlib = _matplotlib()
    paths = []
    for chart in charts:
        drawn = figure(chart)
        for kind in FORMATS:
            path = directory / f"{chart.name}.{kind}"
            with matplotlib.rc_context(STYLE), replacing(path) as file:
                drawn.savefig(
                    cast(IO[bytes], file), format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None}
                )
            paths.append(path)
    return paths


def figure(chart: Chart) -> Figure:
    """The chart as a figure of matplotlib, which belongs to the caller: no window and no global state knows of it.

    Raises:
        ValueError: where matplotlib is not installed, naming the extra that brings it.
    """
    with _matplotlib().rc_context(STYLE):
        from matplotlib.figure import Figure

        drawn = Figure(layout="constrained")
        axes = drawn.subplots()
        axes.set_title(chart.title, fontweight="bold")
        if isinstance(chart, Curves):
            _curves(chart, drawn, axes)
        elif isinstance(chart, Dots):
            _dots(chart, drawn, axes)
        else:
            _heat_map(chart, drawn, axes)
    return drawn


def figure_or_table(chart: Chart) -> Figure | str:
    """What TensorBoard can show of a chart: a figure where matplotlib is installed, else the numbers in Markdown."""
    return to_markdown(chart_table(chart)) if find_spec("matplotlib") is None else figure(chart)


def _matplotlib() -> ModuleType:
    try:
        import matplotlib  # an extra, and slow
    except ModuleNotFoundError as error:
        raise ValueError("pictures need matplotlib: pip install 'dependency-guided-ner[report]'") from error
    return matplotlib


def _curves(chart: Curves, drawn: Figure, axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    drawn.set_size_inches(7.5, 4.2)
    for index, (system, curve) in enumerate(chart.systems.items()):
        epochs = sorted(curve)
        estimates = [curve[epoch] for epoch in epochs]
        (line,) = axes.plot(epochs, [estimate.mean for estimate in estimates], label=system, linewidth=1.6)
        line.set(linestyle=LINES[index % len(LINES)], markevery=max(1, len(epochs) // 15))
        _mark(line, index)
        if any(estimate.deviation for estimate in estimates):
            low, high = zip(*(estimate.within(chart.lowest, chart.highest) for estimate in estimates), strict=True)
            axes.fill_between(epochs, low, high, color=COLOURS[index % len(COLOURS)], alpha=0.15, linewidth=0)
    axes.set(xlabel=chart.x_axis, ylabel=chart.y_axis)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    _legend(drawn, len(chart.systems))


def _dots(chart: Dots, drawn: Figure, axes: Axes) -> None:
    row = max(0.26, 0.11 * len(chart.systems) + 0.1)
    drawn.set_size_inches(7.5, 1.3 + row * len(chart.groups))
    for index, (system, estimates) in enumerate(chart.systems.items()):
        offset = 0.11 / row * (index - (len(chart.systems) - 1) / 2)
        known = [(place + offset, estimate) for place, estimate in enumerate(estimates) if estimate is not None]
        places, values = [place for place, _ in known], [estimate for _, estimate in known]
        (line,) = axes.plot([estimate.mean for estimate in values], places, label=system, linestyle="none")
        _mark(line, index)
        ends = [estimate.within(chart.lowest, chart.highest) for estimate in values]
        axes.hlines(
            places,
            [low for low, _ in ends],
            [high for _, high in ends],
            color=COLOURS[index % len(COLOURS)],
            linewidth=1.3,
        )
    for place in range(0, len(chart.groups), 2):
        axes.axhspan(place - 0.5, place + 0.5, color="#f3f4f2", linewidth=0, zorder=0)
    axes.set_yticks(range(len(chart.groups)), [f"{name}   {size}".strip() for name, size in chart.groups.items()])
    axes.set_ylim(len(chart.groups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(chart.axis)
    axes.grid(axis="x")
    _legend(drawn, len(chart.systems))


def _heat_map(chart: HeatMap, drawn: Figure, axes: Axes) -> None:
    drawn.set_size_inches(2.2 + 0.55 * len(chart.columns), 1.5 + 0.27 * len(chart.rows))
    most = max((abs(value) for row in chart.cells for value in row), default=0.0) or 1.0
    axes.pcolormesh(
        [[abs(value) for value in row] for row in chart.cells], cmap="Blues", vmin=0, vmax=most, edgecolors="white"
    )
    for y, row in enumerate(chart.cells):
        for x, value in enumerate(row):
            colour = "#8a9097" if value == 0 else "white" if abs(value) > 0.6 * most else "#1b1e23"
            axes.text(x + 0.5, y + 0.5, chart.text(value), ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks([x + 0.5 for x in range(len(chart.columns))], chart.columns, rotation=45, ha="right")
    axes.set_yticks([y + 0.5 for y in range(len(chart.rows))], chart.rows)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel=f"{chart.column_axis} ({chart.unit})", ylabel=chart.row_axis)


def _mark(line: Line2D, index: int) -> None:
    """Draw a line in the colour and with the marks of a system: beyond the seventh the marks come again, hollow."""
    colour = COLOURS[index % len(COLOURS)]
    line.set(
        color=colour,
        marker=MARKS[index % len(MARKS)],
        markersize=5,
        markeredgecolor=colour,
        markerfacecolor=colour if index < len(MARKS) else "white",
    )


def _legend(drawn: Figure, number: int) -> None:
    if number > 1:
        drawn.legend(loc="outside lower left", ncols=min(number, 3))
