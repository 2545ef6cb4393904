import json
from pathlib import Path

import pytest

from ner.analysis.browser_data import BrowserEntity, BrowserSentence, browser_data, choose
from ner.analysis.results import Sweep, System
from ner.analysis.run_files import Result
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.scoring import Counts


def sentence(name, *outcomes):
    """A sentence with an entity for each (label, outcome)."""
    entities = (
        BrowserEntity(
            span=Span(position, position + 1, label), is_gold=True, head=None, outcomes=(outcome,), seeds=(1,)
        )
        for position, (label, outcome) in enumerate(outcomes)
    )
    return BrowserSentence(
        number=1, document=name, words=("w",) * max(len(outcomes), 1), heads=(), relations=(), entities=tuple(entities)
    )


SENTENCES = [
    *(sentence(f"missed {number}", ("PERSON", "missed")) for number in range(9)),
    sentence("none"),
    sentence("right", ("PERSON", "correct")),
    sentence("rare", ("ORG", "wrong type"), ("ORG", "missed")),
]


def chosen(limit):
    return [one.document for one in choose(SENTENCES, limit)]


def test_every_kind_of_error_is_among_the_chosen():
    assert chosen(2) == ["missed 0", "rare"]
    assert chosen(4) == ["missed 0", "missed 1", "missed 2", "rare"]


def test_what_one_of_two_systems_gets_alone_is_a_kind_of_its_own():
    def of_two(name, first, second):
        entity = BrowserEntity(
            span=Span(0, 1, "PERSON"), is_gold=True, head=None, outcomes=(first, second), seeds=(1, 1)
        )
        return BrowserSentence(number=1, document=name, words=("w",), heads=(), relations=(), entities=(entity,))

    both = [of_two(f"both {number}", "missed", "missed") for number in range(9)]
    sentences = [*both, of_two("second alone", "missed", "correct"), of_two("first alone", "correct", "missed")]
    assert [one.document for one in choose(sentences, 3)] == ["both 0", "second alone", "first alone"]


def test_what_is_right_comes_last_and_what_is_empty_after_it():
    assert chosen(11) == [one.document for one in SENTENCES if one.document != "none"]
    assert choose(SENTENCES, 99) == SENTENCES
    assert chosen(0) == []
    with pytest.raises(ValueError, match="-1"):
        choose(SENTENCES, -1)


def test_the_data_of_the_page_says_it_all(browser):
    data = json.loads(json.dumps(browser.to_dict()))
    assert data["outcomes"][0] == "correct"
    for packed, shown in zip(data["sentences"], browser.sentences, strict=True):
        number, document, words, heads, relations, entities = packed
        assert (number, document, tuple(words), tuple(heads)) == (
            shown.number,
            shown.document,
            shown.words,
            shown.heads,
        )
        assert tuple(data["relations"][number] for number in relations) == shown.relations
        assert shown.entities == tuple(
            BrowserEntity(
                span=Span(start, end, data["labels"][label]),
                is_gold=bool(gold),
                head=head,
                outcomes=tuple(None if outcome < 0 else data["outcomes"][outcome] for outcome in outcomes),
                seeds=tuple(seeds),
            )
            for start, end, label, gold, head, outcomes, seeds in entities
        )
    assert data["seeds"] == [[1, 2, 3], [1]]


TREE = DependencyTree((1, 1, 1, 2), ("nsubj", "root", "obj", "nmod"))
GOLD = (
    Sentence(words=("Ada", "saw", "Ulm", "Hall"), spans=(Span(0, 1, "PERSON"), Span(2, 4, "FAC")), tree=TREE),
    Sentence(words=("Hm",), document="nw/1"),
)
ADA, HALL, ULM = Span(0, 1, "PERSON"), Span(2, 4, "FAC"), Span(2, 3, "FAC")


def system(name, *predicted):
    """A system with a run for each of these predictions for the first sentence."""
    runs = (
        Result(
            name=f"{name}/{seed}",
            directory=Path(),
            settings={},
            seed=seed,
            formalism="ud",
            choices={},
            digest="",
            corpus="",
            epochs=(),
            best_epoch=1,
            task="ner",
            validation_f1=0.5,
            scores=Counts(),
            macro_f1=0.5,
            num_parameters=None,
            known_words=None,
            sentences=GOLD,
            predicted=(spans, ()),
        )
        for seed, spans in enumerate(predicted, start=1)
    )
    return System(name=name, settings={}, runs=tuple(runs))


def test_the_browser_of_a_sweep():
    one, other = system("one", (ADA, HALL), (ADA, ULM), (ADA,)), system("other", (Span(0, 1, "ORG"), ULM))
    sweep = Sweep(directory=Path(), split="test", systems=(one, other), set_aside=())
    browser = browser_data(sweep, first=(other,))
    assert browser.systems == {"other": (1,), "one": (1, 2, 3)}
    assert browser.total == 2
    assert [sentence.number for sentence in browser.sentences] == [1, 2]
    first, second = browser.sentences
    assert (first.words, first.heads, first.relations) == (GOLD[0].words, TREE.heads, TREE.relations)
    assert (second.document, second.heads, second.entities) == ("nw/1", (), ())
    assert [(entity.span, entity.is_gold, entity.head, entity.outcomes, entity.seeds) for entity in first.entities] == [
        (Span(0, 1, "ORG"), False, 0, ("wrong type", None), (1, 0)),
        (ADA, True, 0, ("wrong type", "correct"), (0, 3)),
        (ULM, False, 2, ("wrong boundary", None), (1, 1)),
        (HALL, True, 2, ("wrong boundary", "correct"), (0, 1)),
    ]
    assert browser.outcomes == ["correct", "wrong type", "wrong boundary"]
    assert browser_data(sweep, limit=1).sentences == (browser_data(sweep).sentences[0],)
