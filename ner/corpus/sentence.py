"""What every reader gives: a `Sentence` of words with entity spans and, once converted, a dependency tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""What no word may hold: control characters, and surrogates, halves of characters, which no file can hold."""
NOT_IN_NAMES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no type, relation or document id may hold: white space besides, and characters that turn text round."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """An entity: words `start` to `end` (exclusive, 0-based) carry the type `label`."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class DependencyTree:
    """One head and one relation a word.

    `heads[i]` is the 0-based position of word i's head; the root is its own head, as in the
    released code of Jie & Lu (2019).

    Raises:
        ValueError: naming the first defect found: different lengths, a head out of range, no root,
            a second root, or a cycle.
    """

    heads: tuple[int, ...]
    relations: tuple[str, ...]

    def __post_init__(self) -> None:
        heads = self.heads
        if len(heads) != len(self.relations):
            raise ValueError(f"{len(heads)} heads but {len(self.relations)} relations")
        for word, head in enumerate(heads):
            if not 0 <= head < len(heads):
                raise ValueError(f"the head of word {word} is {head}, outside the sentence of {len(heads)} words")
        roots = [word for word, head in enumerate(heads) if word == head]
        if len(roots) != 1:
            raise ValueError(f"a tree has one root, found {len(roots)}: words {roots[:5]}")
        reaches_root = {roots[0]}
        for word in range(len(heads)):
            path: set[int] = set()
            while word not in reaches_root:
                if word in path:
                    raise ValueError(f"a cycle of heads through word {word}")
                path.add(word)
                word = heads[word]
            reaches_root |= path

    def __len__(self) -> int:
        return len(self.heads)

    @property
    def root(self) -> int:
        return next(word for word, head in enumerate(self.heads) if word == head)


@dataclass(frozen=True, slots=True)
class MalformedTree:
    """Heads and relations as a file has them, where they are no tree.

    `heads` are 1-based, 0 at a root and None where the file has none (`_`). `defect` says where and what is wrong:
    `a.conllu:7: a tree has one root, found 2`.
    """

    heads: tuple[int | None, ...]
    relations: tuple[str, ...]
    defect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conll2012Columns:
    """The columns of CoNLL-2012 that the tagger does not use, kept so that a file can be written back.

    Each is a tuple with one raw cell a word; `arguments` holds one such tuple a predicate. `parse_bits` is the
    parse column where it holds no tree, so that `Sentence.parse` is None.
    """

    lemmas: tuple[str, ...]
    framesets: tuple[str, ...]
    senses: tuple[str, ...]
    speakers: tuple[str, ...]
    arguments: tuple[tuple[str, ...], ...]
    coreference: tuple[str, ...]
    parse_bits: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Words in order, and what is annotated of them.

    `spans` are sorted and do not overlap. `parse` is the constituency tree as CoNLL-2012 writes it, its parse
    bits joined, one `*` for each word: `(TOP(S(NP**)(VP*)))`; None where the source has no tree. `source` says
    where the sentence stands (`file:line` of its first word), for messages. `malformed` are heads of its file that
    are no tree; `tree` is None then.

    Raises:
        ValueError: naming the source, when the parts do not fit together, for a word with a control character, such as
            a line end, or a surrogate, and for a type, relation or document with white space or a control character.
    """

    words: tuple[str, ...]
    spans: tuple[Span, ...] = ()
    pos: tuple[str, ...] | None = None
    parse: str | None = None
    tree: DependencyTree | None = None
    document: str = ""
    part: int = 0
    columns: Conll2012Columns | None = None
    source: str = ""
    malformed: MalformedTree | None = None

    def __post_init__(self) -> None:
        length = len(self.words)
        if self.pos is not None and len(self.pos) != length:
            raise ValueError(f"{self.source}: {length} words but {len(self.pos)} parts of speech")
        if self.parse is not None and self.parse.count("*") != length:
            raise ValueError(f"{self.source}: {length} words but a parse of {self.parse.count('*')}")
        if self.tree is not None and len(self.tree) != length:
            raise ValueError(f"{self.source}: {length} words but a dependency tree of {len(self.tree)}")
        end = 0
        for span in self.spans:
            if not end <= span.start < span.end <= length:
                raise ValueError(f"{self.source}: {span} overlaps another, is out of order or outside {length} words")
            end = span.end
        if word := CONTROL.search("".join(self.words)):
            raise ValueError(
                f"{self.source}: a word holds {word[0]!r}, a control character or half a character; remove it"
            )
        check_document(self.document, self.source)
        names = [("type", {span.label for span in self.spans})]
        if self.tree is not None:
            names.append(("relation", {*self.tree.relations}))
        for what, found in names:
            for name in found:
                if not name or NOT_IN_NAMES.search(name):
                    raise ValueError(
                        f"{self.source}: the {what} {name!r} is empty or holds white space or a control character"
                    )

    def __len__(self) -> int:
        return len(self.words)

    @property
    def genre(self) -> str:
        """The first part of the document id: `nw` of `nw/wsj/03/wsj_0355`."""
        return self.document.split("/", 1)[0]


def check_document(document: str, where: str) -> str:
    """Give a document id back that holds neither white space nor control characters.

    Raises:
        ValueError: at `where`, for one that does.
    """
    if NOT_IN_NAMES.search(document):
        raise ValueError(f"{where}: the document id {document!r} holds white space or a control character; rename it")
    return document
