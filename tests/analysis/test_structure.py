from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.analysis.structure import (
    NO_TREE,
    governor_of,
    has_grandchild_path,
    head_of,
    heads_of,
    is_subtree,
    located,
    relation_counts,
    relation_map,
    relation_of,
    share,
)
from ner.corpus.sentence import DependencyTree, Sentence, Span


@st.composite
def heads_and_span(draw):
    """The heads of any tree, not only of those whose words hang on earlier ones, and a stretch of words."""
    length = draw(st.integers(1, 8))
    order = draw(st.permutations(range(length)))
    heads = [0] * length
    for place, word in enumerate(order):
        heads[word] = order[draw(st.integers(0, place - 1))] if place else word
    start = draw(st.integers(0, length - 1))
    return heads, start, draw(st.integers(start + 1, length))


def build(drawn):
    heads, start, end = drawn
    return DependencyTree(tuple(heads), ("dep",) * len(heads)), Span(start, end, "ORG")


def arcs(tree):
    """The arcs from a word to its head; the root has none."""
    return {(word, head) for word, head in enumerate(tree.heads) if word != head}


@given(drawn=heads_and_span())
def test_a_subtree_is_connected_by_its_arcs(drawn):
    tree, span = build(drawn)
    inside = set(range(span.start, span.end))
    reached, found = set(), {span.start}
    while found != reached:
        reached = set(found)
        found |= {other for pair in arcs(tree) for one, other in permutations(pair, 2) if one in reached} & inside
    assert is_subtree(tree, span) == (reached == inside)


@given(drawn=heads_and_span())
def test_a_grandchild_path_is_two_arcs_inside(drawn):
    tree, span = build(drawn)
    inside = set(range(span.start, span.end))
    paths = [(a, b, d) for a, b in arcs(tree) for c, d in arcs(tree) if b == c and {a, b, d} <= inside]
    assert has_grandchild_path(tree, span) == bool(paths)


@given(drawn=heads_and_span())
def test_the_head_hangs_outside_and_is_nearest_to_the_root(drawn):
    tree, span = build(drawn)

    def depth(word):
        return 0 if tree.heads[word] == word else 1 + depth(tree.heads[word])

    head = head_of(tree, span)
    assert head in heads_of(tree, span)
    assert depth(head) == min(depth(word) for word in range(span.start, span.end))
    assert head == max(word for word in range(span.start, span.end) if depth(word) == depth(head))


@pytest.fixture
def university():
    """University -> of -> Ulm hang in a row; `Tuesday` is apart."""
    return Sentence(
        words=("The", "University", "of", "Ulm", "opened", "Tuesday"),
        spans=(Span(0, 4, "ORG"), Span(5, 6, "DATE")),
        tree=DependencyTree((1, 4, 1, 2, 4, 4), ("det", "nsubj", "prep", "pobj", "root", "tmod")),
    )


def test_an_example(university):
    organisation, date = university.spans
    assert head_of(university.tree, organisation) == 1
    assert relation_of(university, organisation) == "nsubj"
    assert governor_of(university.tree, organisation) == 4
    assert governor_of(university.tree, Span(4, 5, "ORG")) is None
    assert has_grandchild_path(university.tree, organisation)
    assert not has_grandchild_path(university.tree, Span(0, 3, "ORG"))
    assert not is_subtree(university.tree, Span(2, 6, "ORG"))
    assert not is_subtree(university.tree, Span(3, 5, "ORG"))  # the root hangs on no word, though it is its own head
    assert relation_of(university, date) == "tmod"
    assert relation_of(Sentence(words=("Ulm", "!")), Span(0, 1, "GPE")) == NO_TREE


def test_shares_leave_out_what_is_short_or_has_no_tree(university):
    sentences = [university, Sentence(words=("a", "b", "c"))]
    entities = [[*university.spans, Span(3, 5, "ORG")], [Span(0, 3, "ORG")]]
    assert share(is_subtree, sentences, entities, at_least=1) == (2, 3)
    assert share(is_subtree, sentences, entities, at_least=2) == (1, 2)
    assert share(has_grandchild_path, sentences, entities, at_least=3) == (1, 1)
    assert share(is_subtree, sentences, entities, at_least=9) == (0, 0)


def test_the_map_says_what_part_of_a_types_words_has_a_relation(university):
    counts = relation_counts([university], located([university.spans]))
    assert sum(counts.values()) == 5
    found = relation_map(counts, name="relations", title="Relations")
    assert found.rows == ("DATE", "ORG")
    assert set(found.columns) == {"det", "nsubj", "prep", "pobj", "tmod"}
    assert [sum(row) for row in found.cells] == [100, 100]
    assert found.cells[1][found.columns.index("prep")] == 25


def test_the_map_leaves_out_rare_relations():
    counts = {("ORG", "nsubj"): 96.0, ("ORG", "rare"): 4.0, ("GPE", "nsubj"): 1.0, ("DATE", "gone"): 0.0}
    found = relation_map(counts, name="relations", title="Relations")
    assert found.columns == ("nsubj",)
    assert found.rows == ("GPE", "ORG")
    assert found.cells == ((100,), (96,))
    counted = relation_map(counts, name="relations", title="Relations", shares=False)
    assert (counted.rows, counted.columns, counted.cells) == (found.rows, found.columns, ((1,), (96,)))
    assert (found.unit, counted.unit) == ("%", "words, mean of a seed")


def test_weights_count(university):
    entities = [(0, university.spans[0], 0.5), (0, university.spans[1], 2.0)]
    assert relation_counts([university], entities)["DATE", "tmod"] == 2
    assert relation_counts([university], entities)["ORG", "det"] == 0.5
