"""What every provider of dependency trees offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ner.corpus.sentence import Sentence

GIVEN = "given"
"""The formalism of heads of which nobody has said what they are."""


@runtime_checkable
class TreeProvider(Protocol):
    """Puts dependency trees of one formalism on sentences."""

    @property
    def formalism(self) -> str:
        """What the heads and relations mean: `ud`, `sd`, or another name; `given` where it is not known."""

    @property
    def is_gold(self) -> bool:
        """Whether the trees are the annotators' own, given or converted from their parses, not those of a parser."""

    def fingerprint(self) -> Mapping[str, Any]:
        """Everything that the trees depend on besides the sentences, as JSON can hold it.

        Part of the digest of a prepared corpus and kept in each run. `provider` is the name in the menu
        (`conf/dependencies/`), `formalism` as above; parsers and converters add the SHA-256 of their jars and models.

        Raises:
            ValueError, OSError: where the files that it describes are not there.
        """

    def attach(self, sentences: Iterable[Sentence], counts: Counter[str] | None = None) -> Iterator[Sentence]:
        """Yield the sentences in order, each with its tree, or with `tree=None` where there is none to be had.

        Args:
            sentences: read as they are needed, some thousands ahead.
            counts: is added to, under the names that `describe` explains.

        Raises:
            ValueError: naming the source, for annotation that does not fit together.
            CoreNLPError: when Java, its jars or models do not work; it says what to do.
        """


class TokenizedSentence(NamedTuple):
    """A sentence of a text: `text[begin:end]` is the word for each pair of `offsets`, in characters.

    In `sentence.words` a word is as `ner.corpus.escapes.word_of_text` has it: white space, as in `2 1/2`, is a no-break
    space there.
    """

    sentence: Sentence
    offsets: tuple[tuple[int, int], ...]


@runtime_checkable
class TextParser(TreeProvider, Protocol):
    """A parser, which takes plain text too. It may hold a program or a model until `close`; threads may share it."""

    def parse_text(self, text: str, *, source: str = "text") -> list[TokenizedSentence]:
        """Split a text into sentences and tokens, and parse them; a sentence that the parser fails on has no tree.

        Args:
            text: any Unicode, with any line ends. None of it is changed: offsets are those of this text.
            source: what `Sentence.source` begins with, before the place of the sentence.

        Raises:
            CoreNLPError, OSError, ValueError: when the parser does not work; it says what to do.
        """

    def close(self) -> None:
        """Give back what the parser holds; it starts again when it is used again."""


def describe(counts: Counter[str]) -> str:
    """Say in words what `attach` counted.

    Its counts: `sentences`; `without tree`, and of these `failed` in conversion or parsing; `malformed` and `repaired`
    trees in the corpus files; `unattached` words and `traces`, for which see
    `ner.corpus.dependencies.conversion.complete_tree`; `renamed` phrases, for which see `constituency`.
    """
    lines = [f"sentences without a dependency tree: {counts['without tree']} of {counts['sentences']}"]
    if counts["failed"]:
        lines[0] += f", {counts['failed']} that CoreNLP could not convert or parse"
    if counts["malformed"]:
        lines.append(f"sentences whose heads are no tree: {counts['malformed']}")
    if counts["repaired"]:
        lines.append(f"sentences whose heads were no tree and were repaired: {counts['repaired']}")
    if counts["unattached"]:
        lines.append(f"words to which CoreNLP gives no head, made the root or its dep: {counts['unattached']}")
    if counts["traces"]:
        lines.append(f"traces, made a dep of the root: {counts['traces']}")
    if counts["renamed"]:
        lines.append(f"phrases with a label that CoreNLP does not know, converted as X: {counts['renamed']}")
    return "\n".join(lines)
