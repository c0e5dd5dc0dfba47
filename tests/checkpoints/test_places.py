"""What a path names, and what is refused because somebody else may have put it there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import Params, load_params, save_params
from funcnn.checkpoints.places import place_of
from tests.refusals import refusal

PARAMS = Params({"w": np.ones(2)})
STRANGER = 54321
loose_save: Any = save_params
loose_load: Any = load_params


@pytest.mark.parametrize("as_given", [str, Path, os.fsencode], ids=["str", "Path", "bytes"])
def test_kinds_of_paths(tmp_path: Path, as_given: Any) -> None:
    """Strings, paths, and bytes."""
    path = as_given(tmp_path / "ä.npz")
    save_params(path, PARAMS)
    assert load_params(path) == PARAMS and [p.name for p in tmp_path.iterdir()] == ["ä.npz"]


@pytest.mark.parametrize("path", [None, 3, 0.5, True, ["a"], PARAMS, b"a".hex])
def test_what_is_no_path(path: Any) -> None:
    """Is refused with its type, by both."""
    for call, name in ((lambda: loose_save(path, PARAMS), "save_params"), (lambda: loose_load(path), "load_params")):
        said = refusal(call, TypeError)
        assert said.startswith(f"{name} takes the path of a file, got {type(path).__name__}")


def test_null_characters() -> None:
    """No name can have them."""
    for call in (lambda: save_params("a\0b", PARAMS), lambda: load_params(b"a\0b")):
        assert "a path has no null characters, got 'a\\x00b'" in refusal(call, ValueError)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", FileNotFoundError),
        (".", IsADirectoryError),
        ("..", IsADirectoryError),
        ("a/", IsADirectoryError),
        ("folder", IsADirectoryError),
        ("folder/.", IsADirectoryError),
        ("into_folder", IsADirectoryError),
        ("round", OSError),
        ("folder/missing/a", FileNotFoundError),
        ("file/a", NotADirectoryError),
        ("x" * 256, OSError),
        ("device", OSError),
    ],
)  # fmt: skip
def test_paths_that_name_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, error: type[OSError]
) -> None:
    """The system's own error, about the path that was asked for; nothing is made."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "into_folder").symlink_to("folder/")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "device").symlink_to("/dev/null")
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir())
    with pytest.raises(error) as caught:
        save_params(path, PARAMS)
    assert (caught.value.filename, caught.value.filename2) == (path, None) and str(caught.value).endswith(repr(path))
    assert sorted(os.listdir()) == before and (tmp_path / "file").read_bytes() == b"old"


def test_links_that_lead_nowhere_yet(tmp_path: Path) -> None:
    """The file is made where they lead, from the folder of each link."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "first").symlink_to("folder/second")
    (tmp_path / "folder" / "second").symlink_to("../target")
    save_params(tmp_path / "first", PARAMS)
    assert load_params(tmp_path / "target") == PARAMS
    assert (tmp_path / "first").is_symlink() and (tmp_path / "folder" / "second").is_symlink()


# folders that are open to everybody -----------------------------------------------------------------------------------
def owned_by(monkeypatch: pytest.MonkeyPatch, owner: int, *paths: Path) -> None:
    """Let the operating system say that these belong to this user."""
    real = os.lstat
    names = {str(path) for path in paths}

    def lstat(path: Any, **options: Any) -> os.stat_result:
        found = real(path, **options)
        if os.fspath(path) not in names:
            return found
        fields = list(found[:10])
        fields[stat.ST_UID] = owner
        return os.stat_result(fields)

    monkeypatch.setattr(os, "lstat", lstat)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder like /tmp."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def test_a_planted_link(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link of another user in a folder like /tmp is not followed, and what it leads to stays as it is."""
    precious = shared.parent / "precious"
    precious.write_bytes(b"old")
    (shared / "params.npz").symlink_to(precious)
    owned_by(monkeypatch, STRANGER, shared / "params.npz")
    with pytest.raises(PermissionError, match=r"symbolic link .* another user's: '.*shared/params\.npz'") as caught:
        save_params(shared / "params.npz", PARAMS)
    assert caught.value.errno == errno.EACCES and precious.read_bytes() == b"old"
    assert [p.name for p in shared.iterdir()] == ["params.npz"]


def test_a_planted_link_behind_ours(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every link on the way is looked at; the error is about the path that was asked for."""
    (shared / "planted").symlink_to("precious")
    (shared.parent / "ours").symlink_to("shared/planted")
    owned_by(monkeypatch, STRANGER, shared / "planted")
    with pytest.raises(PermissionError, match=r"'.*/ours'$"):
        save_params(shared.parent / "ours", PARAMS)
    assert sorted(p.name for p in shared.iterdir()) == ["planted"]


def test_a_planted_file(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another user is not replaced there: the new one would have the permissions that he has chosen."""
    (shared / "params.npz").write_bytes(b"planted")
    owned_by(monkeypatch, STRANGER, shared / "params.npz")
    with pytest.raises(PermissionError, match="this file .* another user's"):
        save_params(shared / "params.npz", PARAMS)
    assert (shared / "params.npz").read_bytes() == b"planted"


@pytest.mark.parametrize("mode", [0o777, 0o1775, 0o755])
def test_folders_of_other_kinds(shared: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    """Where not everybody may write, or everybody may do everything, links are followed as ever."""
    shared.chmod(mode)
    (shared / "params.npz").symlink_to("target")
    owned_by(monkeypatch, STRANGER, shared / "params.npz")
    save_params(shared / "params.npz", PARAMS)
    assert load_params(shared / "target") == PARAMS


def test_links_of_ours_and_of_the_folders_owner(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are followed in a folder like /tmp too."""
    (shared / "ours").symlink_to("target")
    save_params(shared / "ours", PARAMS)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)  # now it is the folder's owner's
    save_params(shared / "ours", {"w": np.zeros(1)})
    assert load_params(shared / "target") == Params({"w": np.zeros(1)})


def test_permissions_are_what_they_will_be(tmp_path: Path) -> None:
    """A place knows those of the file that is there."""
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(0o640)
    assert place_of(str(tmp_path / "a")).mode == 0o640 and place_of(str(tmp_path / "b")).mode is None
