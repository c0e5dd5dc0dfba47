"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from funcnn.checkpoints.atomic_writes import replacing


@pytest.fixture
def umask() -> Iterator[None]:
    """A umask of its own."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def write(path: Path, text: bytes) -> None:
    """Replace a file."""
    with replacing(path) as file:
        file.write(text)


def test_a_file_is_written(tmp_path: Path) -> None:
    """What is written in the block is in the file, and the folder holds nothing else."""
    write(tmp_path / "a", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"new")]


def test_the_old_file_is_there_until_the_end(tmp_path: Path) -> None:
    """Whoever reads within the block finds the old file."""
    path = tmp_path / "a"
    write(path, b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_block(tmp_path: Path, error: type[BaseException]) -> None:
    """An error in the block goes through unchanged; the old file is there, and no temporary one."""
    write(tmp_path / "a", b"old")
    with pytest.raises(error), replacing(tmp_path / "a") as file:
        file.write(b"new")
        raise error
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_the_umask_is_respected(tmp_path: Path, umask: None) -> None:
    """A new file has the permissions that the umask leaves."""
    write(tmp_path / "a", b"")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_permissions_are_kept(tmp_path: Path) -> None:
    """A file that was private stays so."""
    write(tmp_path / "a", b"old")
    (tmp_path / "a").chmod(0o600)
    write(tmp_path / "a", b"new")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_links_are_followed(tmp_path: Path) -> None:
    """A symbolic link stays one; the file it names is replaced."""
    write(tmp_path / "a", b"old")
    (tmp_path / "link").symlink_to("a")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


def test_long_names(tmp_path: Path) -> None:
    """A name as long as the file system allows is no problem."""
    name = "ä" * 127
    write(tmp_path / name, b"new")
    assert (tmp_path / name).read_bytes() == b"new"


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name is a file in the working directory."""
    monkeypatch.chdir(tmp_path)
    write(Path("a"), b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    """A folder is refused before anything is written."""
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError, match="regular file"):
        write(tmp_path / "a", b"")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    """What is no regular file, a pipe or a device, is refused."""
    os.mkfifo(tmp_path / "a")
    with pytest.raises(OSError, match="regular file"):
        write(tmp_path / "a", b"")
    assert stat.S_ISFIFO((tmp_path / "a").stat().st_mode)
