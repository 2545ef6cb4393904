"""The notation of patterns.txt: rules whose alternatives are Penn trees with blanks, and the trees they expand to."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from lexicon import Names, conjugate

TOKEN = re.compile(r"\?(?!/)|[(<][A-Z_]+(?::[A-Z_]+)?(?:#\d)?|[()<>]|[^\s()<>]+")


@dataclass(eq=False)
class Node:
    """A constituent, or, without children, a word; `entity` is the type where it is an entity.

    The label "" marks an entity over some of a constituent's children; it is no constituent.
    """

    label: str
    children: list[Node] = field(default_factory=list)
    word: str = ""
    lemma: str = ""
    entity: str = ""
    tie: str = ""
    gender: str = ""

    def leaves(self) -> Iterator[Node]:
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def nodes(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.nodes()


class Expander:
    """Expands alternatives with names and words drawn at random."""

    def __init__(self, rules: dict[str, list[str]], names: Names, rng: random.Random) -> None:
        self.rules = rules
        self.names = names
        self.rng = rng

    def sentence(self, pattern: str) -> Node:
        """One sentence of a pattern, under TOP."""
        self.names.new_sentence()
        pattern = pattern.replace("%T", self.rng.choice(("PERSON", "ORG", "GPE")))
        pattern = pattern.replace("%U", self.rng.choice(("LOC", "PRODUCT", "FAC", "WORK_OF_ART")))
        root = Node("TOP", self._expand(pattern, tag="", entity=""))
        leaves = list(root.leaves())
        agree(root)
        for leaf, following in pairwise(leaves):
            if (
                leaf.word in ("a", "A")
                and leaf.label == "DT"
                and re.match(r"(?i)[aeio]|u[^ns]|(8|11|18)\b|8\d", following.word)
            ):
                leaf.word += "n"
        first = next(leaf for leaf in leaves if leaf.word[0].isalnum())
        first.word = first.word[0].upper() + first.word[1:]
        return root

    def _expand(self, alternative: str, *, tag: str, entity: str) -> list[Node]:
        tokens = TOKEN.findall(alternative)
        nodes = self._siblings(tokens, tag=tag, entity=entity)
        if tokens:
            raise ValueError(f"unbalanced brackets in {alternative!r}, left over: {tokens}")
        return nodes

    def _siblings(self, tokens: list[str], *, tag: str, entity: str) -> list[Node]:
        """Consumes tokens up to the bracket that closes these siblings, or to the end."""
        siblings: list[Node] = []
        while tokens and tokens[0] not in ")>":
            optional = tokens[0] == "?"
            if optional:
                tokens.pop(0)
            nodes = self._one(tokens, tag=tag, entity=entity)
            if not optional or self.rng.random() < 0.5:
                siblings += nodes
        return siblings

    def _one(self, tokens: list[str], *, tag: str, entity: str) -> list[Node]:
        token = tokens.pop(0)
        token, _, tie = token.partition("#")
        if token[0] in "(<":
            label, _, kind = token[1:].partition(":")
            if token[0] == "<":
                label, kind = "", label
            node = Node(label, self._siblings(tokens, tag=tag, entity=kind or entity), entity=kind, tie=tie)
            tokens.pop(0)
            return [node]
        if token[0] == "$" and token != "$/$":
            rule, _, tag = token[1:].partition(":")
            nodes = self._expand(self.rng.choice(self.rules[rule]), tag=tag, entity=entity)
            if tie:
                nodes[0].tie = tie
            return nodes
        word, pos = token.rsplit("/", 1)
        pos = tag if pos == "V" else pos
        word = self.rng.choice(word[1:-1].split("|")) if word[0] == "{" else word
        if word[0] == "@":
            pool = word[1:]
            gender = {"MAN": "m", "WOMAN": "f"}.get(pool, "")
            return [Node(pos, word=self.names.draw(pool, entity), tie=tie, gender=gender)]
        if pos.startswith("VB"):
            word, lemma = conjugate(word, pos)
            return [Node(pos, word=word, lemma=lemma, tie=tie)]
        return [Node(pos, word=word, tie=tie, gender={"Mr.": "m", "Mrs.": "f", "Ms.": "f"}.get(word, ""))]


FEMININE = {"he": "she", "his": "her", "him": "her"}


def agree(root: Node) -> None:
    """Turns pronouns feminine where the name they corefer with is a woman's."""
    women = {node.tie for node in root.nodes() if node.tie and any(leaf.gender == "f" for leaf in node.leaves())}
    for leaf in root.leaves():
        if leaf.tie in women:
            leaf.word = FEMININE.get(leaf.word, leaf.word)
