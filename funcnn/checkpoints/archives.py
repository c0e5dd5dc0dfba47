"""Trees of arrays as sealed archives: `.npz` files whose last bytes are a digest of all the others.

An archive has a member for every leaf, named by its number, and before them `manifest.json`, which says what the format
is and how the leaves make a tree. Nothing is compressed. The digest is the comment of the archive: the checksums of zip
files say nothing about names, headers and the directory, and a digest inside the manifest could not cover those.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from math import prod
from typing import IO, Any, Final, cast

import numpy as np

from funcnn.errors import ParamsError
from funcnn.params import trees
from funcnn.types import Array

FORMAT: Final = "funcnn params"
VERSION: Final = 1

_MANIFEST: Final = "manifest.json"
# Parsed, JSON takes many times as much memory as it has bytes. A leaf takes 250 bytes of a file or more, so these bound
# what a file may cost by its size. What they refuse to read, they refuse to write.
MANIFEST_BYTES, MANIFEST_BYTES_A_LEAF = 1 << 20, 256
SUBTREES, SUBTREES_A_LEAF = 10_000, 4
_SEAL: Final = b"funcnn sha256 "
_DIGITS: Final = 64
_BLOCK: Final = 1 << 20
_ZIP: Final = b"PK\x03\x04"

MALFORMED = (ValueError, TypeError, KeyError, RuntimeError, EOFError, OverflowError, struct.error, zipfile.BadZipFile)
"""What reading a file of another making can raise; NotImplementedError and RecursionError are RuntimeErrors."""


def write(file: IO[bytes], tree: trees.Plain, library: str) -> None:
    """Write a tree to an empty file, which must be readable too: the digest is that of what was written.

    Errors
        ParamsError   the tree has more levels, subtrees or letters in its names than `read` takes
    """
    numbered, leaves = _numbered(tree)
    manifest = json.dumps({"format": FORMAT, "version": VERSION, "funcnn": library, "tree": numbered})
    _refuse_letters(len(manifest), len(leaves))
    archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
    try:
        with archive:
            archive.comment = _SEAL + b"0" * _DIGITS
            archive.writestr(zipfile.ZipInfo(_MANIFEST), manifest)
            for i, leaf in enumerate(leaves):
                with archive.open(zipfile.ZipInfo(_member(i)), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(leaf, order="C"), allow_pickle=False)
    except BaseException as error:
        archive.fp = None  # half open, it would complain when it is thrown away
        if interrupt := _interrupt_behind(error):
            raise interrupt from None
        raise
    digest = _digest(file)
    file.seek(-_DIGITS, os.SEEK_END)
    file.write(digest)


def _interrupt_behind(error: BaseException) -> BaseException | None:
    """The interrupt that an error hides: closing an archive that it left half open raises one of its own."""
    found = error.__context__
    while isinstance(found, Exception):
        found = found.__context__
    return found


def read(file: IO[bytes]) -> trees.Plain:
    """The tree in an archive, its leaves read-only and C-contiguous, over memory no larger than the file.

    Errors
        one of MALFORMED   with the reason, where it is not an archive that `write` made
    """
    _check_ends(file)
    file.seek(0)
    data = file.read()
    if _digest(io.BytesIO(data)) != data[-_DIGITS:]:
        raise ValueError("it is damaged, its SHA-256 digest is not the one it was written with; take an older copy")
    if _directory_size(data) > len(data) // 4 + (1 << 16):
        raise ValueError("its directory lists more than there can be in it")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    # The seal holds, but anybody can compute one: no size in here is believed.
    if any(m.compress_type != zipfile.ZIP_STORED or m.compress_size != m.file_size for m in members):
        raise ValueError("it has compressed members, which may be of any size; save_params compresses nothing")
    if sum(m.file_size for m in members) > len(data):
        raise ValueError("its members claim to be larger than the file")
    if not members or members[0].filename != _MANIFEST:
        raise ValueError(f"its first member is not {_MANIFEST}")
    tree, count = _manifest(_content(data, members[0]), len(members) - 1)
    if [m.filename for m in members[1:]] != [_member(i) for i in range(count)]:
        raise ValueError(f"its members are not the {count} leaves that {_MANIFEST} lists")
    return _filled(tree, [_leaf(_content(data, m)) for m in members[1:]])


def _member(i: int) -> str:
    return f"{i}.npy"


def _numbered(tree: trees.Plain) -> tuple[dict[str, Any], list[Array]]:
    """The tree with the number of each leaf in its place, and the leaves in the order of their numbers."""
    leaves: list[Array] = []
    subtrees = 0

    def numbered(tree: trees.Plain, level: int) -> dict[str, Any]:
        nonlocal subtrees
        if level > trees.LEVELS:
            raise ParamsError(f"a checkpoint holds params of at most {trees.LEVELS} levels, these have more")
        out: dict[str, Any] = {}
        for name, value in tree.items():
            if isinstance(value, dict):
                subtrees += 1
                out[name] = numbered(value, level + 1)
            else:
                out[name] = len(leaves)
                leaves.append(value)
        return out

    found = numbered(tree, 1)
    if subtrees > SUBTREES + SUBTREES_A_LEAF * len(leaves):
        raise ParamsError(
            f"a checkpoint of {len(leaves):,} leaves holds at most {SUBTREES + SUBTREES_A_LEAF * len(leaves):,} "
            f"subtrees, these params have {subtrees:,}; leave the empty ones out"
        )
    return found, leaves


def _refuse_letters(count: int, leaves: int) -> None:
    limit = MANIFEST_BYTES + MANIFEST_BYTES_A_LEAF * leaves
    if count > limit:
        raise ParamsError(
            f"the names of these params take {count:,} bytes, a checkpoint of {leaves:,} leaves holds {limit:,}; "
            "give shorter ones"
        )


def _filled(tree: Mapping[str, Any], leaves: list[Array]) -> trees.Plain:
    """The tree with the leaves in the place of their numbers."""
    out: trees.Plain = {}
    for name, value in tree.items():  # no comprehension: before Python 3.12 that were two frames a level
        out[name] = leaves[value] if isinstance(value, int) else _filled(value, leaves)
    return out


# the seal -------------------------------------------------------------------------------------------------------------
def _digest(file: IO[bytes]) -> bytes:
    """The SHA-256 of all of the file but its last digits, which are there to hold it."""
    left = file.seek(0, os.SEEK_END) - _DIGITS
    file.seek(0)
    digest = hashlib.sha256()
    while left > 0 and (block := file.read(min(left, _BLOCK))):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest().encode()


def _check_ends(file: IO[bytes]) -> None:
    """Refuse, without reading it, a file that is none of ours.

    Errors
        ValueError   with what it may be instead
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(_SEAL) - _DIGITS))
    tail = file.read()
    file.seek(0)
    head = file.read(4)
    if not head:
        raise ValueError("the file is empty")
    if tail.startswith(_SEAL):
        return
    if head[:1] == b"\x80":
        raise ValueError("it is a pickle, and those are never opened here; write it with save_params")
    if zipfile.is_zipfile(file):
        raise ValueError("it is an .npz or .zip file that save_params did not write, or its end is damaged")
    if head == _ZIP:
        raise ValueError("its end is missing or damaged; take an older copy")
    raise ValueError("it is a file of another kind; write it with save_params")


