import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.conll2012 import Conll2012Files, Conll2012Source, read_conll2012, rewrite_entities, write_conll2012
from ner.corpus.sentence import Conll2012Columns, Sentence, Span
from ner.corpus.source import SplitCounts, count_sentences

TEXT = """\
#begin document (nw/made/00/made_0001); part 000
nw/made/00/made_0001   0   0    Ada   NNP   (TOP(S(NP*      -    -   -   Mr/O'Hara[x]   (PERSON*   (ARG0*   (1
nw/made/00/made_0001   0   1   Byte   NNP            *)     -    -   -   Mr/O'Hara[x]         *)        *)   1)
nw/made/00/made_0001   0   2    met   VBD         (VP*   meet   01   1   Mr/O'Hara[x]          *      (V*)    -
nw/made/00/made_0001   0   3   Oslo   NNP   (NP*))))        -    -   -   Mr/O'Hara[x]      (GPE)   (ARG1*)    -

nw/made/00/made_0001   0   0   -LRB-   -LRB-   (TOP(X*   -   -   -   -   *   -
nw/made/00/made_0001   0   1     caf\u00e9\u00a0x      XX       *))   -   -   -   -   *   -

#end document
#begin document (nw/made/00/made_0001); part 001
nw/made/00/made_0001   1   0   and   XX   (TOP*   -   -   -   -   *   -
nw/made/00/made_0001   1   1   go    VERB     *)   go   -   2   -   *   -

#end document
#begin document (wb/made/00/made_0002); part 000
wb/made/00/made_0002   -1   0   Hm   UH   (TOP(INTJ*))   -   -   -   -   *   -

wb/made/00/made_0002   -1   0   XX   *   -   -   -   -   *   *   -

#end document
"""
HEADING = "#begin document (nw/a/00/a_0000); part 000\n"
END = "\n#end document\n"


def row(number=0, word="it", pos="PRP", bit="(TOP*)", entity="*", document="nw/a/00/a_0000", part="0", extra=""):
    return f"{document} {part} {number} {word} {pos} {bit} - - - - {entity}{extra} -\n"


def write(tmp_path, text, name="made.gold_conll"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def error_of(path):
    with pytest.raises(ValueError, match=r"\S") as caught:
        list(read_conll2012(path))
    return str(caught.value).replace(f"{path}:", "")


def test_every_column_is_read(tmp_path):
    path = write(tmp_path, TEXT)
    first, second, third, fourth, fifth = read_conll2012(path)
    assert first == Sentence(
        words=("Ada", "Byte", "met", "Oslo"),
        spans=(Span(0, 2, "PERSON"), Span(3, 4, "GPE")),
        pos=("NNP", "NNP", "VBD", "NNP"),
        parse="(TOP(S(NP**)(VP*(NP*))))",
        document="nw/made/00/made_0001",
        part=0,
        columns=Conll2012Columns(
            lemmas=("-", "-", "meet", "-"),
            framesets=("-", "-", "01", "-"),
            senses=("-", "-", "1", "-"),
            speakers=("Mr/O'Hara[x]",) * 4,
            arguments=(("(ARG0*", "*)", "(V*)", "(ARG1*)"),),
            coreference=("(1", "1)", "-", "-"),
        ),
        source=f"{path}:2",
    )
    assert second.words == ("-LRB-", "caf\u00e9\u00a0x")
    assert second.columns.arguments == ()
    assert (third.document, third.part, third.source) == ("nw/made/00/made_0001", 1, f"{path}:12")
    assert third.parse is None
    assert third.columns.parse_bits == ("(TOP*", "*)")
    assert (fourth.part, fourth.genre, fourth.parse) == (-1, "wb", "(TOP(INTJ*))")
    assert (fifth.parse, fifth.columns.parse_bits) == (None, ("-",))


def test_what_is_written_has_the_same_cells(tmp_path):
    path = write(tmp_path, TEXT)
    stream = io.BytesIO()
    write_conll2012(read_conll2012(path), stream)
    written = stream.getvalue().decode()
    cells = [[cell for cell in line.split(" ") if cell] for line in TEXT.split("\n")]
    assert [[cell for cell in line.split(" ") if cell] for line in written.split("\n")] == cells
    write_conll2012(read_conll2012(path), path)
    assert path.read_bytes() == stream.getvalue()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


cell = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=5)


