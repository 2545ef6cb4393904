from collections import Counter

import pytest

from ner.corpus.dependencies.policy import ACCEPT_ALL, TreePolicy, add_counts, count_trees
from ner.corpus.rows import to_table
from ner.corpus.sentence import DependencyTree, MalformedTree, Sentence

TREE = Sentence(words=("a", "b"), tree=DependencyTree((0, 0), ("root", "obj")), source="f:1")
NONE = Sentence(words=("a", "b"), source="f:4")
TWO_ROOTS = Sentence(words=("a", "b"), malformed=MalformedTree((0, 0), ("root", "x"), "f:7: two roots"), source="f:7")
CIRCLE = Sentence(words=("a", "b"), malformed=MalformedTree((2, 1), ("x", "y"), "f:10: a cycle"), source="f:10")
WORD = Sentence(words=("a",), source="f:13")


def counts_of(*sentences):
    return count_trees(to_table(sentences))


def test_counts():
    counts = counts_of(TREE, NONE, NONE, TWO_ROOTS, CIRCLE, WORD)
    assert counts == {
        "sentences": 6,
        "without_tree": 2,
        "first_without_tree": "f:4",
        "malformed": 2,
        "first_malformed": "f:7: two roots",
    }
    assert add_counts(counts_of(TREE, NONE), counts_of(NONE, TWO_ROOTS, CIRCLE, WORD)) == counts
    assert counts_of() == counts_of(TREE) | {"sentences": 0}


@pytest.mark.parametrize(
    ("sentence", "refused_by"),
    [
        (TREE, ()),
        (WORD, ()),
        (NONE, ("missing error",)),
        (TWO_ROOTS, ("malformed error",)),
        (CIRCLE, ("malformed error", "malformed repair")),
    ],
)
def test_which_sentences_are_refused(sentence, refused_by):
    for missing in ("error", "self_heads"):
        for malformed in ("error", "self_heads", "repair"):
            policy = TreePolicy(missing=missing, malformed=malformed)
            counts = counts_of(*policy.read([TREE, sentence]))
            if f"missing {missing}" in refused_by or f"malformed {malformed}" in refused_by:
                with pytest.raises(ValueError, match=rf"^{sentence.source}: .* 1 of 2 sentences"):
                    policy.check(counts)
            else:
                policy.check(counts)


def test_repairs_are_counted():
    counts = Counter()
    read = list(TreePolicy(malformed="repair").read([TREE, TWO_ROOTS, CIRCLE, NONE], counts))
    assert [sentence.tree is None for sentence in read] == [False, False, True, True]
    assert counts == {"repaired": 1}


def test_a_model_without_trees_takes_everything():
    options = {"missing_trees": "error", "malformed_trees": "repair"}
    assert TreePolicy.of(options) == TreePolicy(malformed="repair")
    assert TreePolicy.of(options, uses_trees=False) == ACCEPT_ALL


@pytest.mark.parametrize("option", ["missing", "malformed"])
def test_unknown_words_are_refused(option):
    with pytest.raises(ValueError, match=f"unknown {option}_trees 'drop': choose one of error, self_heads"):
        TreePolicy(**{option: "drop"})
