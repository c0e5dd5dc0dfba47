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

from funcnn.params import trees
from funcnn.types import Array

FORMAT: Final = "funcnn params"
VERSION: Final = 1

_MANIFEST: Final = "manifest.json"
_MANIFEST_LIMIT: Final = 16 << 20  # bytes; parsed, JSON takes many times as much
_SEAL: Final = b"funcnn sha256 "
_DIGITS: Final = 64
_BLOCK: Final = 1 << 20
_ZIP: Final = b"PK\x03\x04"

MALFORMED = (ValueError, TypeError, KeyError, RuntimeError, EOFError, OverflowError, struct.error, zipfile.BadZipFile)
"""What reading a file of another making can raise; NotImplementedError and RecursionError are RuntimeErrors."""


def write(file: IO[bytes], tree: trees.Plain, library: str) -> None:
    """Write a tree to an empty file, which must be readable too: the digest is that of what was written."""
    leaves: list[Array] = []
    manifest = {"format": FORMAT, "version": VERSION, "funcnn": library, "tree": _numbered(tree, leaves)}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = _SEAL + b"0" * _DIGITS
        archive.writestr(zipfile.ZipInfo(_MANIFEST), json.dumps(manifest, indent=1))
        for i, leaf in enumerate(leaves):
            with archive.open(zipfile.ZipInfo(_member(i)), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(leaf, order="C"), allow_pickle=False)
    digest = _digest(file)
    file.seek(-_DIGITS, os.SEEK_END)
    file.write(digest)


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
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    # The seal holds, but anybody can compute one: no size in here is believed.
    if any(m.compress_type != zipfile.ZIP_STORED or m.compress_size != m.file_size for m in members):
        raise ValueError("it has compressed members, which may be of any size; save_params compresses nothing")
    if sum(m.file_size for m in members) > len(data):
        raise ValueError("its members claim to be larger than the file")
    if not members or members[0].filename != _MANIFEST:
        raise ValueError(f"its first member is not {_MANIFEST}")
    tree, count = _manifest(_content(data, members[0]))
    if [m.filename for m in members[1:]] != [_member(i) for i in range(count)]:
        raise ValueError(f"its members are not the {count} leaves that {_MANIFEST} lists")
    return _filled(tree, [_leaf(_content(data, m)) for m in members[1:]])


def _member(i: int) -> str:
    return f"{i}.npy"


def _numbered(tree: trees.Plain, leaves: list[Array]) -> dict[str, Any]:
    """The tree with the number of each leaf in its place; the leaves are put in the list in that order."""
    out: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            out[name] = _numbered(value, leaves)
        else:
            out[name] = len(leaves)
            leaves.append(value)
    return out


def _filled(tree: Mapping[str, Any], leaves: list[Array]) -> trees.Plain:
    """The tree with the leaves in the place of their numbers."""
    return {name: leaves[value] if isinstance(value, int) else _filled(value, leaves) for name, value in tree.items()}


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


def _manifest(text: memoryview) -> tuple[dict[str, Any], int]:
    """The tree of numbers, checked, and how many there are."""
    if len(text) > _MANIFEST_LIMIT:
        raise ValueError(f"{_MANIFEST} has {len(text):,} bytes, more than {_MANIFEST_LIMIT:,}")
    found: object = json.loads(bytes(text), object_pairs_hook=_distinct)
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


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON allows a name twice; readers then differ in which one they take."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"{_MANIFEST} has a name twice")
    return found


def _numbers(tree: dict[str, Any]) -> Iterator[int]:
    for name, value in tree.items():
        if not name or "/" in name:
            raise ValueError(f"{name[:40]!r} is no name of params")
        if isinstance(value, dict):
            yield from _numbers(cast("dict[str, Any]", value))
        elif type(value) is int:
            yield value
        else:
            raise ValueError(f"{_MANIFEST} has {type(value).__name__} for the number of a leaf")


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
