import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.columns import ColumnFiles, ColumnsSource
from ner.corpus.schemes import spell
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.source import SplitCounts, count_sentences
from tests.corpus.test_tags import spans_and_length

CONLL2003 = """\
-DOCSTART- -X- O O

EU NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
British JJ B-NP B-MISC

Peter NNP I-NP I-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- O O

BRUSSELS NNP I-NP I-LOC
"""
WNUT = "I\tO\nlike\tO\nNew\tB-location\nYork\tI-location\n\t\n#\tO\nUlm\tB-location\n"
UNER = """\
# newdoc id = d1
# text = EU's it
1-2\tEU's\t_\t-\t-
1\tEU\tB-ORG\t-\tamy
2\t's\tO\t-\t-
2.1\tx\t_\t-\t-
3\tit\tO\t-\t-

# text = Ulm
1\tUlm\tB-LOC\t-\t-
"""
GERMEVAL = "#\thttp://x\t[2010-07-04]\t\n1\tUlm\tB-LOC\tO\n2\t#\tO\tO\t\n\n#\thttp://y\n1\tUlm\tO\tB-LOCderiv\n"
WINDOWS = "\ufeff" + WNUT.replace("\n", "\r\n")
FILES = {"CoNLL-2003": CONLL2003, "WNUT": WNUT, "UNER": UNER, "GermEval": GERMEVAL, "Windows": WINDOWS}
PADDED = "Ulm   B-LOC \nis\t O\n"


@pytest.fixture
def write(tmp_path):
    def write_one(text, name="made.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_one


def read(path, **options):
    return [*ColumnFiles(**options).read_path(path)]


def test_conll2003(write):
    path = write(CONLL2003)
    assert read(path, pos=2) == [
        Sentence(
            words=("EU", "rejects", "German", "British"),
            spans=(Span(0, 1, "ORG"), Span(2, 3, "MISC"), Span(3, 4, "MISC")),
            pos=("NNP", "VBZ", "JJ", "JJ"),
            document="made/1",
            source=f"{path}:3",
        ),
        Sentence(
            words=("Peter", "Blackburn"),
            spans=(Span(0, 2, "PER"),),
            pos=("NNP", "NNP"),
            document="made/1",
            source=f"{path}:8",
        ),
        Sentence(words=("BRUSSELS",), spans=(Span(0, 1, "LOC"),), pos=("NNP",), document="made/2", source=f"{path}:13"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WNUT, [(("I", "like", "New", "York"), ["New York"], ""), (("#", "Ulm"), ["Ulm"], "")]),
        (WINDOWS, [(("I", "like", "New", "York"), ["New York"], ""), (("#", "Ulm"), ["Ulm"], "")]),
        (UNER, [(("EU", "'s", "it"), ["EU"], "d1"), (("Ulm",), ["Ulm"], "d1")]),
        (GERMEVAL, [(("Ulm", "#"), ["Ulm"], ""), (("Ulm",), [], "")]),
        (PADDED, [(("Ulm", "is"), ["Ulm"], "")]),
    ],
)
def test_words_entities_and_documents(write, text, expected):
    found = [
        (
            sentence.words,
            [" ".join(sentence.words[span.start : span.end]) for span in sentence.spans],
            sentence.document,
        )
        for sentence in read(write(text))
    ]
    assert found == expected


def test_heads_and_relations(write):
    text = "the 2 det O\ndog 0 root B-X\n\nit _ _ O\n\na 0 x O\nb 0 y B-X\n"
    first, second, third = read(write(text), head=2, relation=3)
    assert first.tree == DependencyTree((1, 1), ("det", "root"))
    assert second.tree is None
    assert second.malformed is None
    assert third.malformed is not None
    assert "found 2" in third.malformed.defect
    assert [ColumnFiles(head=head).formalism(write(text)) for head in (None, 2)] == [None, "given"]


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_rewriting_the_same_entities_changes_no_byte(write, text):
    path = write(text)
    ColumnFiles().rewrite(path, path, [sentence.spans for sentence in read(path)])
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "IOBES", "BILOU", "BMES"])
@given(cases=st.lists(spans_and_length().filter(lambda case: case[1]), min_size=2, max_size=4))
def test_new_entities_are_spelt_as_the_file_spells_them(tmp_path_factory, scheme, cases):
    path = tmp_path_factory.getbasetemp() / "scheme.txt"
    known = ((Span(0, 3, "a"), Span(3, 4, "a"), Span(5, 6, "b")), 6)  # tells all schemes apart
    path.write_text("\n".join("".join(f"w {tag} x\n" for tag in spell(*case, scheme)) for case in [known, *cases]))
    new = [known[0], *(spans[1:] for spans, _ in cases)]
    ColumnFiles().rewrite(path, path, new)
    expected = "\n".join(
        "".join(f"w {tag} x\n" for tag in spell(spans, length, scheme))
        for spans, (_, length) in zip(new, [known, *cases], strict=True)
    )
    assert path.read_text() == expected


