import pytest

from ner.corpus.layout import Columns, cell_bounds, find_layout, is_document_start


@pytest.fixture
def layout(tmp_path):
    def find(text: str, **columns):
        path = tmp_path / "made.txt"
        path.write_text(text)
        return find_layout(path, Columns(**columns))

    return find


@pytest.mark.parametrize(
    ("text", "word", "tag", "width", "scheme"),
    [
        ("EU NNP I-NP I-ORG\nrejects VBZ I-VP O\n", 0, 3, 4, "IOB1"),  # CoNLL-2003: chunks look like tags too
        ("EU B-ORG\nrejects O\n", 0, 1, 2, "IOB2"),
        ("B-ORG\tEU\nO\trejects\n", 1, 0, 2, "IOB2"),
        ("0\tEU\tB-ORG\n1\tit\tO\n\n0\tU\tO\n", 1, 2, 3, "IOB2"),  # wikiNEuRal counts from 0
        ("1\tEU\tB-ORG\t-\tamy\n2\tit\tO\t-\t-\n\n1\tU\tO\t-\t-\n", 1, 2, 5, "IOB2"),  # UNER
        ("# text = x\n1\tEU\tB-A\tO\n\n# b\n1\tU\tO\tB-A\n", 1, 2, 4, "IOB2"),  # GermEval: the outer one
        ("# id 7 domain=en\nEU _ _ B-ORG\nit _ _ O\n", 0, 3, 4, "IOB2"),  # MultiCoNER
        ("EU  S-ORG\nit   O\n", 0, 1, 2, "IOBES"),
        ("EU\t0\t2\tU-ORG\nit\t3\t5\tO\n", 0, 3, 4, "BILOU"),
        ("it O\n", 0, 1, 2, None),
        ("EU\nit\n", 0, None, 1, None),
        ("EU B-ORG\t\nit O\n", 0, 1, 2, "IOB2"),  # a tab at the end parts nothing
        ("# global.columns = ID FORM X:NE\n1\tEU\tB-ORG\n\n1\tit\tO\n", 1, 2, 3, "IOB2"),
        ("# global.columns = NE WORD\nB-ORG\tEU\nO\tit\n", 1, 0, 2, "IOB2"),
    ],
)
def test_found_out(layout, text, word, tag, width, scheme):
    found = layout(text)
    assert (found.word, found.tag, found.width, found.scheme) == (word, tag, width, scheme)


def test_two_columns_of_tags_are_said(layout):
    assert layout("EU B-A B-B\nit O O\n").notes == (
        "columns 2 and 3 all hold tags; column 2 is read (corpus.tag=3 reads another)",
    )


def test_columns_are_given_by_number_or_name(layout):
    text = "# global.columns = A B C\nEU\tB-X\tB-Y\nit\tO\tO\n"
    assert layout(text, tag=3).tag == 2
    assert layout(text, tag=-1, pos="B").tag == 2
    found = layout(text, word="A", tag="C", pos="B")
    assert (found.word, found.tag, found.pos) == (0, 2, 1)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"tag": 4}, "made.txt: tag=4, but it has 3 columns"),
        ({"tag": "C"}, "made.txt: no column 'C': its '# global.columns =' is missing: give numbers"),
        ({"word": 3, "tag": 3}, "word and tag in one column, 3"),
        ({"tag": 0}, "tag=0: columns count from 1"),
        ({"scheme": "BIOES"}, "unknown scheme 'BIOES': choose one of IOB1"),
        ({"malformed_tags": "x"}, "unknown malformed_tags 'x': choose one of error, conlleval"),
    ],
)
def test_what_is_not_there_is_refused(layout, columns, message):
    with pytest.raises(ValueError, match=message):
        layout("EU x B-A\n", **columns)


def test_bare_types_are_told_and_read_on_request(layout):
    text = "EU ORG\nin O\nUK LOC\n"
    found = layout(text)
    assert found.tag is None
    assert found.notes == (
        "no column holds tags such as B-PER; column 2 holds bare types (LOC, ORG): corpus.scheme=IO reads each run of "
        "one type as an entity",
    )
    found = layout(text, scheme="IO")
    assert (found.word, found.tag, found.scheme) == (0, 1, "IO")
    assert layout("EU\nin\n", scheme="IO").tag is None  # words are no types


@pytest.mark.parametrize("text", ["-DOCSTART- -X- O O", "-DOCSTART-", "0\t-DOCSTART-\tO", "#DOCSTART"])
def test_documents_begin(text):
    assert is_document_start(text)
    assert not is_document_start(f"x x {text}")


@pytest.mark.parametrize(
    ("text", "delimiter", "cells"),
    [("a  b\tc ", " ", ["a", "b", "c"]), (" a b\t c\t\t", "\t", ["a b", "c", "", ""]), ("a", "\t", ["a"])],
)
def test_bounds_of_cells(text, delimiter, cells):
    assert [text[start:end] for start, end in cell_bounds(text, delimiter)] == cells


def test_another_format_is_told(layout):
    assert (
        layout("1\tit\t_\t_\t_\t_\t0\troot\t_\tName=Yes\n")
        .notes[0]
        .endswith("it may be CoNLL-U, which corpus=conllx reads")
    )
    with pytest.raises(ValueError, match=r"made.txt: a CoNLL-2012 file, which corpus=conll2012 reads"):
        layout("#begin document (nw/a); part 000\nnw/a 0 0 it PRP (TOP* - - - - * -\n#end document\n")
