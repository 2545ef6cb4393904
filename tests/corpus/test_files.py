import bz2
import errno
import gzip
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.files import find_files, line_runs, remove_strays, replacing


@given(text=st.text(alphabet="a \n", min_size=1, max_size=30))
def test_runs_put_together_are_the_file(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "runs"
    path.write_bytes(text.encode())
    runs = list(line_runs(path))
    lines = text.encode().splitlines(keepends=True)
    assert [line for _, run in runs for line in run] == lines
    for number, run in runs:
        assert lines[number - 1] == run[0]
        assert len({line.isspace() for line in run}) == 1


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_a_packed_file_is_told_to_be_one(tmp_path, module):
    path = tmp_path / "train.conll"
    path.write_bytes(module.compress(b"EU B-ORG\n"))
    with pytest.raises(ValueError, match=r"train.conll: a file packed by \w+; unpack it"):
        list(line_runs(path))


def test_a_file_is_replaced_only_when_it_is_complete(tmp_path):
    path = tmp_path / "kept"
    path.write_text("old")

    def fail_halfway():
        with replacing(path) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    assert [path] == list(tmp_path.iterdir())
    assert path.read_text() == "old"
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert [path] == list(tmp_path.iterdir())
    assert path.read_text() == "new"


def test_files_are_found_once_and_sorted(tmp_path):
    for name in ("b.x", "a.x_y", "c.z", "d.X"):
        (tmp_path / name).touch()
    assert find_files(tmp_path, ("*.x", "*_y", "b*")) == (tmp_path / "a.x_y", tmp_path / "b.x", tmp_path / "d.X")
    assert find_files(str(tmp_path / "c.z"), ("*.x",)) == (tmp_path / "c.z",)


def test_a_file_takes_the_place_of_regular_files_alone(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("link", "is a link"), ("dangling", "is a link"), ("pipe", "is not a regular file")):
        with pytest.raises(ValueError, match=reason), replacing(tmp_path / name) as file:
            file.write(b"other")
    assert (tmp_path / "mine").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "link", "mine", "pipe"]


@pytest.mark.parametrize("name", ["x" * 255, "\u0416" * 127, "\U0001f600" * 63])
def test_names_may_be_as_long_as_the_system_allows(tmp_path, name):
    with replacing(tmp_path / name) as file:
        file.write(b"all")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"all")]


LONGEST = "x" * 255


@pytest.mark.parametrize("name", ["a.json", LONGEST, "ä" * 127, "spaced name\n.txt"])
def test_a_file_is_replaced_in_one_step_whatever_its_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"before")
    with replacing(path) as file:
        file.write(b"after")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"before")
    with pytest.raises(KeyError), replacing(path) as file:
        file.write({}["missing"])
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a", LONGEST])
def test_what_a_killed_process_left_is_removed(tmp_path, caplog, name):
    caplog.set_level("INFO")
    code = f"""
import os
from pathlib import Path
from ner.corpus.files import replacing
files = [replacing(Path({str(tmp_path)!r}, name)) for name in ({name!r}, "other")]
for file in files:
    file.__enter__()
os._exit(1)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / f".alive.{os.getpid()}.partial").touch()
    with replacing(tmp_path / name):
        pass
    assert caplog.text.count("a process that was killed had not finished it") == 1
    assert len(list(tmp_path.iterdir())) == 3
    remove_strays(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {name, f".alive.{os.getpid()}.partial"}


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_an_error_of_the_system_names_the_file(tmp_path, monkeypatch, operation):
    path = tmp_path / "a"
    path.write_bytes(b"before")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if operation == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"), replacing(path) as file:
        file.write(b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_called_as_a_file_is_read_or_refused(tmp_path):
    (tmp_path / "a.x").touch()
    (tmp_path / "folder.x").mkdir()
    (tmp_path / "link.x").symlink_to(tmp_path / "a.x")
    assert find_files(tmp_path, ("*.x",)) == (tmp_path / "a.x", tmp_path / "link.x")
    (tmp_path / "b.x").symlink_to("nowhere")
    with pytest.raises(ValueError, match=r"b\.x is no file"):
        find_files(tmp_path, ("*.x",))
    (tmp_path / "b.x").unlink()
    os.mkfifo(tmp_path / "folder.x" / "c.x")
    with pytest.raises(ValueError, match=r"c\.x is no file"):
        find_files(tmp_path, ("*.x",))
