"""Documents as a web page that needs nothing else: entities in the text, and each sentence with its tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ner.corpus.files import replacing
from ner.document import Document, DocumentSentence, Entity
from ner.stored import printable
from ner.web.markup import Markup, element, joined, json_island
from ner.web.webpage import resource, webpage

NUM_COLOURS = 7


def to_html(documents: Iterable[Document], *, title: str = "Named entities") -> str:
    """A page with the text of each document, its entities marked, and its sentences drawn below it.

    The text is complete without the page's script, which draws the sentences. Nothing is fetched from a network, and no
    text of a document can become markup.

    Raises:
        ValueError: for entities that overlap.
    """
    documents = list(documents)
    labels = sorted({entity.label for document in documents for entity in document.entities})
    colours = {label: number % NUM_COLOURS for number, label in enumerate(labels)}
    num_sentences = sum(len(document) for document in documents)
    num_entities = sum(len(document.entities) for document in documents)
    counts = ((len(documents), "document"), (num_sentences, "sentence"), (num_entities, "entity"))
    articles = (_article(document, number, colours) for number, document in enumerate(documents))
    return webpage(
        title=title,
        lead=", ".join(_counted(*count) for count in counts) + ".",
        content=[_legend(documents, colours), *articles],
        data=json_island("documents", {"colours": colours, "documents": list(map(_data, documents))}),
        styles=[resource("document.css", "ner.formats")],
        scripts=[resource("document.js", "ner.formats")],
        footer="Made by python -m ner.predict; nothing on this page is fetched from a network.",
    )


def save_html(documents: Iterable[Document], path: Path, *, title: str = "Named entities") -> None:
    """Write the page of some documents; the file is there when all of it is written.

    Raises:
        ValueError: as `to_html`, and where there is a link or a device.
    """
    with replacing(path) as file:
        file.write(to_html(documents, title=title).encode(errors="backslashreplace"))


def _legend(documents: Sequence[Document], colours: Mapping[str, int]) -> Markup:
    """Each label with the number of its entities, and the switch for the trees."""
    found = Counter(entity.label for document in documents for entity in document.entities)
    items = (
        element("li", {}, element("span", {"class": f"label s{colour}"}, label), f" {found[label]:,}")
        for label, colour in colours.items()
    )
    has_trees = any(sentence.tree is not None for document in documents for sentence in document)
    box = element("input", {"type": "checkbox", "id": "trees", "checked": ""})
    switch = [element("label", {"class": "switch"}, box, "Draw the trees")] if has_trees else []
    return element("div", {"class": "labels"}, element("ul", {"aria-label": "Labels"}, *items), *switch)


def _article(document: Document, number: int, colours: Mapping[str, int]) -> Markup:
    name = f"document-{number}"
    sentences = (
        element("li", {"class": "sentence", "data-document": str(number), "data-sentence": str(place)})
        for place in range(len(document))
    )
    return element(
        "section",
        {"aria-labelledby": name},
        element("h2", {"id": name}, document.name or f"Document {number + 1}"),
        element("p", {"class": "text", "dir": "auto"}, *_marked(document, colours)),
        element(
            "details",
            {"open": ""},
            element("summary", {}, "Sentences"),
            element(
                "noscript", {}, element("p", {}, "This page's script draws them, and the browser does not run it.")
            ),
            element("ol", {"class": "sentences"}, *sentences),
        ),
    )


def _marked(document: Document, colours: Mapping[str, int]) -> list[str]:
    """The text with its entities in `mark`."""
    parts: list[str] = []
    end = 0
    for entity in sorted(document.entities, key=lambda one: one.start):
        if entity.start < end:
            raise ValueError(f"{printable(document.name) or 'document'}: entities overlap at character {entity.start}")
        hint = f"{entity.label}, probability {entity.probability:.4f}"
        label = element("span", {"class": "label"}, entity.label)
        inside = joined([document.text[entity.start : entity.end], label])
        parts.append(document.text[end : entity.start])
        parts.append(element("mark", {"class": f"s{colours[entity.label]}", "title": hint}, inside))
        end = entity.end
    return [*parts, document.text[end:]]


def _data(document: Document) -> list[Any]:
    return [_sentence_data(sentence) for sentence in document]


def _sentence_data(sentence: DocumentSentence) -> list[Any]:
    """As the page's script reads it: words, heads, relations, and entities with the position after their last word."""
    tree = sentence.tree
    return [
        list(sentence.words),
        [] if tree is None else list(tree.heads),
        [] if tree is None else list(tree.relations),
        [_entity_data(entity) for entity in sentence.entities],
    ]


def _entity_data(entity: Entity) -> list[Any]:
    return [entity.first, entity.last + 1, entity.label, round(entity.probability, 4)]


def _counted(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