@st.composite
def parts_of_sentences(draw):
    words = tuple(draw(st.lists(cell.filter(lambda word: word != "[WORD]"), min_size=1, max_size=6)))
    length = len(words)

    def column():
        return tuple(draw(st.lists(cell, min_size=length, max_size=length)))

    cuts = sorted(draw(st.sets(st.integers(0, length))))
    spans = tuple(Span(start, end, "ORG") for start, end in zip(cuts[::2], cuts[1::2], strict=False))
    parse = draw(st.sampled_from([None, f"(TOP(S{'*' * length}))"]))
    bits = ("-",) * length if draw(st.booleans()) else ("*",) * length
    columns = {
        "lemmas": column(),
        "framesets": column(),
        "senses": column(),
        "speakers": column(),
        "arguments": tuple(column() for _ in range(draw(st.integers(0, 3)))),
        "coreference": column(),
        "parse_bits": bits if parse is None else None,
    }
    return {
        "words": words,
        "spans": spans,
        "pos": column(),
        "parse": parse,
        "document": draw(st.sampled_from(["nw/a/00/a_0000", "bc/b/00/b(1)"])),
        "part": draw(st.integers(-1, 2)),
        "columns": columns,
    }


@given(parts=st.lists(parts_of_sentences(), min_size=1, max_size=5))
def test_sentences_come_back_from_their_file(tmp_path_factory, parts):
    written = [Sentence(**{**part, "columns": Conll2012Columns(**part["columns"])}) for part in parts]
    path = tmp_path_factory.getbasetemp() / "back.conll"
    write_conll2012(written, path)
    assert [replace(sentence, source="") for sentence in read_conll2012(path)] == written


def test_columns_that_are_not_known_are_filled(tmp_path):
    path = tmp_path / "bare.conll"
    write_conll2012([Sentence(words=("Ada", "ran"), document="nw/a", spans=(Span(0, 1, "PERSON"),))], path)
    (sentence,) = read_conll2012(path)
    assert (sentence.words, sentence.spans) == (("Ada", "ran"), (Span(0, 1, "PERSON"),))
    assert (sentence.pos, sentence.parse) == (("XX", "XX"), None)
    assert sentence.columns.parse_bits == ("(TOP*", "*)")


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        (Sentence(words=("a b",), document="nw/a", source="x:1"), "x:1: 'a b' cannot be a cell"),
        (Sentence(words=("a",), source="x:1"), "x:1: '' cannot be a cell"),
        (Sentence(words=("a",), document="nw/a", parse="(TOP (NP *))", source="x:1"), "x:1: .* is not made of parse"),
    ],
)
def test_what_the_format_cannot_hold_is_not_written(tmp_path, sentence, message):
    with pytest.raises(ValueError, match=message):
        write_conll2012([sentence], tmp_path / "x.conll")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: the file is empty"),
        (HEADING + "#end document\n", "1: the file has no sentence"),
        ("\ufeff" + HEADING + row() + END, "1: a byte order mark"),
        (b"\xff\xfe" + (HEADING + row() + END).encode("utf-16-le"), "1: a byte order mark"),
        (HEADING + row() + "\n" + row().replace("\n", "\r\n") + END, "4: a Windows line end"),
        (HEADING + row(word="a\x1cb") + END, "2: a control character"),
        ((HEADING + row() + row(1, "caf\u00e9") + END).encode("latin-1"), "3: byte 0xe9 is not UTF-8"),
        (HEADING + row() + "#end document\n", "3: '#end document' follows a word; put the blank line"),
        (HEADING + row() + "\n", "1: the document has no #end document"),
        (HEADING + row(), "1: the document has no #end document"),
        (HEADING + row() + "\n" + HEADING + row() + END, "4: a document begins in that of line 1"),
        (row() + END, "1: a word outside a document"),
        (HEADING + row() + END + "\n" + row() + "\n", "6: a word outside a document"),
        (HEADING + row() + END + "#end document\n", "5: #end document where none is open"),
        ("#begin document nw/a\n" + row() + END, "1: found '#begin document nw/a'"),
        (HEADING + row() + row(1, extra=" *") + END, "3: 13 columns where the sentence began with 12"),
        (HEADING + "nw/a/00/a_0000 0 0 it PRP (TOP*) - - - - -\n" + END, "2: 11 columns; CoNLL-2012 has at least 12"),
        (HEADING + row(document="nw/b") + END, "2: document id 'nw/b' inside the document 'nw/a/00/a_0000'"),
        (HEADING + row(part="1") + END, "2: part '1' under the heading of part 000"),
        (HEADING + row(part="0", bit="(TOP*") + row(1, part="-1", bit="*)") + END, "3: part '-1' under the heading"),
        (HEADING + row(bit="(TOP*") + row(2, bit="*)") + END, "3: word number '2' where 1 is due"),
        (HEADING + row(1) + END, "2: word number '1' where 0 is due"),
        (HEADING + row(word="[WORD]") + END, "2: the word is '[WORD]': a skeleton file"),
        (HEADING + row(bit="(TOP") + END, "2: '(TOP' is no parse bit"),
        (HEADING + row(bit="(TOP*") + END, "2: unbalanced parse: 1 brackets still open"),
        (HEADING + row(bit="(TOP*))") + END, "2: unbalanced parse: '(TOP*))' closes more than is open"),
        (HEADING + row(bit="(TOP*)") + row(1, bit="(S*)") + END, "2: unbalanced parse: '(TOP*)' closes more"),
        (HEADING + row(bit="(TOP*") + row(1, bit="-") + END, "3: '-' is no parse bit"),
        (HEADING + row(entity="*)") + END, "2: '*)' closes an entity where none is open"),
        (HEADING + row(entity="(ORG*") + END, "2: the entity '(ORG*' is not closed"),
        (HEADING + row(entity="(ORG(GPE)") + END, "2: '(ORG(GPE)' opens an entity inside another"),
        (
            HEADING + row(bit="(TOP*", entity="(ORG*") + row(1, bit="*)", entity="(GPE)") + END,
            "3: '(GPE)' opens an entity inside another",
        ),
        (HEADING + row(entity="-") + END, "2: '-' is no entity cell"),
        (HEADING + row(entity="(ORG*)") + END, "2: '(ORG*)' is no entity cell"),
        (HEADING + row(entity="(ORG") + END, "2: '(ORG' is no entity cell"),
        (HEADING + row(bit="(TOP*", entity="(ORG*") + row(1, bit="*)", entity=")") + END, "3: ')' is no entity cell"),
    ],
)
def test_each_defect_is_named_with_its_line(tmp_path, text, message):
    assert error_of(write(tmp_path, text)).startswith(message)


