import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.dataset import build_vocabularies, count, encode, load
from ner.corpus.dependencies import GivenDependencies, TreePolicy
from ner.corpus.preparation import prepare
from ner.corpus.rows import to_table
from ner.corpus.sentence import DependencyTree, MalformedTree, Sentence, Span
from ner.corpus.source import SourceBase
from ner.corpus.tags import spans_to_tags
from ner.corpus.vocabulary import build

RELATIONS = ("det", "nsubj", "obj")
LABELS = ("GPE", "ORG")


# Strategies draw plain values: the types' run-time checks draw random numbers, which Hypothesis forbids inside them.
@st.composite
def drafts(draw):
    words = draw(st.lists(st.text("abcD1", min_size=1, max_size=5), min_size=1, max_size=8))
    cuts = sorted(draw(st.sets(st.integers(0, len(words)))))
    spans = [(start, end, draw(st.sampled_from(LABELS))) for start, end in pairwise(cuts) if draw(st.booleans())]
    order = draw(st.permutations(range(len(words))))  # each word's head comes before it, the root first
    heads = {word: order[draw(st.integers(0, place - 1))] if place else word for place, word in enumerate(order)}
    relations = [draw(st.sampled_from(RELATIONS)) for _ in words]
    return words, spans, [heads[word] for word in range(len(words))], relations


CORPORA = st.lists(drafts(), min_size=1, max_size=6)


def corpus_of(drafts):
    return [
        Sentence(
            words=tuple(words),
            spans=tuple(Span(*span) for span in spans),
            tree=DependencyTree(tuple(heads), tuple(relations)),
        )
        for words, spans, heads, relations in drafts
    ]


def vocabularies_of(corpus, **options):
    words = [word for sentence in corpus for word in sentence.words]
    counts = {word: words.count(word) for word in words}
    return build(word_counts=counts, relations=RELATIONS, labels=LABELS, **options)


@given(CORPORA, st.sampled_from(["IOBES", "BIO"]), st.booleans())
def test_a_batch_holds_what_the_sentences_do(drafts, scheme, distinct):
    corpus = corpus_of(drafts)
    vocabularies = vocabularies_of(corpus, scheme=scheme)
    batch = encode(corpus, vocabularies).batch(range(len(corpus)), distinct=distinct)
    assert batch.mask.sum(1).tolist() == [len(sentence) for sentence in corpus]
    spellings = batch.words.character_ids[batch.word_rows]
    for row, sentence in enumerate(corpus):
        size = len(sentence)
        assert batch.mask[row].tolist() == [True] * size + [False] * (batch.mask.shape[1] - size)
        assert batch.heads[row, :size].tolist() == list(sentence.tree.heads)
        assert batch.relation_ids[row, :size].tolist() == vocabularies.relations.ids(sentence.tree.relations)
        tags = spans_to_tags(sentence.spans, size, scheme)
        assert batch.tag_ids[row, :size].tolist() == vocabularies.tags.ids(tags)
        word_ids = batch.words.word_ids[batch.word_rows[row, :size]].tolist()
        assert word_ids == [vocabularies.word_id(word) for word in sentence.words]
        for word, spelling in zip(sentence.words, spellings[row].tolist(), strict=False):
            assert spelling == vocabularies.character_ids(word) + [0] * (len(spelling) - len(word))
        assert batch.heads[row, size:].tolist() == list(range(size, batch.mask.shape[1]))
    for tensor in (batch.word_rows, batch.relation_ids, batch.tag_ids):
        assert not tensor[~batch.mask].any()


@given(CORPORA, st.data())
def test_distinct_words_are_those_of_the_batch_each_once(drafts, data):
    corpus = corpus_of(drafts)
    split = encode(corpus, vocabularies_of(corpus))
    indices = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=4))
    batch = split.batch(indices)
    words = {word for index in indices for word in corpus[index].words}
    assert len(batch.words) == len(words)
    assert batch.words.character_ids.shape[1] == max(map(len, words))
    assert split.batch(indices, distinct=False).words is split.words


@given(CORPORA)
def test_rows_are_encoded_as_sentences_are(drafts):
    corpus = corpus_of(drafts)
    vocabularies = vocabularies_of(corpus)
    rows = Dataset(to_table(corpus))
    backwards = rows.select(range(len(corpus))[::-1])
    for found, expected in (
        (encode(rows, vocabularies), encode(corpus, vocabularies)),
        (encode(backwards, vocabularies), encode(corpus[::-1], vocabularies)),
    ):
        for field in ("offsets", "word_rows", "heads", "relation_ids", "tag_ids"):
            assert torch.equal(getattr(found, field), getattr(expected, field))
        assert torch.equal(found.words.character_ids, expected.words.character_ids)


