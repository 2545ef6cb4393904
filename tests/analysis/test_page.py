import re
from dataclasses import replace

import pytest
from outline import Outline

from ner.analysis.charts import Estimate
from ner.analysis.page import Code, Section, page
from ner.analysis.tables import Table

SCORES = Table(
    title="Scores <test>",
    note="Mean ± deviation.",
    header=("System", "F1", "Runs", "Paper"),
    rows=[("a & b", Estimate(87.5, 0.25), 3, None), ("c", Estimate(85.0), 1, 88.52)],
)


@pytest.fixture(scope="module")
def document(charts, browser):
    sections = [
        Section(name="scores", title="Scores", parts=["Read this.", SCORES, Code("python -m ner.report runs=<DIR>")]),
        Section(name="charts", title="Charts", parts=charts),
    ]
    return page(title="A <report>", lead="Of a sweep.", sections=sections, browser=browser)


@pytest.fixture(scope="module")
def outline(document):
    return Outline(document)


def test_nothing_is_fetched(outline):
    for entry in outline.found:
        assert entry["tag"] not in {"link", "img", "iframe", "object", "base"}
        assert "src" not in entry
        assert entry.get("href", "#").startswith("#")
    policies = [entry["content"] for entry in outline.all("meta") if entry.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"]
    (style,) = outline.all("style")
    assert not re.search(r"@import|url\(", style["text"])
    assert not re.search(r"\bfetch\b|XMLHttpRequest|import\(|WebSocket", outline.all("script")[-1]["text"])


def test_text_is_text(outline):
    assert outline.all("title")[0]["text"] == outline.all("h1")[0]["text"] == "A <report>"
    assert outline.all("pre")[0]["text"] == "python -m ner.report runs=<DIR>"
    assert len(outline.all("script")) == 2


def test_who_cannot_see_finds_the_way(outline):
    """Landmarks, headings in order, names of what is focused, heads of tables, and titles of drawings."""
    assert outline.all("html")[0]["lang"] == "en"
    assert all(len(outline.all(tag)) == 1 for tag in ("main", "nav", "h1", "footer"))
    identifiers = {entry["id"]: entry for entry in outline.found if "id" in entry}
    anchors = [entry["href"][1:] for entry in outline.all("a") if "?" not in entry["href"]]
    assert anchors == ["content", "scores", "charts", "sentences"]
    for name in anchors[1:]:
        assert identifiers[identifiers[name]["aria-labelledby"]]["tag"] == "h2"
    for control in (*outline.all("select"), *outline.all("input")):
        assert "label" in control["within"]
    for region in outline.found:
        if region.get("class") == "scroll":
            assert region["tabindex"] == "0"
            assert region["aria-label"]
    for table in outline.all("table"):
        assert table["text"]
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert {entry["scope"] for entry in outline.all("th")} == {"col", "row"}
    for drawing in outline.all("svg"):
        assert drawing.get("aria-hidden") == "true" or (drawing["role"] == "img" and drawing["aria-label"])
    for button in outline.all("button"):
        assert button["text"]


def test_cells_hold_what_sorting_needs(outline):
    rows = [entry for entry in outline.all("td") if "data-value" in entry][:4]
    assert [entry["text"] for entry in rows] == ["87.50 ± 0.25", "3", "85.00", "1"]
    assert [float(entry["data-value"]) for entry in rows] == [87.5, 3, 85, 1]


def test_the_numbers_of_a_chart_are_a_table_too(outline):
    captions = [entry["text"] for entry in outline.all("caption")]
    assert captions == ["Scores <test>", "Validation F1", "F1 by type", "Types and relations (%)"]
    texts = [entry["text"] for entry in outline.all("td")]
    assert {"81.00 ± 0.50", "79.25", "91.00 ± 1.50", "n = 1,988", "37.8"} <= set(texts)


def test_a_table_that_follows_a_chart_under_its_title_is_folded(charts):
    table = Table(title="Validation", header=("epoch", "all"), rows=[("1", 3.5)])
    parts = [charts[0], table, replace(table)]
    outline = Outline(page(title="", lead="", sections=[Section(name="s", title="", parts=parts)], browser=None))
    found = [("details" in entry["within"], entry["text"]) for entry in outline.all("table")]
    assert found == [(True, "Validationepochall13.50"), (False, "Validationepochall13.50")]


def test_a_heat_map_is_shaded_by_its_largest_number(outline):
    shades = {entry["text"]: entry["style"] for entry in outline.all("td") if "style" in entry}
    assert (shades["70.0"], shades["0.0"]) == ("--v:100", "--v:0")


def test_without_text_the_section_says_so():
    document = page(title="t", lead="", sections=[], browser=None)
    outline = Outline(document)
    assert "made without the text of the corpus" in outline.all("section")[0]["text"]
    assert not outline.all("form")
    assert "sentence-data" not in [entry.get("id") for entry in outline.found]
