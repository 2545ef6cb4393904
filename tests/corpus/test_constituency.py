import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.constituency import PHRASE_LABELS, TRACE, constituency
from ner.corpus.sentence import Sentence


def sentence(words, pos, parse):
    return Sentence(words=tuple(words.split()), pos=tuple(pos.split()), parse=parse, source="a.conll:7")


def phrases(label, leaf):
    """Brackets of random trees, whose root has two phrases."""
    inner = st.recursive(
        leaf,
        lambda child: st.builds(
            lambda name, children: f"({name}{''.join(children)})", label, st.lists(child, min_size=1, max_size=3)
        ),
        max_leaves=12,
    )
    return st.builds("(TOP(S{})(VP{}))".format, inner, inner)


@given(phrases(st.sampled_from(sorted(PHRASE_LABELS)), st.just("*")))
def test_known_labels_and_words_stay_as_they_are(parse):
    words = tuple(f"w{n}" for n in range(parse.count("*")))
    tree = constituency(Sentence(words=words, pos=("NN",) * len(words), parse=parse))
    assert "".join(tree.tokens()) == tree.brackets == parse
    assert (tree.words, tree.positions, tree.renamed) == (words, tuple(range(len(words))), ())


@given(phrases(st.sampled_from(("NP", "NP-SBJ", "FOO", "CODE", "IP")), st.sampled_from(("*", "?"))))
def test_traces_go_with_the_phrases_they_leave_empty_and_unknown_labels_become_x(parse):
    leaves = [leaf for leaf in parse if leaf in "*?"]
    pos = tuple("NN" if leaf == "*" else TRACE for leaf in leaves)
    words = tuple(f"w{n}" for n in range(len(leaves)))
    tree = constituency(Sentence(words=words, pos=pos, parse=parse.replace("?", "*")))
    if "*" not in parse:
        assert tree is None
        return
    assert tree.positions == tuple(n for n, leaf in enumerate(leaves) if leaf == "*")
    assert tree.words == tuple(words[n] for n in tree.positions)
    assert tree.brackets.count("*") == len(tree.words)
    assert "()" not in tree.brackets
    labels = [token[1:] for token in tree.tokens() if token[0] == "("]
    assert set(labels) <= {"TOP", "S", "VP", "NP", "NP-SBJ", "X"}
    assert labels.count("X") == len(tree.renamed)
    assert len(tree.tokens()) == len(labels) * 2 + len(tree.words)
    constituency(Sentence(words=tree.words, pos=tree.pos, parse=tree.brackets))  # one tree still


def test_function_tags_stay():
    tree = constituency(sentence("It rained", "PRP VBD", "(TOP(S(NP-SBJ-1*)(VP=2*)))"))
    assert tree.brackets == "(TOP(S(NP-SBJ-1*)(VP=2*)))"


@pytest.mark.parametrize(
    ("words", "pos", "parse"),
    [
        ("no tree here", "XX XX XX", "(TOP***)"),
        ("*pro*", TRACE, "(TOP(S(NP*)))"),
    ],
)
def test_nothing_to_convert(words, pos, parse):
    assert constituency(sentence(words, pos, parse)) is None


def test_no_parse():
    assert constituency(Sentence(words=("a",), pos=("DT",))) is None


def test_a_single_word_needs_no_phrase():
    assert constituency(sentence("Yes", "UH", "(TOP*)")).brackets == "(TOP*)"


@pytest.mark.parametrize(
    "parse",
    ["(TOP(S**)", "(TOP(S**)))", "(TOP(S*))(NP*)", "**", "*(TOP(S*))", "(TOP(S* *))", "(TOP(S*NN*))", "(TOP(S*))*"],
)
def test_a_parse_that_is_not_one_tree_is_refused(parse):
    with pytest.raises(ValueError, match=r"^a\.conll:7: a parse"):
        constituency(sentence("a b", "NN NN", parse))


def test_a_parse_without_parts_of_speech_is_refused():
    with pytest.raises(ValueError, match=r"^a\.conll:7: .*parts of speech"):
        constituency(Sentence(words=("a",), parse="(TOP(NP*))", source="a.conll:7"))
