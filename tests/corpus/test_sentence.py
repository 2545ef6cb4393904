import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.sentence import DependencyTree, Sentence, Span


def is_tree(heads):
    """One root, and every word reaches it."""
    roots = [word for word, head in enumerate(heads) if word == head]
    if len(roots) != 1 or not all(0 <= head < len(heads) for head in heads):
        return False

    def ancestor(word):
        for _ in heads:
            word = heads[word]
        return word

    return all(ancestor(word) == roots[0] for word in range(len(heads)))


@given(heads=st.integers(1, 5).flatmap(lambda n: st.lists(st.integers(-1, n), min_size=n, max_size=n)))
def test_exactly_the_trees_are_accepted(heads):
    relations = ("x",) * len(heads)
    if is_tree(heads):
        tree = DependencyTree(tuple(heads), relations)
        assert len(tree) == len(heads)
        assert heads[tree.root] == tree.root
    else:
        with pytest.raises(ValueError, match=r"root|cycle|outside"):
            DependencyTree(tuple(heads), relations)


def test_heads_and_relations_are_as_many():
    with pytest.raises(ValueError, match="2 heads but 1 relations"):
        DependencyTree((0, 0), ("root",))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"pos": ("NN",)}, "x:1: 2 words but 1 parts of speech"),
        ({"parse": "(TOP*)"}, "x:1: 2 words but a parse of 1"),
        ({"tree": DependencyTree((0,), ("root",))}, "x:1: 2 words but a dependency tree of 1"),
        ({"spans": (Span(0, 3, "X"),)}, "x:1: .* outside 2 words"),
        ({"spans": (Span(1, 2, "X"), Span(0, 1, "X"))}, "x:1: .* out of order"),
        ({"spans": (Span(0, 2, "X"), Span(1, 2, "X"))}, "x:1: .* overlaps another"),
        ({"spans": (Span(1, 1, "X"),)}, "x:1: .* overlaps another"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        Sentence(words=("a", "b"), source="x:1", **parts)


def test_genre_is_the_first_part_of_the_document():
    assert Sentence(words=("a",), document="nw/wsj/03/wsj_0355").genre == "nw"
    assert len(Sentence(words=("a", "b"))) == 2
