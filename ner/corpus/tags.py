"""Entity spans and the tags that spell them, in both directions: the one definition of entity extraction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ner.corpus.sentence import Span

SCHEMES = ("IOBES", "BIO")
MODES = ("strict", "conlleval")
_PREFIXES = {"IOBES": "BIES", "BIO": "BI"}


def spans_to_tags(spans: Iterable[Span], length: int, scheme: str = "IOBES") -> tuple[str, ...]:
    """Spell spans as one tag a word, for a sentence of `length` words.

    Raises:
        ValueError: for an unknown scheme, and for a span that overlaps the one before it, comes out of order or
            leaves the sentence.
    """
    _check_choice("scheme", scheme, SCHEMES)
    tags = ["O"] * length
    previous_end = 0
    for span in spans:
        if not previous_end <= span.start < span.end <= length:
            raise ValueError(f"{span} overlaps another, is out of order or outside {length} words")
        tags[span.start] = f"B-{span.label}"
        for word in range(span.start + 1, span.end):
            tags[word] = f"I-{span.label}"
        if scheme == "IOBES":
            last = "S" if span.end - span.start == 1 else "E"
            tags[span.end - 1] = f"{last}-{span.label}"
        previous_end = span.end
    return tuple(tags)


def tags_to_spans(tags: Iterable[str], scheme: str = "IOBES", mode: str = "strict") -> tuple[Span, ...]:
    """Extract the entities that tags spell, in order.

    A tag continues the entity before it where `B` or `I` is followed by `I` or `E` of the same label; every other
    tag but `O` begins a new one. `conlleval` counts all entities found in this way, whatever they begin and end with,
    as seqeval does by default; it reads IOB1, IOB2 and IOBES alike, so `scheme` has no effect. On IOB1 and IOB2 this
    is what the CoNLL script (conlleval in Perl) counts. On IOBES that script differs: it has no rule for `S`, nor for
    `B` after `E`, so it joins `S-X S-X` and `E-X B-X` to one entity, which are two here. `strict` counts only the
    entities that are well-formed in the scheme, as seqeval's `mode="strict"` does with its IOBES and IOB2.

    Raises:
        ValueError: for an unknown scheme or mode, a string that is no tag,"""
    _check_choice("scheme", scheme, SCHEMES)
    _check_choice("mode", mode, MODES)
    spans = []
    start, first, previous, label = 0, "O", "O", ""  # the entity that the previous word is in
    for word, tag in enumerate((*tags, "O")):
        prefix, tag_label = split_tag(tag)
        if mode == "strict" and prefix not in "O" + _PREFIXES[scheme]:
            raise ValueError(f"the tag {tag!r} does not belong to the scheme {scheme}")
        if not _continues(previous, label, prefix, tag_label):
            if previous != "O" and (mode == "conlleval" or _is_well_formed(first, previous, scheme)):
                spans.append(Span(start, word, label))
            start, first, label = word, prefix, tag_label
        previous = prefix
    return tuple(spans)


def released_spans(tags: Iterable[str], start: int = -1) -> tuple[tuple[Span, ...], int]:
    """Extract entities from IOBES tags by the rule of the evaluator that Jie & Lu (2019) released.

    An `S` is an entity. An `E` ends another, which has its label and starts at the last `B`, whatever came since:
    `B-A O E-B` is an entity B of three words, and a second `E` may end what starts at the same `B`. Where no `B` came
    before it, the entity starts at `start`, even behind its end.

    Returns:
        The entities, and the last `B`, or `start` without one. That evaluator reads the gold tags of a sentence, and
        then the predicted ones from the `start` where the gold ones left it.
    """
    spans = []
    for word, tag in enumerate(tags):
        prefix, label = split_tag(tag)
        if prefix == "B":
            start = word
        elif prefix in "ES":
            spans.append(Span(word if prefix == "S" else start, word + 1, label))
    return tuple(spans), start


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and label of a tag: `("B", "ORG")` of `B-ORG`, `("O", "")` of `O`.

    Raises:
        ValueError: for a string that is neither.
    """
    if tag == "O":
        return "O", ""
    if len(tag) < 3 or tag[1] != "-" or tag[0] not in "BIES":
        raise ValueError(f"{tag!r} is no tag: expected O, or one of B- I- E- S- and a label")
    return tag[0], tag[2:]


def tag_set(labels: Iterable[str], scheme: str = "IOBES") -> tuple[str, ...]:
    """All tags for entities of these labels: `O` first, then label by label in sorted order."""
    _check_choice("scheme", scheme, SCHEMES)
    return ("O", *(f"{prefix}-{label}" for label in sorted(set(labels)) for prefix in _PREFIXES[scheme]))


@dataclass(frozen=True, slots=True)
class LegalTransitions:
    """Which tags may begin a sentence, follow one another (`transitions[from][to]`) and end a sentence."""

    start: tuple[bool, ...]
    transitions: tuple[tuple[bool, ...], ...]
    end: tuple[bool, ...]


def legal_transitions(tags: Sequence[str]) -> LegalTransitions:
    """Say which sequences of these tags spell spans: those that `spans_to_tags` can give, and no others.

    The scheme is IOBES where a tag begins with `E-` or `S-`, else BIO.

    Raises:
        ValueError: for a string that is no tag.
    """
    parts = [split_tag(tag) for tag in tags]
    is_iobes = any(prefix in "ES" for prefix, _ in parts)

    def may_follow(previous: tuple[str, str], following: tuple[str, str]) -> bool:
        inside = _continues(*previous, *following)
        leaves = previous[0] not in "BI" if is_iobes else True
        begins = following[0] in "OBS"
        return inside or (leaves and begins)

    outside = ("O", "")
    return LegalTransitions(
        start=tuple(may_follow(outside, following) for following in parts),
        transitions=tuple(tuple(may_follow(previous, following) for following in parts) for previous in parts),
        end=tuple(may_follow(previous, outside) for previous in parts),
    )


def _continues(previous: str, previous_label: str, prefix: str, label: str) -> bool:
    return previous in "BI" and prefix in "IE" and previous_label == label


def _is_well_formed(first: str, last: str, scheme: str) -> bool:
    if scheme == "BIO":
        return first == "B"
    return first == "S" or (first == "B" and last == "E")


def _check_choice(what: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"unknown {what} {value!r}: choose one of {', '.join(choices)}")
