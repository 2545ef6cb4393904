"""Targets in three lines each, as Dong et al. (2014) publish their tweets: text with `$T$`, target, polarity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ner.corpus.files import decode, is_blank, line_runs, replacing
from ner.corpus.format import Format, Outcome, raise_first
from ner.corpus.sentence import Sentence, Span
from ner.corpus.targets import POLARITIES, UNKNOWN, TargetPaths, check_target

PLACE = "$T$"
_NUMBERS = {"1": "positive", "0": "neutral", "-1": "negative", "?": UNKNOWN}
_TO_NUMBER = {polarity: number for number, polarity in _NUMBERS.items()}


@dataclass(frozen=True, kw_only=True)
class ThreeLineFiles(Format):
    """Files of examples of three lines: tokens between blanks, with `$T$` for the target; the target; its polarity.

    The polarity is 1, 0, -1 or a word; `?` is one that is to be predicted. Where `$T$` comes several times, the first
    is the target. Blank lines may stand between examples. Documents are examples in a row of the same text.
    """

    name: ClassVar[str] = "three_lines"
    patterns: ClassVar[tuple[str, ...]] = ("*.raw", "*.seg")

    def formalism(self, file: Path) -> str | None:
        return None

    def parse(self, file: Path) -> Iterator[Outcome]:
        words: tuple[str, ...] = ()
        document = part = 0
        for number, lines in line_runs(file, windows=True):
            if is_blank(lines[0]):
                continue
            for start in range(0, len(lines), 3):
                line = number + start
                try:
                    example = _example(file, line, decode(file, line, lines[start : start + 3], windows=True))
                except ValueError as error:
                    yield error
                    continue
                document, part = (document, part + 1) if example.words == words else (document + 1, 0)
                words = example.words
                yield Sentence(
                    words=words,
                    spans=example.spans,
                    document=f"{'_'.join(file.stem.split())}/{document}",
                    part=part,
                    source=example.source,
                )

    def rewrite(self, source: Path, target: Path, spans_of_sentences: Iterable[Sequence[Span]]) -> None:
        sentences, spans = raise_first(self.parse(source)), iter(spans_of_sentences)
        with replacing(target) as file:
            for _, lines in line_runs(source, windows=True):
                for start in range(0, len(lines), 3):
                    if not is_blank(lines[0]):
                        sentence, found = next(sentences), next(spans, None)
                        if found is None:
                            raise ValueError(
                                f"{sentence.source}: nothing left for this target; give as many as targets"
                            )
                        label = check_target(sentence.source, sentence, tuple(found))
                        lines[start + 2] = _with_label(lines[start + 2], label)
                    file.writelines(lines[start : start + 3])
            if next(spans, None) is not None:
                raise ValueError(f"{source}: fewer targets than spans for them; give as many as targets")

    def entities_in(self, file: Path) -> str:
        return f"{PLACE} in the first of three lines"


@dataclass(frozen=True, kw_only=True)
class ThreeLineSource(TargetPaths, ThreeLineFiles):
    """Files of three lines a target: for each split one, or a directory of them."""


def _example(file: Path, line: int, texts: list[str]) -> Sentence:
    if len(texts) < 3:
        raise ValueError(
            f"{file}:{line}: an example has three lines, and here are {len(texts)} before the end or a blank"
        )
    text, target, polarity = texts
    left, found, right = text.partition(PLACE)
    before, inside = left.split(), target.split()
    if not found or not inside:
        raise ValueError(f"{file}:{line}: expected a text with {PLACE}, the target in the next line, and its polarity")
    polarity = polarity.strip()
    label = _NUMBERS.get(polarity, polarity)
    if label not in (*POLARITIES, UNKNOWN):
        raise ValueError(
            f"{file}:{line + 2}: the polarity {polarity!r}: expected {', '.join(_NUMBERS)} or a word for it"
        )
    return Sentence(
        words=(*before, *inside, *right.replace(PLACE, f" {target} ").split()),
        spans=(Span(len(before), len(before) + len(inside), label),),
        source=f"{file}:{line}",
    )


def _with_label(line: bytes, label: str) -> bytes:
    """The line with another polarity, as a number unless it was a word."""
    old = line.strip()
    is_number = old.decode() in _NUMBERS
    return line.replace(old, (_TO_NUMBER.get(label, label) if is_number else label).encode(), 1)