TWO_NAMES = (Span(0, 2, "ORG"), Span(3, 4, "GPE"))


def a_sentence(words="Orn Steel hired Velm", spans=TWO_NAMES, **options):
    tree = DependencyTree((1, 2, 2, 2), ("compound", "nsubj", "root", "obj"))
    return Sentence(words=tuple(words.split()), spans=spans, document="nw/x", **{"tree": tree, **options})


def test_tags_that_training_lacks_become_outside_and_are_counted():
    vocabularies = build(word_counts={}, relations=[], labels=["GPE"])
    split = encode([a_sentence()], vocabularies)
    assert [vocabularies.tags.items[tag] for tag in split.tag_ids.tolist()] == ["O", "O", "O", "S-GPE"]
    assert split.num_unseen_tags == 2
    assert split.relation_ids.tolist() == vocabularies.relations.ids(["<unk>", "<unk>", "root", "<unk>"])


def test_targets_are_told_apart_from_their_labels():
    vocabularies = build(word_counts={}, relations=RELATIONS, labels=["good"], task="sentiment")
    sentences = [a_sentence(spans=(Span(0, 1, "good"),)), a_sentence(spans=(Span(1, 3, "unheard"),))]
    batch = encode(sentences, vocabularies).batch([1, 0])
    assert batch.targets.tolist() == [[1, 3], [0, 1]]
    assert encode(sentences, replace(vocabularies, task="ner")).batch([0]).targets is None
    for spans, message in (((), "no span"), ((Span(0, 1, "good"), Span(1, 2, "good")), "several spans")):
        with pytest.raises(ValueError, match=f"x:1: {message}, where task=sentiment needs one target"):
            encode([a_sentence(spans=spans, source="x:1")], vocabularies)


def test_words_alike_after_normalization_have_the_same_ids():
    vocabularies = build(word_counts={"1987": 2}, relations=[], labels=[], digits_to_zero=True)
    split = encode([a_sentence("1987 to 1991 .", ())], vocabularies)
    word_ids = split.words.word_ids[split.word_rows].tolist()
    assert word_ids[0] == word_ids[2] == vocabularies.words.id("0000")


def test_a_missing_tree_is_an_error_or_means_own_heads():
    vocabularies = build(word_counts={}, relations=[], labels=LABELS)
    sentence = a_sentence(tree=None, source="x.conll:3")
    with pytest.raises(ValueError, match=r"x\.conll:3: the sentence has no dependency tree"):
        encode([sentence], vocabularies)
    split = encode([sentence], vocabularies, trees=TreePolicy(missing="self_heads"))
    assert split.heads.tolist() == [0, 1, 2, 3]
    assert split.relation_ids.tolist() == vocabularies.relations.ids(["root"] * 4)


def test_sentences_without_a_tree_leave_the_others_theirs():
    sentences = [a_sentence(), a_sentence(tree=None), a_sentence("Yes", (), tree=None), a_sentence(words="a b c d")]
    vocabularies = build(word_counts={}, relations=["compound", "nsubj", "obj"], labels=LABELS)
    for rows in (sentences, Dataset(to_table(sentences))):
        split = encode(rows, vocabularies, trees=TreePolicy(missing="self_heads"))
        assert split.heads.tolist() == [1, 2, 2, 2, 0, 1, 2, 3, 0, 1, 2, 2, 2]
        tree = ["compound", "nsubj", "root", "obj"]
        assert split.relation_ids.tolist() == vocabularies.relations.ids([*tree, *["root"] * 5, *tree])


def test_a_malformed_tree_is_no_missing_tree():
    malformed = MalformedTree((0, 0, 1, 1), ("root",) * 4, "x.conllu:4: a tree has one root")
    sentence = a_sentence(tree=None, malformed=malformed)
    vocabularies = build(word_counts={}, relations=[], labels=LABELS)
    for rows in ([sentence], Dataset(to_table([sentence]))):
        with pytest.raises(ValueError, match=r"x\.conllu:4: a tree has one root: in 1 of 1 sentences"):
            encode(rows, vocabularies, trees=TreePolicy(missing="self_heads"))
        split = encode(rows, vocabularies, trees=TreePolicy(malformed="self_heads"))
        assert split.heads.tolist() == [0, 1, 2, 3]


