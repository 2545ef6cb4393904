import pytest

from ner.analysis.charts import Curves, Dots, Estimate, HeatMap
from ner.analysis.drawing import NARROW, WIDE, Area, Line, Mark, Text, draw, text_width, with_legend

WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW])


def marks(drawing, series):
    return [item.at for item in drawing.items if isinstance(item, Mark) and item.series == series]


def extents(item):
    """The corners of the box that an item takes."""
    if isinstance(item, Line | Area):
        return item.points
    if isinstance(item, Mark):
        return [item.at]
    width = text_width(item.text, 12)
    if item.angle == -90:
        return [item.at, (item.at[0], item.at[1] - width)]
    x = item.at[0] - {"start": 0, "middle": width / 2, "end": width}[item.anchor]
    return [(x, item.at[1]), (x + width, item.at[1])]


@WIDTHS
@pytest.mark.parametrize("index", range(3))
def test_everything_is_inside_the_drawing(charts, index, width):
    for drawing in (draw(charts[index], width=width), with_legend(charts[index], width=width)):
        assert isinstance(charts[index], HeatMap) or drawing.width <= width
        for item in drawing.items:
            assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in extents(item)), item


@WIDTHS
def test_curves_rise_with_their_values(charts, width):
    drawing = draw(charts[0], width=width)
    places = marks(drawing, 0)
    assert len(places) == 5
    assert places == sorted(places)
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)
    assert len(marks(drawing, 1)) == 2
    assert [item.series for item in drawing.items if isinstance(item, Area)] == [0]  # the other has one seed


@WIDTHS
def test_dots_stand_in_the_row_of_their_group_and_none_where_there_is_no_value(charts, width):
    drawing = draw(charts[1], width=width)
    (first,) = marks(drawing, 0)
    second, zero = marks(drawing, 1)
    assert zero[0] < second[0] < first[0]
    assert first[1] < second[1] < zero[1]
    assert {"PERSON", "n = 1,988", "A & B", "F1 (%)"} <= {item.text for item in drawing.items if isinstance(item, Text)}
    hints = [item.hint for item in drawing.items if isinstance(item, Mark)]
    assert "with trees, PERSON: 91.00 ± 1.50" in hints


def test_a_heat_map_is_shaded_by_its_largest_number(charts):
    cells = [item for item in draw(charts[2]).items if isinstance(item, Area)]
    assert [round(cell.shade, 3) for cell in cells] == [1, 0.429, 0, 0.175, 0.539, 0.714]


def test_one_point_and_equal_values_are_drawn():
    curves = Curves(name="c", title="", x_axis="", y_axis="", systems={"one": {1: Estimate(0.0)}})
    dots = Dots(name="d", title="", axis="", groups={"all": ""}, systems={"one": (Estimate(50.0),), "none": (None,)})
    for chart in (curves, dots):
        assert len(marks(draw(chart), 0)) == 1


def test_time_has_ticks_between_whole_numbers_and_epochs_have_none():
    def drawn(*places):
        curve = {place: Estimate(80.0 + place) for place in places}
        drawing = draw(Curves(name="c", title="", x_axis="x", y_axis="", systems={"one": curve}))
        bottom = max(item.at[1] for item in drawing.items if isinstance(item, Text) and item.text != "x")
        return drawing, [item.text for item in drawing.items if isinstance(item, Text) and item.at[1] == bottom]

    drawing, numbers = drawn(0.25, 0.5)
    assert "0.3" in numbers
    assert [x for x, _ in marks(drawing, 0)] == pytest.approx([marks(drawn(1, 2)[0], 0)[i][0] for i in (0, 1)], abs=9)
    assert drawn(1, 2)[1] == ["1", "2"]


def test_without_a_curve_there_are_axes():
    drawing = draw(Curves(name="c", title="Empty", x_axis="epoch", y_axis="", systems={"one": {}}))
    assert marks(drawing, 0) == []
    assert "epoch" in [item.text for item in drawing.items if isinstance(item, Text)]


def test_a_legend_names_each_of_several_systems():
    def texts(*names):
        curves = Curves(name="c", title="T", x_axis="", y_axis="", systems={name: {1: Estimate(1.0)} for name in names})
        return [item.text for item in with_legend(curves, width=NARROW).items if isinstance(item, Text)]

    assert texts("a", "b" * 40, "c")[-3:] == ["a", "b" * 40, "c"]
    assert "a" not in texts("a")


def test_a_long_name_in_a_legend_is_in_lines():
    name = " ".join(f"option_{number}:0.5" for number in range(9))
    curves = Curves(
        name="c", title="T", x_axis="", y_axis="", systems={each: {1: Estimate(1.0)} for each in ("a", name, "b")}
    )
    drawing = with_legend(curves, width=NARROW)
    first, *lines, last = [item for item in drawing.items if isinstance(item, Text)][-5:]
    assert (first.text, " ".join(line.text for line in lines), last.text) == ("a", name, "b")
    assert len(lines) == 3
    assert all(line.at[0] + text_width(line.text, 13) <= drawing.width for line in lines)
    assert first.at[1] < lines[0].at[1] < lines[1].at[1] < lines[2].at[1] < last.at[1] < drawing.height


@pytest.mark.parametrize("number", [1, 14])
def test_any_number_of_systems_is_told_apart_without_colour(number):
    drawn = {(mark.corners, mark.is_hollow) for mark in (Mark(at=(0, 0), series=index) for index in range(number))}
    assert len(drawn) == number


def test_the_width_of_a_text():
    assert text_width("", 10) == text_width("\u0301", 10) == 0
    assert text_width("東", 10) == 10
    assert text_width("il", 10) < text_width("WM", 10)
