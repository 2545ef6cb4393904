"""Scores broken down by kinds of entities and sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ner.analysis.structure import relation_of
from ner.corpus.sentence import Sentence, Span
from ner.corpus.vocabulary import digits_as_zero
from ner.scoring import Counts

Category = Callable[[Sentence, Span], str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownWords:
    """The words of the training split that have a row of their own in a model."""

    words: frozenset[str]
    digits_to_zero: bool

    def __contains__(self, word: str) -> bool:
        return (digits_as_zero(word) if self.digits_to_zero else word) in self.words


def length_of(sentence: Sentence, span: Span) -> str:
    """The number of words of an entity, up to `≥ 6`."""
    length = span.end - span.start
    return str(length) if length < 6 else "≥ 6"


def sentence_length_of(sentence: Sentence, span: Span) -> str:
    """The number of words of the sentence, in steps of ten."""
    start = len(sentence) // 10 * 10
    return "≥ 50" if start >= 50 else f"{max(start, 1)} to {start + 9}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """A way to categorise entities; `order` lists the categories, or is `name` or `support` to sort them by."""

    title: str
    category: Category
    order: str | tuple[str, ...]


BREAKDOWNS = MappingProxyType(
    {
        "type": Breakdown(title="entity type", category=lambda sentence, span: span.label, order="name"),
        "length": Breakdown(title="words of the entity", category=length_of, order=("1", "2", "3", "4", "5", "≥ 6")),
        "sentence-length": Breakdown(
            title="words of the sentence",
            category=sentence_length_of,
            order=("1 to 9", "10 to 19", "20 to 29", "30 to 39", "40 to 49", "≥ 50"),
        ),
        "genre": Breakdown(title="genre", category=lambda sentence, span: sentence.genre or "unknown", order="name"),
        "relation": Breakdown(title="relation of the entity's head", category=relation_of, order="support"),
    }
)


def by_known_words(models: Collection[KnownWords]) -> Breakdown:
    """Whether all words of an entity are known to all of these models, whose options may differ in what they know."""

    @cache
    def is_known(word: str) -> bool:
        return all(word in known for known in models)

    def category(sentence: Sentence, span: Span) -> str:
        return "all" if all(map(is_known, sentence.words[span.start : span.end])) else "not all"

    return Breakdown(title="words known from training", category=category, order=("all", "not all"))


def count_by(
    category: Category, sentences: Sequence[Sentence], predicted: Sequence[Sequence[Span]]
) -> dict[str, Counts]:
    """The counts of each category with a gold or predicted entity.

    An entity's category depends on its own span alone, so a correct one has one category.
    """
    gold = Counter(category(sentence, span) for sentence in sentences for span in sentence.spans)
    found = [
        (category(sentence, span), span in sentence.spans)
        for sentence, spans in zip(sentences, predicted, strict=True)
        for span in spans
    ]
    all_found = Counter(name for name, _ in found)
    correct = Counter(name for name, is_right in found if is_right)
    return {
        name: Counts(correct=correct[name], predicted=all_found[name], gold=gold[name])
        for name in gold.keys() | all_found.keys()
    }


def in_order(breakdown: Breakdown, support: dict[str, int]) -> list[str]:
    """The categories in the order in which they are shown.

    Args:
        support: the number of gold entities of each category.
    """
    if breakdown.order == "name":
        return sorted(support)
    if breakdown.order == "support":
        return sorted(support, key=lambda name: (-support[name], name))
    return [name for name in breakdown.order if name in support]
