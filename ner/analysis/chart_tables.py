"""The numbers of a chart as a table, for exact values and for screen readers."""

from __future__ import annotations

from ner.analysis.charts import Chart, Dots, HeatMap
from ner.analysis.tables import Cell, Table


def chart_table(chart: Chart) -> Table:
    """The numbers of a chart."""
    if isinstance(chart, HeatMap):
        header = (f"{chart.row_axis} \\ {chart.column_axis}", *chart.columns)
        rows = [(name, *cells) for name, cells in zip(chart.rows, chart.cells, strict=True)]
        return Table(title=chart.title, note=chart.unit, header=header, rows=rows)
    if isinstance(chart, Dots):
        columns = (chart.groups, chart.groups.values(), *chart.systems.values())
        rows = list(zip(*columns, strict=True))
        return Table(title=chart.title, note=chart.axis, header=("", "size", *chart.systems), rows=rows)
    curves = chart.systems.values()
    points: list[tuple[Cell, ...]]
    if not chart.is_counted:  # no place is that of two curves
        points = [
            (name, f"{place:.2f}", value) for name, curve in chart.systems.items() for place, value in curve.items()
        ]
        return Table(title=chart.title, header=("system", chart.x_axis, chart.y_axis), rows=points)
    epochs = sorted({epoch for curve in curves for epoch in curve})
    points = [(str(epoch), *(curve.get(epoch) for curve in curves)) for epoch in epochs]
    return Table(title=chart.title, note=chart.y_axis, header=(chart.x_axis, *chart.systems), rows=points)
