"""Documents of any text with tokens and entities somewhere in it, for the tests of what writes them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from ner.corpus.sentence import DependencyTree
from ner.document import Document, DocumentSentence, Entity, Token

LABELS = ["PERSON", "GPE", "<b>&", "Ort/Stadt", "__proto__"]


def document_of(text, cuts, *, name="", labels=LABELS, tree=True):
    """Tokens between the cuts, all in one sentence; every other two of them are an entity."""
    cuts = sorted({cut for cut in cuts if 0 <= cut <= len(text)})
    bounds = [(start, end) for start, end in pairwise(cuts) if text[start:end].strip()]
    tokens = tuple(Token(text=text[start:end], start=start, end=end, form=text[start:end]) for start, end in bounds)
    entities = []
    for number, first in enumerate(range(0, len(tokens) - 1, 4)):
        start, end = tokens[first].start, tokens[first + 1].end
        entities.append(
            Entity(
                text=text[start:end],
                label=labels[number % len(labels)],
                start=start,
                end=end,
                first=first,
                last=first + 1,
                probability=1 / (number + 1),
            )
        )
    heads = DependencyTree((0,) * len(tokens), ("root", *["<dep>"] * (len(tokens) - 1))) if tokens and tree else None
    sentence = DocumentSentence(start=0, end=len(text), tokens=tokens, entities=tuple(entities), tree=heads)
    return Document(text=text, sentences=(sentence,) if tokens else (), name=name)


TEXTS = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from(" \t\r\n\x0b\x0c\x1c\x85\u2028<>&\"'\\/")), max_size=40
)
ENCODABLE = TEXTS.map(lambda text: text.encode(errors="ignore").decode())
CUTS = st.lists(st.integers(0, 40), max_size=20)
