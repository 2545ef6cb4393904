from collections import Counter

import pytest

from ner.corpus.dependencies import GivenDependencies
from ner.corpus.sentence import DependencyTree, MalformedTree, Sentence


def test_sentences_stay_as_they_are():
    tree = DependencyTree((0, 0), ("root", "obj"))
    malformed = MalformedTree((1, None), ("x", "y"), "a.conllu:1: no")
    sentences = [
        Sentence(words=("a", "b"), tree=tree),
        Sentence(words=("a", "b")),
        Sentence(words=("a", "b"), malformed=malformed),
    ]
    counts = Counter()
    assert list(GivenDependencies().attach(sentences, counts)) == sentences
    assert counts == {"sentences": 3, "without tree": 2, "malformed": 1}


def test_the_formalism_can_be_said():
    assert GivenDependencies().formalism == "given"
    assert GivenDependencies(formalism="sd").fingerprint() == {"provider": "given", "formalism": "sd"}


@pytest.mark.parametrize("formalism", ["", "a/b", ".."])
def test_a_formalism_is_a_name(formalism):
    with pytest.raises(ValueError, match="formalism is"):
        GivenDependencies(formalism=formalism)
