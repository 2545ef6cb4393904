import pytest

from ner.analysis.breakdown import (
    BREAKDOWNS,
    Breakdown,
    KnownWords,
    by_known_words,
    count_by,
    in_order,
    length_of,
    sentence_length_of,
)
from ner.corpus.sentence import Sentence, Span
from ner.scoring import Counts, score


@pytest.fixture
def predicted(sentences):
    """All kinds of mistakes: a type, a boundary, nothing, and one too many."""
    changes = [
        lambda spans: spans,
        lambda spans: tuple(Span(span.start, span.end, "ORG") for span in spans),
        lambda spans: tuple(Span(span.start, span.start + 1, span.label) for span in spans),
        lambda spans: (),
        lambda spans: (*spans, Span(1, 2, "LAW")) if len(spans) == 2 else spans,
    ]
    return [changes[number % 5](sentence.spans) for number, sentence in enumerate(sentences)]


def test_types_are_counted_as_the_scorer_does(sentences, predicted):
    expected = score((sentence.spans for sentence in sentences), predicted).labels
    assert count_by(BREAKDOWNS["type"].category, sentences, predicted) == dict(expected)


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_the_parts_are_the_whole(sentences, predicted, name):
    parts = count_by(BREAKDOWNS[name].category, sentences, predicted).values()
    micro = score((sentence.spans for sentence in sentences), predicted).micro
    assert micro == Counts(
        correct=sum(part.correct for part in parts),
        predicted=sum(part.predicted for part in parts),
        gold=sum(part.gold for part in parts),
    )


def test_genres_and_relations(sentences, predicted):
    genres = count_by(BREAKDOWNS["genre"].category, sentences, predicted)
    assert {name: counts.gold for name, counts in genres.items()} == {"nw": 64, "bc": 32}
    relations = count_by(BREAKDOWNS["relation"].category, sentences, [sentence.spans for sentence in sentences])
    assert {name: counts.gold for name, counts in relations.items()} == {"nsubj": 32, "obl": 32, "obj": 32}
    assert BREAKDOWNS["genre"].category(Sentence(words=("Hm",)), Span(0, 1, "ORG")) == "unknown"


def test_lengths():
    sentence = Sentence(words=("w",) * 10)
    assert [length_of(sentence, Span(0, end, "ORG")) for end in (1, 5, 6, 10)] == ["1", "5", "≥ 6", "≥ 6"]
    names = [
        sentence_length_of(Sentence(words=("w",) * length), Span(0, 1, "ORG")) for length in (1, 9, 10, 49, 50, 99)
    ]
    assert names == ["1 to 9", "1 to 9", "10 to 19", "40 to 49", "≥ 50", "≥ 50"]


def test_every_length_has_its_place_in_the_order():
    spans = [Span(0, end, "ORG") for end in range(1, 9)]
    words = [Sentence(words=("w",) * length) for length in range(1, 70)]
    assert {length_of(words[0], span) for span in spans} == set(BREAKDOWNS["length"].order)
    assert {sentence_length_of(one, spans[0]) for one in words} == set(BREAKDOWNS["sentence-length"].order)


def test_words_of_an_entity_are_known_where_every_model_knows_each():
    models = [
        KnownWords(words=frozenset({"<unk>", "Route", "00", "Ulm"}), digits_to_zero=True),
        KnownWords(words=frozenset({"<unk>", "Route", "66", "Graz"}), digits_to_zero=False),
    ]
    sentence = Sentence(words=("Route", "66", "Ulm", "Route", "67"))

    def categories(models):
        category = by_known_words(models).category
        return [category(sentence, Span(*span, "FAC")) for span in ((0, 2), (2, 3), (3, 5))]

    assert categories(models[:1]) == ["all", "all", "all"]
    assert categories(models[1:]) == ["all", "not all", "not all"]
    assert categories(models) == ["all", "not all", "not all"]
    assert categories([]) == ["all", "all", "all"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("name", ["a", "b", "c"]), ("support", ["b", "a", "c"]), (("c", "x", "b", "a"), ["c", "b", "a"])],
)
def test_order(order, expected):
    breakdown = Breakdown(title="", category=length_of, order=order)
    assert in_order(breakdown, {"c": 1, "b": 3, "a": 1}) == expected
