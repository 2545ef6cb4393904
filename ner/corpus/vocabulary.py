"""Strings to ids and back: words, characters, relations and tags."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner.corpus.files import replacing
from ner.corpus.sentence import CONTROL, NOT_IN_NAMES
from ner.corpus.tags import split_tag, tag_set
from ner.stored import MEGABYTE, field, integer, parse_json, read_bounded, shortened, string

if TYPE_CHECKING:
    from ner.corpus.features import Features
    from ner.corpus.pieces import Cutter

UNKNOWN = "<unk>"
PADDING = "<pad>"  # characters only: what follows the end of a word
ROOT = "root"
MOST_BYTES = 32 * MEGABYTE
"""Of the file of vocabularies: more than a million words."""
MOST_LABELS = 1000
LONGEST_NAME = 200  # characters
LONGEST_SPELLING = 256
"""Of a word so many characters are read: all words of a batch are padded to its longest, however few are so long."""
TASKS = ("ner", "sentiment")


@dataclass(frozen=True)
class Vocabulary:
    """Distinct strings; the position of an item is its id.

    With `unknown`, the item `<unk>` stands for all strings that are not in the vocabulary.

    Raises:
        ValueError: for an item that comes twice, and where `unknown` is asked for without the item `<unk>`.
    """

    items: tuple[str, ...]
    unknown: bool
    _ids: dict[str, int] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {item: position for position, item in enumerate(self.items)}
        if len(ids) != len(self.items):
            twice = next(item for item, count in Counter(self.items).items() if count > 1)
            raise ValueError(f"the item {twice!r} is twice in the vocabulary")
        if self.unknown and UNKNOWN not in ids:
            raise ValueError(f"a vocabulary with an unknown item needs {UNKNOWN!r} among its items")
        object.__setattr__(self, "_ids", ids)

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self._ids

    def id(self, item: str) -> int:
        """The id of an item.

        Raises:
            ValueError: for a string that is not in a vocabulary without unknown item.
        """
        position = self._ids.get(item)
        if position is not None:
            return position
        if self.unknown:
            return self._ids[UNKNOWN]
        raise ValueError(f"{item!r} is not in the vocabulary of {len(self)} items: {', '.join(self.items[:40])}")

    def ids(self, items: Iterable[str]) -> list[int]:
        return [self.id(item) for item in items]


def digits_as_zero(word: str) -> str:
    """The word with every digit as 0, as Jie & Lu (2019) normalise the words of their corpora."""
    return re.sub(r"\d", "0", word)


def spellings(word: str) -> tuple[str, str, str, str]:
    """The forms under which a word is looked up, best first: exact, lower case, digits as 0, both."""
    lower, zero = word.lower(), digits_as_zero(word)
    return word, lower, zero, zero.lower()


@dataclass(frozen=True, kw_only=True)
class Vocabularies:
    """All that turns a sentence into ids; the run directory keeps it beside the weights.

    `words` has `<unk>` as 0; `characters` the padding as 0 and `<unk>` as 1; `relations` `<unk>` as 0; `tags` are
    those of `scheme`. With `digits_to_zero` every word is normalised before anything else. A model with contextual
    vectors has a `cutter` for its encoder too, which is saved by itself, one of feature templates its `features`.

    Among `words`, those of the training split come before those that have a row for their pretrained vector alone;
    `num_trained` is the position of the first of the latter, None in what was saved before 0.2.

    The task `ner` is to find the spans of a sentence; `sentiment` is to label the one span that a sentence has.

    Raises:
        ValueError: for another task, for items that are not so, for more labels than `MOST_LABELS`, for control
            characters, for names of labels and relations with white space or of more than `LONGEST_NAME` characters,
            and for a `num_trained` that is no position.
    """

    words: Vocabulary
    characters: Vocabulary
    relations: Vocabulary
    tags: Vocabulary
    scheme: str
    digits_to_zero: bool
    cutter: Cutter | None = None
    task: str = "ner"
    features: Features | None = None
    num_trained: int | None = None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"unknown task {shortened(repr(self.task))}: choose one of {', '.join(TASKS)}")
        for name, first in (("words", (UNKNOWN,)), ("characters", (PADDING, UNKNOWN)), ("relations", (UNKNOWN,))):
            items = getattr(self, name).items
            if items[: len(first)] != first:
                raise ValueError(f"{name} begin with {shortened(repr(items[:2]))}, not with {' and '.join(first)}")
        labels = {split_tag(tag)[1] for tag in self.tags.items} - {""}
        if len(labels) > MOST_LABELS:
            raise ValueError(
                f"{len(labels):,} types of entities, more than {MOST_LABELS:,}: merge or drop some (corpus.labels)"
            )
        if self.tags.items[:1] != ("O",) or set(self.tags.items) != set(tag_set(labels, self.scheme)):
            raise ValueError(f"the tags are not O and those of {len(labels)} labels in {self.scheme}")
        for text in (*labels, *self.relations.items):
            if NOT_IN_NAMES.search(text) or len(text) > LONGEST_NAME:
                raise ValueError(
                    f"{shortened(repr(text))} is no name: it is too long, or holds white space or a control character"
                )
        if CONTROL.search("".join((*self.words.items, *self.characters.items))):
            raise ValueError("a word or character is a control character, or holds one")
        if self.num_trained is not None and not 1 <= self.num_trained <= len(self.words):
            raise ValueError(f"num_trained is {self.num_trained}, not from 1 to {len(self.words)}, the number of words")

    def normalize(self, word: str) -> str:
        return digits_as_zero(word) if self.digits_to_zero else word

    def word_id(self, word: str) -> int:
        """The row of a word, under the first of its `spellings` that has one, else 0."""
        return next((self.words.id(form) for form in spellings(self.normalize(word)) if form in self.words), 0)

    def character_ids(self, word: str) -> list[int]:
        """The ids of a word's characters, of no more than `LONGEST_SPELLING`."""
        return self.characters.ids(self.normalize(word[:LONGEST_SPELLING]))

    def save(self, path: Path) -> None:
        """Write all but the cutter as one JSON file.

        Raises:
            ValueError: for more than `MOST_BYTES`, which would not be read again.
        """
        content: dict[str, Any] = {
            "scheme": self.scheme,
            "digits_to_zero": self.digits_to_zero,
            "words": self.words.items,
            "characters": self.characters.items,
            "relations": self.relations.items,
            "tags": self.tags.items,
            "task": self.task,
        }
        if self.num_trained is not None:
            content["num_trained"] = self.num_trained
        if self.features is not None:
            content["features"] = self.features.to_json()
        encoded = (json.dumps(content, ensure_ascii=False, indent=0) + "\n").encode()
        if len(encoded) > MOST_BYTES:
            larger = "vocabulary.min_count" + ("" if self.features is None else " or model.templates.min_count")
            raise ValueError(f"the vocabularies take {len(encoded):,} bytes: choose a larger {larger}")
        with replacing(path) as file:
            file.write(encoded)

    @classmethod
    def load(cls, path: Path) -> Vocabularies:
        """Read what `save` wrote; the file may be a stranger's.

        Raises:
            ValueError: naming the file, where it is larger than `MOST_BYTES` or holds anything else.
        """
        from ner.corpus.features import Features

        try:
            content = parse_json(read_bounded(path, limit=MOST_BYTES), where=path.name)
            if not isinstance(digits_to_zero := field(content, "digits_to_zero", where="it"), bool):
                raise ValueError("digits_to_zero is neither true nor false")
            return cls(
                words=Vocabulary(stored_strings(content, "words"), unknown=True),
                characters=Vocabulary(stored_strings(content, "characters"), unknown=True),
                relations=Vocabulary(stored_strings(content, "relations"), unknown=True),
                tags=Vocabulary(stored_strings(content, "tags"), unknown=False),
                scheme=string(content, "scheme", where="it"),
                digits_to_zero=digits_to_zero,
                task=string(content, "task", where="it") if "task" in content else "ner",  # of before 0.2
                features=Features.from_json(content["features"]) if "features" in content else None,
                num_trained=integer(content, "num_trained", where="it") if "num_trained" in content else None,
            )
        except ValueError as error:
            raise ValueError(f"{path}: not a file of vocabularies ({error})") from error


