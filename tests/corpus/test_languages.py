import pytest

from ner.corpus.constituency import constituency
from ner.corpus.languages import CHINESE, ENGLISH, language_of
from ner.corpus.sentence import Sentence


@pytest.mark.parametrize(
    ("pos", "language"),
    [
        ("DT NN VBZ .", ENGLISH),
        ("NR VV NN PU", CHINESE),
        ("NN", None),
        ("NN FOO", None),
        ("XX VERB", ENGLISH),
        ("NN AD VBZ PU", CHINESE),
    ],
)
def test_told_by_parts_of_speech(pos, language):
    assert language_of(pos.split()) is language


def test_arabic_trees_are_refused():
    pos = ("DET+NOUN+CASE_DEF_GEN", "NOUN_PROP", "PUNC")
    with pytest.raises(
        ValueError, match=r"x:1: the parts of speech DET\+NOUN.* neither of English nor of Chinese trees"
    ):
        constituency(Sentence(words=("a", "b", "c"), pos=pos, parse="(TOP(S(NP**)*))", source="x:1"))


@pytest.mark.parametrize(("language", "renamed"), [(CHINESE, ()), (ENGLISH, ("IP", "CP"))])
def test_each_language_has_its_phrases(language, renamed):
    pos = ("NR", "VV") if language is CHINESE else ("DT", "VBZ")
    tree = constituency(Sentence(words=("a", "b"), pos=pos, parse="(TOP(IP(CP**)))"))
    assert (tree.language, tree.renamed) == (language, renamed)
