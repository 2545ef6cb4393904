"""How words are written, told from the ids of their characters."""

from __future__ import annotations

import pytest
import torch

from ner.corpus.dataset import encode_words
from ner.corpus.vocabulary import build
from ner.model.case import CAPITALIZED, LOWER, MIXED, NO_LETTER, UPPER, Case

WRITTEN = {
    "ulm": LOWER,
    "Ulm": CAPITALIZED,
    "ULM": UPPER,
    "U": UPPER,
    "U.S.": UPPER,
    "uLm": MIXED,
    "UlM": MIXED,
    "1990": NO_LETTER,
    "--": NO_LETTER,
    "1990s": LOWER,
    "3D": UPPER,
    "Éluard": CAPITALIZED,
    "e-Mail": MIXED,
    "Jean-Luc": MIXED,
}
VOCABULARIES = build(word_counts=dict.fromkeys(WRITTEN, 2), relations=["dep"], labels=["PERSON"])


def test_each_word_is_of_its_class():
    classes = Case(VOCABULARIES, size=2).classes(encode_words(WRITTEN, VOCABULARIES))
    assert dict(zip(WRITTEN, classes.tolist(), strict=True)) == WRITTEN


def test_its_vectors_are_trained_and_nothing_else_is_stored():
    part = Case(VOCABULARIES, size=2)
    features = part(encode_words(["ulm", "Ulm", "bern"], VOCABULARIES))
    assert torch.equal(features, part.weight[[LOWER, CAPITALIZED, LOWER]])
    assert list(part.state_dict()) == ["weight"]


def test_unknown_characters_are_no_letters():
    words = encode_words(["Ж"], VOCABULARIES)
    assert Case(VOCABULARIES, size=2).classes(words).tolist() == [NO_LETTER]


def test_it_has_a_size():
    with pytest.raises(ValueError, match="size is 0"):
        Case(VOCABULARIES, size=0)