def test_a_sentence_of_one_word_has_only_one_tree():
    split = encode([Sentence(words=("Yes",))], build(word_counts={}, relations=[], labels=[]))
    assert split.heads.tolist() == [0]
    assert split.relation_ids.tolist() == [1]  # root


def test_there_must_be_a_sentence():
    with pytest.raises(ValueError, match="no sentence"):
        encode([], build(word_counts={}, relations=[], labels=[]))


class MemorySource(SourceBase):
    name = "memory"

    def __init__(self, sentences):
        super().__init__()
        self.__dict__["sentences"] = sentences  # no option, but what there is to read

    def read(self, split):
        return iter(self.sentences[split])

    def files(self, split):
        return ()


@pytest.fixture(scope="module")
def prepared_path(tmp_path_factory):
    splits = {
        "train": [a_sentence(), a_sentence("Orn Steel hired Ulb")],
        "validation": [a_sentence("Kel Steel hired Velm", pos=("A", "B", "C", "D"))],
        "test": [a_sentence("Kel Tin hired Ulb", (Span(0, 2, "FAC"),))],
    }
    return prepare(MemorySource(splits), GivenDependencies(), root=tmp_path_factory.mktemp("prepared"))


def test_load(prepared_path):
    prepared = load(prepared_path, formalism="given")
    assert prepared.formalism == "given"
    assert prepared_path.name == f"memory-given-{prepared.digest[:10]}"
    assert [len(prepared.splits[split]) for split in ("train", "validation", "test")] == [2, 1, 1]
    assert prepared.splits["test"][0] == {
        "words": ["Kel", "Tin", "hired", "Ulb"],
        "pos": None,
        "tags": ["B-FAC", "E-FAC", "O", "O"],
        "heads": [1, 2, 2, 2],
        "relations": ["compound", "nsubj", "root", "obj"],
        "document": "nw/x",
        "part": 0,
        "genre": "nw",
        "source": "",
        "malformed": None,
    }
    assert prepared.splits["validation"][0]["pos"] == ["A", "B", "C", "D"]


def test_another_formalism_is_refused(prepared_path):
    with pytest.raises(ValueError, match="prepared with dependencies 'given', but 'sd' is needed"):
        load(prepared_path, formalism="sd")


def test_another_directory_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a prepared corpus"):
        load(tmp_path)


def test_vocabularies_of_a_prepared_corpus(prepared_path):
    prepared = load(prepared_path)
    assert count(prepared.splits["train"], "words") == {"Orn": 2, "Steel": 2, "hired": 2, "Velm": 1, "Ulb": 1}
    vocabularies = build_vocabularies(prepared, vectors={"Kel", "velm"})
    assert vocabularies.words.items == ("<unk>", "Orn", "Steel", "hired", "Kel")
    assert vocabularies.relations.items == ("<unk>", "compound", "nsubj", "obj", "root")
    assert "S-FAC" not in vocabularies.tags
    assert encode(prepared.splits["test"], vocabularies).num_unseen_tags == 2


def test_the_manifest_tells_the_counts(prepared_path):
    manifest = json.loads((prepared_path / "manifest.json").read_text())
    assert manifest["counts"]["train"] == {
        "documents": 1,
        "sentences": 2,
        "tokens": 8,
        "entities": 4,
        "without_tree": 0,
        "first_without_tree": None,
        "malformed": 0,
        "first_malformed": None,
        "conversion": {"sentences": 2, "malformed": 0, "without tree": 0},
    }


def test_a_share_of_the_training_sentences(tmp_path):
    """It is always the same, in the order of the corpus, and part of any larger one; other splits are whole."""

    tree, spans = DependencyTree((0,), ("root",)), (Span(0, 1, "ORG"),)
    sentences = [Sentence(words=(str(number),), spans=spans, tree=tree) for number in range(40)]
    source = MemorySource(dict.fromkeys(("train", "validation", "test"), sentences))
    path = prepare(source, GivenDependencies(), root=tmp_path)

    def numbers(share, split="train"):
        prepared = load(path).with_training_share(share)
        (words,) = zip(*prepared.splits[split]["words"], strict=True)
        assert sorted(count(prepared.splits[split], "words")) == sorted(words)
        return list(map(int, words))

    shares = [numbers(share) for share in (0.001, 0.1, 0.5, 1.0)]
    assert [len(share) for share in shares] == [1, 4, 20, 40]
    assert all(share == sorted(share) and set(share) <= set(larger) for share, larger in pairwise(shares))
    assert numbers(0.5) == shares[2]
    assert shares[2] != list(range(20))
    assert numbers(0.5, "test") == list(range(40))
