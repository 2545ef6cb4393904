import pytest

from ner.corpus.sentence import Span
from ner.corpus.three_lines import ThreeLineFiles

TEXT = """\
i like $T$ , but not $T$ .
windows 7
1
the $T$ and the view .
room
-1
the room and the $T$ .
view
neutral

$T$
it
?
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "made one.raw"
    path.write_text(TEXT)
    return path


def test_examples(path):
    first, second, third, last = ThreeLineFiles().read_path(path)
    assert first.words == ("i", "like", "windows", "7", ",", "but", "not", "windows", "7", ".")
    assert first.spans == (Span(2, 4, "positive"),)
    assert (second.spans, third.spans) == ((Span(1, 2, "negative"),), (Span(4, 5, "neutral"),))
    assert [(one.document, one.part) for one in (first, second, third, last)] == [
        *(("made_one/1", 0), ("made_one/2", 0), ("made_one/2", 1), ("made_one/3", 0))
    ]
    assert (last.words, last.spans, last.source) == (("it",), (Span(0, 1, "unknown"),), f"{path}:11")
    assert ThreeLineFiles().formalism(path) is None


def test_written_back_with_other_polarities(path, tmp_path):
    labels = ["negative", "neutral", "positive", "negative"]
    sentences = [*ThreeLineFiles().read_path(path)]
    spans = [[Span(s.spans[0].start, s.spans[0].end, label)] for s, label in zip(sentences, labels, strict=True)]
    target = tmp_path / "target.raw"
    ThreeLineFiles().rewrite(path, target, spans)
    lines = TEXT.splitlines()
    lines[2], lines[5], lines[8], lines[12] = "-1", "0", "positive", "-1"
    assert target.read_text().splitlines() == lines
    for wrong, message in ((spans[:-1], "nothing left for this target"), ([*spans, spans[0]], "fewer targets than")):
        with pytest.raises(ValueError, match=message):
            ThreeLineFiles().rewrite(path, target, wrong)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a $T$ b\nx\n", r":1: an example has three lines, and here are 2 before"),
        ("a b\nx\n1\n", r":1: expected a text with \$T\$"),
        ("a $T$\n1\n\n", r":1: an example has three lines"),
        ("a $T$\nx\n2\n", r":3: the polarity '2': expected 1, 0, -1"),
        ("a $T$\nx\n1\na $T$\nx\n\x01\n", r":6: a control character"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "made.raw"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        list(ThreeLineFiles().read_path(path))


def test_what_can_be_read_after_an_error_is(tmp_path):
    path = tmp_path / "made.raw"
    path.write_text("a $T$\nx\n2\na $T$\nx\n1\n")
    wrong, right = ThreeLineFiles().parse(path)
    assert isinstance(wrong, ValueError)
    assert right.spans == (Span(1, 2, "positive"),)
