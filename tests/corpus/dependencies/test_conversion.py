"""Conversion of whole corpora, with the real CoreNLP wherever there is a Java."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus import constituency
from ner.corpus.corenlp import UNATTACHED, ConversionError, Converter, CoreNLPError
from ner.corpus.dependencies import StanfordDependencies, UniversalDependencies, describe
from ner.corpus.dependencies.conversion import _CoreNLPDependencies, complete_tree
from ner.corpus.sentence import DependencyTree, Sentence

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java")


def sentence(words, pos, parse, number=0):
    return Sentence(words=tuple(words.split()), pos=tuple(pos.split()), parse=parse, source=f"a.conll:{number}")


PLAIN = sentence("She sleeps in Rome .", "PRP VBZ IN NNP .", "(TOP(S(NP*)(VP*(PP*(NP*)))*))", 1)
BRACKETS = sentence("Rain -LRB- again -RRB-", "NN -LRB- RB -RRB-", "(TOP(NP(NP*)(PRN*(ADVP*)*)))", 2)
LABEL = sentence("old barn burns", "JJ NN VBZ", "(TOP(S(FOO**)(VP*)))", 3)
TRACE = sentence("*pro* sleeps well", "-NONE- VBZ RB", "(TOP(S(NP*)(VP*(ADVP*))))", 4)
ONLY_TRACE = sentence("*pro*", "-NONE-", "(TOP(S(NP*)))", 5)
NO_PARSE = sentence("no tree here", "XX XX XX", "(TOP***)", 6)
YES = sentence("Yes", "UH", "(TOP*)", 7)
EMPTY = Sentence(words=(), source="a.conll:8")
CORPUS = [PLAIN, BRACKETS, LABEL, TRACE, ONLY_TRACE, NO_PARSE, YES, EMPTY]

RELATIONS = {
    UniversalDependencies: ["nsubj root case obl punct", "root punct dep punct", "dep dep root", "dep root advmod"],
    StanfordDependencies: ["nsubj root prep pobj punct", "root punct dep punct", "dep dep root", "dep root advmod"],
}


class Recorder(Converter):
    """Makes each word depend on the first, unless a word is BAD; needs no Java."""

    calls = 0

    def convert(self, trees):
        Recorder.calls += 1
        if any("BAD" in tree.words for tree in trees):
            raise ConversionError("bad word")
        return [
            [(0, "root") if n == 0 else (9 if word == "FAR" else 1, "dep") for n, word in enumerate(tree.words)]
            for tree in trees
        ]

    def self_test(self):
        pass


class Recorded(_CoreNLPDependencies):
    formalism = "recorded"
    _converter = Recorder
    _batch_size = 4


def numbered(words_of_each):
    for number, words in enumerate(words_of_each):
        parse = f"(TOP(S{'*' * len(words)}))"
        yield Sentence(words=tuple(words), pos=("NN",) * len(words), parse=parse, source=f"a.conll:{number}")


@pytest.mark.slow
@needs_java
@pytest.mark.parametrize("formalism", RELATIONS)
def test_all_sorts_of_sentences(formalism, monkeypatch):
    monkeypatch.setattr(formalism, "_batch_size", 4)
    counts = Counter()
    with pytest.warns(UserWarning, match=r"a\.conll:3: CoreNLP does not know the phrase label 'FOO'") as warned:
        converted = list(formalism(num_jvms=2, timeout=60.0).attach(iter(CORPUS), counts))
    assert len(warned) == 1
    assert [replace(each, tree=None) for each in converted] == CORPUS
    assert [" ".join(each.tree.relations) for each in converted[:4]] == RELATIONS[formalism]
    assert converted[3].tree.heads == (1, 1, 1)
    assert [each.tree is None for each in converted] == [False] * 4 + [True, True, False, True]
    assert counts == {"sentences": 8, "without tree": 3, "traces": 1, "renamed": 1, "unattached": 0}
    assert describe(counts).splitlines() == [
        "sentences without a dependency tree: 3 of 8",
        "traces, made a dep of the root: 1",
        "phrases with a label that CoreNLP does not know, converted as X: 1",
    ]


@pytest.mark.slow
@needs_java
@pytest.mark.parametrize("formalism", RELATIONS)
def test_a_tree_that_kills_java_costs_only_itself(formalism, monkeypatch):
    monkeypatch.setattr(constituency, "PHRASE_LABELS", constituency.PHRASE_LABELS | {"FOO"})
    counts = Counter()
    with pytest.warns(UserWarning, match=r"(?s)a\.conll:3: CoreNLP cannot convert .*No head rule defined for FOO"):
        converted = list(formalism(timeout=60.0).attach([LABEL, PLAIN], counts))
    assert [each.tree is None for each in converted] == [True, False]
    assert counts["failed"] == counts["without tree"] == 1
    assert "1 of 2, 1 that CoreNLP could not convert" in describe(counts)


@pytest.mark.slow
@needs_java
@pytest.mark.parametrize("formalism", RELATIONS)
def test_a_tree_converts_alike_in_any_order(formalism):
    sentences = [PLAIN, BRACKETS, TRACE, YES] * 2
    converter = formalism(timeout=60.0)
    assert list(converter.attach(sentences)) == list(converter.attach(sentences[::-1]))[::-1]


def test_without_a_parse_java_is_not_asked_for(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CORENLP_HOME", "/nowhere")
    counts = Counter()
    assert list(StanfordDependencies().attach([NO_PARSE, ONLY_TRACE] * 4000, counts)) == [NO_PARSE, ONLY_TRACE] * 4000
    assert counts["without tree"] == 8000


def jar(directory, content):
    directory.mkdir()
    (directory / "any.jar").write_bytes(content)
    return directory


def test_the_fingerprint_tells_jars_apart_and_not_where_they_are(tmp_path, monkeypatch):
    monkeypatch.delenv("CORENLP_HOME", raising=False)
    a, b, same = jar(tmp_path / "a", b"4.5.10"), jar(tmp_path / "b", b"4.5.2"), jar(tmp_path / "same", b"4.5.10")
    monkeypatch.setenv("CORENLP_HOME", str(a))
    by_home = UniversalDependencies().fingerprint()
    monkeypatch.setenv("CORENLP_HOME", str(b))
    assert UniversalDependencies().fingerprint() != by_home
    assert UniversalDependencies(classpath=str(same / "any.jar"), num_jvms=2, timeout=1.0).fingerprint() == by_home
    assert StanfordDependencies(classpath=str(same)).fingerprint() != by_home
    monkeypatch.setenv("CORENLP_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="no jar"):
        UniversalDependencies(classpath=str(tmp_path / "no*.jar")).fingerprint()


def test_the_fingerprint_of_the_pinned_jars_needs_none(tmp_path, monkeypatch):
    monkeypatch.delenv("CORENLP_HOME", raising=False)
    fingerprint = UniversalDependencies(cache_dir=tmp_path / "none").fingerprint()
    assert [name[:8] for name in fingerprint["jars"]] == ["stanford", "protobuf"]


def test_no_java(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CoreNLPError, match="no java on the PATH"):
        next(UniversalDependencies(classpath="any.jar").attach([PLAIN]))


@given(
    st.lists(st.lists(st.sampled_from(["good", "BAD", "FAR"]), min_size=1, max_size=3), max_size=25),
    st.integers(1, 3),
)
@pytest.mark.filterwarnings("ignore:a.conll")
def test_order_and_failures(words_of_each, num_jvms):
    counts = Counter()
    sentences = list(numbered(words_of_each))
    converted = list(Recorded(classpath="any.jar", num_jvms=num_jvms).attach(sentences, counts))
    assert [replace(each, tree=None) for each in converted] == sentences
    bad = ["BAD" in words or "FAR" in words[1:] for words in words_of_each]
    assert [each.tree is None for each in converted] == bad
    assert counts["failed"] == counts["without tree"] == sum(bad)
    assert counts["sentences"] == len(sentences)


def test_halving_asks_little():
    Recorder.calls = 0
    words_of_each = [["good"]] * 4 * 50
    words_of_each[77] = ["BAD"]
    with pytest.warns(UserWarning, match=r"a\.conll:77: CoreNLP cannot convert the parse of this sentence: bad word"):
        list(Recorded(classpath="any.jar").attach(numbered(words_of_each)))
    assert Recorder.calls == 50 + 4


def test_a_defect_of_a_converted_tree_names_the_sentence():
    with pytest.warns(UserWarning, match=r"a\.conll:1: .*head of word 1 is 9"):
        [_, converted] = Recorded(classpath="any.jar").attach(numbered([["good"], ["good", "FAR"]]))
    assert converted.tree is None


def test_sentences_are_read_as_they_are_needed():
    read = []

    def endless():
        while True:
            read.append(PLAIN)
            yield PLAIN

    conversion = Recorded(classpath="any.jar", num_jvms=2).attach(endless())
    for _ in range(20):
        assert next(conversion).tree is not None
    assert len(read) <= 20 + 4 * 4
    conversion.close()


def test_a_tree_without_a_parse_is_refused():
    given_tree = Sentence(words=("Yes",), tree=DependencyTree((0,), ("root",)), source="a.conllu:1")
    with pytest.raises(ValueError, match=r"a\.conllu:1: .*no parse.*dependencies=given"):
        list(Recorded(classpath="any.jar").attach([given_tree]))


@pytest.mark.parametrize(("option", "value"), [("num_jvms", 0), ("timeout", 0.0)])
def test_options_out_of_range_are_refused(option, value):
    with pytest.raises(ValueError, match=option):
        UniversalDependencies(**{option: value})


def test_words_left_out_depend_on_the_root():
    edges = [(3, "det"), (0, UNATTACHED), (0, "root")]
    tree = complete_tree(edges, positions=(0, 2, 3), length=5)
    assert tree == DependencyTree((3, 3, 3, 3, 3), ("det", "dep", "dep", "root", "dep"))


def test_a_word_without_a_head_is_the_root_where_there_is_no_other():
    tree = complete_tree([(2, "pobj"), (0, UNATTACHED), (1, "cop"), (0, UNATTACHED)], positions=range(4), length=4)
    assert tree == DependencyTree((1, 1, 0, 1), ("pobj", "root", "cop", "dep"))


@pytest.mark.parametrize(
    ("edges", "defect"),
    [
        ([(2, "dep"), (1, "dep")], "found none"),
        ([(0, "root"), (3, "dep")], "head of word 1 is 3"),
        ([(0, "root"), (0, "root")], "one root, found 2"),
        ([(0, "root"), (3, "dep"), (2, "dep")], "cycle"),
    ],
)
def test_edges_that_are_no_tree_are_refused(edges, defect):
    with pytest.raises(ValueError, match=defect):
        complete_tree(edges, positions=range(len(edges)), length=len(edges))


CHINESE = [
    sentence("\u5317\u4eac \u7684 \u4f1a\u8bae", "NR DEG NN", "(TOP(NP(DNP(NP*)*)(NP*)))", 1),
    sentence("\u4ed6 \u4e5f \u6765 \u4e86 \u3002", "PN AD VV AS PU", "(TOP(IP(NP*)(VP(ADVP*)(VP**))*))", 2),
    sentence("\u5317\u4eac -LRB- \u9996\u90fd \uff09", "NR PU NN PU", "(TOP(NP(NP*)(PRN*(NP*)*)))", 3),
    sentence("\u4f1a\u8bae", "NN", "(TOP(NP*))", 4),
]


@needs_java
@pytest.mark.parametrize(
    ("formalism", "relations"),
    [
        (StanfordDependencies, ["assmod assm root", "nsubj advmod root asp punct", "root punct prnmod punct", "root"]),
        (
            UniversalDependencies,
            ["nmod:assmod case root", "nsubj advmod root aux:asp punct", "root punct parataxis:prnmod punct", "root"],
        ),
    ],
)
def test_chinese_trees_are_converted_by_chinese_rules(formalism, relations):
    converted = list(formalism(timeout=60.0).attach(CHINESE))
    assert [" ".join(each.tree.relations) for each in converted] == relations
    assert [each.words for each in converted] == [each.words for each in CHINESE]


def test_trees_of_two_languages_do_not_mix():
    with pytest.raises(ValueError, match=r"a.conll:2: a Chinese tree in a corpus of English ones"):
        list(Recorded(classpath="any.jar").attach([PLAIN, CHINESE[1]]))
    assert len(list(Recorded(classpath="any.jar").attach([PLAIN, CHINESE[3]]))) == 2


FAKE_JAVA = r"""#!/bin/sh
cd "$(dirname "$0")"
if [ ! -e tested ]; then  # answers the test sentence, and nothing else
    touch tested
    printf '1\tThe\t_\t_\tDT\t_\t2\tdet\t_\t_\n2\tdog\t_\t_\tNN\t_\t3\tnsubj\t_\t_\n'
    printf '3\tbarks\t_\t_\tVBZ\t_\t0\troot\t_\t_\n4\t.\t_\t_\t.\t_\t3\tpunct\t_\t_\n\n'
    exit
fi
echo $$ > pid.new && mv pid.new pid
exec sleep 60
"""


def test_an_interruption_does_not_wait_for_java(tmp_path, monkeypatch):
    (tmp_path / "java").write_text(FAKE_JAVA)
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    code = """if True:
        import signal
        from ner.corpus.dependencies import StanfordDependencies
        from ner.corpus.sentence import Sentence
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        long = Sentence(words=("a",) * 3000, pos=("NN",) * 3000, parse="(TOP(S" + "*" * 3000 + "))")
        list(StanfordDependencies(classpath="any.jar").attach([long]))
    """
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while not (tmp_path / "pid").is_file():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
