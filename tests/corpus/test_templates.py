"""The syntax of CRF++'s templates, against the examples of its documentation."""

from __future__ import annotations

import pytest

from ner.corpus.templates import Cell, Templates, boundary_values, read_template_lines

FILE = """
# Unigram
U00:%x[-2,0]
U01:%x[0,0]/%x[0,1]

# Bigram
B
"""


def of(*lines, **options):
    return Templates(lines=lines, **options)


def test_a_template_file():
    templates = of(*read_template_lines(FILE))
    first, second = templates.unigrams
    assert first.parts == ("U00:", Cell(-2, "word"))
    assert second.parts == ("U01:", Cell(0, "word"), "/", Cell(0, "pos"))
    assert templates.has_transitions
    assert not of("U00:%x[0,0]", "#B").has_transitions


def test_columns_by_number_and_by_name():
    by_name = of("U:%x[ 1 , head.head.suffix3 ]x%x[0,lower]").unigrams
    by_number = of("U:%x[1,1]x%x[0,0]", columns=("lower", "head.head.suffix3")).unigrams
    assert by_name == by_number
    assert by_name[0].cells == (Cell(1, "head.head.suffix3"), Cell(0, "lower"))


def test_what_the_templates_read():
    templates = of("U:%x[0,head.pos]", "U:%x[1,relation]")
    assert [templates.reads(name) for name in ("pos", "relation", "word")] == [True, True, False]
    assert templates.reads_heads
    assert not of("U:%x[0,pos]").reads_heads


def test_what_stands_outside_a_sentence():
    assert (boundary_values(-2), boundary_values(1)) == (["_B-1", "_B-2"], ["_B+1"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("X00:%x[0,0]", "begins with neither U nor B"),
        ("U00:%x[0]", "a % that is not"),
        ("U00:%y[0,0]", "a % that is not"),
        ("U00:100%", "a % that is not"),
        ("U00:%x[9,0]", "looks 9 tokens away: 8 is the most"),
        ("U00:%x[0,2]", "has a column 2, but there are: 0 word, 1 pos"),
        ("U00:%x[0,stem]", "unknown column 'stem': choose one of word, lower"),
        ("U00:%x[0,prefix0]", "unknown column 'prefix0'"),
        ("U00:%x[0,word.head]", "unknown column"),
        ("B00:%x[0,0]", "makes transitions depend on words"),
        ("B", "there is no template of a feature"),
    ],
)
def test_what_is_no_template(line, message):
    with pytest.raises(ValueError, match=message):
        of(line)


def test_columns_are_checked_too():
    with pytest.raises(ValueError, match="columns: unknown column 'tag'"):
        of("U:%x[0,0]", columns=("word", "tag"))
