from itertools import product

import pytest

from ner.corpus.dependencies.malformed import repaired, tree_of
from ner.corpus.sentence import DependencyTree, MalformedTree

HEADS = (None, 0, 1, 2, 3, 4)


def test_heads_are_a_tree_or_malformed_or_none():
    """All heads of three words: those that are a tree are the 9 spanning trees of three words with a root."""
    trees = 0
    for heads in product(HEADS, repeat=3):
        tree, malformed = tree_of(heads, ("a", "b", "c"), ("f:1", "f:2", "f:3"))
        if heads == (None,) * 3:
            assert (tree, malformed) == (None, None)
        elif tree is None:
            assert malformed.heads == heads
            assert malformed.defect.startswith("f:")
        else:
            assert malformed is None
            assert tuple(0 if head == word else head + 1 for word, head in enumerate(tree.heads)) == heads
            trees += 1
    assert trees == 9


def test_what_is_repaired_is_a_tree_that_keeps_good_heads():
    for heads in product(HEADS, repeat=3):
        mended = repaired(MalformedTree(heads, ("a", "b", "c"), ""))
        if mended is None:  # words that run in a circle, which no rule of repair breaks
            assert tree_of(heads, ("a", "b", "c"), ("", "", ""))[0] is None
            continue
        for word, head in enumerate(heads):
            if head and head <= 3 and head != word + 1 and word != mended.root:
                assert mended.heads[word] == head - 1
                assert mended.relations[word] == "abc"[word]
        assert mended.relations[mended.root] == "root"


def test_only_circles_cannot_be_repaired():
    lost = [heads for heads in product(HEADS, repeat=3) if repaired(MalformedTree(heads, ("a",) * 3, "")) is None]
    assert all(any(heads[heads[word] - 1] for word in range(3) if heads[word] in (1, 2, 3)) for heads in lost)
    assert (2, 1, 0) in lost
    assert (2, 3, 1) in lost
    assert len(lost) == 3 * len(HEADS) + 2  # a circle of two words with any head of the third, or of all three


@pytest.mark.parametrize(
    ("heads", "relations", "positions", "names"),
    [
        ((0, 0), ("root", "root"), (0, 0), ("root", "dep")),
        ((0, 0), ("root", "parataxis"), (0, 0), ("root", "parataxis")),
        ((0, 0, 2), ("erased", "root", "obj"), (1, 1, 1), ("dep", "root", "obj")),
        ((None, 0), ("_", "root"), (1, 1), ("dep", "root")),
        ((None, 1), ("_", "obj"), (0, 0), ("root", "obj")),
        ((9, 0), ("nsubj", "root"), (1, 1), ("dep", "root")),
        ((1, 0), ("nsubj", "root"), (1, 1), ("dep", "root")),
    ],
)
def test_what_repair_does(heads, relations, positions, names):
    assert repaired(MalformedTree(heads, relations, "")) == DependencyTree(positions, names)
