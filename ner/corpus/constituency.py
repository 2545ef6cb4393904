"""Constituency trees as CoNLL-2012 writes them, made fit for CoreNLP's head rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ner.corpus.languages import ENGLISH, Language, language_of
from ner.corpus.sentence import Sentence

PHRASE_LABELS = ENGLISH.phrases
"""The phrase labels of English that have a head rule in CoreNLP for both of its formalisms."""

TRACE = "-NONE-"
_TOKEN = re.compile(r"\([^\s()*]*|[*)]")
_LABEL = re.compile(r"\(([^()*]*)")
_FUNCTION = re.compile(r"[-=|#^~_]")  # what follows it is no part of the category: NP-SBJ, NP=1
_EMPTY_PHRASE = re.compile(r"\([^()*]*\)")


@dataclass(frozen=True, slots=True)
class Constituency:
    """A bracketed tree, with one `*` for each word: `(TOP(S(NP**)(VP*)))`.

    `positions` are the words' places in their sentence, from which traces may have been taken out;
    `renamed` lists the phrase labels that X stands for; `language` is that of the tree, None where it may be any.
    """

    brackets: str
    words: tuple[str, ...]
    pos: tuple[str, ...]
    positions: tuple[int, ...]
    renamed: tuple[str, ...] = ()
    language: Language | None = None

    def tokens(self) -> list[str]:
        """The tree from left to right: `(LABEL`, `*` and `)`."""
        return _TOKEN.findall(self.brackets)


def constituency(sentence: Sentence) -> Constituency | None:
    """Read a sentence's parse, with labels that CoreNLP does not know renamed to X, and without traces.

    None where the sentence has nothing to convert: no parse, no phrase over its several words (what CoNLL-2012 files
    write where the parse is missing), or no word but traces.

    Raises:
        ValueError: naming the source, when the brackets are not those of one tree, there are no parts of speech, or
            they are of a language whose trees CoreNLP cannot convert.
    """
    if not sentence.parse:
        return None
    if sentence.pos is None:
        raise ValueError(f"{sentence.source}: a parse is of no use without parts of speech")
    brackets, words, pos = sentence.parse, sentence.words, sentence.pos
    _check_one_tree(brackets, sentence.source)
    if brackets.count("(") == 1 and len(words) > 1:
        return None
    positions = tuple(range(len(words)))
    if TRACE in pos:
        positions = tuple(word for word in positions if pos[word] != TRACE)
        if not positions:
            return None
        brackets = _without_traces(brackets, pos)
        words, pos = tuple(words[word] for word in positions), tuple(pos[word] for word in positions)
    labels = _LABEL.findall(brackets)
    try:
        language = language_of(pos)
    except ValueError as error:
        raise ValueError(f"{sentence.source}: {error}") from error
    known = PHRASE_LABELS if language is None or language is ENGLISH else language.phrases
    renamed = tuple(label for label in labels if _category(label) not in known)
    if renamed:
        brackets = _LABEL.sub(lambda match: match[0] if _category(match[1]) in known else "(X", brackets)
    return Constituency(brackets, words, pos, positions, renamed, language)


def _check_one_tree(brackets: str, source: str) -> None:
    tokens = _TOKEN.findall(brackets)
    if sum(map(len, tokens)) != len(brackets):
        raise ValueError(f"{source}: a parse of other things than (LABEL, * and ): {brackets}")
    depth = 0
    for number, token in enumerate(tokens):
        depth += 1 if token[0] == "(" else -1 if token == ")" else 0
        if depth < 1 and (depth < 0 or number + 1 < len(tokens)):
            raise ValueError(f"{source}: a parse that is closed before its end: {brackets}")
    if depth:
        raise ValueError(f"{source}: a parse with {depth} brackets left open: {brackets}")


def _without_traces(brackets: str, pos: tuple[str, ...]) -> str:
    """Take the traces out, and the phrases that they leave empty."""
    stars = iter("" if tag == TRACE else "*" for tag in pos)
    brackets = re.sub(r"\*", lambda _: next(stars), brackets)
    while _EMPTY_PHRASE.search(brackets):
        brackets = _EMPTY_PHRASE.sub("", brackets)
    return brackets


def _category(label: str) -> str:
    return _FUNCTION.split(label, maxsplit=1)[0]
