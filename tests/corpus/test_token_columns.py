import numpy as np
import pytest

from ner.corpus.token_columns import Column, TokenColumns, read_gazetteer, shape

WORDS = ["The", "New", "York", "Times", "New", "York", "is"]


def column(values):
    distinct = sorted({*values})
    return Column(distinct, np.array([distinct.index(value) for value in values]))


@pytest.fixture
def columns():
    """Two sentences, of four words and of three."""
    return TokenColumns(
        offsets=np.array([0, 4, 7]),
        words=column(WORDS),
        heads=np.array([3, 2, 3, 3, 1, 2, 2]),
        relations=column(["det", "compound", "compound", "root", "compound", "nsubj", "root"]),
        pos=None,
        gazetteer={"New York": "GPE", "New York Times": "ORG", "Times New": "X", "York is here": "X"},
    )


def strings(column):
    return [column.values[code] for code in column.codes.tolist()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("word", WORDS),
        ("lower", ["the", "new", "york", "times", "new", "york", "is"]),
        ("prefix2", ["Th", "Ne", "Yo", "Ti", "Ne", "Yo", "is"]),
        ("suffix4", ["The", "New", "York", "imes", "New", "York", "is"]),
        ("shape", ["Xxx", "Xxx", "Xxxx", "Xxxxx", "Xxx", "Xxxx", "xx"]),
        ("relation", ["det", "compound", "compound", "root", "compound", "nsubj", "root"]),
        ("head.word", ["Times", "York", "Times", "Times", "York", "is", "is"]),
        ("head.head.prefix1", ["T", "T", "T", "T", "i", "i", "i"]),
    ],
)
def test_a_column_by_its_name(columns, name, expected):
    assert strings(columns.column(name)) == expected


def test_the_longest_name_of_the_gazetteer_counts_and_none_leaves_its_sentence(columns):
    expected = ["O", "B-ORG", "I-ORG", "I-ORG", "B-GPE", "I-GPE", "O"]
    assert strings(columns.column("gazetteer")) == expected


def test_parts_of_speech_that_are_not_there(columns):
    with pytest.raises(ValueError, match=r"the templates read parts of speech \(pos\)"):
        columns.column("head.pos")


def test_shapes():
    assert [shape(word) for word in ("McDonald", "U.S.", "1984-85", "é", "Ärzte", "...")] == [
        "XxXxxxx",
        "X.X.",
        "dddd-dd",
        "x",
        "Xxxxx",
        "...",
    ]


def test_a_gazetteer_file():
    assert read_gazetteer(["New  York\tGPE", "", "Bonn"]) == {"New York": "GPE", "Bonn": "NAME"}
    with pytest.raises(ValueError, match="line 2: the type 'a b' holds white space"):
        read_gazetteer(["Bonn", "Ulm\ta b"])
    with pytest.raises(ValueError, match="no name"):
        read_gazetteer([" "])
