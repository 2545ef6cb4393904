"""What a picture shows, apart from how it is drawn: `svg` draws it into the page, `pictures` into files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and their standard deviation, which a single seed does not have."""

    mean: float
    deviation: float | None = None

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.deviation is None else f"{self.mean:.2f} ± {self.deviation:.2f}"

    @property
    def low(self) -> float:
        return self.mean - (self.deviation or 0.0)

    @property
    def high(self) -> float:
        return self.mean + (self.deviation or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A value over the epochs, a curve for each system."""

    name: str
    title: str
    x_axis: str
    y_axis: str
    systems: Mapping[str, Mapping[int, Estimate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dots:
    """A value for each system in each of several groups of entities or sentences.

    `groups` maps the name of each group to what is said of its size, such as `n = 1,988`. A system has None for a group
    where its value is not defined.
    """

    name: str
    title: str
    axis: str
    groups: Mapping[str, str]
    systems: Mapping[str, tuple[Estimate | None, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """A matrix of numbers, shaded: `unit` says of what."""

    name: str
    title: str
    row_axis: str
    column_axis: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int | float, ...], ...]

    def text(self, value: int | float) -> str:
        """A number as a cell shows it: per cents to one place, counts and their means as short as they are."""
        return f"{value:.1f}" if self.unit == "%" else f"{round(value, 1):g}"


Chart = Curves | Dots | HeatMap


def ticks(low: int | float, high: int | float, *, about: int = 6) -> list[float]:
    """Round numbers around an interval, a step of 1, 2 or 5 times a power of ten apart; the ends enclose it."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = min((factor * power for factor in (1, 2, 5, 10)), key=lambda step: abs(span / step - about))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]
