"""What templates make of sentences: the examples of CRF++'s documentation, and definitions token by token."""

from __future__ import annotations

import json
from collections import Counter
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.features import Features, expand
from ner.corpus.templates import Templates
from ner.corpus.token_columns import Column, TokenColumns

HE_RECKONS = [[("He", "PRP"), ("reckons", "VBZ"), ("the", "DT"), ("current", "JJ"), ("account", "NN")]]


def column(values):
    distinct = list(dict.fromkeys(values))
    return Column(distinct, np.array([distinct.index(value) for value in values]))


def columns_of(sentences, gazetteer=MappingProxyType({})):
    tokens = [token for sentence in sentences for token in sentence]
    return TokenColumns(
        offsets=np.array([0, *np.cumsum([len(sentence) for sentence in sentences])]),
        words=column([word for word, _ in tokens]),
        heads=np.concatenate([np.arange(len(sentence)) for sentence in sentences]),
        relations=column(["root"] * len(tokens)),
        pos=column([pos for _, pos in tokens]),
        gazetteer=gazetteer,
    )


def strings(line, sentences):
    (template,) = Templates(lines=(line,)).unigrams
    made = expand(template, columns_of(sentences))
    return [made.values[code] for code in made.codes.tolist()]


@pytest.mark.parametrize(
    ("line", "at_the", "at_he", "at_account"),
    [
        ("U%x[0,0]", "Uthe", "UHe", "Uaccount"),
        ("U%x[0,1]", "UDT", "UPRP", "UNN"),
        ("U%x[-1,0]", "Ureckons", "U_B-1", "Ucurrent"),
        ("U%x[-2,1]", "UPRP", "U_B-2", "UDT"),
        ("U%x[2,0]", "Uaccount", "Uthe", "U_B+2"),
        ("U%x[0,0]/%x[0,1]", "Uthe/DT", "UHe/PRP", "Uaccount/NN"),
        ("UABC%x[0,1]123", "UABCDT123", "UABCPRP123", "UABCNN123"),
        ("U05:%x[-1,0]/%x[1,0]", "U05:reckons/current", "U05:_B-1/reckons", "U05:current/_B+1"),
    ],
)
def test_the_documentations_examples(line, at_the, at_he, at_account):
    made = strings(line, HE_RECKONS)
    assert (made[2], made[0], made[4]) == (at_the, at_he, at_account)


TOKENS = st.tuples(st.sampled_from(["a", "b", "a/b", "_B-1"]), st.sampled_from(["/a", "N"]))
SENTENCES = st.lists(st.lists(TOKENS, min_size=1, max_size=4), min_size=1, max_size=4)
LINES = ("U%x[-2,0]", "U%x[0,0]/%x[0,1]", "U1%x[1,1]%x[-1,0]", "Uconstant", "U%x[0,0]")


def by_hand(line, sentence, place):
    (template,) = Templates(lines=(line,)).unigrams
    text = ""
    for part in template.parts:
        if isinstance(part, str):
            text += part
            continue
        at = place + part.row
        if at < 0:
            text += f"_B-{-at}"
        elif at >= len(sentence):
            text += f"_B+{at - len(sentence) + 1}"
        else:
            text += sentence[at][("word", "pos").index(part.column)]
    return text


@given(SENTENCES, st.integers(1, 3))
def test_ids_are_those_of_the_strings_that_come_often_enough(sentences, min_count):
    rows = [
        [by_hand(line, sentence, place) for line in LINES] for sentence in sentences for place in range(len(sentence))
    ]
    counts = Counter(text for row in rows for text in row)
    kept = {text for text, count in counts.items() if count >= min_count}
    if not kept:
        return
    columns = columns_of(sentences)
    features = Features.of_training(Templates(lines=LINES), columns, min_count=min_count)
    names = features.known.items
    assert {*names[1:]} == kept
    assert [counts[name] for name in names[1:]] == list(features.counts[1:])
    ids = features.ids(columns)
    assert ids.shape == (len(rows), len(LINES))
    expected = [[text if text in kept else "<unk>" for text in row] for row in rows]
    assert [[names[id_] for id_ in row] for row in ids.tolist()] == expected


@pytest.fixture
def features():
    templates = Templates(lines=("U0:%x[0,word]", "U1:%x[0,gazetteer]", "B"))
    return Features.of_training(templates, columns_of(HE_RECKONS, {"current account": "X"}), min_count=1)


def test_comes_back_from_json(features):
    content = json.loads(json.dumps(features.to_json()))
    again = Features.from_json(content)
    assert again == features
    assert again.ids(columns_of(HE_RECKONS)).equal(features.ids(columns_of(HE_RECKONS)))


@pytest.mark.parametrize(
    "damage",
    [
        {"counts": [1]},
        {"counts": [0] * 9},
        {"counts": [1.5] * 9},
        {"known": ["a"]},
        {"templates": [1]},
        {"templates": ["X"]},
        {"gazetteer": {"a": 1}},
        {"gazetteer": {}},
        {"gazetteer": ["a"]},
        {"known": ["a", "<unk>"], "counts": [1, 1]},
    ],
)
def test_damaged_json_is_refused(features, damage):
    with pytest.raises(ValueError):  # noqa: PT011 (each its own message)
        Features.from_json({**features.to_json(), **damage})


def test_what_does_not_fit():
    columns = columns_of(HE_RECKONS)
    words, names = Templates(lines=("U:%x[0,word]",)), Templates(lines=("U:%x[0,head.gazetteer]",))
    with pytest.raises(ValueError, match="no feature comes 2 times in training: lower min_count"):
        Features.of_training(words, columns, min_count=2)
    with pytest.raises(ValueError, match="min_count must be at least 1, found 0"):
        Features.of_training(words, columns, min_count=0)
    with pytest.raises(ValueError, match="the templates read a gazetteer"):
        Features.of_training(names, columns, min_count=1)
    with pytest.raises(ValueError, match="no template reads the gazetteer"):
        Features.of_training(words, columns_of(HE_RECKONS, {"a": "X"}), min_count=1)