def _directory_size(data: bytes) -> int:
    """How many bytes the directory of the archive says that it has; reading it takes fourteen times as much memory."""
    end = len(data) - _DIGITS - len(_SEAL) - 22
    if end >= 76 and data[end - 20 : end - 16] == b"PK\x06\x07":  # more than 65,535 members, or 4 GB
        return int.from_bytes(data[end - 36 : end - 28], "little")
    return int.from_bytes(data[max(0, end + 12) : end + 16], "little")


# what is inside -------------------------------------------------------------------------------------------------------
def _content(data: bytes, member: zipfile.ZipInfo) -> memoryview:
    """The bytes of a stored member, where they lie."""
    at = member.header_offset
    if at < 0 or data[at : at + 4] != _ZIP:
        raise ValueError(f"{member.filename} is not where the archive says")
    name, extra = struct.unpack_from("<HH", data, at + 26)
    start = at + 30 + name + extra
    content = memoryview(data)[start : start + member.file_size]
    if len(content) != member.file_size:
        raise ValueError(f"{member.filename} reaches beyond the end of the file")
    return content


def _manifest(text: memoryview, leaves: int) -> tuple[dict[str, Any], int]:
    """The tree of numbers, checked, and how many there are; `leaves` is how many there should be."""
    limit = MANIFEST_BYTES + MANIFEST_BYTES_A_LEAF * leaves
    if len(text) > limit:
        raise ValueError(f"{_MANIFEST} has {len(text):,} bytes, more than the {limit:,} for {leaves:,} leaves")
    found: object = json.loads(bytes(text), object_pairs_hook=_Objects(SUBTREES + SUBTREES_A_LEAF * leaves + 2))
    manifest = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    version, tree = manifest.get("version"), manifest.get("tree")
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{_MANIFEST} does not say that the format is {FORMAT!r}")
    if type(version) is not int or type(tree) is not dict:
        raise ValueError(f"{_MANIFEST} has {type(version).__name__} for version and {type(tree).__name__} for tree")
    if version > VERSION:
        by = str(manifest.get("funcnn"))[:20]
        raise ValueError(f"it has format version {version}, by funcnn {by}; this one reads {VERSION}: upgrade funcnn")
    if version < VERSION:
        raise ValueError(f"there is no format version {version}")
    checked = cast("dict[str, Any]", tree)
    numbers = list(_numbers(checked))
    if numbers != list(range(len(numbers))):
        raise ValueError(f"{_MANIFEST} does not number its leaves in order")
    return checked, len(numbers)


