"""With a tiny pipeline that was trained on the bundled sample (tests/stanza_models), so without a network."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offsets import check_offsets

from ner.corpus.conllx import read_conllx
from ner.corpus.dependencies import StanzaParser, TextParser
from ner.corpus.dependencies.stanza_parser import _tree, _units
from ner.corpus.sentence import DependencyTree, MalformedTree, Sentence
from ner.resources import data_path

MODELS = Path(__file__).parents[2] / "stanza_models"
OPTIONS = {"lemma_use_identity": True, "tokenize_with_mwt": False}


def tiny():
    return StanzaParser(directory=MODELS, download=False, options=OPTIONS)


@pytest.fixture(scope="module")
def parser():
    with tiny() as parser:
        yield parser


def test_given_words_are_parsed_as_they_are(parser):
    assert isinstance(parser, TextParser)
    gold = list(read_conllx(data_path("sample") / "ud" / "test.conllx"))[:40]
    odd = Sentence(words=("a b", "\N{NO-BREAK SPACE}", "😀", "don't"), malformed=MalformedTree((1,), ("x",), ""))
    counts = Counter()
    parsed = list(parser.attach([*gold, Sentence(words=()), odd], counts))
    assert [each.words for each in parsed] == [each.words for each in [*gold, Sentence(words=()), odd]]
    assert counts == {"sentences": 42, "without tree": 1}
    assert parsed[-1].malformed is None
    assert len(parsed[-1].tree) == 4
    right = total = 0
    for ours, theirs in zip(parsed, gold, strict=False):
        right += sum(a == b for a, b in zip(ours.tree.heads, theirs.tree.heads, strict=True))
        total += len(theirs)
    assert right / total > 0.6  # of a model of a minute's training; a guess gets a tenth


def test_text(parser):
    text = "Olga Kornell  visited Raldur.\nShe didn't stay, he said."
    sentences = parser.parse_text(text, source="a.txt")
    words = [text[begin:end] for sentence in sentences for begin, end in sentence.offsets]
    expected = ["Olga", "Kornell", "visited", "Raldur", ".", "She", "did", "n't", "stay", ",", "he", "said", "."]
    assert words == expected
    assert sentences[0].sentence.source == "a.txt, character 0"
    assert all(len(sentence.tree) == len(offsets) for sentence, offsets in sentences)
    assert parser.parse_text(" \n") == []


TEXTS = st.text(st.characters() | st.sampled_from('ab ."(\n\r\t\u2028\x85\x0b\xa0\u3000\ufeff\u200d😀é\u0301\ud800'))


@settings(max_examples=60)
@given(TEXTS | st.lists(TEXTS).map(" word.\n\n".join))
def test_offsets_are_those_of_any_text(parser, text):
    check_offsets(text, parser.parse_text(text))


def test_the_fingerprint_says_which_models(parser):
    fingerprint = parser.fingerprint()
    assert {name: fingerprint[name] for name in ("provider", "formalism", "language")} == {
        "provider": "stanza",
        "formalism": "ud",
        "language": "en",
    }
    assert {"depparse_model_path", "pos_model_path", "tokenize_model_path"} <= fingerprint["models"].keys()
    assert str(MODELS) not in str(fingerprint)
    assert fingerprint["options"] == OPTIONS


def test_models_can_be_given_by_file(tmp_path):
    models = {f"{kind}_model_path": str(MODELS / "en" / kind / "sample.pt") for kind in ("tokenize", "pos", "depparse")}
    options = {
        **OPTIONS,
        **models,
        "allow_unknown_language": True,
        "processors": dict.fromkeys(("tokenize", "pos", "lemma", "depparse"), "x"),
    }
    parser = StanzaParser(language="xx", directory=MODELS, download=False, options=options)
    [parsed] = parser.attach([Sentence(words=("She", "left"))])
    assert len(parsed.tree) == 2


def test_a_pipeline_of_the_caller_is_used(parser):
    parser.parse_text("Yes.")
    assert StanzaParser(pipeline=parser._pipeline).parse_text("Yes.") == parser.parse_text("Yes.")


def test_models_that_are_not_there_are_told(tmp_path):
    with pytest.raises(OSError, match=r"Stanza's models for 'en' cannot be loaded .*stanza.download\('en'\)"):
        StanzaParser(directory=tmp_path, download=False).parse_text("Yes.")


@dataclass
class Word:
    id: int
    text: str
    head: int = 0
    deprel: str = "root"


@dataclass
class Token:
    text: str
    words: list[Word]
    start_char: int
    end_char: int


def test_words_that_divide_their_token_are_words():
    token = Token("don't", [Word(1, "do"), Word(2, "n't")], 10, 15)
    assert [(begin, end) for begin, end, _ in _units(token)] == [(10, 12), (12, 15)]
    for other in (
        Token("zum", [Word(1, "zu"), Word(2, "dem")], 3, 6),
        Token("a b", [Word(1, "a"), Word(2, "b")], 3, 6),
    ):
        assert [(begin, end) for begin, end, _ in _units(other)] == [(3, 6)]


def test_a_token_of_several_words_stands_where_the_highest_does():
    """`gehe zum Haus`: zu and dem depend on Haus, which depends on gehe; with the token as head of its noun too."""
    go, to, the = Word(1, "gehe"), Word(2, "zu", 4, "case"), Word(3, "dem", 4, "det")
    home = Word(4, "Haus", 1, "obl")
    assert _tree([[go], [to, the], [home]], "") == DependencyTree((0, 2, 0), ("root", "case", "obl"))
    inner = Word(3, "dem", 2, "fixed")
    assert _tree([[go], [inner, to], [home]], "") == DependencyTree((0, 2, 0), ("root", "case", "obl"))
