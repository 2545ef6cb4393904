"""With the real parsers, wherever there is a Java and the models can be had."""

import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offsets import check_offsets

from ner.corpus.corenlp import ConversionError, CoreNLPError
from ner.corpus.dependencies import CoreNLPParser, StanfordDependencies, TextParser, corenlp_parser
from ner.corpus.dependencies.models import NEURAL, SHIFT_REDUCE, TAGGER, fetch_models
from ner.corpus.dependencies.pipeline import SENTENCE_END, ParsedToken
from ner.corpus.jars import class_path
from ner.corpus.sentence import DependencyTree, MalformedTree, Sentence

WORDS = ("She", "sleeps", "in", "Rome", ".")
SD = DependencyTree((1, 1, 1, 2, 1), ("nsubj", "root", "prep", "pobj", "punct"))


@pytest.fixture(scope="module")
def parsers():
    """The shift-reduce parser for given words and the neural one, which loads faster, for text."""
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    try:
        class_path()
        fetch_models((TAGGER, SHIFT_REDUCE, NEURAL["sd"]))
    except OSError as error:
        pytest.skip(f"the models cannot be had: {error}")
    with CoreNLPParser() as shift_reduce, CoreNLPParser(parser="neural", threads=1) as neural:
        yield shift_reduce, neural


def text_of(tokenized, text):
    return [[text[begin:end] for begin, end in sentence.offsets] for sentence in tokenized]


@pytest.mark.slow
def test_given_words_are_parsed_as_they_are(parsers):
    odd = (
        "-LRB-",
        "``",
        "a b",
        "\N{NO-BREAK SPACE}",
        "\u2028",
        "\x85",
        "",
        "/.",
        "quit",
        "😀",
        "don't",
        "works",
    )
    sentences = [
        Sentence(words=WORDS, source="a:1"),
        Sentence(words=()),
        Sentence(words=odd, malformed=MalformedTree((1,), ("x",), "")),
        Sentence(words=("quit",), tree=DependencyTree((0,), ("x",))),
    ]
    counts = Counter()
    parsed = list(parsers[0].attach(sentences, counts))
    assert [each.words for each in parsed] == [each.words for each in sentences]
    assert parsed[0] == replace(sentences[0], tree=SD)
    assert [each.tree is None for each in parsed] == [False, True, False, False]
    assert parsed[2].malformed is None
    assert parsed[3].tree.relations == ("root",)
    assert counts == {"sentences": 4, "without tree": 1, "unattached": 0}


@pytest.mark.slow
def test_the_conversion_is_that_of_gold_trees(parsers):
    parse = "(TOP(S(NP*)(VP*(PP*(NP*)))*))"
    gold = Sentence(words=WORDS, pos=("PRP", "VBZ", "IN", "NNP", "."), parse=parse)
    [converted] = StanfordDependencies().attach([gold])
    [parsed] = parsers[0].attach([gold])
    assert parsed.tree == converted.tree == SD


@pytest.mark.slow
def test_text(parsers):
    text = 'A headline\r\n\r\nHe (Bob)  said "I don’t 😀 know" 2 1/2\ntimes. New.\n'
    for parser in parsers[1:]:
        assert isinstance(parser, TextParser)
        sentences = parser.parse_text(text, source="a.txt")
        assert text_of(sentences, text) == [
            ["A", "headline"],
            ["He", "(", "Bob", ")", "said", '"', "I", "do", "n’t", "😀", "know", '"', "2 1/2", "times", "."],
            ["New", "."],
        ]
        assert sentences[1].sentence.words[12] == "2\N{NO-BREAK SPACE}1/2"
        assert sentences[1].sentence.source == "a.txt, character 14"
        assert all(sentence.tree is not None for sentence, _ in sentences)


TEXTS = st.text(
    st.characters() | st.sampled_from('ab ."(\n\r\t\u2028\u2029\x85\x0b\xa0\u3000\ufeff\u200d😀é\u0301\ud800')
)


@pytest.mark.slow
@settings(max_examples=60)
@given(TEXTS | st.lists(TEXTS).map(" word.\n\n".join))
def test_offsets_are_those_of_any_text(parsers, text):
    check_offsets(text, parsers[1].parse_text(text))


