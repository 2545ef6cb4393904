"""The sample corpus: made by its generator, varied, ambiguous where it should be, and with dependencies that fit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from ner.corpus.conll2012 import read_conll2012
from ner.corpus.conllx import read_conllx
from ner.corpus.sentence import Sentence

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
GENERATOR = SAMPLE / "generate.py"
SIZES = {"train": 1200, "validation": 200, "test": 200}
TYPES = set(
    """CARDINAL DATE EVENT FAC GPE LANGUAGE LAW LOC MONEY NORP ORDINAL ORG PERCENT PERSON PRODUCT QUANTITY TIME
    WORK_OF_ART""".split()  # noqa: SIM905
)
NAMES = TYPES - {"CARDINAL", "DATE", "MONEY", "ORDINAL", "PERCENT", "QUANTITY", "TIME"}
AMBIGUOUS = ("PERSON", "ORG", "GPE")

Mention = tuple[str, str]


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[Sentence]]:
    return {split: list(read_conll2012(SAMPLE / f"{split}.gold_conll")) for split in SIZES}


@pytest.fixture(scope="module", params=["ud", "sd"])
def converted(request: pytest.FixtureRequest) -> dict[str, list[Sentence]]:
    return {split: list(read_conllx(SAMPLE / request.param / f"{split}.conllx")) for split in SIZES}


def mentions(sentences: Sequence[Sentence]) -> list[Mention]:
    return [
        (" ".join(sentence.words[span.start : span.end]), span.label)
        for sentence in sentences
        for span in sentence.spans
    ]


def run_generator(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(GENERATOR), *arguments], capture_output=True, text=True, check=False)


def test_the_generator_makes_the_tracked_files() -> None:
    outcome = run_generator("--check")
    assert outcome.returncode == 0, outcome.stderr


def test_another_seed_makes_other_files() -> None:
    outcome = run_generator("--check", "--seed", "14")
    assert outcome.returncode == 1
    assert "train.gold_conll is not what the generator makes with seed 14" in outcome.stderr


def test_sizes_and_no_sentence_twice(corpus: dict[str, list[Sentence]]) -> None:
    assert {split: len(sentences) for split, sentences in corpus.items()} == SIZES
    counts = Counter(sentence.words for sentences in corpus.values() for sentence in sentences)
    assert max(counts.values()) == 1
    assert len({sentence.genre for sentence in corpus["train"]}) == 6


def test_no_document_in_two_splits_and_some_with_two_parts(corpus: dict[str, list[Sentence]]) -> None:
    documents = [{sentence.document for sentence in sentences} for sentences in corpus.values()]
    assert sum(map(len, documents)) == len(set.union(*documents))
    assert any(sentence.part == 1 for sentence in corpus["train"])


@pytest.mark.parametrize("split", SIZES)
def test_every_type_occurs_often_enough_to_be_scored(corpus: dict[str, list[Sentence]], split: str) -> None:
    counts = Counter(label for _, label in mentions(corpus[split]))
    assert set(counts) == TYPES
    assert min(counts.values()) >= SIZES[split] / 50
    assert max(counts.values()) < counts.total() / 4


@pytest.mark.parametrize("split", ["validation", "test"])
def test_most_names_are_unseen_in_training(corpus: dict[str, list[Sentence]], split: str) -> None:
    seen = {name for name, _ in mentions(corpus["train"])}
    names = [name for name, label in mentions(corpus[split]) if label in NAMES]
    assert 0.6 < sum(name not in seen for name in names) / len(names) < 1


def test_many_names_are_of_several_types(corpus: dict[str, list[Sentence]]) -> None:
    types = defaultdict(set)
    for name, label in mentions(corpus["train"]):
        types[name].add(label)
    assert sum(len(labels) > 1 for labels in types.values()) > 100
    assert sum(set(AMBIGUOUS) <= labels for labels in types.values()) > 10


def test_every_number_is_in_an_entity(corpus: dict[str, list[Sentence]]) -> None:
    for sentences in corpus.values():
        for sentence in sentences:
            inside = {word for span in sentence.spans for word in range(span.start, span.end)}
            assert sentence.pos is not None
            missed = [word for word, tag in enumerate(sentence.pos) if tag == "CD" and word not in inside]
            assert not missed, " ".join(sentence.words)


def test_every_sentence_has_one_tree_without_unknown_labels(corpus: dict[str, list[Sentence]]) -> None:
    labels = set()
    for sentences in corpus.values():
        for sentence in sentences:
            assert sentence.parse is not None
            assert re.match(r"\(TOP\((S|SQ|SBARQ|SINV|NP|FRAG)[(*]", sentence.parse)
            labels |= set(re.findall(r"\(([^()*]*)", sentence.parse))
    assert labels == set(
        """TOP S SQ SBARQ SINV FRAG SBAR NP VP PP ADVP ADJP QP NML PRN PRT INTJ WHNP WHADVP WHADJP
        """.split()  # noqa: SIM905
    )


def test_articles_and_capitals(corpus: dict[str, list[Sentence]]) -> None:
    for sentences in corpus.values():
        for sentence in sentences:
            text = " ".join(sentence.words)
            assert not re.sub(r"^[^\w]+", "", text)[0].islower(), text
            assert not re.search(r"(?i)\ba ([aeio]|8\d|11\b|18\b)|\ban (?!8|11\b|18\b)[^aeiou]", text), text


def test_each_predicate_has_a_column_with_its_verb(corpus: dict[str, list[Sentence]]) -> None:
    for sentences in corpus.values():
        for sentence in sentences:
            assert sentence.columns is not None
            verbs = [word for word, lemma in enumerate(sentence.columns.lemmas) if lemma != "-"]
            assert [column.index("(V*)") for column in sentence.columns.arguments] == verbs
            for column in sentence.columns.arguments:
                assert "".join(column).count("(") == "".join(column).count(")")


def test_coreference_chains_have_two_mentions(corpus: dict[str, list[Sentence]]) -> None:
    mentioned: Counter[tuple[str, int, str]] = Counter()
    for sentence in corpus["train"]:
        assert sentence.columns is not None
        cells = "|".join(sentence.columns.coreference)
        opened, closed = re.findall(r"\((\d+)", cells), re.findall(r"(\d+)\)", cells)
        assert sorted(opened) == sorted(closed)
        mentioned.update((sentence.document, sentence.part, chain) for chain in opened)
    assert len(mentioned) > 50
    assert min(mentioned.values()) > 1


def test_dependencies_are_of_the_same_sentences(
    corpus: dict[str, list[Sentence]], converted: dict[str, list[Sentence]]
) -> None:
    for split, sentences in corpus.items():
        for sentence, other in zip(sentences, converted[split], strict=True):
            assert other.words == sentence.words
            assert other.pos == sentence.pos
            assert other.spans == sentence.spans
            assert other.document == sentence.document
            assert other.tree is not None


def test_dependencies_are_all_understood(converted: dict[str, list[Sentence]]) -> None:
    """A relation `dep` would be a tree that the converter does not know what to make of."""
    relations = Counter(
        relation
        for sentences in converted.values()
        for sentence in sentences
        if sentence.tree
        for relation in sentence.tree.relations
    )
    assert relations["dep"] == 0
    assert len(relations) > 25


def test_the_head_tells_the_type_of_a_name_better_than_its_neighbours() -> None:
    """Guessing the commonest type that training has for a word near the name, or for its head."""

    def of_neighbours(sentence: Sentence, word: int) -> tuple[str, ...]:
        return sentence.words[max(word - 1, 0) : word] + sentence.words[word + 1 : word + 2]

    def of_head(sentence: Sentence, word: int) -> str:
        assert sentence.tree is not None
        return sentence.words[sentence.tree.heads[word]]

    def bare_names(split: str) -> list[tuple[Sentence, int, str]]:
        return [
            (sentence, span.start, span.label)
            for sentence in read_conllx(SAMPLE / "ud" / f"{split}.conllx")
            for span in sentence.spans
            if span.label in AMBIGUOUS and span.end == span.start + 1
        ]

    train, test = bare_names("train"), bare_names("validation") + bare_names("test")
    accuracy = []
    for clue in (of_neighbours, of_head):
        known: defaultdict[str | tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for sentence, word, label in train:
            known[clue(sentence, word)][label] += 1
        guesses = [
            max(AMBIGUOUS, key=known[clue(sentence, word)].__getitem__) == label for sentence, word, label in test
        ]
        accuracy.append(sum(guesses) / len(guesses))
    assert accuracy[0] + 0.2 < accuracy[1]
