import shutil
import subprocess

import pytest

from ner.corpus.checksums import SUMS, verify_checksums, write_checksums


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "data.arrow").write_bytes(bytes(range(100)))
    (tmp_path / "manifest.json").write_text("{}\n")
    write_checksums(tmp_path)
    verify_checksums(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["train/data.arrow", "manifest.json", SUMS])
def test_any_changed_missing_or_added_byte_is_found(directory, name):
    path = directory / name
    content = path.read_bytes()
    changes = [content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :] for i in range(len(content))]
    for changed in (*changes, content[:-1], content + b"\n", b"", b"\n" + content):
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="is not as it was written"):
            verify_checksums(directory)


def test_any_missing_added_or_linked_file_is_found(directory):
    (directory / "more").write_text("")
    with pytest.raises(ValueError, match="'more' was added; remove the directory and prepare"):
        verify_checksums(directory)
    (directory / "more").unlink()
    (directory / "manifest.json").rename(directory / "other")
    with pytest.raises(ValueError, match=r"'manifest\.json' is missing"):
        verify_checksums(directory)
    (directory / "manifest.json").symlink_to("other")
    with pytest.raises(ValueError, match="is a link or a device"):
        verify_checksums(directory)
    (directory / "manifest.json").unlink()
    (directory / SUMS).unlink()
    with pytest.raises(ValueError, match="has no SHA256SUMS"):
        verify_checksums(directory)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_the_file_is_that_of_sha256sum(directory):
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=directory, check=True)


def test_what_a_desktop_leaves_is_nothing_of_ours(directory):
    (directory / ".DS_Store").write_text("x")
    verify_checksums(directory)
