"""With the real CoreNLP, wherever there is a Java."""

import shutil

import pytest

from ner.corpus.constituency import Constituency
from ner.corpus.corenlp import ConversionError, CoreNLPError, StanfordConverter, UniversalConverter
from ner.corpus.jars import class_path

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java")
CONVERTERS = (UniversalConverter, StanfordConverter)


def tree(words, pos, brackets):
    words = tuple(words.split(" "))
    return Constituency(brackets, words, tuple(pos.split()), tuple(range(len(words))))


SLEEPS = tree("She sleeps in Rome .", "PRP VBZ IN NNP .", "(TOP(S(NP*)(VP*(PP*(NP*)))*))")
EDGES = {
    UniversalConverter: [(2, "nsubj"), (0, "root"), (4, "case"), (2, "obl"), (2, "punct")],
    StanfordConverter: [(2, "nsubj"), (0, "root"), (2, "prep"), (3, "pobj"), (2, "punct")],
}
DEADLY = tree("old barn", "JJ NN", "(TOP(FOO**))")


@pytest.fixture(scope="module")
def jars():
    return class_path()


@pytest.fixture(scope="module", params=CONVERTERS)
def converter(request, jars):
    converter = request.param(classpath=jars, timeout=60.0)
    yield converter
    converter.close()


@pytest.fixture
def fake_java(tmp_path, monkeypatch):
    """Put a shell script in Java's place."""

    def install(script):
        java = tmp_path / "java"
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return install


@needs_java
def test_a_known_sentence(converter):
    converter.self_test()
    assert converter.convert([SLEEPS, SLEEPS]) == [EDGES[type(converter)]] * 2


@needs_java
def test_it_works_on_after_a_tree_that_kills_java(converter):
    with pytest.raises(ConversionError, match="No head rule defined for FOO"):
        converter.convert([SLEEPS, DEADLY, SLEEPS])
    assert converter.convert([SLEEPS]) == [EDGES[type(converter)]]


@needs_java
def test_no_word_or_tag_breaks_a_tree(converter):
    odd = [
        "(", ")", "-LRB-", ":-)", "((", "a b", "\N{NO-BREAK SPACE}", "a\tb\n\nc", "\x1c", "\x85", "\u2028", "\u3000",
        "", "*", "\\/", "/.", "#", "'", '"', ";", "\\", "*x*x*x", "_", "(NP (NN x))", "\N{GRINNING FACE}", "\0",
    ]  # fmt: skip
    tags = ["NN", "-LRB-", "(", ")", "CODE", "IP", "RM", "RS", "", "A B", "''", ":", ".", "XX"]
    trees = [
        Constituency(f"(TOP(S(NP{'*' * len(odd)})(VP*)))", (*odd, "works"), (tag,) * len(odd) + ("VBZ",), ())
        for tag in tags
    ]
    for edges in converter.convert(trees):
        assert len(edges) == len(odd) + 1
        assert sum(relation == "root" for _, relation in edges) == 1
        assert all(0 <= head <= len(edges) for head, _ in edges)


@needs_java
@pytest.mark.parametrize("converter_type", CONVERTERS)
def test_a_wrong_class_path_is_told_with_java_s_words(converter_type, tmp_path):
    converter = converter_type(classpath=str(tmp_path / "nothing.jar"), timeout=60.0)
    with pytest.raises(CoreNLPError, match=r"(?s)nothing\.jar.*ClassNotFoundException.*protobuf-java.*unset"):
        converter.self_test()


@needs_java
def test_jars_without_protobuf_are_told_with_java_s_words(jars):
    converter = UniversalConverter(classpath=jars.split(":")[0], timeout=60.0)
    with pytest.raises(CoreNLPError, match=r"(?s)com/google/protobuf.*3\.25 for 4\.5\.10"):
        converter.self_test()


@pytest.mark.parametrize("converter_type", CONVERTERS)
def test_no_java(converter_type, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CoreNLPError, match=r"no java on the PATH.*Install one.*dependencies=given"):
        converter_type(classpath="any.jar", timeout=60.0).self_test()


@pytest.mark.parametrize("converter_type", CONVERTERS)
def test_a_java_that_hangs_is_given_up(converter_type, fake_java):
    fake_java("exec sleep 60")
    converter = converter_type(classpath="any.jar", timeout=0.2)
    with pytest.raises(ConversionError, match=r"no answer in 0\.2 s"):
        converter.convert([SLEEPS])
    converter.close()


@pytest.mark.parametrize("converter_type", CONVERTERS)
def test_a_java_that_says_nothing(converter_type, fake_java):
    fake_java("exit 3")
    with pytest.raises(ConversionError, match="Java ended without a word"):
        converter_type(classpath="any.jar", timeout=60.0).convert([SLEEPS])


def test_trees_that_java_swallows_are_noticed(fake_java):
    fake_java(r"printf '1\tShe\t_\tPRON\tPRP\t_\t0\troot\t_\t_\n\n'")
    with pytest.raises(ConversionError, match="1 trees came back for 2"):
        StanfordConverter(classpath="any.jar", timeout=60.0).convert([SLEEPS, SLEEPS])


def test_an_answer_with_other_words_is_noticed(fake_java):
    fake_java(r"printf '1\tShe\t_\tPRON\tPRP\t_\t0\troot\t_\t_\n\n'")
    with pytest.raises(ConversionError, match="other words"):
        StanfordConverter(classpath="any.jar", timeout=60.0).convert([SLEEPS])
