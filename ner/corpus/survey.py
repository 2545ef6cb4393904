"""What there is in the splits of a corpus: counts, entity types, trees, overlap, and what cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from ner.corpus.format import Outcome
from ner.corpus.labels import relabelled
from ner.corpus.sentence import DependencyTree, Sentence
from ner.corpus.source import SplitCounts

_MOST_PROBLEMS = 10


@dataclass
class Survey:
    """What is seen of the sentences of a split.

    `labels` counts entities as they are read, `new_labels` as they are renamed; `trees` counts sentences by what they
    have: `given`, and of these `non-projective`, `malformed`, `constituency` and `none`. `words` counts
    the hashes of sentences; `defects` and `problems` hold the first ten malformed trees and errors.
    """

    documents: set[str] = field(default_factory=set)
    num_sentences: int = 0
    num_tokens: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    new_labels: Counter[str] = field(default_factory=Counter)
    trees: Counter[str] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)
    num_problems: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def counts(self) -> SplitCounts:
        """The split as it is read, before any label is changed."""
        return SplitCounts(len(self.documents), self.num_sentences, self.num_tokens, self.labels.total())

    def add(self, sentence: Sentence, table: Mapping[str, str]) -> None:
        self.documents.add(sentence.document)
        self.num_sentences += 1
        self.num_tokens += len(sentence)
        self.words[hash(sentence.words)] += 1
        self.labels.update(span.label for span in sentence.spans)
        self.new_labels.update(span.label for span in relabelled(sentence, table).spans)
        if sentence.tree is not None:
            self.trees["given"] += 1
        elif sentence.malformed is not None:
            self.trees["malformed"] += 1
            if len(self.defects) < _MOST_PROBLEMS:
                self.defects.append(sentence.malformed.defect)
        else:
            self.trees["constituency" if sentence.parse else "none"] += 1

    def add_problem(self, problem: ValueError) -> None:
        self.num_problems += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(str(problem))


def survey(outcomes: Iterable[Outcome], table: Mapping[str, str]) -> Survey:
    """Look at all sentences of a split, and collect what cannot be read.

    Args:
        table: new names of labels, see `ner.corpus.labels.label_table`.
    """
    found = Survey()
    for outcome in outcomes:
        if isinstance(outcome, ValueError):
            found.add_problem(outcome)
        else:
            found.add(outcome, table)
            if outcome.tree is not None and not is_projective(outcome.tree):
                found.trees["non-projective"] += 1
    return found


def overlaps(surveys: Mapping[str, Survey]) -> dict[str, int]:
    """For each two splits, as `train/test`, how many sentences of the second have the words of one of the first."""
    return {
        f"{first}/{second}": sum(
            number for words, number in surveys[second].words.items() if words in surveys[first].words
        )
        for first, second in combinations(surveys, 2)
    }


def is_projective(tree: DependencyTree) -> bool:
    """Whether no two arcs cross, the one to the root from outside the sentence included."""
    spans = [(-1, word) if head == word else (min(head, word), max(head, word)) for word, head in enumerate(tree.heads)]
    ends: list[int] = []  # of the arcs around the current place, the innermost last
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        while ends and ends[-1] <= start:
            ends.pop()
        if ends and end > ends[-1]:
            return False
        ends.append(end)
    return True
