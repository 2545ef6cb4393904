"""Drawings as matplotlib figures: PNG files, and what TensorBoard shows (matplotlib is the extra `report`)."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ner.analysis.charts import Chart
from ner.analysis.drawing import RADIUS, SIZES, Area, Drawing, Line, Mark, with_legend
from ner.analysis.svg import COLOURS, GRID, INK, PAPER, QUIET, STRIPE, shade

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINT = 0.75
"""Points in a pixel, at 96 pixels per inch."""


def is_available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def to_png(drawing: Drawing) -> bytes:
    """The drawing as a PNG file at twice its size in pixels."""
    file = io.BytesIO()
    to_figure(drawing).savefig(file, format="png", dpi=192, metadata={"Software": None})
    return file.getvalue()


def figure(chart: Chart) -> Figure:
    """A chart with its title and legend as a figure."""
    return to_figure(with_legend(chart))


def to_figure(drawing: Drawing) -> Figure:
    """The drawing as a matplotlib figure, without a window and without pyplot's global state.

    Raises:
        ValueError: where matplotlib is not installed, naming the extra that brings it.
    """
    try:
        from matplotlib.figure import Figure  # slow
        from matplotlib.patches import Circle, Polygon
    except ModuleNotFoundError as error:
        raise ValueError("PNG files need matplotlib: pip install 'dependency-guided-ner[report]'") from error

    figure = Figure(figsize=(drawing.width / 96, drawing.height / 96), dpi=96, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.axis("off")
    for order, item in enumerate(drawing.items):
        if isinstance(item, Line):
            colour = GRID if item.series is None else COLOURS[item.series % len(COLOURS)]
            width = (1 if item.series is None else 2) * POINT
            (line,) = axes.plot(*zip(*item.points, strict=True), color=colour, linewidth=width, zorder=order)
            if item.dash:
                line.set_dashes([length / 2 for length in item.dash])  # in widths of the line
        elif isinstance(item, Area):
            fill = shade(item.shade) if item.kind == "cell" else STRIPE
            if item.series is not None:
                fill = COLOURS[item.series % len(COLOURS)]
            opacity = 0.15 if item.kind == "band" else 1.0
            axes.add_patch(Polygon(list(item.points), facecolor=fill, linewidth=0, alpha=opacity, zorder=order))
        elif isinstance(item, Mark):
            colour = COLOURS[item.series % len(COLOURS)]
            x, y = item.at
            corners = [(x + right, y + down) for right, down in item.corners]
            patch = Polygon(corners) if corners else Circle(item.at, RADIUS)
            patch.set_facecolor(PAPER if item.is_hollow else colour)
            patch.set_edgecolor(colour if item.is_hollow else PAPER)
            patch.set_linewidth((2 if item.is_hollow else 1) * POINT)
            patch.set_zorder(order)
            axes.add_patch(patch)
        else:
            axes.text(
                *item.at,
                item.text.replace("$", r"\$"),
                color={"quiet": QUIET, "deep": PAPER}.get(item.kind, INK),
                fontsize=SIZES[item.kind] * POINT,
                fontweight="bold" if item.kind == "title" else "normal",
                horizontalalignment={"start": "left", "middle": "center", "end": "right"}[item.anchor],
                verticalalignment="baseline",
                rotation=-item.angle,
                rotation_mode="anchor",
                zorder=order,
            )
    return figure
