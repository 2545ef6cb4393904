"""The content of charts, apart from how they are drawn; see `ner.analysis.drawing`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and their standard deviation, which a single seed does not have."""

    mean: float
    deviation: float | None = None

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.deviation is None else f"{self.mean:.2f} ± {self.deviation:.2f}"

    def within(self, lowest: float, highest: float) -> tuple[float, float]:
        """One deviation below and above the mean, but not beyond the bounds."""
        deviation = self.deviation or 0.0
        return max(lowest, self.mean - deviation), min(highest, self.mean + deviation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A value over the epochs, or over time, one curve for each system.

    The curves of `systems` map a place on the x axis to the value there. `lowest` and `highest` are the bounds of the
    value; deviations are clipped to them.
    """

    name: str
    title: str
    x_axis: str
    y_axis: str
    systems: Mapping[str, Mapping[int | float, Estimate]]
    lowest: float = 0.0
    highest: float = math.inf

    @property
    def is_counted(self) -> bool:
        """Whether the x axis counts something, such as epochs."""
        return all(isinstance(place, int) for curve in self.systems.values() for place in curve)

    def extent(self) -> tuple[float, float]:
        """The lowest and the highest value that the axis covers."""
        return _extent(self, [estimate for curve in self.systems.values() for estimate in curve.values()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Dots:
    """A value for each system in each of several groups of entities or sentences.

    `groups` maps the name of each group to a description of its size, such as `n = 1,988`. The value of a system is
    None for a group where it is not defined. `lowest` and `highest` are as in `Curves`.
    """

    name: str
    title: str
    axis: str
    groups: Mapping[str, str]
    systems: Mapping[str, tuple[Estimate | None, ...]]
    lowest: float = 0.0
    highest: float = math.inf

    def extent(self) -> tuple[float, float]:
        """The lowest and the highest value that the axis covers."""
        return _extent(self, [one for values in self.systems.values() for one in values if one is not None])


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """A shaded matrix of numbers; `unit` is theirs."""

    name: str
    title: str
    row_axis: str
    column_axis: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int | float, ...], ...]

    @property
    def largest(self) -> int | float:
        """The largest absolute value; 1 where there is none but 0."""
        return max((abs(value) for row in self.cells for value in row), default=0.0) or 1.0

    def text(self, value: int | float) -> str:
        """A number as a cell shows it: percentages with one decimal, counts and their means with at most one."""
        return f"{value:.1f}" if self.unit == "%" else f"{round(value, 1):g}"


Chart = Curves | Dots | HeatMap


def _extent(chart: Curves | Dots, estimates: Sequence[Estimate]) -> tuple[float, float]:
    ends = [end for estimate in estimates for end in estimate.within(chart.lowest, chart.highest)]
    return min(ends, default=0.0), max(ends, default=1.0)


def ticks(low: int | float, high: int | float, *, about: int = 6) -> list[float]:
    """Round numbers that enclose an interval, 1, 2 or 5 times a power of ten apart."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = min((factor * power for factor in (1, 2, 5, 10)), key=lambda step: abs(span / step - about))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]
