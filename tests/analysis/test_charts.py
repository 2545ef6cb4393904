from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.analysis.charts import Estimate, HeatMap, ticks

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
    assert (Estimate(80.0, 2.0).low, Estimate(80.0, 2.0).high) == (78, 82)
    assert (Estimate(80.0).low, Estimate(80.0).high) == (80, 80)


def test_numbers_in_a_heat_map():
    chart = HeatMap(name="h", title="", row_axis="", column_axis="", unit="%", rows=(), columns=(), cells=())
    assert chart.text(5) == "5.0"
    counts = HeatMap(name="h", title="", row_axis="", column_axis="", unit="entities", rows=(), columns=(), cells=())
    assert [counts.text(value) for value in (12, 3.25)] == ["12", "3.2"]
