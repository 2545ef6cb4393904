import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ner.web.markup import Markup, element, joined, json_island


class Seen(HTMLParser):
    """Everything that a browser would see: elements with their attributes, and text."""

    def __init__(self, document):
        super().__init__(convert_charrefs=True)
        self.elements, self.text = [], ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"))  # HTML itself turns those into others


@given(TEXT, TEXT)
def test_text_and_attributes_arrive_as_they_were(text, attribute):
    seen = Seen(element("p", {"title": attribute}, text))
    assert seen.elements == [("p", {"title": attribute})]
    assert seen.text == text


def test_markup_is_left_alone():
    assert element("p", {}, element("b", {}, "1 < 2"), " & 3") == "<p><b>1 &lt; 2</b> &amp; 3</p>"
    assert joined(["<", Markup("<br>")]) == "&lt;<br>"
    assert element("input", {"checked": ""}) == '<input checked="">'


def test_numbers_have_no_more_places_than_a_drawing_needs():
    assert element("rect", {"x": 3, "y": 1 / 3}) == '<rect x="3" y="0.3"></rect>'


@given(st.recursive(TEXT | st.integers(-9, 9), lambda parts: st.lists(parts, max_size=3), max_leaves=5))
def test_no_content_ends_a_json_island(content):
    island = json_island("data", [content, "</script><!-- <script>"])
    seen = Seen(island + "<p>after</p>")
    assert [tag for tag, _ in seen.elements] == ["script", "p"]
    assert json.loads(seen.text.removesuffix("after")) == [content, "</script><!-- <script>"]
