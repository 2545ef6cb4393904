"""Text or words in, entities out: `Recognizer.load("outputs/RUN").read("Olga Kornell visited Raldur.")`.

Importing this module imports nothing heavy; `Recognizer.load` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby, islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ner.corpus.dependencies.policy import ACCEPT_ALL, TreePolicy
from ner.corpus.dependencies.provider import TextParser
from ner.corpus.escapes import treebank_forms
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.text import Offsets, split_text
from ner.document import Document, DocumentSentence, Entity, Reading, Token

if TYPE_CHECKING:
    from ner.corpus.dataset import EncodedSplit
    from ner.corpus.dependencies import TreeProvider
    from ner.corpus.vocabulary import Vocabularies
    from ner.model.tagger import Tagger
    from ner.training.decoding import Recognised

CHUNK = 1024  # sentences that a stream recognises together
GENERAL = "dep"  # the relation that says nothing, in Stanford and in Universal Dependencies


class Recognizer:
    """A trained tagger, ready to use. It is not changed by use, and may be used by several threads at once.

    Args:
        tagger: in evaluation mode, on the device where it is to run.
        vocabularies: those it was trained with.
        formalism: of the dependency trees it was trained on.
        temperature: divides all scores before probabilities are taken of them, see `ner.calibrate`; the entities that
            are found do not depend on it.
        trees: makes dependency trees for words without heads, and for text: a parser that splits text too (it has
            `parse_text`) also says what its sentences and tokens are. Not used by a model without trees.
        missing_trees, malformed_trees: what to do with sentences that have no tree, or heads that are none, where the
            model uses them: see `ner.corpus.dependencies.TreePolicy`.
        trained_trees: the fingerprint of the provider of the trees that it was trained on, where that is known.

    Raises:
        ValueError: for trees of another formalism than the tagger's.
    """

    def __init__(
        self,
        tagger: Tagger,
        vocabularies: Vocabularies,
        *,
        formalism: str,
        temperature: float = 1.0,
        trees: TreeProvider | None = None,
        missing_trees: str = "error",
        malformed_trees: str = "error",
        trained_trees: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.tagger = tagger
        self.vocabularies = vocabularies
        self.formalism = formalism
        self.trained_trees = trained_trees
        if trees is not None and tagger.uses_trees:
            self.check_formalism(trees.formalism)
        self.temperature = temperature
        self.trees = trees if tagger.uses_trees else None
        policy = TreePolicy(missing=missing_trees, malformed=malformed_trees)
        self.tree_policy = policy if tagger.uses_trees else ACCEPT_ALL

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        device: str = "auto",
        precision: str = "float32",
        trees: TreeProvider | str | None = None,
        missing_trees: str = "error",
        malformed_trees: str = "error",
    ) -> Recognizer:
        """Load a run (its best epoch) or what `ner.export` made of one.

        Either may be a stranger's: nothing that it brings is executed.

        Args:
            device: `cpu`, `cuda`, or `auto`: CUDA where there is a device.
            precision: `float32`, `bfloat16`, or `auto`: see `ner.precision`.
            trees: a provider, or the name of one in the menu (`conf/dependencies`), with its default options.
            missing_trees, malformed_trees: see `Recognizer`.

        Raises:
            ValueError: where there is no finished run, or its files are damaged, for an unknown name of trees, and as
                `ner.precision.choose_precision`.
        """
        from ner.components import component_from_menu
        from ner.precision import choose_precision
        from ner.training.export import Exported, load_export
        from ner.training.run import Run, choose_device
        from ner.training.run_directory import is_export

        where = choose_device(device)
        precision = choose_precision(precision, where)
        if is_export(Path(path)):
            loaded = load_export(Path(path), where)
        else:
            run = Run.open(path)
            loaded = Exported(
                tagger=run.best_tagger(where),
                vocabularies=run.vocabularies,
                formalism=run.formalism,
                temperature=run.temperature,
                trained_trees=run.trained_trees,
            )
        loaded.tagger.precision = precision
        return cls(
            loaded.tagger,
            loaded.vocabularies,
            formalism=loaded.formalism,
            temperature=loaded.temperature,
            trees=component_from_menu("dependencies", trees) if isinstance(trees, str) else trees,
            missing_trees=missing_trees,
            malformed_trees=malformed_trees,
            trained_trees=loaded.trained_trees,
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types, in the order of the alphabet."""
        return tuple(sorted({tag[2:] for tag in self.vocabularies.tags.items if tag != "O"}))

    @property
    def uses_trees(self) -> bool:
        """Whether the entities that are found depend on dependency trees."""
        return self.tagger.uses_trees

    def check_formalism(self, formalism: str) -> None:
        """Refuse trees of another formalism than the tagger's.

        Raises:
            ValueError: naming both.
        """
        if formalism != self.formalism:
            raise ValueError(f"the tagger was trained with dependencies {self.formalism!r}, these are {formalism!r}")

    def close(self) -> None:
        """End what the tree provider holds, such as a Java program; it starts again when it is needed."""
        if isinstance(self.trees, TextParser):
            self.trees.close()

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def read(self, text: str, *, k: int = 0, name: str = "") -> Document:
        """Find the entities of a text, which is split into sentences and tokens.

        Args:
            k: how many of the most probable tag sequences to give for each sentence, as `readings`.
            name: of the document.

        Raises:
            ValueError: where a sentence has no tree and the model needs one, and for a negative k.
        """
        return next(self.read_all([text], k=k, names=[name]))

    def read_all(self, texts: Iterable[str], *, k: int = 0, names: Iterable[str] | None = None) -> Iterator[Document]:
        """Yield the document of each text in turn, as `read` gives it; faster than one by one.

        Texts are read as they are needed, some ahead.

        Args:
            names: one a text.
        """
        named = ((text, "") for text in texts) if names is None else zip(texts, names, strict=False)
        pending: list[_Split] = []
        waiting = 0
        for number, (text, name) in enumerate(named):
            pending.append(self._split(text, name, number))
            waiting += len(pending[-1].sentences)
            if waiting >= CHUNK:
                yield from self._documents(pending, k)
                pending, waiting = [], 0
        yield from self._documents(pending, k)

    def tag(
        self,
        words: Sequence[str],
        *,
        heads: Sequence[int] | None = None,
        relations: Sequence[str] | None = None,
        k: int = 0,
    ) -> Document:
        """Find the entities of one sentence whose words, and tree, are given.

        The words are taken as they are, never split again. The text of the document is the words with blanks between.

        Args:
            heads: the position of each word's head from 0; the root is its own head.
            relations: to the heads; where heads come without them, each is `dep`.
            k: see `read`.

        Raises:
            ValueError: for no words, words that are empty or hold white space, heads that form no tree, relations
                without heads, and where the model needs a tree and there is none.
        """
        sentence = self._sentence(words, heads, relations)
        return _document([(words, *found) for found in self.recognise([sentence], k=k)])

    def recognise(
        self, sentences: Iterable[Sentence], *, k: int = 0, chunk: int = 4096, batch_tokens: int = 2048
    ) -> Iterator[tuple[Sentence, Recognised]]:
        """Yield each sentence in turn, with a tree where there are `trees`, and what is found in it.

        The words are taken as they are, as the corpora write them.

        Args:
            chunk: sentences in memory at a time, or whole documents of them where the model reads what stands around.
            batch_tokens: tokens with padding that are recognised together.

        Raises:
            ValueError: where a sentence has no tree and the model needs one.
        """
        from ner.training.decoding import recognise

        for part, split in self._encoded(sentences, chunk):
            found = recognise(
                self.tagger, split, self.vocabularies, k=k, temperature=self.temperature, batch_tokens=batch_tokens
            )
            yield from zip(part, found, strict=True)

    def spans(
        self, sentences: Iterable[Sentence], *, chunk: int = 4096, batch_tokens: int = 2048
    ) -> Iterator[tuple[Span, ...]]:
        """Yield the entities of each sentence in turn: those of `recognise`, without what probabilities cost.

        Raises:
            ValueError: as `recognise`.
        """
        from ner.corpus.tags import tags_to_spans
        from ner.training.decoding import predict_tags

        for _, split in self._encoded(sentences, chunk):
            for tags in predict_tags(self.tagger, split, self.vocabularies, batch_tokens=batch_tokens):
                yield tags_to_spans(tags, scheme=self.vocabularies.scheme)

    def documents(
        self, sentences: Iterable[Sentence], *, k: int = 0, chunk: int = 4096, batch_tokens: int = 2048
    ) -> Iterator[Document]:
        """Yield the documents that given sentences form, by `Sentence.document`; words are joined by blanks."""

        found = self.recognise(sentences, k=k, chunk=chunk, batch_tokens=batch_tokens)
        for name, members in groupby(found, key=lambda pair: (pair[0].document, pair[0].part)):
            yield _document([(sentence.words, sentence, entities) for sentence, entities in members], name=name[0])

    def _encoded(self, sentences: Iterable[Sentence], chunk: int) -> Iterator[tuple[list[Sentence], EncodedSplit]]:
        """The sentences, with trees where there is a provider, and the same as ids, `chunk` at a time."""
        from ner.corpus.dataset import encode

        if chunk < 1:
            raise ValueError(f"chunk must be at least 1, not {chunk}")
        cutter = self.vocabularies.cutter
        by_document = cutter is not None and cutter.context > 0
        for part in _parts(self.tree_policy.read(sentences), chunk, by_document=by_document):
            part = self._with_trees(part)
            yield part, encode(part, self.vocabularies, trees=self.tree_policy)

    def _with_trees(self, sentences: list[Sentence]) -> list[Sentence]:
        """The sentences, those that lack a tree with one, where there is a provider."""
        if self.trees is None:
            return sentences
        made = self.trees.attach([sentence for sentence in sentences if sentence.tree is None])
        return [next(made) if sentence.tree is None else sentence for sentence in sentences]

    def _split(self, text: str, name: str, number: int) -> _Split:
        source = name or "text"
        parsed: list[tuple[Sentence, Sequence[Offsets]]]
        if isinstance(self.trees, TextParser):
            parsed = [(each.sentence, each.offsets) for each in self.trees.parse_text(text, source=source)]
        else:
            parsed = [
                (
                    Sentence(
                        words=tuple(text[start:end] for start, end in tokens),
                        source=f"{source}, character {tokens[0][0]}",
                    ),
                    tokens,
                )
                for tokens in split_text(text)
            ]
        forms = iter(
            treebank_forms((word for sentence, _ in parsed for word in sentence.words), self.vocabularies.words)
        )
        return _Split(
            text,
            name,
            offsets=[offsets for _, offsets in parsed],
            sentences=[  # each text is a document, whose sentences an encoder may read together
                replace(sentence, words=tuple(islice(forms, len(sentence))), document="text", part=number)
                for sentence, _ in parsed
            ],
        )

    def _documents(self, texts: Sequence[_Split], k: int) -> Iterator[Document]:
        found = self.recognise([sentence for text in texts for sentence in text.sentences], k=k)
        for text in texts:
            yield Document(
                text=text.text,
                name=text.name,
                sentences=tuple(
                    _document_sentence(text.text, offsets, *recognised)
                    for offsets, recognised in zip(text.offsets, found, strict=False)
                ),
            )

    def _sentence(self, words: Sequence[str], heads: Sequence[int] | None, relations: Sequence[str] | None) -> Sentence:
        if isinstance(words, str) or not words:
            raise ValueError("expected the words of a sentence as a list: for text there is `read`")
        for position, word in enumerate(words):
            if not isinstance(word, str) or not word or any(character.isspace() for character in word):
                raise ValueError(f"word {position} is {word!r}: it must be a string without white space, and not empty")
        tree = None
        if heads is not None:
            if not all(isinstance(head, int) for head in heads):
                raise ValueError("heads must be positions of words, whole numbers from 0")
            names = relations or ["root" if head == position else GENERAL for position, head in enumerate(heads)]
            tree = DependencyTree(tuple(heads), tuple(names))
        elif relations is not None:
            raise ValueError("relations without heads: give both")
        forms = treebank_forms(words, self.vocabularies.words)
        return Sentence(words=forms, tree=tree, source="the sentence given")