def test_long_texts_are_cut_between_paragraphs_only(monkeypatch):
    asked = []

    def answer(self, piece):
        asked.append(piece)
        return [[ParsedToken((0, "root"), 0, 1, piece[0])]]

    monkeypatch.setattr(CoreNLPParser, "_ask_raw", answer)
    monkeypatch.setattr("ner.corpus.dependencies.corenlp_parser._PIECE", 10)
    text = "abc def\n\nghi\n\njkl mno pqr stu vwx\n\n\n\ny\nz"
    sentences = CoreNLPParser().parse_text(text)
    assert "".join(asked) == text
    assert [piece.strip() for piece in asked] == ["abc def", "ghi", "jkl mno pqr stu vwx", "y\nz"]
    assert [text[begin:end] for _, [(begin, end)] in sentences] == ["a", "g", "j", "y"]


@pytest.fixture
def fails_on(monkeypatch):
    """Lets Java die of a word."""

    def arrange(deadly):
        def ask(self, sentences):
            if any(word == deadly for words in sentences for word in words):
                raise ConversionError("a cause")
            return [[(0, "root"), *[(1, "dep")] * (len(words) - 1)] for words in sentences]

        monkeypatch.setattr(CoreNLPParser, "_ask_given", ask)

    return arrange


def test_a_sentence_that_kills_java_costs_only_itself(fails_on):
    fails_on("BAD")
    sentences = [Sentence(words=("a", "BAD" if number == 77 else "b"), source=f"a:{number}") for number in range(300)]
    counts = Counter()
    with pytest.warns(UserWarning, match="a:77: CoreNLP cannot parse this sentence: a cause"):
        parsed = list(CoreNLPParser().attach(sentences, counts))
    assert [number for number, sentence in enumerate(parsed) if sentence.tree is None] == [77]
    assert counts == {"sentences": 300, "without tree": 1, "failed": 1, "unattached": 0}


def test_a_parser_that_never_works_is_told(fails_on):
    fails_on("The")
    with pytest.raises(CoreNLPError, match=r"does not work with the class path any\.jar \(a cause\)"):
        list(CoreNLPParser(classpath="any.jar").attach([Sentence(words=("The",))]))


def test_other_words_are_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr("ner.corpus.dependencies.corenlp_parser.fetch_models", lambda *_: (tmp_path, tmp_path))
    monkeypatch.setattr("ner.corpus.dependencies.pipeline.Pipeline.parse", lambda self, line: [])
    with pytest.raises(ConversionError, match="other words came back"):
        CoreNLPParser(classpath="any.jar")._ask_given([("a",)])


def test_the_fingerprint_says_which_models(monkeypatch):
    monkeypatch.delenv("CORENLP_HOME", raising=False)
    choices = [(formalism, parser) for formalism in ("sd", "ud") for parser in ("shift_reduce", "neural")]
    prints = [CoreNLPParser(formalism=formalism, parser=parser).fingerprint() for formalism, parser in choices]
    assert all(prints.count(one) == 1 for one in prints)
    assert prints[0]["models"] == {TAGGER.path: TAGGER.sha256, SHIFT_REDUCE.path: SHIFT_REDUCE.sha256}
    assert CoreNLPParser(threads=1, memory=3000, timeout=1.0).fingerprint() == prints[0]


@pytest.mark.parametrize(
    "options", [{"formalism": "given"}, {"parser": "pcfg"}, {"threads": 0}, {"memory": 0}, {"timeout": 0.0}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        CoreNLPParser(**options)


def test_the_separator_of_sentences_cannot_be_in_a_word():
    from ner.corpus.dependencies.corenlp_parser import _SEPARATES

    assert _SEPARATES.fullmatch(SENTENCE_END)


def test_the_tracked_class_is_made_of_the_source_beside_it(tmp_path):
    javac = shutil.which("javac")
    if javac is None or subprocess.run([javac, "-version"], capture_output=True, text=True).stdout[:8] != "javac 17":
        pytest.skip("there is no javac 17, which made it")
    try:
        jars = class_path()
    except OSError as error:
        pytest.skip(f"the jars cannot be had: {error}")
    tracked = Path(corenlp_parser.__file__).parent / "java" / "BasicDependencies.class"
    options = ["--release", "8", "-g:none", "-nowarn", "-cp", jars, "-d", str(tmp_path)]
    subprocess.run([javac, *options, str(tracked.with_suffix(".java"))], check=True, capture_output=True)
    assert (tmp_path / tracked.name).read_bytes() == tracked.read_bytes()
