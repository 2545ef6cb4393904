import random

import pyarrow as pa
import pytest
from datasets import Dataset

from ner.corpus.rows import schema, to_table
from ner.corpus.sentence import DependencyTree
from ner.corpus.stored_rows import check_rows, read_rows


@pytest.fixture
def rows(sentences):
    return to_table(sentences[:4]).to_pydict()


def write(path, table, kind=pa.ipc.new_stream):
    path.mkdir(exist_ok=True)
    with kind(str(path / "data-00000-of-00001.arrow"), table.schema) as file:
        file.write_table(table)
    return path


@pytest.mark.parametrize("shards", [1, 3])
def test_what_datasets_wrote_is_read(sentences, tmp_path, shards):
    Dataset(to_table(sentences)).save_to_disk(str(tmp_path / "train"), num_shards=shards)
    assert read_rows(tmp_path / "train") == to_table(sentences)


def test_rows_of_format_1_are_read(sentences, tmp_path):
    table = to_table(sentences).drop_columns(["malformed", "source"])
    assert len(read_rows(write(tmp_path / "train", table))) == len(sentences)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("heads", [1, 1, 3, 1, 5], "sentence 3 has a head outside of it"),
        ("heads", [1, -1, 3, 1, 1], "sentence 3 has a head outside of it"),
        ("heads", [1, 1, 3, 2, 1], "sentence 3 has heads that run in a circle"),
        ("heads", [0, 1, 3, 1, 1], "sentence 3 has no root, or more than one"),
        ("heads", [1, 2, 3, 4, 0], "sentence 3 has no root, or more than one"),
        ("heads", [1, 1, None, 1, 1], "a value of heads is null"),
        ("heads", [1, 1], "sentence 3 has more or fewer heads than words"),
        ("heads", None, "sentence 3 has heads or relations, not both"),
        ("words", ["a"], "sentence 3 has more or fewer pos than words"),
        ("words", [], "sentence 3 has no words"),
        ("words", None, "sentence 3 has no words"),
        ("words", ["a", "b", "c", "d", "e\x1b[2J"], r"words holds 'e\\x1b\[2J'"),
        ("tags", ["O", "O", "O", "O", "X"], "'X' is no tag"),
        ("tags", ["O", "O", "O", "O", "B-a b"], "tags holds 'B-a b'"),
        ("tags", None, "sentence 3 has no tags"),
        ("relations", ["a", "b\u202e", "c", "d", "e"], "relations holds"),
        ("document", "a\tb", "document holds"),
        ("document", None, "sentence 3 has no document"),
    ],
)
def test_a_sentence_that_is_none_is_refused(rows, column, value, message):
    rows[column][2] = value
    with pytest.raises(ValueError, match=message):
        check_rows(pa.table(rows, schema=schema()))


def test_trees_are_those_of_the_class_of_trees():
    """Of all heads of three words, and of some of five, together with a whole tree before and behind."""
    rng = random.Random(1)
    draws = [[a, b, c] for a in range(3) for b in range(3) for c in range(3)]
    draws += [[-1, 0, 0], [0, 0, 3], *([rng.randrange(5) for _ in range(5)] for _ in range(30))]
    for heads in draws:
        table = table_of([[0, 0], heads, [1, 1]])
        try:
            DependencyTree(tuple(heads), ("x",) * len(heads))
        except ValueError:
            with pytest.raises(ValueError, match="sentence 2 has"):
                check_rows(table)
        else:
            check_rows(table)


def table_of(trees):
    empty = dict.fromkeys(schema().names, [None] * len(trees))
    words = [["w"] * len(heads) for heads in trees]
    columns = {"words": words, "relations": words, "heads": trees, "tags": [["O"] * len(heads) for heads in trees]}
    named = dict.fromkeys(("document", "genre", "source"), [""] * len(trees))
    return pa.table({**empty, **columns, **named, "part": [0] * len(trees)}, schema=schema())


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns(["tags"]),
        lambda table: table.append_column("more", table["words"]),
        lambda table: table.append_column("words", table["words"]),
        lambda table: table.set_column(3, "heads", table["heads"].cast(pa.list_(pa.int64()))),
        lambda table: table.set_column(0, "words", table["words"].cast(pa.large_list(pa.string()))),
        lambda table: table.set_column(5, "document", table["document"].dictionary_encode()),
    ],
)
def test_other_columns_are_refused(sentences, tmp_path, change):
    with pytest.raises(ValueError, match=r"not the rows of a prepared corpus \((no|a) column"):
        read_rows(write(tmp_path / "train", change(to_table(sentences))))


def test_what_is_no_stream_of_rows_is_refused(sentences, tmp_path):
    with pytest.raises(ValueError, match="there are no rows"):
        read_rows(tmp_path / "nowhere")
    path = write(tmp_path / "train", to_table(sentences), pa.ipc.new_file)
    with pytest.raises(ValueError, match="not the rows of a prepared corpus"):
        read_rows(path)
    (path / "data-00000-of-00001.arrow").write_bytes(b"")
    with pytest.raises(ValueError, match="not the rows of a prepared corpus"):
        read_rows(path)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_buffers_are_refused(sentences, tmp_path, codec):
    (tmp_path / "train").mkdir()
    table, options = to_table(sentences), pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(str(tmp_path / "train" / "data-0.arrow"), table.schema, options=options) as file:
        file.write_table(table)
    with pytest.raises(ValueError, match="its buffers are compressed"):
        read_rows(tmp_path / "train")