def _parts(sentences: Iterable[Sentence], size: int, *, by_document: bool) -> Iterator[list[Sentence]]:
    """So many sentences at a time; more where a document would be cut, if `by_document`."""
    if not by_document:
        sentences = iter(sentences)
        while some := list(islice(sentences, size)):
            yield some
        return
    alone = count()
    part: list[Sentence] = []
    for _, members in groupby(sentences, lambda each: (each.document, each.part) if each.document else next(alone)):
        part += members
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part


@dataclass(frozen=True, slots=True)
class _Split:
    """A text with its tokens, before it is recognised."""

    text: str
    name: str
    offsets: list[Sequence[Offsets]]
    sentences: list[Sentence]


def _document(sentences: Sequence[tuple[Sequence[str], Sentence, Recognised]], name: str = "") -> Document:
    """The document of given words: those of a sentence with blanks between, each sentence on a line of its own."""
    text = "\n".join(" ".join(words) for words, _, _ in sentences)
    members, start = [], 0
    for words, sentence, found in sentences:
        offsets = []
        for word in words:
            offsets.append((start, start + len(word)))
            start += len(word) + 1
        members.append(_document_sentence(text, offsets, sentence, found))
    return Document(text=text, name=name, sentences=tuple(members))


def _document_sentence(
    text: str, offsets: Sequence[Offsets], sentence: Sentence, found: Recognised
) -> DocumentSentence:
    def entities(spans: Mapping[Span, float]) -> tuple[Entity, ...]:
        return tuple(
            Entity(
                text=text[offsets[span.start][0] : offsets[span.end - 1][1]],
                label=span.label,
                start=offsets[span.start][0],
                end=offsets[span.end - 1][1],
                first=span.start,
                last=span.end - 1,
                probability=probability,
            )
            for span, probability in spans.items()
        )

    return DocumentSentence(
        start=offsets[0][0],
        end=offsets[-1][1],
        tokens=tuple(
            Token(text=text[start:end], start=start, end=end, form=form)
            for (start, end), form in zip(offsets, sentence.words, strict=True)
        ),
        entities=entities(found.entities),
        tree=sentence.tree,
        readings=tuple(
            Reading(probability=probability, entities=entities(spans)) for probability, spans in found.readings
        ),
    )
