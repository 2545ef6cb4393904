import re

import pytest
from hypothesis import given
from outline import Outline
from tagged import CUTS, ENCODABLE, document_of

from ner.document import Document
from ner.formats.html import save_html, to_html


@given(text=ENCODABLE.map(lambda text: text.replace("\x00", "")), cuts=CUTS)
def test_the_text_is_there_as_it_is_whatever_it_holds(text, cuts):
    document = document_of(text, cuts, name="<n>")
    outline = Outline(to_html([document]))
    (shown,) = [entry for entry in outline.all("p") if entry.get("class") == "text"]
    labels = [entry for entry in outline.all("span") if entry.get("class") == "label" and "mark" in entry["within"]]
    assert [entry["text"] for entry in labels] == [entity.label for entity in document.entities]
    assert [mark["text"] for mark in outline.all("mark")] == [one.text + one.label for one in document.entities]
    assert len(shown["text"]) == len(text) + sum(len(entity.label) for entity in document.entities)
    assert len(outline.all("script")) == 2
    assert {entry["tag"] for entry in outline.found} <= TAGS


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "a", "header", "div", "h1", "h2", "p", "button", "main"),
    *(
        "section",
        "ul",
        "ol",
        "li",
        "span",
        "mark",
        "label",
        "input",
        "details",
        "summary",
        "noscript",
        "footer",
        "script",
    ),
}


def test_nothing_is_fetched(documents):
    outline = Outline(to_html(documents))
    for entry in outline.found:
        assert "src" not in entry
        assert entry.get("href", "#").startswith("#")
    policies = [entry["content"] for entry in outline.all("meta") if entry.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"]
    assert not re.search(r"@import|url\(", outline.all("style")[0]["text"])
    assert not re.search(r"\bfetch\b|XMLHttpRequest|import\(|WebSocket", outline.all("script")[-1]["text"])


def test_who_cannot_see_finds_the_way(documents):
    outline = Outline(to_html(documents))
    assert outline.all("html")[0]["lang"] == "en"
    assert all(len(outline.all(tag)) == 1 for tag in ("main", "h1", "footer"))
    assert [entry["text"] for entry in outline.all("h2")] == ["a/news.txt", "Document 2", "<i>"]
    assert outline.all("mark")[0]["title"] == "PERSON, probability 1.0000"
    assert (
        outline.all("p")[0]["text"]
        == f"3 documents, 3 sentences, {sum(len(one.entities) for one in documents)} entities."
    )


def test_entities_that_overlap_are_refused():
    document = document_of("a b c d", (0, 2, 4))
    (sentence,) = document.sentences
    twice = Document(text=document.text, name="x", sentences=(sentence, sentence))
    with pytest.raises(ValueError, match="x: entities overlap at character 0"):
        to_html([twice])


def test_a_file(documents, tmp_path):
    save_html(documents, tmp_path / "page.html", title="Mine")
    assert Outline((tmp_path / "page.html").read_text()).all("title")[0]["text"] == "Mine"
    save_html([document_of("a\ud800", (0, 1, 2))], tmp_path / "half.html")
    assert "a\\ud800" in (tmp_path / "half.html").read_text()


@pytest.fixture(scope="module")
def seen(ask, documents):
    return ask(
        to_html(documents),
        """
        const drawings = all(".sentence svg");
        const seen = {
          words: drawings.map((drawing) => texts(".word", drawing)),
          entities: drawings.map((drawing) => texts(".entity", drawing)),
          arcs: drawings.map((drawing) => all(".arc", drawing).length),
          names: drawings.map((drawing) => drawing.getAttribute("aria-label")),
          marks: all("mark").map((mark) => mark.firstChild.textContent),
          wide: document.documentElement.scrollWidth > innerWidth,
        };
        document.getElementById("trees").click();
        seen.untreed = all(".sentence .arc").length;
        const theme = document.getElementById("theme");
        seen.themes = [0, 1].map(() => (theme.click(), getComputedStyle(document.body).backgroundColor));
        return seen;
        """,
        delay=300,
    )


def test_sentences_are_drawn(seen, documents):
    assert seen["errors"] == []
    assert [tuple(words) for words in seen["words"]] == [one.words for document in documents for one in document]
    assert [len(found) for found in seen["entities"]] == [len(document.entities) for document in documents]
    assert seen["entities"][0] == ["PERSON 1.00", "GPE 0.50"]
    assert seen["arcs"] == [len(documents[0].sentences[0]), len(documents[1].sentences[0]), 0]
    assert (
        seen["names"][0].endswith("Entities: PERSON “Olga  ”; GPE “visited  ”")
        or "Entities: PERSON" in seen["names"][0]
    )
    assert seen["marks"][0] == "Olga Kornell"
    assert not seen["wide"]


def test_trees_can_be_left_out_and_the_theme_chosen(seen):
    assert seen["untreed"] == 0
    assert len(set(seen["themes"])) == 2
