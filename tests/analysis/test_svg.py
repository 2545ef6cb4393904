from xml.etree import ElementTree

import pytest

from ner.analysis import svg
from ner.analysis.charts import Curves, Dots, Estimate


def marks(drawing, series):
    """The places of a system's marks."""
    group = next(group for group in drawing.iter("g") if group.get("data-series") == str(series))
    found = [path.get("transform") for path in group.iter("path") if "mark" in path.get("class", "")]
    return [tuple(map(float, place.removeprefix("translate(").removesuffix(")").split())) for place in found]


def inside(drawing, places):
    _, _, width, height = map(float, drawing.get("viewBox").split())
    return all(0 < x < width and 0 < y < height for x, y in places)


def test_curves_rise_with_their_values(charts):
    drawing = ElementTree.fromstring(svg.draw(charts[0]))
    assert drawing.get("aria-label") == "Validation F1"
    places = marks(drawing, 0)
    assert len(places) == 5
    assert inside(drawing, places)
    assert places == sorted(places)
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)
    assert len(marks(drawing, 1)) == 2
    bands = [path for path in drawing.iter("path") if path.get("class") == "band"]
    assert len(bands) == 1  # the other has one seed


def test_dots_stand_in_the_row_of_their_group_and_none_where_there_is_no_value(charts):
    drawing = ElementTree.fromstring(svg.draw(charts[1]))
    (first,) = marks(drawing, 0)
    second, zero = marks(drawing, 1)
    assert inside(drawing, [first, second, zero])
    assert zero[0] < second[0] < first[0]
    assert first[1] < second[1] < zero[1]
    texts = [text.text for text in drawing.iter("text")]
    assert {"PERSON", "n = 1,988", "A & B", "F1 (%)"} <= set(texts)
    assert "with trees, PERSON: 91.00 ± 1.50" in [title.text for title in drawing.iter("title")]


@pytest.mark.parametrize("number", [1, 14])
def test_any_number_of_systems_is_told_apart_without_colour(number):
    legend = ElementTree.fromstring(svg.legend([f"system {index}" for index in range(number)]))
    buttons = list(legend.iter("button"))
    assert [button.get("data-series") for button in buttons] == [str(index) for index in range(number)]
    shapes = [[(path.get("d"), path.get("class")) for path in button.iter("path")][-1] for button in buttons]
    assert len(set(shapes)) == number


def test_one_point_and_equal_values_are_drawn():
    curves = Curves(name="c", title="", x_axis="", y_axis="", systems={"one": {1: Estimate(0.0)}})
    dots = Dots(name="d", title="", axis="", groups={"all": ""}, systems={"one": (Estimate(50.0),), "none": (None,)})
    for chart in (curves, dots):
        drawing = ElementTree.fromstring(svg.draw(chart))
        assert inside(drawing, marks(drawing, 0))


def test_without_a_curve_there_are_axes():
    empty = Curves(name="c", title="Empty", x_axis="epoch", y_axis="", systems={"one": {}})
    drawing = ElementTree.fromstring(svg.draw(empty))
    assert marks(drawing, 0) == []
    assert "epoch" in [text.text for text in drawing.iter("text")]
