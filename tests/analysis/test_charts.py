from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.analysis.charts import Curves, Dots, Estimate, HeatMap, ticks

VALUES = st.floats(-1e4, 1e4).map(lambda value: round(value, 3))


@given(VALUES, VALUES)
def test_ticks_enclose_evenly_and_are_few(one, other):
    low, high = min(one, other), max(one, other)
    found = ticks(low, high)
    step = found[1] - found[0]
    assert found[0] <= low + 1e-6 * step
    assert found[-1] >= high - 1e-6 * step
    assert 2 <= len(found) <= 14
    assert [after - before for before, after in pairwise(found)] == pytest.approx([step] * (len(found) - 1))
    assert high == low or found[1] > low  # none to spare
    assert high == low or found[-2] < high


def test_an_estimate():
    assert str(Estimate(88.516, 0.249)) == "88.52 ± 0.25"
    assert str(Estimate(88.516)) == "88.52"
    assert Estimate(80.0, 2.0).within(0.0, 100.0) == (78, 82)
    assert Estimate(80.0).within(0.0, 100.0) == (80, 80)
    assert Estimate(1.5, 2.0).within(0.0, 3.0) == (0, 3)


def test_the_range_of_a_chart_keeps_to_the_bounds_of_its_value():
    values = (Estimate(98.0, 5.0), None, Estimate(3.0, 4.0))
    groups = {"a": "", "b": "", "c": ""}
    assert Dots(name="", title="", axis="", groups=groups, systems={"s": values}, highest=100.0).extent() == (0, 100)
    assert Dots(name="", title="", axis="", groups=groups, systems={"s": (None,) * 3}).extent() == (0, 1)
    curve = {1: Estimate(2.0, 0.5), 2: Estimate(1.0)}
    assert Curves(name="", title="", x_axis="", y_axis="", systems={"s": curve}).extent() == (1, 2.5)


def test_numbers_in_a_heat_map():
    chart = HeatMap(name="h", title="", row_axis="", column_axis="", unit="%", rows=(), columns=(), cells=())
    assert chart.text(5) == "5.0"
    counts = HeatMap(name="h", title="", row_axis="", column_axis="", unit="entities", rows=(), columns=(), cells=())
    assert [counts.text(value) for value in (12, 3.25)] == ["12", "3.2"]
