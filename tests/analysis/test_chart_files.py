import sys
from xml.etree import ElementTree

import pytest

from ner.analysis.chart_files import figure_or_table, save_charts


def test_a_file_of_each_format_for_each_chart(charts, tmp_path):
    pytest.importorskip("matplotlib")
    paths = save_charts(charts, tmp_path / "pictures")
    assert [path.name for path in paths] == [
        f"{name}.{kind}" for name in ("curves", "types", "relations") for kind in ("svg", "png")
    ]
    for path in paths:
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
        else:
            assert path.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_there_are_svg_files_and_tables(charts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert [path.name for path in save_charts(charts, tmp_path)] == ["curves.svg", "types.svg", "relations.svg"]
    assert "PERSON" in figure_or_table(charts[2])


def test_tensorboard_gets_a_figure_with_the_title(charts):
    pytest.importorskip("matplotlib")
    assert figure_or_table(charts[2]).axes[0].texts[0].get_text() == "Types and relations"
