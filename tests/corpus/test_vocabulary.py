import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.tags import tag_set
from ner.corpus.vocabulary import PADDING, UNKNOWN, Vocabularies, Vocabulary, build, spellings

WORDS = st.text(alphabet="abAB12é٣", min_size=1, max_size=4)


def small(**options: object) -> Vocabularies:
    counts = {"The": 3, "mayor": 2, "of": 5, "Velm": 1, "in": 2, "1987": 1, "1991": 1}
    return build(word_counts=counts, relations=["nsubj", "case"], labels=["GPE", "DATE"], **options)


@given(st.lists(WORDS, unique=True))
def test_ids_are_positions(items):
    vocabulary = Vocabulary(tuple(items), unknown=False)
    assert [vocabulary.items[position] for position in vocabulary.ids(items)] == items
    assert vocabulary.ids(items) == list(range(len(vocabulary)))


def test_without_an_unknown_item_other_strings_are_refused():
    with pytest.raises(ValueError, match=r"'S-FAC' is not in the vocabulary of 2 items: O, S-ORG"):
        Vocabulary(("O", "S-ORG"), unknown=False).id("S-FAC")


def test_the_unknown_item_stands_for_all_others_wherever_it_is():
    assert Vocabulary(("a", UNKNOWN), unknown=True).ids(["b", "a", UNKNOWN]) == [1, 0, 1]


@pytest.mark.parametrize(("items", "message"), [(("a", "b", "a"), "'a' is twice"), (("a",), "needs '<unk>'")])
def test_bad_vocabularies_are_refused(items, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(items, unknown=True)


def test_spellings_from_best_to_worst():
    assert spellings("B2b") == ("B2b", "b2b", "B0b", "b0b")


def test_rare_words_and_characters_share_the_unknown_item():
    vocabularies = small()
    assert vocabularies.words.items == (UNKNOWN, "of", "The", "in", "mayor")
    assert vocabularies.word_id("Velm") == 0
    assert vocabularies.characters.items[:2] == (PADDING, UNKNOWN)
    assert "V" not in vocabularies.characters
    assert vocabularies.character_ids("V") == [1]


def test_a_vector_gives_a_rare_word_a_row_and_one_of_another_split_too():
    vocabularies = small(vectors={"Velm", "Orn"}, other_words=["Orn", "Ulb", "The"])
    assert vocabularies.words.items == (UNKNOWN, "of", "The", "in", "mayor", "Velm", "Orn")
    assert vocabularies.word_id("Ulb") == 0


def test_the_spelling_of_a_very_long_word_is_cut():
    assert small().character_ids("of" * 30_000) == small().character_ids("of" * 128)
    assert len(small().character_ids("of" * 128)) == 256


@pytest.mark.parametrize(
    ("word", "row"), [("mayor", "mayor"), ("MAYOR", "mayor"), ("THE", UNKNOWN), ("IN", "in"), ("of", "of")]
)
def test_lookup_falls_back_to_lower_case(word, row):
    vocabularies = small()
    assert vocabularies.words.items[vocabularies.word_id(word)] == row


@pytest.mark.parametrize(("word", "row"), [("x72", "x00"), ("X72", "x00"), ("y72", UNKNOWN)])
def test_lookup_falls_back_to_digits_as_zero(word, row):
    vocabularies = build(word_counts={"x00": 2}, relations=[], labels=[])
    assert vocabularies.words.items[vocabularies.word_id(word)] == row


def test_digits_to_zero_comes_before_counting():
    vocabularies = small(digits_to_zero=True)
    assert "0000" in vocabularies.words  # 1987 and 1991 come once each
    assert vocabularies.word_id("2024") == vocabularies.words.id("0000")
    assert vocabularies.character_ids("7") == [vocabularies.characters.id("0")]
    assert "9" not in vocabularies.characters


@given(
    st.dictionaries(WORDS, st.integers(1, 4), max_size=12),
    st.sets(WORDS),
    st.sets(WORDS),
    st.integers(1, 3),
    st.booleans(),
)
def test_the_words_with_a_row(counts, vectors, others, min_count, digits_to_zero):
    vocabularies = build(
        word_counts=counts,
        relations=[],
        labels=[],
        vectors=vectors,
        other_words=others,
        min_count=min_count,
        digits_to_zero=digits_to_zero,
    )
    normalized: Counter[str] = Counter()
    for word, count in counts.items():
        normalized[vocabularies.normalize(word)] += count
    for word in (*counts, *others):
        word = vocabularies.normalize(word)
        assert (word in vocabularies.words) == (normalized[word] >= min_count or word in vectors)
    assert not set(vocabularies.words.items) - {UNKNOWN} - {vocabularies.normalize(word) for word in (*counts, *others)}
    trained = vocabularies.words.items[: vocabularies.num_trained]
    assert set(trained) == (set(vocabularies.words.items) & normalized.keys()) | {UNKNOWN}


def test_relations_have_root_and_tags_follow_the_scheme():
    vocabularies = small(scheme="BIO")
    assert vocabularies.relations.items == (UNKNOWN, "case", "nsubj", "root")
    assert vocabularies.tags.items == ("O", "B-DATE", "I-DATE", "B-GPE", "I-GPE")
    assert small().tags.items[1:5] == ("B-DATE", "I-DATE", "E-DATE", "S-DATE")


def test_a_corpus_may_hold_the_words_of_the_special_items():
    vocabularies = build(word_counts={UNKNOWN: 3, PADDING: 3}, relations=[UNKNOWN], labels=[])
    assert vocabularies.words.items == (UNKNOWN, PADDING)
    assert vocabularies.word_id(UNKNOWN) == 0


def test_min_count_must_be_positive():
    with pytest.raises(ValueError, match="at least 1, found 0"):
        small(min_count=0)


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1), unique=True), st.booleans()
)
def test_saved_and_loaded(tmp_path_factory, words, digits_to_zero):
    path = tmp_path_factory.mktemp("saved") / "vocabularies.json"
    vocabularies = build(
        word_counts=dict.fromkeys(words, 2), relations=["obj"], labels=["ORG"], digits_to_zero=digits_to_zero
    )
    vocabularies.save(path)
    assert Vocabularies.load(path) == vocabularies
    of_targets = replace(vocabularies, task="sentiment")
    of_targets.save(path)
    assert Vocabularies.load(path) == of_targets
    path.write_text(path.read_text(encoding="utf-8").replace(',\n"task": "sentiment"', ""), encoding="utf-8")
    assert Vocabularies.load(path).task == "ner"  # as of runs from before there was another
    replace(vocabularies, num_trained=None).save(path)
    assert Vocabularies.load(path) == replace(vocabularies, num_trained=None)  # likewise


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="unknown task 'pos': choose one of ner, sentiment"):
        build(word_counts={}, relations=[], labels=[], task="pos")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"words": []}', "[" * 10**5])
