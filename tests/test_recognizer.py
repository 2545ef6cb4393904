"""Text and words in, documents out: what is found, where it stands, and how probable it is."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import torch

from ner import Recognizer
from ner.corpus.conllx import read_conllx
from ner.corpus.dataset import encode
from ner.corpus.dependencies.provider import TokenizedSentence
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.tags import tags_to_spans
from ner.training.decoding import predict_tags

WORDS = ["Gita", "lives", "in", "Ulm", "."]
HEADS = [1, 1, 3, 1, 1]
RELATIONS = ["nsubj", "root", "case", "obl", "punct"]
TEXT = "Gita lives in Ulm.  We met Ulm\tGita!\n\nUlm (Graz)"


class Parser:
    """A provider of the two trees of the corpus; in any other sentence every word hangs on the one before."""

    formalism = "given"
    is_gold = False

    def fingerprint(self):
        return {"provider": "test"}

    def attach(self, sentences, counts=None):
        for sentence in sentences:
            length = len(sentence)
            tree = DependencyTree((0, *range(length - 1)), ("root", *["dep"] * (length - 1)))
            if sentence.words[1:3] == ("lives", "in"):
                tree = DependencyTree(tuple(HEADS), tuple(RELATIONS))
            yield Sentence(words=sentence.words, tree=tree, document=sentence.document, source=sentence.source)


@pytest.fixture(scope="module")
def recognizer(run_directory):
    return Recognizer.load(run_directory, device="cpu")


@pytest.fixture(scope="module")
def reader(run_directory):
    return Recognizer.load(run_directory, device="cpu", trees=Parser())


def test_words_with_their_tree(recognizer):
    document = recognizer.tag(WORDS, heads=HEADS, relations=RELATIONS)
    assert document.text == "Gita lives in Ulm ."
    assert [(entity.text, entity.label) for entity in document.entities] == [("Gita", "PERSON"), ("Ulm", "GPE")]
    assert [(entity.start, entity.end, entity.first, entity.last) for entity in document.entities] == [
        (0, 4, 0, 0),
        (14, 17, 3, 3),
    ]
    assert all(0.5 < entity.probability <= 1 for entity in document.entities)
    (sentence,) = document
    assert sentence.tree == DependencyTree(tuple(HEADS), tuple(RELATIONS))
    assert recognizer.labels == ("GPE", "PERSON")


def test_heads_without_relations_are_general(recognizer):
    (sentence,) = recognizer.tag(WORDS, heads=HEADS)
    assert sentence.tree.relations == ("dep", "root", "dep", "dep", "dep")


def test_offsets_are_those_of_the_text(reader):
    document = reader.read(TEXT, name="a b.txt")
    assert (document.text, document.name) == (TEXT, "a b.txt")
    assert [sentence.words for sentence in document] == [
        ("Gita", "lives", "in", "Ulm", "."),
        ("We", "met", "Ulm", "Gita", "!"),
        ("Ulm", "(", "Graz", ")"),
    ]
    assert document.entities
    for sentence in document:
        assert (sentence.start, sentence.end) == (sentence.tokens[0].start, sentence.tokens[-1].end)
        for token in sentence.tokens:
            assert TEXT[token.start : token.end] == token.text
        for entity in sentence.entities:
            assert TEXT[entity.start : entity.end] == entity.text
            assert sentence.tokens[entity.first].start == entity.start
            assert sentence.tokens[entity.last].end == entity.end


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_text_of_nothing_has_no_sentence(reader, text):
    assert reader.read(text).sentences == ()


def test_many_texts_are_as_one_by_one(reader, monkeypatch):
    texts = [TEXT, "", "We met Graz Ada.", TEXT * 3] * 4
    expected = [reader.read(text, name=str(number), k=2) for number, text in enumerate(texts)]
    monkeypatch.setattr("ner.recognizer.CHUNK", 5)
    found = list(reader.read_all(iter(texts), names=map(str, range(99)), k=2))
    assert [plain(document) for document in found] == [plain(document) for document in expected]


def plain(document):
    """Without the last digits of probabilities, which depend on the company in a batch."""
    return (
        document.name,
        document.text,
        [(entity.start, entity.end, entity.label, round(entity.probability, 4)) for entity in document.entities],
        [[round(reading.probability, 4) for reading in sentence.readings] for sentence in document],
    )


def test_the_k_best_readings_have_falling_probabilities(recognizer):
    (sentence,) = recognizer.tag(WORDS, heads=HEADS, relations=RELATIONS, k=4)
    chances = [reading.probability for reading in sentence.readings]
    assert len(chances) == 4
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) <= 1 + 1e-6
    assert sentence.readings[0].entities == sentence.entities
    for entity in sentence.entities:
        with_it = sum(r.probability for r in sentence.readings if entity in r.entities)
        assert with_it <= entity.probability + 1e-6
    (plain_sentence,) = recognizer.tag(WORDS, heads=HEADS, relations=RELATIONS)
    assert plain_sentence.readings == ()


def test_what_is_found_is_what_decoding_finds(recognizer, corpus_files):
    sentences = list(read_conllx(corpus_files / "test.conllx"))
    split = encode(sentences, recognizer.vocabularies)
    tags = predict_tags(recognizer.tagger, split, recognizer.vocabularies)
    expected = [tags_to_spans(one, recognizer.vocabularies.scheme) for one in tags]
    for k in (0, 1, 3):
        assert [tuple(found.entities) for _, found in recognizer.recognise(sentences, k=k, chunk=7)] == expected
    assert list(recognizer.spans(sentences, chunk=7)) == expected


def test_sentences_become_documents(recognizer, corpus_files):
    sentences = list(read_conllx(corpus_files / "test.conllx"))
    documents = list(recognizer.documents(sentences, chunk=3))
    assert {document.name for document in documents} == {"nw/tiny", "bc/tiny"}
    assert sum(map(len, documents)) == len(sentences)
    for document in documents:
        assert document.text.count("\n") == len(document) - 1
        for entity in document.entities:
            assert document.text[entity.start : entity.end] == entity.text


def test_threads_may_share_it(reader):
    expected, wrong = plain(reader.read(TEXT, k=2)), []

    def use():
        for _ in range(5):
            if plain(reader.read(TEXT, k=2)) != expected:
                wrong.append(1)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "words of a sentence"),
        (("Gita lives",), "words of a sentence as a list"),
        ((["Gita", ""],), "word 1 is ''"),
        ((["Gi ta"],), "word 0 is 'Gi ta'"),
        (([1],), "word 0 is 1"),
        ((WORDS,), "no dependency tree"),
    ],
)
def test_bad_words_are_refused(recognizer, arguments, message):
    with pytest.raises(ValueError, match=message):
        recognizer.tag(*arguments)


@pytest.mark.parametrize(
    ("heads", "relations", "message"),
    [
        ([1, 0, 1, 1, 1], None, "root"),
        ([1, 1], None, "5 words but a dependency tree of 2"),
        ([9, 1, 1, 1, 1], None, "outside the sentence"),
        (["1", 1, 1, 1, 1], None, "whole numbers"),
        (None, RELATIONS, "relations without heads"),
        (HEADS, RELATIONS[:2], "5 heads but 2 relations"),
    ],
)
def test_bad_trees_are_refused(recognizer, heads, relations, message):
    with pytest.raises(ValueError, match=message):
        recognizer.tag(WORDS, heads=heads, relations=relations)


def test_bad_numbers_are_refused(recognizer):
    with pytest.raises(ValueError, match="k is -1"):
        recognizer.tag(WORDS, heads=HEADS, k=-1)
    with pytest.raises(ValueError, match="chunk must be"):
        next(recognizer.recognise([], chunk=0))


def test_trees_come_from_a_provider_of_the_formalism(run_directory):
    recognizer = Recognizer.load(run_directory, device="cpu", trees=Parser())
    first, second, _ = recognizer.read(TEXT)
    assert first.tree.heads == tuple(HEADS)
    assert second.tree.heads == (0, 0, 1, 2, 3)
    assert first.entities
    other = Parser()
    other.formalism = "sd"
    with pytest.raises(ValueError, match="trained with dependencies 'given', these are 'sd'"):
        Recognizer.load(run_directory, device="cpu", trees=other)


def test_torch_is_imported_when_it_is_needed():
    code = (
        "from ner import Recognizer; import ner, sys;"
        "print(*({'torch', 'datasets', 'hydra', 'stanza', 'pyarrow'} & sys.modules.keys()), ner.Recognizer.__name__)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["Recognizer"]


def test_trees_may_be_an_option_of_the_menu(run_directory):
    recognizer = Recognizer.load(run_directory, device="cpu", trees="given")
    assert recognizer.trees.formalism == "given"
    with pytest.raises(ValueError, match="unknown dependencies 'none': choose one of"):
        Recognizer.load(run_directory, device="cpu", trees="none")
    with pytest.raises(ValueError, match="trained with dependencies 'given', these are 'sd'"):
        Recognizer.load(run_directory, device="cpu", trees="sd")


def test_a_parser_of_text_says_what_its_tokens_are(run_directory):
    class TextParser(Parser):
        closed = 0

        def parse_text(self, text, *, source):
            words = text.split()
            ends = [len(" ".join(words[: place + 1])) for place in range(len(words))]
            tree = DependencyTree(tuple(HEADS), tuple(RELATIONS))
            sentence = Sentence(words=tuple(words), tree=tree, source=source)
            offsets = tuple((end - len(word), end) for word, end in zip(words, ends, strict=True))
            return [TokenizedSentence(sentence, offsets)]

        def close(self):
            self.closed += 1

    parser = TextParser()
    with Recognizer.load(run_directory, device="cpu", trees=parser) as recognizer:
        (sentence,) = recognizer.read("Gi.ta lives in U.lm .")
    assert sentence.words == ("Gi.ta", "lives", "in", "U.lm", ".")
    assert [token.start for token in sentence.tokens] == [0, 6, 12, 15, 20]
    assert sentence.tree.heads == tuple(HEADS)
    assert parser.closed == 1


def test_heads_that_are_given_are_not_parsed_again(reader):
    (sentence,) = reader.tag(["We", "met", "Ulm"], heads=[1, 1, 1])
    assert sentence.tree.heads == (1, 1, 1)
    (sentence,) = reader.tag(["We", "met", "Ulm"])
    assert sentence.tree.heads == (0, 0, 1)


def test_a_text_without_trees_is_refused_unless_they_may_be_missing(recognizer, run_directory):
    with pytest.raises(ValueError, match=r"a\.txt, character 0: .*no dependency tree"):
        recognizer.read(TEXT, name="a.txt")
    lenient = Recognizer.load(run_directory, device="cpu", missing_trees="self_heads")
    assert [sentence.tree for sentence in lenient.read(TEXT)] == [None] * 3


def test_a_temperature_changes_probabilities_and_nothing_else(recognizer):
    warm = Recognizer(recognizer.tagger, recognizer.vocabularies, formalism="given", temperature=3.0)
    cold = recognizer.tag(WORDS, heads=HEADS, relations=RELATIONS).entities
    found = warm.tag(WORDS, heads=HEADS, relations=RELATIONS).entities
    assert [(one.start, one.label) for one in found] == [(one.start, one.label) for one in cold]
    assert all(one.probability < other.probability for one, other in zip(found, cold, strict=True))


def test_probability_is_that_of_the_sequences_with_the_entity(recognizer):
    """All readings there are, by a k beyond their number."""
    words = ["We", "met", "Ulm"]
    sentence = Sentence(words=tuple(words), tree=DependencyTree((1, 1, 1), ("nsubj", "root", "obj")))
    ((_, found),) = recognizer.recognise([sentence], k=len(recognizer.vocabularies.tags.items) ** 3)
    assert sum(probability for probability, _ in found.readings) == pytest.approx(1, rel=1e-5)
    spans = {span for _, reading in found.readings for span in reading}
    assert {Span(0, 3, "PERSON"), Span(2, 3, "GPE")} <= spans
    for span in spans:
        expected = sum(p for p, reading in found.readings if span in reading)
        stated = next(reading[span] for _, reading in found.readings if span in reading)
        assert stated == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_it_works_with_gradients_on_and_leaves_them(recognizer):
    assert torch.is_grad_enabled()
    recognizer.tag(WORDS, heads=HEADS)
    assert torch.is_grad_enabled()
    assert not recognizer.tagger.training
