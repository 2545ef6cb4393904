"""The types that a recognizer gives."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ner.corpus.sentence import DependencyTree
from ner.document import Document, DocumentSentence, Entity, Reading, Token

TEXT = "Gita (Ulm) ran."


def document() -> Document:
    spans = [(0, 4, "Gita"), (5, 6, "-LRB-"), (6, 9, "Ulm"), (9, 10, "-RRB-"), (11, 14, "ran"), (14, 15, ".")]
    gita = Entity(text="Gita", label="PERSON", start=0, end=4, first=0, last=0, probability=0.9)
    ulm = Entity(text="Ulm", label="GPE", start=6, end=9, first=2, last=2, probability=0.6)
    sentence = DocumentSentence(
        start=0,
        end=15,
        tokens=tuple(Token(text=TEXT[start:end], start=start, end=end, form=form) for start, end, form in spans),
        entities=(gita, ulm),
        tree=DependencyTree((4, 2, 0, 2, 4, 4), ("nsubj", "punct", "appos", "punct", "root", "punct")),
        readings=(Reading(probability=0.5, entities=(gita, ulm)), Reading(probability=0.3, entities=(gita,))),
    )
    return Document(text=TEXT, sentences=(sentence,), name="a.txt")


def test_entities_are_those_of_all_sentences_and_offsets_point_into_the_text():
    found = document()
    assert [entity.label for entity in found.entities] == ["PERSON", "GPE"]
    for entity in found.entities:
        assert TEXT[entity.start : entity.end] == entity.text
    (sentence,) = found
    assert sentence.words == ("Gita", "(", "Ulm", ")", "ran", ".")
    assert (len(found), len(sentence)) == (1, 6)


def test_json_holds_all_of_it():
    content = json.loads(json.dumps(document().to_dict()))
    (sentence,) = content["sentences"]
    assert (content["name"], content["text"]) == ("a.txt", TEXT)
    assert sentence["tokens"][1] == {"text": "(", "start": 5, "end": 6}
    assert sentence["heads"] == [4, 2, 0, 2, 4, 4]
    assert sentence["relations"][2] == "appos"
    assert sentence["entities"][1] == {
        "text": "Ulm",
        "label": "GPE",
        "start": 6,
        "end": 9,
        "first": 2,
        "last": 2,
        "probability": 0.6,
    }
    assert [reading["probability"] for reading in sentence["readings"]] == [0.5, 0.3]


def test_json_leaves_out_what_there_is_not():
    bare = DocumentSentence(start=0, end=0, tokens=(), entities=())
    assert set(Document(text="", sentences=(bare,)).to_dict()["sentences"][0]) == {"start", "end", "tokens", "entities"}


def test_a_tree_of_another_sentence_is_refused():
    with pytest.raises(ValueError, match="0 tokens but a dependency tree of 1"):
        DocumentSentence(start=0, end=0, tokens=(), entities=(), tree=DependencyTree((0,), ("root",)))


def test_nothing_heavy_is_imported():
    code = "import ner.document, sys; print(*({'torch', 'numpy', 'hydra', 'datasets'} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