def test_another_file_is_refused(tmp_path: Path, content):
    path = tmp_path / "vocabularies.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"vocabularies\.json: not a file of vocabularies"):
        Vocabularies.load(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("words", ["a", UNKNOWN], "words begin with .* not with <unk>"),
        ("words", [UNKNOWN, "a\x1b[2J"], "a word or character is a control character"),
        ("words", [UNKNOWN, "\ud800"], "surrogates not allowed"),
        ("words", [UNKNOWN, 3], "words is no list of strings"),
        ("words", {UNKNOWN: 0}, "words is no list of strings"),
        ("words", [UNKNOWN, "a", "a"], "'a' is twice"),
        ("characters", [UNKNOWN, PADDING], "characters begin with"),
        ("relations", [UNKNOWN, "a\nb"], r"'a\\nb' is no name"),
        ("relations", [UNKNOWN, "x" * 201], "is no name: it is too long"),
        ("tags", ["O", "S-A"], "the tags are not O and those of 1 labels in IOBES"),
        ("tags", ["B-A", "I-A", "E-A", "S-A", "O"], "the tags are not O and"),
        ("tags", tag_set(["\u202eGPE"]), "is no name"),
        ("tags", ["O", "A"], "'A' is no tag"),
        ("tags", tag_set([f"L{number}" for number in range(1001)]), "1,001 types of entities, more than 1,000"),
        ("scheme", "IOB", "unknown scheme 'IOB'"),
        ("scheme", None, "scheme is None"),
        ("digits_to_zero", 1, "digits_to_zero is neither true nor false"),
        ("num_trained", "4", "num_trained is '4', not a whole number"),
        ("num_trained", 0, "num_trained is 0, not from 1 to "),
        ("num_trained", 10**6, "num_trained is 1000000, not from 1 to "),
    ],
)
def test_what_no_training_writes_is_refused_in_a_line(tmp_path: Path, name, value, message):
    path = tmp_path / "vocabularies.json"
    small().save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(ValueError, match=message) as refusal:
        Vocabularies.load(path)
    assert len(str(refusal.value).splitlines()) == 1


def test_the_file_has_a_bound(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("ner.corpus.vocabulary.MOST_BYTES", 100)
    with pytest.raises(ValueError, match=r"choose a larger vocabulary\.min_count"):
        small().save(tmp_path / "v.json")
    assert not list(tmp_path.iterdir())
    (tmp_path / "v.json").write_text(" " * 101)
    with pytest.raises(ValueError, match="101 bytes, more than the 100"):
        Vocabularies.load(tmp_path / "v.json")


def test_the_file_is_json(tmp_path: Path):
    small().save(tmp_path / "v.json")
    assert json.loads((tmp_path / "v.json").read_text(encoding="utf-8"))["words"][0] == UNKNOWN