def test_a_file_without_tags_gets_a_column_of_them(write):
    path = write("New\nYork\n\nis\n")
    ColumnFiles().rewrite(path, path, [(Span(0, 2, "LOC"),), ()])
    assert path.read_text() == "New\tB-LOC\nYork\tI-LOC\n\nis\tO\n"
    path = write("New  NNP\nYork  NNP\n")
    ColumnFiles().rewrite(path, path, [(Span(0, 2, "LOC"),)])
    assert path.read_text() == "New  NNP B-LOC\nYork  NNP I-LOC\n"


@pytest.mark.parametrize("options", [{}, {"scheme": "IO"}])
@pytest.mark.parametrize("comment", ["# id 7\tdomain=en", "# a =", "# newdoc", "# newdoc id = d", "# x y"])
def test_a_comment_is_no_row_where_no_tag_says_so(write, comment, options):
    width = len(comment.split())
    columns = " x" * (width - 1)
    path = write(f"{comment}\nEU{columns}\n#{columns}\n")
    expected = ("EU", "#") if comment != "# x y" else ("#", "EU", "#")  # `#` may be a word
    assert [sentence.words for sentence in read(path, **options)] == [expected]


@pytest.mark.parametrize(
    ("spans", "message"),
    [([()], "made.txt:6: nothing left"), ([()] * 3, "fewer sentences"), ([(Span(3, 5, "X"),), ()], "made.txt:1: ")],
)
def test_spans_that_do_not_fit_leave_no_file(write, tmp_path, spans, message):
    path = write(WNUT)
    with pytest.raises(ValueError, match=message):
        ColumnFiles().rewrite(path, tmp_path / "target", spans)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: the file is empty"),
        ("\n\n", ": there is no sentence in it"),
        ("a O\nb\n", ":2: 1 column where the file began with 2"),
        ("a O\n#b\n", ":2: 1 column where the file began with 2"),
        ("a\tO\n\tB-X\n", ":2: the word is empty"),
        ("a B-X\nb X\nc O\n", ":2: 'X' is no tag"),
        ("a S-X\nb E-X\n", ":2: 'E-X' where IOBES has 'S-X'"),
        ("1 a O\n2 b B-X\n\n1 a O\n\n1 c O\n3 d O\n" + "\n1 a O\n" * 30, ":7: word number '3' where 2 is due"),
        (b"a O\nb\xe9 B-X\n", ":2: byte 0xe9 is not UTF-8"),
        ("a O\nb\x0b B-X\n", ":2: a control character"),
        ("# newdoc id = a b\na O\n", ":1: the document id 'a b' holds white space"),
        ("a L-X\nb E-X\n", ": the tags begin with E, L, letters of more than one scheme"),
    ],
)
def test_each_defect_is_named_with_its_line(write, text, message):
    path = write(text)
    errors = [str(outcome) for outcome in ColumnFiles().parse(path) if isinstance(outcome, ValueError)]
    assert errors
    assert errors[0].startswith(f"{path}{message}")


def test_reading_goes_on_after_a_defect(write):
    path = write("a O\n\nb\n\nc B-X\n\nd x\n")
    outcomes = [*ColumnFiles().parse(path)]
    assert [isinstance(outcome, Sentence) for outcome in outcomes] == [True, False, True, False]


def test_the_source_reads_its_splits(write, tmp_path):
    write(WNUT, "a.conll")
    write(UNER, "b.iob2")
    source = ColumnsSource(train=tmp_path, test=tmp_path / "b.iob2")
    assert count_sentences(source.read("test")) == SplitCounts(1, 2, 4, 2)
    assert source.splits == ("train", "validation", "test")
    assert source.notes("test") == ("word in column 2, tag in column 3 of 5 (IOB2)",)
    both = [*source.read("train"), *source.read("validation")]
    assert len(both) == 4
