import copy
import errno
import hashlib
import io
import zipfile

import pytest
import torch

from ner.training import sealed
from ner.training.sealed import PREFIX, SEAL_SIZE, check_seal, load_sealed, save_sealed

STATE = {"tagger": {"weight": torch.arange(6.0).view(2, 3)}, "progress": {"epoch": 1}}


@pytest.fixture
def path(tmp_path):
    save_sealed(tmp_path / "best.pt", STATE)
    return tmp_path / "best.pt"


def test_gives_back_what_was_saved_and_is_what_torch_and_zipfile_read(path):
    for state in (load_sealed(path), torch.load(path, weights_only=True)):
        assert state["progress"] == STATE["progress"]
        assert torch.equal(state["tagger"]["weight"], STATE["tagger"]["weight"])
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(b"sha256:")


def test_any_changed_byte_is_found(path):
    content = path.read_bytes()
    for position in range(len(content)):
        if position % 11 == 0 or position > len(content) - SEAL_SIZE - 30:
            changed = bytearray(content)
            changed[position] ^= 1 << position % 8
            path.write_bytes(changed)
            with pytest.raises(ValueError, match=r"best\.pt is damaged"):
                load_sealed(path)


def test_any_missing_or_added_byte_is_found(path):
    content = path.read_bytes()
    for length in (0, 1, 21, 22, 80, len(content) // 2, len(content) - SEAL_SIZE, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="is damaged"):
            load_sealed(path)
    for changed in (content + b"\n", b"\0" + content, content[:500] + b"x" + content[500:]):
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="is damaged"):
            load_sealed(path)


def test_files_of_earlier_versions_load_while_their_members_are_whole(path):
    torch.save(STATE, path)
    assert load_sealed(path)["progress"] == STATE["progress"]
    content = bytearray(path.read_bytes())
    content[content.index(STATE["tagger"]["weight"].numpy().tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        check_seal(path)


@pytest.mark.parametrize("state", [["no dictionary"], {"a": zipfile.ZipFile}])
def test_what_is_no_state_is_one_error(tmp_path, state):
    torch.save(state, tmp_path / "best.pt")
    with pytest.raises(ValueError, match=r"best\.pt: not the weights of a run \(it holds"):
        load_sealed(tmp_path / "best.pt")


def test_compressed_members_are_not_unpacked(path, tmp_path):
    torch.save(STATE, path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        for member in archive.infolist():
            bomb.writestr(member.filename, archive.read(member))
    with pytest.raises(ValueError, match="compressed"):
        load_sealed(tmp_path / "bomb.pt")


def test_members_that_share_their_bytes_are_not_unpacked(path, tmp_path):
    """Many names for one place in the file would take its size in memory for each."""
    torch.save({"tagger": {"weight": torch.zeros(10_000)}}, path)
    with zipfile.ZipFile(path) as archive:
        members, end = archive.infolist(), archive.start_dir
    data = next(member for member in members if "/data/" in member.filename)
    bomb = tmp_path / "bomb.pt"
    bomb.write_bytes(path.read_bytes())
    with zipfile.ZipFile(bomb, "a") as archive:
        for number in range(100):
            twin = copy.copy(data)
            twin.filename = f"{data.filename}{number}"
            archive.filelist.append(twin)
        archive.start_dir, archive._didModify, archive.comment = end, True, b"0" * SEAL_SIZE
    content = bomb.read_bytes()[:-SEAL_SIZE]
    bomb.write_bytes(content + PREFIX + hashlib.sha256(content).hexdigest().encode())
    with pytest.raises(ValueError, match="its members are larger than it is"):
        load_sealed(bomb)


def test_tensors_of_more_numbers_than_are_stored_are_refused(tmp_path):
    tensor = torch.zeros(1, dtype=torch.float64).expand(10**12)
    torch.save({"optimizer": {"state": [{"exp_avg": tensor}]}}, tmp_path / "last.pt")
    with pytest.raises(ValueError, match=r"last\.pt: not the weights of a run \(a tensor of shape \(1000000000000,\)"):
        load_sealed(tmp_path / "last.pt")


def test_a_disk_that_is_full_leaves_the_earlier_file(path, monkeypatch):
    before = path.read_bytes()

    class Full(io.BufferedIOBase):
        def __init__(self, file):
            self.file, self.left = file, 700

        def write(self, content):
            self.left -= len(content)
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(content)

    make = sealed._Sealing
    monkeypatch.setattr(sealed, "_Sealing", lambda file: make(Full(file)))
    with pytest.raises(OSError, match=r"No space left on device: .*best\.pt"):
        save_sealed(path, STATE)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
