from outline import Outline

from ner.web.markup import Markup, element, json_island
from ner.web.webpage import POLICY, resource, webpage


def test_a_page_holds_all_it_needs():
    outline = Outline(
        webpage(
            title="A & B",
            lead="<lead>",
            content=[element("p", {}, "here")],
            styles=[Markup("p{color:red}")],
            scripts=[Markup("theme();")],
            footer="end",
            data=json_island("data", {"x": "</script>"}),
        )
    )
    assert outline.all("title")[0]["text"] == outline.all("h1")[0]["text"] == "A & B"
    assert [entry["text"] for entry in outline.all("p")] == ["<lead>", "here", "end"]
    assert [entry["content"] for entry in outline.all("meta") if entry.get("http-equiv")] == [POLICY]
    assert "p{color:red}" in outline.all("style")[0]["text"]
    data, script = outline.all("script")
    assert data["text"] == '{"x":"\\u003c/script>"}'
    assert script["text"].endswith("theme();")
    assert not outline.all("nav")


def test_nothing_of_ours_can_end_its_element():
    for name in ("base.css", "drawing.css", "drawing.js"):
        assert "</" not in resource(name)
