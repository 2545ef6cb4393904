"""Word vectors as they are published: every format, every packing, and what is wrong with files met in practice."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from vectors_in_files import MATRIX, WORDS, binary, text

from ner.corpus.vector_files import open_vectors, vector_width
from ner.corpus.vectors import Vectors, read_vectors


def zipped(content: bytes, *more: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("folder/vectors.txt", *more):
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def read(tmp_path: Path):
    def write_and_read(content: bytes, words=None) -> Vectors:
        path = tmp_path / "vectors"
        path.write_bytes(content)
        return read_vectors(path, words)

    return write_and_read


FORMATS = {
    "GloVe": text(),
    "word2vec text, fastText": text(header=True),
    "fastText with a space at the end of each line": text(header=True, end=" \n"),
    "Windows line ends": text(end="\r\n"),
    "tabs": text().replace(b" ", b"\t"),
    "no line end at the end": text().removesuffix(b"\n"),
    "blank line at the end": text() + b"\n",
    "byte order mark": b"\xef\xbb\xbf" + text(),
    "byte order mark before a header": b"\xef\xbb\xbf" + text(header=True),
    "word2vec binary": binary(),
    "word2vec binary without line feeds": binary(separator=b""),
}


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, bz2.compress, lzma.compress, zipped],
    ids=["plain", "gzip", "bzip2", "xz", "zip"],
)
@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_every_format_gives_the_same(read, content, pack):
    vectors = read(pack(content))
    assert vectors.words == WORDS
    assert (vectors.width, vectors.num_read, vectors.num_duplicates, vectors.num_undecodable) == (3, 5, 0, 0)
    torch.testing.assert_close(vectors.matrix, torch.from_numpy(MATRIX))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"vectors: the file is empty"),
        (b"PK\x03\x04rest", "the packed file is damaged or cut short"),
        (struct.pack("<i", 793712314) + b"rest", "a fastText model"),
        (b"a 1 2\nb 3\n", r"vectors:2: expected a word and 2 numbers, found 1"),
        (b"a 1 2\nb\n", r"vectors:2: expected a word and 2 numbers, found 0"),
        (b"a 1 2\nb 0.3 4 5\n", r"vectors:2: expected a word and 2 numbers, found 3"),
        (b"a 1 2\nb x 5\n", r"vectors:2: field 2, 'x', is no number$"),
        (b"3 4\nthe 0.1 0.2 x 0.3\n", r"vectors:2: field 4, 'x', is no number$"),
        (b"a 1 2\nb 0,5 0,7\n", r"vectors:2: field 2, '0,5', is no number \(a decimal comma"),
        (b"2 3\nthe 0:0.1 1:0.4 2:0.5\n", r"vectors:2: field 2, '0:0.1', is no number$"),
        (b"a 1 2\rb 3 4\r", r"vectors:1: line ends of carriage returns only"),
        (b"6 1000000000000\nthe 1 2 3\n", r"vectors:1: the header announces vectors of 1000000000000 numbers"),
        (b"6 " + b"1" * 5000 + b"\nthe 1 2 3\n", r"vectors:1: the header announces vectors of 1{20} numbers"),
        (b"1" * 5000 + b" 3\nthe 1 2 3\n", "announces 10,000,000,000,000,000 vectors, the file holds 1"),
        (b"a 1 2\nb nan 5\n", r"vectors:2: the vector of 'b' holds a number that is not finite"),
        (b"a 1 2\nb 1e99 5\n", r"vectors:2: the vector of 'b' holds a number that is not finite"),
        (b"once upon a time\n", r"vectors:1: not word vectors"),
        (b"2 0\n", r"vectors:1: the header announces vectors of 0 numbers"),
        (text(header=True).replace(b"5 3", b"6 3"), "announces 6 vectors, the file holds 5"),
        (text(header=True).replace(b"5 3", b"5 4"), r"vectors:2: expected a word and 4 numbers, found 3"),
        (binary()[:-6], "cut short in the vector of word 5 of 5"),
        (binary()[:-15], "word 5 of 5 does not end"),
        (binary().replace(b"5 3", b"4 3"), "more data after the 4 vectors"),
        (binary(matrix=np.full_like(MATRIX, np.inf)), "word 1: the vector of 'the' holds a number that is not finite"),
        (bz2.compress(text())[:-12], "the packed file is damaged or cut short"),
        (b"BZh9" + bytes(30), "the packed file is damaged or cut short"),
        (lzma.compress(text())[:-12], "the packed file is damaged or cut short"),
        (zipped(text())[:-12], "the packed file is damaged or cut short"),
        (zipped(text(), "other"), r"a zip archive of 2 files \(folder/vectors.txt, other\)"),
        (gzip.compress(text(), mtime=0)[:-12], "the packed file is damaged or cut short"),
    ],
)
def test_bad_files_are_refused(read, content, message):
    with pytest.raises(ValueError, match=message):
        read(content)


@pytest.mark.parametrize(
    ("content", "num_blank", "words"),
    [
        (b"2 3\nthe 0.1 0.2 0.3\n  0.4 0.5 0.6\n", 1, ("the",)),
        (b"  0.4 0.5\nthe 0.1 0.2\n", 1, ("the",)),
        (b"the 0.1 0.2\n 0.4 0.5\na 1 2\n", 1, ("the", "a")),
        (binary(("the", "", "a"), MATRIX[:3]), 1, ("the", "a")),
    ],
)
def test_a_vector_of_a_blank_is_left_out_and_counted(read, content, num_blank, words):
    vectors = read(content)
    assert (vectors.num_blank, vectors.words) == (num_blank, words)


number = st.floats(-1e3, 1e3, width=32).map(lambda value: f"{value:.5g}")


@given(rows=st.lists(st.tuples(st.text("ab-:0.", min_size=1, max_size=3), number, number), min_size=1, max_size=9))
def test_the_fast_way_reads_what_the_slow_one_does(tmp_path_factory, rows):
    """A line with two blanks in a row is read field by field, and its whole block with it."""
    path = tmp_path_factory.getbasetemp() / "vectors.txt"
    found = []
    for extra in ("", "zz  1 2\n"):
        path.write_text("x 0.5 0.25\n" + "".join(f"{' '.join(row)}\n" for row in rows) + extra)
        with open_vectors(path) as file:
            blocks = [*file.blocks]
        found.append(
            [(word, *row.tolist()) for words, matrix in blocks for word, row in zip(words, matrix, strict=True)]
        )
    assert found[1] == [*found[0], (b"zz", 1.0, 2.0)]


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_the_width_without_reading_all(tmp_path, content):
    (tmp_path / "vectors").write_bytes(content)
    assert vector_width(tmp_path / "vectors") == 3
