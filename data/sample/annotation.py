"""An expanded tree as CoNLL-2012 has it: brackets, entities, predicates with their arguments, coreference."""

from __future__ import annotations

from collections.abc import Iterator

from lexicon import WORDS
from notation import Node

from ner.corpus.sentence import Span

Range = tuple[int, int]
Argument = tuple[Node, str]


class Tree:
    """A sentence's tree with the parent and the words of each node; entities are no constituents of it."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.leaves = list(root.leaves())
        self.parents: dict[Node, Node] = {}
        self.ranges: dict[Node, Range] = {}
        self._visit(root, root, 0)

    def _visit(self, node: Node, parent: Node, start: int) -> int:
        self.parents[node] = parent
        end = start if node.children else start + 1
        for child in node.children:
            end = self._visit(child, node if node.label else parent, end)
        self.ranges[node] = start, end
        return end

    def children(self, node: Node) -> Iterator[Node]:
        for child in node.children:
            if child.label:
                yield child
            else:
                yield from self.children(child)


def brackets(node: Node) -> str:
    """The tree as CoNLL-2012 writes it, with a `*` for each word."""
    if not node.children:
        return "*"
    inside = "".join(map(brackets, node.children))
    return f"({node.label}{inside})" if node.label else inside


def entities(tree: Tree) -> tuple[Span, ...]:
    return tuple(sorted(Span(*tree.ranges[node], node.entity) for node in tree.root.nodes() if node.entity))


def is_auxiliary(tree: Tree, verb: Node) -> bool:
    phrase = tree.parents[verb]
    return verb.lemma in ("be", "have", "do") and any(
        child.label == "VP" or (phrase.label == "SQ" and child.label not in ("NP", "VP") and child.lemma == "")
        for child in tree.children(phrase)
    )


def arguments(tree: Tree, verb: Node) -> list[Argument]:
    """The constituents that are a verb's arguments, and their roles; an auxiliary has none, as in OntoNotes."""
    phrase = tree.parents[verb]
    if is_auxiliary(tree, verb):
        return []
    after = [child for child in tree.children(phrase) if tree.ranges[child] > tree.ranges[verb]]
    passive = verb.label == "VBN" and not any(leaf.lemma == "have" for leaf in tree.children(tree.parents[phrase]))
    found = list(_complements(verb, after))
    while True:
        found += _modifiers(tree, phrase)
        if tree.parents[phrase].label != "VP":
            break
        phrase = tree.parents[phrase]
    has_object = any(role == "ARG1" for _, role in found)
    undergoes = passive or verb.lemma == "be" or (verb.lemma in WORDS["UNACCUSATIVE"] and not has_object)
    return found + list(_subjects(tree, phrase, "ARG1" if undergoes else "ARG0", has_object=has_object))


def _complements(verb: Node, after: list[Node]) -> Iterator[Argument]:
    taken = set()
    for node in after:
        role = _complement_role(verb, node)
        if role.startswith("ARGM") or (role and role not in taken):
            taken.add(role)
            yield node, role


def _complement_role(verb: Node, node: Node) -> str:
    """The role of what follows a verb in its phrase, "" where it has none here."""
    kinds = {inner.entity for inner in node.nodes()} - {""}
    first = next(node.leaves())
    if node.label in ("NP", "ADVP", "PP") and kinds and kinds <= {"DATE", "TIME"} and verb.lemma != "be":
        return "ARGM-TMP"
    if node.label == "SBAR" and first.word in ("before", "if", "until", "when", "while"):
        return "ARGM-ADV" if first.word in ("if", "while") else "ARGM-TMP"
    if node.label in ("NP", "S", "SBAR", "ADJP"):
        return "ARG2" if verb.lemma == "be" or kinds == {"PERCENT"} else "ARG1"
    return ""


def _modifiers(tree: Tree, phrase: Node) -> Iterator[Argument]:
    for child in tree.children(phrase):
        if child.label == "MD":
            yield child, "ARGM-MOD"
        elif child.word in ("not", "n't"):
            yield child, "ARGM-NEG"


def _subjects(tree: Tree, phrase: Node, role: str, *, has_object: bool) -> Iterator[Argument]:
    """The subject of the clause, or what a relative pronoun stands for, and the pronoun itself as `R-`."""
    clause = tree.parents[phrase]
    subject = next((child for child in tree.children(clause) if child.label == "NP"), None)
    if subject and not any(leaf.label == "EX" for leaf in subject.leaves()):
        yield subject, role
    relative = tree.parents[clause]
    pronoun = next((child for child in tree.children(relative) if child.label == "WHNP"), None)
    if pronoun and any(leaf.label == "WP$" for leaf in pronoun.leaves()):
        yield pronoun, role
    elif pronoun and not (subject and has_object):
        role = "ARG1" if subject else role
        antecedent = next((node for node in tree.children(tree.parents[relative]) if node.label == "NP"), None)
        yield pronoun, f"R-{role}" if antecedent else role
        if antecedent:
            yield antecedent, role


def argument_column(tree: Tree, verb: Node) -> tuple[str, ...]:
    """One predicate's column: `(V*)`, `(ARG0*` ... `*)`. Of arguments that overlap the first one stays."""
    cells = ["*"] * len(tree.leaves)
    taken = [False] * len(cells)
    for node, role in [(verb, "V"), *arguments(tree, verb)]:
        start, end = tree.ranges[node]
        if any(taken[start:end]):
            continue
        taken[start:end] = [True] * (end - start)
        cells[start] = f"({role}" + cells[start]
        cells[end - 1] += ")"
    return tuple(cells)


def mentions(tree: Tree) -> Iterator[tuple[str, Node]]:
    """What may corefer: `(key, node)`, where the same key is the same person or thing.

    A person's, town's or company's name is its own key; a pronoun has the name it is tied to in the pattern.
    """
    names = {}
    for node in tree.root.nodes():
        if node.entity in ("PERSON", "GPE", "ORG"):
            start, end = tree.ranges[node]
            key = f"{node.entity} {' '.join(leaf.word for leaf in tree.leaves[start:end])}"
            names[node] = key
            yield key, node
    ties = {
        anchor.tie: names[node]
        for anchor in tree.root.nodes()
        if anchor.tie
        for node in anchor.nodes()
        if node in names
    }
    for leaf in tree.leaves:
        if leaf.tie:
            yield ties[leaf.tie], leaf


def coreference_column(tree: Tree, chains: list[tuple[int, Node]]) -> tuple[str, ...]:
    """`(3`, `3)`, `(3)`, joined by `|`, or `-`."""
    opened: list[list[str]] = [[] for _ in tree.leaves]
    closed: list[list[str]] = [[] for _ in tree.leaves]
    for chain, node in chains:
        start, end = tree.ranges[node]
        if end == start + 1:
            opened[start].append(f"({chain})")
        else:
            opened[start].append(f"({chain}")
            closed[end - 1].append(f"{chain})")
    return tuple("|".join(o + c) or "-" for o, c in zip(opened, closed, strict=True))
