"""What a recognizer gives: a `Document` of sentences with tokens, trees and entities, by character offsets.

All offsets count characters (Python's code points) of `Document.text`, the text as the user gave it: `text[start:end]`
is what they point at. Positions of tokens and heads count from 0 within their sentence. Importing this module imports
nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ner.corpus.sentence import DependencyTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word where it stands in the text; `form` is how the corpora write it, such as `-LRB-` for `(`."""

    text: str
    start: int
    end: int
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A name: characters `start` to `end` of the document, tokens `first` to `last` (both inclusive) of its sentence.

    `probability` is that of exactly this span with this label in the sentence, under the model, between 0 and 1.
    """

    text: str
    label: str
    start: int
    end: int
    first: int
    last: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One tag sequence for a whole sentence: the entities it spells and its own `probability`."""

    probability: float
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSentence:
    """One sentence of a document.

    `entities` are those of the most probable tag sequence, in order. `tree` is None where the model was given none.
    `readings` are the most probable tag sequences, best first, where they were asked for (`k`), else empty.

    Raises:
        ValueError: where the tree is not over the tokens.
    """

    start: int
    end: int
    tokens: tuple[Token, ...]
    entities: tuple[Entity, ...]
    tree: DependencyTree | None = None
    readings: tuple[Reading, ...] = ()

    def __post_init__(self) -> None:
        if self.tree is not None and len(self.tree) != len(self.tokens):
            raise ValueError(f"{len(self.tokens)} tokens but a dependency tree of {len(self.tree)}")

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens as they stand in the text."""
        return tuple(token.text for token in self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text and what was recognised in it; `name` says where it came from (a path, an id), if anything does."""

    text: str
    sentences: tuple[DocumentSentence, ...]
    name: str = ""

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Those of all sentences, in order."""
        return tuple(entity for sentence in self.sentences for entity in sentence.entities)

    def __iter__(self) -> Iterator[DocumentSentence]:
        return iter(self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it: `heads` are positions in the sentence from 0, the root being its own head."""
        return {"name": self.name, "text": self.text, "sentences": [_sentence(one) for one in self.sentences]}


def _sentence(sentence: DocumentSentence) -> dict[str, Any]:
    content: dict[str, Any] = {
        "start": sentence.start,
        "end": sentence.end,
        "tokens": [{"text": token.text, "start": token.start, "end": token.end} for token in sentence.tokens],
        "entities": [_entity(entity) for entity in sentence.entities],
    }
    if sentence.tree is not None:
        content |= {"heads": list(sentence.tree.heads), "relations": list(sentence.tree.relations)}
    if sentence.readings:
        content["readings"] = [
            {"probability": reading.probability, "entities": [_entity(entity) for entity in reading.entities]}
            for reading in sentence.readings
        ]
    return content


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "text": entity.text,
        "label": entity.label,
        "start": entity.start,
        "end": entity.end,
        "first": entity.first,
        "last": entity.last,
        "probability": entity.probability,
    }