def test_a_directory_is_read_in_sorted_order_without_skeletons(tmp_path):
    for name in ("b/two.v4_gold_conll", "a/one.conll", "a/one.gold_skel", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(TEXT)
    files = (tmp_path / "a/one.conll", tmp_path / "b/two.v4_gold_conll")
    assert Conll2012Files().find(tmp_path) == files
    assert [sentence.source.partition(":")[0] for sentence in read_conll2012(tmp_path)] == [
        str(file) for file in files for _ in range(5)
    ]


def test_a_path_without_files_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no file below this directory matches \*_conll or \*.conll"):
        list(read_conll2012(tmp_path))
    with pytest.raises(ValueError, match="no such file or directory"):
        list(read_conll2012(tmp_path / "absent"))


def test_two_annotations_of_one_text_are_refused(tmp_path):
    write(tmp_path, TEXT, "x.v4_gold_conll")
    write(tmp_path, TEXT, "x.v4_auto_conll")
    with pytest.raises(ValueError, match="two versions of one text"):
        list(read_conll2012(tmp_path))


def test_rewriting_the_same_entities_changes_no_byte(tmp_path):
    path, target = write(tmp_path, TEXT), tmp_path / "target"
    rewrite_entities(path, target, [sentence.spans for sentence in read_conll2012(path)])
    assert target.read_bytes() == TEXT.encode()


def test_rewriting_keeps_the_columns_aligned(tmp_path):
    path = write(tmp_path, TEXT)
    sentences = list(read_conll2012(path))
    spans = [(Span(1, 2, "WORK_OF_ART"),), (), (Span(0, 2, "LAW"),), (Span(0, 1, "X"),), ()]
    rewrite_entities(path, path, spans)
    expected = [replace(sentence, spans=new) for sentence, new in zip(sentences, spans, strict=True)]
    assert list(read_conll2012(path)) == expected
    lines = path.read_text().split("\n")
    before = TEXT.split("\n")
    start, end = before[1].index("(PERSON*") - len("   "), before[1].index("(PERSON*") + len("(PERSON*")
    assert lines[1:5] == [
        line[:start] + f"   {cell:>13}" + line[end:]
        for line, cell in zip(before[1:5], ["*", "(WORK_OF_ART)", "*", "*"], strict=True)
    ]
    assert lines[6:9] == before[6:9]


def test_rewriting_keeps_tabs(tmp_path):
    text = HEADING + row(entity="(ORG)").replace(" ", "\t") + END
    path = write(tmp_path, text)
    rewrite_entities(path, path, [()])
    assert path.read_text() == text.replace("(ORG)", "*")


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([()] * 4, r"gold_conll:19: nothing left for this sentence"),
        ([()] * 6, "fewer sentences than spans"),
        ([(Span(3, 5, "ORG"),), (), (), (), ()], "gold_conll:2: .* outside 4 words"),
    ],
)
def test_spans_that_do_not_fit_leave_no_file(tmp_path, spans, message):
    path = write(tmp_path, TEXT)
    with pytest.raises(ValueError, match=message):
        rewrite_entities(path, tmp_path / "target", spans)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_source_reads_its_splits(tmp_path):
    path = write(tmp_path, TEXT)
    source = Conll2012Source(train=path, validation=tmp_path, test=str(path))
    for split in ("train", "validation", "test"):
        assert source.files(split) == (path,)
        assert count_sentences(source.read(split)) == SplitCounts(2, 5, 10, 2)
    with pytest.raises(ValueError, match="unknown split 'dev': choose one of train, validation, test"):
        source.files("dev")
