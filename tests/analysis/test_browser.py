"""The sentence browser, in a real browser: Chromium without a window runs the page and what a reader would do."""

import re
from itertools import combinations

import pytest

from ner.analysis.browser_data import BrowserData
from ner.analysis.page import Section, page
from ner.analysis.tables import Table


@pytest.fixture(scope="module")
def document(charts, browser):
    table = Table(title="Scores", header=("System", "F1"), rows=[("b", 9.5), ("a", 10.25), ("c", None)])
    sections = [Section(name="all", title="All", parts=[table, *charts])]
    return page(title="Report", lead="", sections=sections, browser=browser)


@pytest.fixture(scope="module")
def seen(ask, document):
    return ask(
        document,
        """
        const seen = { first: { status: status(), sentences: texts(".sentence h3"), scripts: all("script").length } };
        const drawings = all("#sentence-list svg");
        seen.words = drawings.map((drawing) => texts(".word", drawing));
        seen.places = drawings.map((drawing) => all(".word", drawing).map((word) => Number(word.getAttribute("x"))));
        seen.arcs = drawings.map((drawing) => all(".arc", drawing).map((arc) => arc.getAttribute("d")));
        seen.relations = texts(".relation", drawings[0]);
        const kind = (entity) => `${entity.getAttribute("class")}: ${entity.textContent}`;
        seen.kinds = all(".entity", drawings[0]).map(kind);
        seen.names = drawings.map((drawing) => drawing.getAttribute("aria-label"));
        seen.compares = all("option[data-compares]").map((option) => option.disabled);
        all(".pager button[data-step='1']")[0].click();
        seen.second = { status: status(), hash: location.hash, sentences: texts(".sentence h3") };
        set("system", "1");
        seen.said = texts(".said", all(".sentence")[0]);
        seen.kinds_of_other = all("#sentence-list svg")[0].querySelectorAll(".wrong, .missed").length;
        const spurious = all("select[name='outcome'] option").find((option) => option.text === "spurious");
        seen.spurious = set("outcome", spurious.value);
        seen.hash = location.hash;
        seen.organisations = set("label", "ORG");
        set("label", ""), set("system", "0"), set("other", "1");
        seen.gained = set("outcome", "gained");
        seen.lost = set("outcome", "lost");
        seen.without = set("other", "");
        seen.words_found = set("text", " ULM7 ");
        seen.arabic = (set("text", ""), set("genre", "ar"));
        seen.missed_of_arabic = (set("system", "1"), texts("#sentence-list .missed"));
        seen.relation = (set("genre", ""), set("relation", "<dep>"));
        seen.number = (set("relation", ""), set("number", "24"), [status(), ...texts(".sentence h3")]);
        set("number", "");
        set("trees", false);
        seen.untreed = all("#sentence-list .arc").length;
        const table = document.querySelector("table.sortable");
        const column = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent).join("");
        const heads = all("th button", table);
        const sort = (head) => (head.click(), `${column()} ${head.parentElement.getAttribute("aria-sort")}`);
        seen.sorted = heads.flatMap((head) => [sort(head), sort(head)]);
        const button = document.querySelector(".legend button");
        button.click();
        const pressed = (one) => `${one.dataset.series} ${one.getAttribute("aria-pressed")}`;
        seen.legend = [...new Set(all(".legend button").map(pressed))];
        seen.hidden = all("figure .series[hidden]").map((series) => series.dataset.series);
        const theme = document.getElementById("theme");
        const paper = () => getComputedStyle(document.body).backgroundColor;
        seen.themes = [0, 1, 2].map(() => (theme.click(), `${theme.textContent} ${paper()}`));
        return seen;
        """,
    )


def titled(sentence):
    return f"Sentence {sentence.number}" + (f" of {sentence.document}" if sentence.document else "")


def test_the_page_makes_no_error(seen):
    assert seen["errors"] == []
    assert seen["first"]["scripts"] == 3  # the page's two and the one of this test