class _Objects:
    """Makes the dicts out of what a JSON file has in braces, and stops when they become too many.

    JSON allows a name twice; readers then differ in which one they take, so it is refused.
    """

    def __init__(self, limit: int) -> None:
        self.left = limit

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"{_MANIFEST} has more subtrees than belong to so few leaves")
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError(f"{_MANIFEST} has a name twice")
        return found


def _numbers(tree: dict[str, Any]) -> Iterator[int]:
    """The numbers in the tree, from the first to the last."""
    ways = [iter(tree.items())]
    while ways:
        for name, value in ways[-1]:
            if not name or "/" in name:
                raise ValueError(f"{name[:40]!r} is no name of params")
            if isinstance(value, dict):
                ways.append(iter(cast("dict[str, Any]", value).items()))
                break
            if type(value) is not int:
                raise ValueError(f"{_MANIFEST} has {type(value).__name__} for the number of a leaf")
            yield value
        else:
            ways.pop()
        if len(ways) > trees.LEVELS:
            raise ValueError(f"its tree has more than {trees.LEVELS} levels")


def _leaf(content: memoryview) -> Array:
    """An array over the bytes of the file, in native byte order."""
    header = io.BytesIO(content[: 1 << 14])
    try:
        if np.lib.format.read_magic(header) != (1, 0):
            raise ValueError("it has another version than 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(header)
    except Exception as error:  # NumPy parses the header as Python literals, and lets out what the parser raises
        raise ValueError(f"a leaf is no .npy file: {error}") from None
    values = content[header.tell() :]
    if dtype.kind != "f" or fortran or any(type(d) is not int or d < 0 for d in shape):
        raise ValueError(f"a leaf is {dtype} of shape {shape}, expected floating-point numbers in C order")
    if prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"a leaf is {dtype} of shape {shape}, and has {len(values)} bytes")
    array: Array = np.frombuffer(values, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)