def stored_strings(content: Any, name: str) -> tuple[str, ...]:
    """A list of strings of a JSON object, which may be a stranger's.

    Raises:
        ValueError: for anything else.
    """
    items = field(content, name, where="it")
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{name} is no list of strings")
    "".join(items).encode()  # refuses halves of surrogate pairs, which JSON can hold and nothing can show
    return tuple(items)


def build(
    *,
    word_counts: Mapping[str, int],
    relations: Iterable[str],
    labels: Iterable[str],
    vectors: Container[str] = (),
    other_words: Iterable[str] = (),
    min_count: int = 2,
    digits_to_zero: bool = False,
    scheme: str = "IOBES",
    task: str = "ner",
) -> Vocabularies:
    """Make the vocabularies of a corpus from its training split.

    A training word gets a row if it has a vector or comes at least `min_count` times; the others share `<unk>`, which
    is how its vector is trained. Characters likewise. Of `other_words`, those of validation and test, the ones that
    have a vector get a row to hold it. Ids go by falling count, ties in the order of the alphabet.

    Args:
        word_counts: how often each word comes in the training split.
        relations: the relations of the training split.
        labels: the entity types of the training split.
        vectors: says by `in` whether a word has a pretrained vector.
        other_words: words outside the training split.

    Raises:
        ValueError: for a `min_count` below 1, an unknown scheme or an unknown task.
    """
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, found {min_count}")
    counts: Counter[str] = Counter()
    character_counts: Counter[str] = Counter()
    for word, count in word_counts.items():
        counts[digits_as_zero(word) if digits_to_zero else word] += count
    for word, count in counts.items():
        for character in word:
            character_counts[character] += count
    others = {digits_as_zero(word) if digits_to_zero else word for word in other_words} - counts.keys()
    has_row = [word for word in _by_count(counts) if counts[word] >= min_count or word in vectors]
    trained = (UNKNOWN, *(word for word in has_row if word != UNKNOWN))
    untrained = (word for word in sorted(others) if word in vectors and word != UNKNOWN)
    frequent = [character for character in _by_count(character_counts) if character_counts[character] >= min_count]
    return Vocabularies(
        words=Vocabulary((*trained, *untrained), unknown=True),
        characters=Vocabulary((PADDING, UNKNOWN, *frequent), unknown=True),
        relations=Vocabulary((UNKNOWN, *sorted({ROOT, *relations} - {UNKNOWN})), unknown=True),
        tags=Vocabulary(tag_set(labels, scheme), unknown=False),
        scheme=scheme,
        digits_to_zero=digits_to_zero,
        task=task,
        num_trained=len(trained),
    )


def _by_count(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda item: (-counts[item], item))
