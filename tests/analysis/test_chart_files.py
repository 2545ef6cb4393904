import sys
from xml.etree import ElementTree

import pytest

from ner.analysis.chart_files import figure, figure_or_table, save_pictures


def test_a_file_of_each_format_for_each_chart(charts, tmp_path):
    paths = save_pictures(charts, tmp_path / "pictures")
    assert [path.name for path in paths] == [
        f"{name}.{kind}" for name in ("curves", "types", "relations") for kind in ("svg", "png")
    ]
    for path in paths:
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
        else:
            assert path.read_bytes().startswith(b"\x89PNG")


def test_the_same_charts_give_the_same_files(charts, tmp_path):
    for name in ("one", "two"):
        save_pictures(charts, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_figure_shows_what_the_chart_holds(charts):
    curves, dots, heat_map = (figure(chart).axes[0] for chart in charts)
    assert [line.get_label() for line in curves.lines] == ["with trees", "without <trees>"]
    assert list(curves.lines[0].get_ydata()) == [81, 82, 83, 84, 85]
    assert curves.get_xlabel() == "epoch"
    assert [text.get_text() for text in dots.get_yticklabels()] == ["PERSON   n = 1,988", "A & B   n = 1"]
    assert [list(line.get_xdata()) for line in dots.lines if line.get_marker() == "s"] == [[87.5, 0]]
    assert [text.get_text() for text in heat_map.texts] == ["70.0", "30.0", "0.0", "12.2", "37.8", "50.0"]


def test_without_matplotlib_the_extra_is_named(charts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r"pip install 'dependency-guided-ner\[report\]'"):
        save_pictures(charts, tmp_path)
    with pytest.raises(ValueError, match="matplotlib"):
        figure(charts[0])
    assert "PERSON" in figure_or_table(charts[2])


def test_what_tensorboard_can_show(charts):
    assert figure_or_table(charts[2]).axes[0].get_xlabel() == "relation (%)"
