import pytest

from ner.corpus.conllx import ConllxSource, write_conllx
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.trees import SourceWithTrees

TREE = DependencyTree((1, 1, 1), ("nsubj", "root", "obj"))
TEXT = [
    Sentence(words=("Orn", "left", "Velm"), spans=(Span(0, 1, "PERSON"),)),
    Sentence(words=("Kel", "sees", "it")),
]


def converted(*sentences):
    return [Sentence(words=tuple(words.split()), tree=TREE if len(words.split()) == 3 else None) for words in sentences]


@pytest.fixture
def make(tmp_path):
    def source_with(*trees):
        text = tmp_path / "text.conllx"
        write_conllx(TEXT, text)
        (tmp_path / "ud").mkdir()
        write_conllx(converted(*trees), tmp_path / "ud" / "train.conllx")
        return SourceWithTrees(
            name="mine",
            source=ConllxSource(train=text, validation=text, test=text),
            trees={"ud": tmp_path / "ud", "sd": tmp_path / "sd"},
        )

    return source_with


def test_the_chosen_trees_are_put_on_the_sentences(make, tmp_path):
    source = make("Orn left Velm", "Kel sees it")
    assert [sentence.tree for sentence in source.read("train")] == [None, None]
    assert source.files("train") == (tmp_path / "text.conllx",)
    chosen = source.converted("ud")
    sentences = list(chosen.read("train"))
    assert [(sentence.words, sentence.spans) for sentence in sentences] == [(s.words, s.spans) for s in TEXT]
    assert [sentence.tree for sentence in sentences] == [TREE, TREE]
    assert chosen.files("train") == (tmp_path / "text.conllx", tmp_path / "ud" / "train.conllx")
    assert chosen.name == source.name == "mine"


def test_a_formalism_it_does_not_have(make):
    assert make("Orn left Velm", "Kel sees it").converted("given") is None


@pytest.mark.parametrize(
    ("trees", "message"),
    [
        (["Orn left Velm", "Kel saw it"], r"ud/train\.conllx:5: not the words of .*text\.conllx:5: 'sees', here 'saw'"),
        (["Orn left Velm", "Kel sees"], r"ud/train\.conllx:5: not the words of .*: 3 words, here 2"),
        (["Orn left Velm"], r"ud/train\.conllx: the file ends before the sentence at .*text\.conllx:5"),
        (["Orn left Velm", "Kel sees it", "Kel sees it"], r"train\.conllx:9: a tree for which the corpus has no"),
    ],
)
def test_other_words_are_refused(make, trees, message):
    with pytest.raises(ValueError, match=message):
        list(make(*trees).converted("ud").read("train"))


def test_a_split_without_trees_is_refused(make):
    with pytest.raises(ValueError, match=r"validation\.conllx"):
        list(make("Orn left Velm").converted("ud").read("validation"))
