import sys

import pytest

from ner.analysis import png
from ner.analysis.drawing import Mark, Text, draw


@pytest.mark.parametrize("index", range(3))
def test_a_figure_has_every_item_where_the_drawing_has_it(charts, index):
    pytest.importorskip("matplotlib")
    drawing = draw(charts[index])
    (axes,) = png.to_figure(drawing).axes
    assert axes.get_xlim() == (0, drawing.width)
    assert axes.get_ylim() == (drawing.height, 0)
    texts = [item for item in drawing.items if isinstance(item, Text)]
    assert [(text.get_text(), text.get_position()) for text in axes.texts] == [(item.text, item.at) for item in texts]
    marks = [item for item in drawing.items if isinstance(item, Mark)]
    assert len(axes.patches) >= len(marks)
    assert len(axes.lines) == len([item for item in drawing.items if type(item).__name__ == "Line"])


def test_a_png_file_has_two_pixels_for_each(charts):
    pytest.importorskip("matplotlib")
    drawing = draw(charts[0])
    content = png.to_png(drawing)
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20], "big") == 2 * drawing.width
    assert content == png.to_png(drawing)


def test_without_matplotlib_the_extra_is_named(charts, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not png.is_available()
    with pytest.raises(ValueError, match=r"pip install 'dependency-guided-ner\[report\]'"):
        png.figure(charts[0])
