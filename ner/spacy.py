"""A spaCy component: `nlp.add_pipe("dependency_guided_ner", config={"run": "outputs/RUN"})` sets `doc.ents`.

Each entity has its probability in `span._.probability`. Once this package is installed, spaCy finds the component by
its name; before, `import ner.spacy` makes it known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, cast

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

from ner.corpus.escapes import treebank_forms
from ner.corpus.sentence import DependencyTree, Sentence
from ner.recognizer import Recognizer

NAME = "dependency_guided_ner"
PROBABILITY = "probability"


@Language.factory(
    NAME,
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={
        "device": "auto",
        "precision": "float32",
        "parser_formalism": None,
        "trees": None,
        "missing_trees": "error",
    },
)
def create(
    nlp: Language,
    name: str,
    run: str,
    device: str,
    precision: str,
    parser_formalism: str | None,
    trees: str | None,
    missing_trees: str,
) -> Component:
    """The component of a run.

    Args:
        run: the directory of a run, or what `ner.export` made of one.
        device: `cpu`, `cuda` or `auto`.
        precision: `float32`, `bfloat16` or `auto`.
        parser_formalism: of the heads and labels that the pipeline's parser sets, such as `ud`. Where it is that of
            the run, they are used; spaCy's English models have labels of their own (ClearNLP), which are neither
            `ud` nor `sd`.
        trees: an option of `conf/dependencies`, such as `ud`, that makes the trees where the parser's are not used.
        missing_trees: `error` or `self_heads`, where there are neither.

    Raises:
        ValueError: as `Recognizer.load`.
    """
    recognizer = Recognizer.load(run, device=device, precision=precision, trees=trees, missing_trees=missing_trees)
    uses_parser = recognizer.uses_trees and parser_formalism == recognizer.formalism
    return Component(recognizer, uses_parser=uses_parser)


class Component:
    """Takes spaCy's tokens as they are, but for those of white space, and its sentences where it has set them.

    Args:
        uses_parser: whether heads and relations are those that the pipeline's parser has set.
    """

    def __init__(self, recognizer: Recognizer, *, uses_parser: bool) -> None:
        self.recognizer = recognizer
        self.uses_parser = uses_parser
        if not Span.has_extension(PROBABILITY):
            Span.set_extension(PROBABILITY, default=None)

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, docs: Iterable[Doc], *, batch_size: int = 256) -> Iterator[Doc]:
        """Set the entities of documents, `batch_size` of them recognised together."""
        docs = iter(docs)
        while part := list(islice(docs, batch_size)):
            places = [(number, tokens) for number, doc in enumerate(part) for tokens in _sentences(doc)]
            found = self.recognizer.recognise(self._sentence(part[number], tokens, number) for number, tokens in places)
            entities: list[list[Span]] = [[] for _ in part]
            for (number, tokens), (_, recognised) in zip(places, found, strict=True):
                for span, probability in recognised.entities.items():
                    entity = Span(part[number], tokens[span.start], tokens[span.end - 1] + 1, label=span.label)
                    entity._.set(PROBABILITY, probability)
                    entities[number].append(entity)
            for doc, own in zip(part, entities, strict=True):
                doc.ents = tuple(own)
                yield doc

    def _sentence(self, doc: Doc, tokens: Sequence[int], number: int) -> Sentence:
        words = treebank_forms((doc[token].text for token in tokens), self.recognizer.vocabularies.words)
        tree = _tree(doc, tokens) if self.uses_parser and doc.has_annotation("DEP") else None
        source = f"the sentence of token {tokens[0]}"
        return Sentence(words=words, tree=tree, document="doc", part=number, source=source)

    def to_disk(self, path: Any, exclude: Any = ()) -> None:
        """Nothing: the run stays where it is, and the configuration of the pipeline says where."""

    def from_disk(self, path: Any, exclude: Any = ()) -> Component:
        """The component as its configuration made it."""
        return self


def _sentences(doc: Doc) -> list[list[int]]:
    """The tokens of each sentence that are not white space; by punctuation where no component has set any."""
    if doc.has_annotation("SENT_START"):
        starts = [bool(token.is_sent_start) for token in doc]
    else:
        starts = cast(list[bool], Sentencizer().predict([doc])[0]) if len(doc) else []
    sentences: list[list[int]] = []
    for token, is_start in zip(doc, starts, strict=True):
        if is_start or not sentences:
            sentences.append([])
        if not token.is_space:
            sentences[-1].append(token.i)
    return [tokens for tokens in sentences if tokens]


def _tree(doc: Doc, tokens: Sequence[int]) -> DependencyTree | None:
    """The parser's tree over these tokens, or None where it is not one tree; white space is passed over."""
    places = {token: place for place, token in enumerate(tokens)}
    heads = []
    for place, token in enumerate(tokens):
        head = doc[token].head
        while head.i not in places and head.head.i != head.i:
            head = head.head
        heads.append(places.get(head.i, place))
    relations = tuple(
        "root" if head == place else doc[token].dep_.lower() or "dep"
        for place, (token, head) in enumerate(zip(tokens, heads, strict=True))
    )
    try:
        return DependencyTree(tuple(heads), relations)
    except ValueError:
        return None
