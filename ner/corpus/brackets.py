"""Entities as brackets in CoNLL-U's MISC, as in CorefUD: nested spans, and flat ones of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ner.corpus.sentence import Span

BRACKETS = ("skip", "outermost", "innermost")
"""What becomes of bracketed entities: nothing, or of those that lie in one another the outermost or the innermost are
read."""

_PIECE = re.compile(r"\(([^()]*)(\)?)|([^()]+)\)")
_FIELDS = re.compile(r"#\s*global\.Entity\s*=\s*(\S+)\s*")


def check_brackets(brackets: str) -> None:
    """Refuse a way to read bracketed entities that is not one of `BRACKETS`.

    Raises:
        ValueError: listing the right names.
    """
    if brackets not in BRACKETS:
        raise ValueError(f"unknown brackets {brackets!r}: choose one of {', '.join(BRACKETS)}")


def is_bracketed(value: str) -> bool:
    """Whether a value is brackets, such as `(1-person-new`, and no tag."""
    return "(" in value or ")" in value


def type_field(comment: str) -> int | None:
    """Which of the fields between dashes is the type, by a comment such as `# global.Entity = eid-etype-head`.

    None for any other comment.
    """
    match = _FIELDS.fullmatch(comment)
    if match is None:
        return None
    fields = match[1].split("-")
    return fields.index("etype") if "etype" in fields else 0


def bracketed_spans(values: Sequence[str], field: int) -> list[Span]:
    """All entities that the values of a sentence's words open and close, nested ones too.

    `(1-person-new` opens the entity 1, `1)` closes it, `(2-place-new)` is a word alone; where an entity has no number,
    its type stands in place of it: `(PER` and `PER)`.

    Args:
        field: of the fields of an opening bracket, the one with the type; the first identifies the entity.

    Raises:
        BracketError: for a bracket that is none, or never closed.
    """
    spans: list[Span] = []
    still_open: list[tuple[str, int, str]] = []
    for word, value in enumerate(values):
        if "".join(match[0] for match in _PIECE.finditer(value)) != value:
            raise BracketError(word, f"{value!r} is no sequence of brackets")
        for opening, closed, closing in _PIECE.findall(value):
            if closing:
                found = next((entry for entry in reversed(still_open) if entry[0] == closing), None)
                if found is None:
                    raise BracketError(word, f"'{closing})' closes an entity that is not open")
                still_open.remove(found)
                spans.append(Span(found[1], word + 1, found[2]))
                continue
            fields = opening.split("-")
            if len(fields) <= field or not fields[field]:
                raise BracketError(word, f"'({opening}' has no type in field {field + 1}")
            if closed:
                spans.append(Span(word, word + 1, fields[field]))
            else:
                still_open.append((fields[0], word, fields[field]))
    if still_open:
        raise BracketError(still_open[0][1], f"the entity {still_open[0][0]!r} is not closed before the sentence ends")
    return spans


class BracketError(ValueError):
    """A defect in the brackets of the word at `position`."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


def flat(spans: Sequence[Span], keep: str) -> tuple[Span, ...]:
    """Spans that do not overlap, in order: the `outermost` ones, or the `innermost`.

    Of spans that cross, the one that begins first stays.
    """
    distinct = list({(span.start, span.end): span for span in reversed(spans)}.values())
    if keep == "innermost":
        distinct = [
            span
            for span in distinct
            if not any(span is not other and span.start <= other.start and other.end <= span.end for other in distinct)
        ]
    chosen: list[Span] = []
    for span in sorted(distinct, key=lambda span: (span.start, -span.end)):
        if not chosen or span.start >= chosen[-1].end:
            chosen.append(span)
    return tuple(chosen)
