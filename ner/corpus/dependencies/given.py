"""The trees that the corpus files hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ner.corpus.dependencies.provider import GIVEN
from ner.corpus.sentence import Sentence
from ner.stored import is_name


@dataclass(frozen=True, kw_only=True)
class GivenDependencies:
    """The heads and relations in the corpus files.

    Args:
        formalism: what they are, such as `sd`: a tagger trained on them then also takes trees of that formalism from a
            parser or converter. With `given`, nothing is known of them, and it only takes heads from files.

    Raises:
        ValueError: for a formalism that cannot be part of a file name.
    """

    formalism: str = GIVEN
    is_gold = True

    def __post_init__(self) -> None:
        if not is_name(self.formalism):
            raise ValueError(f"formalism is {self.formalism!r}, where a name such as ud or zh-sd is needed")

    def fingerprint(self) -> dict[str, str]:
        return {"provider": "given", "formalism": self.formalism}

    def attach(self, sentences: Iterable[Sentence], counts: Counter[str] | None = None) -> Iterator[Sentence]:
        counts = Counter() if counts is None else counts
        for sentence in sentences:
            counts["sentences"] += 1
            counts["malformed"] += sentence.malformed is not None
            counts["without tree"] += sentence.tree is None
            yield sentence
