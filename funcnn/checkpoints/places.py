"""What a path names: the regular file that will be there, behind symbolic links that may be followed."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple, TypeAlias, cast

from funcnn.errors import brief

Path: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"
"""What every function that reads or writes a file takes."""

_LINKS = 40  # as many as Linux follows


class Place(NamedTuple):
    """Where a file goes, and the permissions of the one that is there, if there is one."""

    folder: str
    name: str
    mode: int | None


def path_of(path: object, where: str) -> str:
    """The path as a string; bytes are decoded as the file system's names are.

    Errors
        TypeError    it is no path
        ValueError   it has a null character, which no name can have
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"{where} takes the path of a file, got {type(path).__name__} {brief(path)}")
    found = os.fsdecode(cast("str | bytes | os.PathLike[str]", path))
    if "\0" in found:
        raise ValueError(f"{where}: a path has no null characters, got {found!r}")
    return found


def about(error: OSError, path: str) -> None:
    """Let the error be about the path that was asked for, whatever file it happened at."""
    if error.errno is not None:  # without a number, messages have no room for a path
        error.filename = path
        if error.filename2 is not None:
            del error.filename2  # None would be shown


def place_of(path: str) -> Place:
    """The place of the file that this path names, or would name. A symbolic link at its end is followed.

    In a folder where everybody may put something and nobody may take away what is another's, `/tmp` say, a link or file
    of somebody else is refused, unless it is the folder's owner's. This is what Linux does for programs that open such
    a file (`fs.protected_symlinks`, `fs.protected_regular`); one that looks where links lead must do it itself.

    Errors
        OSError   as the operating system says it: a folder, a device, a link that leads round in circles, ...
    """
    for _ in range(_LINKS):
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir):
            code = errno.EISDIR if path else errno.ENOENT
            raise OSError(code, os.strerror(code), path)
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return Place(os.path.realpath(folder), name, None)
        _refuse_planted(path, found, os.stat(folder or os.curdir))
        if not stat.S_ISLNK(found.st_mode):
            return Place(os.path.realpath(folder), name, _mode(path, found))
        path = os.path.join(folder, os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _refuse_planted(path: str, found: os.stat_result, folder: os.stat_result) -> None:
    shared = stat.S_ISVTX | stat.S_IWOTH
    if folder.st_mode & shared != shared or os.name == "nt":
        return
    if found.st_uid not in (os.geteuid(), folder.st_uid):
        what = "symbolic link" if stat.S_ISLNK(found.st_mode) else "file"
        raise PermissionError(errno.EACCES, f"this {what} in a folder open to everybody is another user's", path)


def _mode(path: str, found: os.stat_result) -> int:
    """The permissions of the file that will be replaced."""
    if stat.S_ISREG(found.st_mode):
        return stat.S_IMODE(found.st_mode)
    code = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
    # replacing a device, /dev/null say, would take it away from everybody
    raise OSError(code, "only a regular file can be replaced", path)
