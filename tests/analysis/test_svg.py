import re
from xml.etree import ElementTree

import pytest

from ner.analysis.drawing import draw, swatch, with_legend
from ner.analysis.svg import COLOURS, shade, to_file, to_markup
from ner.analysis.svg import swatch as to_swatch
from ner.web.webpage import resource


def test_a_drawing_in_a_page_has_its_title_and_its_systems(charts):
    drawing = ElementTree.fromstring(to_markup(draw(charts[0]), kind="wide"))
    assert (drawing.get("role"), drawing.get("aria-label"), drawing.get("class")) == ("img", "Validation F1", "wide")
    series = {group.get("data-series") for group in drawing.iter("g")}
    assert series == {"0", "1"}
    bands = [path for path in drawing.iter("path") if path.get("class") == "band"]
    assert len(bands) == 1


@pytest.mark.parametrize("index", range(3))
def test_a_file_is_xml_that_needs_nothing_else(charts, index):
    text = to_file(with_legend(charts[index]))
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{http://www.w3.org/2000/svg}title").text == charts[index].title
    assert "<script" not in text
    assert not re.search(r"@import|url\(|href", text)


def test_text_is_escaped_and_hints_are_titles(charts):
    drawing = ElementTree.fromstring(to_markup(draw(charts[1])))
    assert "A & B" in [text.text for text in drawing.iter("text")]
    assert "with trees, PERSON: 91.00 ± 1.50" in [title.text for title in drawing.iter("title")]


def test_a_swatch_is_hidden_from_screen_readers():
    drawing = ElementTree.fromstring(to_swatch(swatch(8)))
    assert drawing.get("aria-hidden") == "true"
    assert [path.get("class") for path in drawing.iter("path")] == [None, "mark hollow"]


def test_shades_go_from_the_least_to_the_greatest():
    assert (shade(0), shade(1)) == ("#f3f4f2", "#08508f")


def test_files_have_the_colours_of_the_page_in_light():
    style = resource("base.css")
    assert tuple(re.findall(r"--s\d: light-dark\((#\w+),", style)) == COLOURS