def test_a_page_of_sentences_at_first(seen, browser):
    assert seen["first"]["status"] == "23 of 23 sentences; page 1 of 3"
    assert seen["first"]["sentences"] == [titled(one) for one in browser.sentences[:8]]
    assert seen["second"]["status"].endswith("page 2 of 3")
    assert seen["second"]["sentences"] == [titled(one) for one in browser.sentences[8:16]]
    assert seen["second"]["hash"] == "#sentences?page=2"


def test_words_are_drawn_as_they_are(seen, browser):
    assert [tuple(words) for words in seen["words"]] == [one.words for one in browser.sentences[:8]]
    assert seen["relations"] == ["nsubj", "obj", "<dep>", "advcl", "root"]
    assert seen["kinds"] == ["entity gold: ORG", "entity right: ✓ ORG"]
    assert all(" ".join(one.words) in name for one, name in zip(browser.sentences, seen["names"], strict=False))


def test_words_stand_in_the_order_of_their_script(seen):
    for number, places in enumerate(seen["places"]):
        assert places == sorted(places, reverse=number == 1)  # the second sentence is Arabic


def test_no_arc_runs_over_another(seen, browser):
    for arcs, shown in zip(seen["arcs"], browser.sentences, strict=False):
        assert len(arcs) == len(shown.heads)
        drawn = [re.match(r"M([\d.]+) [\d.]+V[\d.]+Q[\d.]+ ([\d.]+).*V[\d.]+$", arc) for arc in arcs]
        ends = [re.findall(r"Q([\d.]+) ([\d.]+)", arc) for arc, found in zip(arcs, drawn, strict=True) if found]
        lines = [(float(y), *sorted((float(left), float(right)))) for (left, y), (right, _) in ends]
        assert len(lines) == max(len(shown.heads) - 1, 0)
        for (y, left, right), (other_y, other_left, other_right) in combinations(lines, 2):
            assert y != other_y or right < other_left or other_right < left


def test_errors_are_said_and_marked(seen):
    assert seen["said"] == [
        "wrong boundary: ORG “<b>bold</b>”, gold ORG “</script><script>fail()</script> <b>bold</b>”"
    ]
    assert seen["kinds_of_other"] == 1


def test_filters(seen):
    assert seen["spurious"].startswith("5 of 23 sentences with 5 such entities, gold or predicted")
    assert seen["hash"].startswith("#sentences?system=1&outcome=")
    assert seen["organisations"] == "None of the 23 sentences in this file matches."
    assert seen["gained"].startswith("22 of 23 sentences with 22 such entities, gold or predicted")
    assert seen["lost"].startswith("1 of 23 sentences with 1 such entities, gold or predicted")
    assert seen["without"].startswith("23 of 23")  # nothing is compared: the filter goes too
    assert seen["compares"] == [True, True]
    assert seen["words_found"].startswith("1 of 23")
    assert seen["arabic"].startswith("1 of 23")
    assert seen["missed_of_arabic"] == ["missed"]
    assert seen["relation"].startswith("None")
    assert seen["number"] == ["1 of 23 sentences; page 1 of 1", "Sentence 24 of nw/19"]
    assert seen["untreed"] == 0


def test_tables_are_sorted_and_what_has_no_value_is_least(seen):
    assert seen["sorted"] == ["abc ascending", "cba descending", "abc descending", "cba ascending"]


def test_legends_and_theme(seen):
    assert seen["legend"] == ["0 false", "1 true"]
    assert set(seen["hidden"]) == {"0"}
    assert [one.split(" rgb")[0] for one in seen["themes"]] == ["Theme: light", "Theme: dark", "Theme: auto"]
    assert len({one.split(" ", 2)[2] for one in seen["themes"][:2]}) == 2


def test_an_address_with_filters_opens_on_them(ask, document):
    seen = ask(document, "return { status: status() };", state="#sentences?system=1&text=ulm&page=2&label=NONE")
    assert seen == {"errors": [], "status": "20 of 23 sentences; page 2 of 3"}


def test_without_sentences_the_page_makes_no_error(ask):
    for browser in (None, BrowserData(systems={"a": (1,)}, sentences=(), total=0)):
        document = page(title="t", lead="", sections=[], browser=browser)
        assert ask(document, "return {};") == {"errors": []}
