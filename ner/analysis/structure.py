"""Entities in the dependency tree: their head words, the relations of their words, and their shapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from ner.analysis.charts import HeatMap
from ner.corpus.sentence import DependencyTree, Sentence, Span

NO_TREE = "no tree"
Shape = Callable[[DependencyTree, Span], bool]


def heads_of(tree: DependencyTree, span: Span) -> list[int]:
    """The words of a span whose head is outside it, or that are the root; there is at least one."""
    return [word for word in range(span.start, span.end) if not _has_head_inside(tree, word, span)]


def head_of(tree: DependencyTree, span: Span) -> int:
    """The head word of a span; of several whose heads are outside, the one nearest to the root, then the last."""
    words = heads_of(tree, span)
    return words[0] if len(words) == 1 else min(words, key=lambda word: (_depth(tree, word), -word))


def governor_of(tree: DependencyTree, span: Span) -> int | None:
    """The head of a span's head word, which is outside the span; None where the head word is the root."""
    head = head_of(tree, span)
    return None if tree.heads[head] == head else tree.heads[head]


def relation_of(sentence: Sentence, span: Span) -> str:
    """The relation of a span's head word to its own head."""
    return NO_TREE if sentence.tree is None else sentence.tree.relations[head_of(sentence.tree, span)]


def is_subtree(tree: DependencyTree, span: Span) -> bool:
    """Whether all words of a span but one have their head inside it, so that they are connected."""
    return len(heads_of(tree, span)) == 1


def has_grandchild_path(tree: DependencyTree, span: Span) -> bool:
    """Whether a word, its head and its head's head are three words of a span."""
    return any(
        _has_head_inside(tree, word, span) and _has_head_inside(tree, tree.heads[word], span)
        for word in range(span.start, span.end)
    )


def share(
    shape: Shape, sentences: Sequence[Sentence], entities: Sequence[Iterable[Span]], *, at_least: int
) -> tuple[int, int]:
    """How many entities of at least `at_least` words have a shape, and how many such entities there are.

    Sentences without a tree are left out.
    """
    found = [
        shape(sentence.tree, span)
        for sentence, spans in zip(sentences, entities, strict=True)
        for span in spans
        if sentence.tree is not None and span.end - span.start >= at_least
    ]
    return sum(found), len(found)


def relation_counts(
    sentences: Sequence[Sentence], entities: Iterable[tuple[int, Span, float]]
) -> dict[tuple[str, str], float]:
    """How many words of entities have a relation, by (label, relation).

    Args:
        entities: the index of the sentence, the span, and the weight of its words.
    """
    counts = defaultdict[tuple[str, str], float](float)
    for number, span, weight in entities:
        tree = sentences[number].tree
        if tree is not None:
            for relation in tree.relations[span.start : span.end]:
                counts[span.label, relation] += weight
    return counts


def relation_map(
    counts: Mapping[tuple[str, str], float], *, name: str, title: str, shares: bool = True, at_least: float = 5.0
) -> HeatMap:
    """A heat map of the relations of the words in entities of each type, as in Jie & Lu (2019).

    It shows the relations that make up more than `at_least` per cent of some type's words, the most frequent first.

    Args:
        shares: whether cells are percentages of the type's words, or counts, where words are too few.
    """
    words, totals = defaultdict[str, float](float), defaultdict[str, float](float)
    for (label, relation), number in counts.items():
        words[label] += number
        totals[relation] += number
    labels = sorted(label for label in words if words[label] > 0)
    relations = sorted(
        {relation for (label, relation), number in counts.items() if 100 * number > at_least * words[label]},
        key=lambda relation: (-totals[relation], relation),
    )
    return HeatMap(
        name=name,
        title=title,
        row_axis="entity type",
        column_axis="relation of its words",
        unit="%" if shares else "words, mean of a seed",
        rows=tuple(labels),
        columns=tuple(relations),
        cells=tuple(
            tuple(
                counts.get((label, relation), 0.0) * (100 / words[label] if shares else 1.0) for relation in relations
            )
            for label in labels
        ),
    )


def located(entities: Sequence[Iterable[Span]], weight: float = 1.0) -> Iterable[tuple[int, Span, float]]:
    """Entities of each sentence as arguments of `relation_counts`."""
    return chain.from_iterable(((number, span, weight) for span in spans) for number, spans in enumerate(entities))


def _has_head_inside(tree: DependencyTree, word: int, span: Span) -> bool:
    return tree.heads[word] != word and span.start <= tree.heads[word] < span.end


def _depth(tree: DependencyTree, word: int) -> int:
    depth = 0
    while tree.heads[word] != word:
        word = tree.heads[word]
        depth += 1
    return depth
