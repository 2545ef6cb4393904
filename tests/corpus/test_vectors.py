from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from vectors_in_files import MATRIX, binary, text

from ner.corpus.vectors import Coverage, Matches, Vectors, coverage, read_vectors


@pytest.fixture
def read(tmp_path: Path):
    def write_and_read(content: bytes, words=None) -> Vectors:
        path = tmp_path / "vectors"
        path.write_bytes(content)
        return read_vectors(path, words)

    return write_and_read


@pytest.mark.parametrize("content", [text(), binary()], ids=["text", "binary"])
def test_only_wanted_words_are_kept_with_their_spellings(read, content):
    vectors = read(content, ["THE", "7.5", "berg"])
    assert vectors.words == ("the",)
    vectors = read(content, ["Berg", "A"])
    assert vectors.words == ("Berg", "a")
    assert vectors.num_read == 5
    torch.testing.assert_close(vectors.matrix, torch.from_numpy(MATRIX[[1, 3]]))


def test_nothing_wanted_is_there(read):
    vectors = read(text(), ["zzz"])
    assert vectors.words == ()
    assert vectors.matrix.shape == (0, 3)
    assert "zzz" not in vectors


@given(
    st.lists(
        st.lists(st.text("abZ-:0", min_size=1, max_size=3), min_size=1, max_size=3).map(" ".join),
        unique=True,
        min_size=1,
    ).filter(lambda words: " " not in words[0]),
    st.booleans(),
)
def test_words_with_spaces(tmp_path_factory, words, header):
    matrix = np.arange(4 * len(words), dtype=np.float32).reshape(-1, 4) / 8
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    path.write_bytes(text(words, matrix, header))
    for wanted in (None, words):
        vectors = read_vectors(path, wanted)
        assert vectors.words == tuple(words)
        torch.testing.assert_close(vectors.matrix, torch.from_numpy(matrix))


def test_a_first_word_with_spaces(read):
    assert read(b". . . 0.5 1.5\nx 1 2\n").words == (". . .", "x")


@pytest.mark.parametrize("words", [None, ["a", "b"]])
def test_of_duplicates_the_first_counts(read, words):
    vectors = read(b"a 1 2\nb 3 4\na 5 6\na 7 8\n", words)
    assert vectors.words == ("a", "b")
    assert vectors.num_duplicates == 2
    assert vectors.matrix.tolist() == [[1, 2], [3, 4]]


def test_words_that_are_not_utf8_are_counted(read):
    vectors = read(b"caf\xe9 1 2\ncaf\xc3\xa9 3 4\n")
    assert vectors.words == ("caf\ufffd", "café")
    assert vectors.num_undecodable == 1


def test_other_white_space_is_part_of_a_word(read):
    assert read("a\u00a0b 1 2\n\u0085 3 4\n".encode()).words == ("a\u00a0b", "\u0085")


def test_a_narrow_line_is_refused_though_its_word_is_not_wanted(read):
    with pytest.raises(ValueError, match=r"vectors:2: expected a word and 2 numbers"):
        read(b"a 1 2\nb 3\n", ["a"])


@pytest.mark.parametrize(("word", "row"), [("B2", 0), ("b2", 1), ("B7", 2), ("b7", 3), ("c", None), ("b2x", None)])
def test_look_up_from_exact_to_digits(word, row):
    vectors = Vectors(("B2", "b2", "B0", "b0"), torch.eye(4))
    assert vectors.look_up(word) == row
    assert (word in vectors) == (row is not None)


def test_coverage_counts_each_word_under_its_best_form():
    vectors = Vectors(("the", "Berg", "b0"), torch.eye(3))
    found = coverage(vectors, {"the": 5, "The": 2, "Berg": 1, "B7": 3, "b0": 1, "x": 4})
    assert found == Coverage(Matches(exact=3, lower=1, digits=1, missing=1), Matches(7, 2, 3, 4))
    assert "12 of 16 (75.0 %)" in str(found)


def test_the_second_reading_comes_from_the_cache(tmp_path, monkeypatch):
    path, cache = tmp_path / "vectors.txt", tmp_path / "prepared"
    path.write_bytes(text() + b"the 9 9 9\ncaf\xe9 1 1 1\n  1 1 1\n")
    plain = {words: read_vectors(path, words) for words in (None, ("BERG", "a", "zzz"))}
    read_vectors(path, cache=cache)
    monkeypatch.setattr("ner.corpus.vectors.open_vectors", None)  # the file itself is not opened again
    for words, expected in plain.items():
        found = read_vectors(path, words, cache=cache)
        assert found.words == expected.words
        torch.testing.assert_close(found.matrix, expected.matrix)
        for count in ("num_read", "num_duplicates", "num_undecodable", "num_blank"):
            assert getattr(found, count) == getattr(expected, count)
    assert [place.name.rpartition("-")[0] for place in cache.glob("[!.]*")] == ["vectors-vectors"]


def test_several_may_begin_to_read_at_once(tmp_path):
    path, cache = tmp_path / "vectors.txt", tmp_path / "prepared"
    path.write_text("".join(f"word{number} {number} 1\n" for number in range(2000)))
    with ThreadPoolExecutor(8) as threads:
        found = [*threads.map(lambda _: read_vectors(path, cache=cache), range(8))]
    assert all(len(vectors.words) == 2000 for vectors in found)


def test_the_cache_of_another_content_is_not_used(tmp_path):
    path, cache = tmp_path / "vectors.txt", tmp_path / "prepared"
    path.write_text("a 1 2\n")
    assert read_vectors(path, cache=cache).words == ("a",)
    path.write_text("longer 3 4\n")
    assert read_vectors(path, cache=cache).words == ("longer",)


def test_a_damaged_cache_is_named_and_a_bad_file_leaves_none(tmp_path):
    path, cache = tmp_path / "vectors.txt", tmp_path / "prepared"
    path.write_text("a 1 2\nb 1\n")
    with pytest.raises(ValueError, match=r"vectors.txt:2: expected"):
        read_vectors(path, cache=cache)
    assert not [*cache.glob("[!.]*")]
    path.write_text("a 1 2\nb 1 3\n")
    read_vectors(path, cache=cache)
    (matrix,) = cache.glob("*/matrix.f4")
    matrix.write_bytes(matrix.read_bytes()[:-1])
    with pytest.raises(ValueError, match="the stored vectors are damaged; remove the directory"):
        read_vectors(path, cache=cache)


def test_a_directory_that_cannot_be_written_is_no_obstacle(tmp_path, caplog):
    path = tmp_path / "vectors.txt"
    path.write_text("a 1 2\n")
    (tmp_path / "file").touch()
    assert read_vectors(path, cache=tmp_path / "file").words == ("a",)
    assert "cannot be kept in a faster form" in caplog.text
