from itertools import combinations, product

import pytest

from ner.corpus.sentence import DependencyTree, MalformedTree, Sentence, Span
from ner.corpus.source import SplitCounts
from ner.corpus.survey import is_projective, overlaps, survey


def test_what_is_seen():
    tree = DependencyTree((1, 1), ("x", "root"))
    crossing = DependencyTree((2, 3, 3, 3), ("x", "x", "x", "root"))
    sentences = [
        Sentence(words=("a", "b"), spans=(Span(0, 1, "GPE"),), tree=tree, document="x"),
        Sentence(words=("a", "b", "c", "d"), spans=(Span(0, 1, "DATE"),), tree=crossing, document="y"),
        Sentence(words=("a", "b"), malformed=MalformedTree((0, 0), ("x", "y"), "two")),
        Sentence(words=("a", "b"), pos=("X", "X"), parse="(TOP(S**))"),
        Sentence(words=("a", "b")),
    ]
    found = survey([*sentences, *(ValueError(str(number)) for number in range(12))], {"GPE": "LOC", "DATE": "O"})
    assert found.counts == SplitCounts(documents=3, sentences=5, tokens=12, entities=2)
    assert (dict(found.labels), dict(found.new_labels)) == ({"GPE": 1, "DATE": 1}, {"LOC": 1})
    assert dict(found.trees) == {"given": 2, "non-projective": 1, "malformed": 1, "constituency": 1, "none": 1}
    assert (found.num_problems, found.problems) == (12, [str(number) for number in range(10)])


def test_sentences_in_two_splits():
    def split(*texts):
        return survey([Sentence(words=tuple(text.split())) for text in texts], {})

    surveys = {"train": split("a b", "a b", "c"), "validation": split("a b", "d"), "test": split("d", "d", "c", "e")}
    assert overlaps(surveys) == {"train/validation": 1, "train/test": 1, "validation/test": 2}


def trees(length):
    for heads in product(range(length), repeat=length):
        try:
            yield DependencyTree(heads, ("x",) * length)
        except ValueError:
            continue


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_projective_as_by_its_definition(length):
    """No two arcs cross, the one to the root from outside included."""
    for tree in trees(length):
        arcs = [(min(word, head), max(word, head)) for word, head in enumerate(tree.heads) if word != head]
        arcs.append((-1, tree.root))
        crosses = any(a < c < b < d or c < a < d < b for (a, b), (c, d) in combinations(arcs, 2))
        assert is_projective(tree) == (not crosses)
