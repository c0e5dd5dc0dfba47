"""Sealed archives: `.npz` files whose last bytes are a digest of all the others.

An archive has a member for every array, named by its number, and before them `manifest.json`, which says what the
format is and what the arrays belong to. Nothing is compressed. The digest is the comment of the archive: the checksums
of zip files say nothing about names, headers and the directory, and a digest inside the manifest could not cover those.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Sequence
from math import prod
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from funcnn.checkpoints.manifests import MANIFEST, Kind, manifest_in


_SEAL: Final = b"funcnn sha256 "
_DIGITS: Final = 64
_BLOCK: Final = 1 << 20
_ZIP: Final = b"PK\x03\x04"

MALFORMED = (ValueError, TypeError, KeyError, RuntimeError, EOFError, OverflowError, struct.error, zipfile.BadZipFile)
"""What reading a file of another making can raise; NotImplementedError and RecursionError are RuntimeErrors."""


def write(file: IO[bytes], manifest: str, leaves: Sequence[npt.NDArray[Any]]) -> None:
    """Write an archive to an empty file, which must be readable too: the digest is that of what was written."""
    archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
    try:
        with archive:
            archive.comment = _SEAL + b"0" * _DIGITS
            archive.writestr(zipfile.ZipInfo(MANIFEST), manifest)
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


def read(file: IO[bytes], kind: Kind) -> tuple[dict[str, object], list[memoryview]]:
    """The manifest of an archive of this kind, and what its arrays are stored as, where it lies in the bytes read.

    Errors
        one of MALFORMED   with the reason, where it is not an archive that `write` made
    """
    _check_ends(file, kind)
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
        raise ValueError(f"it has compressed members, which may be of any size; {kind.writer} compresses nothing")
    if sum(m.file_size for m in members) > len(data):
        raise ValueError("its members claim to be larger than the file")
    if not members or members[0].filename != MANIFEST:
        raise ValueError(f"its first member is not {MANIFEST}")
    manifest = manifest_in(_content(data, members[0]), len(members) - 1, kind)
    if [m.filename for m in members[1:]] != [_member(i) for i in range(len(members) - 1)]:
        raise ValueError("its members are not numbered in order")
    return manifest, [_content(data, m) for m in members[1:]]


def _member(i: int) -> str:
    return f"{i}.npy"


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


def _check_ends(file: IO[bytes], kind: Kind) -> None:
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
        raise ValueError(f"it is a pickle, and those are never opened here; write it with {kind.writer}")
    if zipfile.is_zipfile(file):
        raise ValueError(f"it is an .npz or .zip file that {kind.writer} did not write, or its end is damaged")
    if head == _ZIP:
        raise ValueError("its end is missing or damaged; take an older copy")
    raise ValueError(f"it is a file of another kind; write it with {kind.writer}")


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


def array_in(content: memoryview, kinds: str = "f") -> npt.NDArray[Any]:
    """An array over the bytes of the file, read-only and in native byte order, of one of these kinds of dtypes.

    Errors
        ValueError   it is none
    """
    header = io.BytesIO(content[: 1 << 14])
    try:
        if np.lib.format.read_magic(header) != (1, 0):
            raise ValueError("it has another version than 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(header)
    except Exception as error:  # NumPy parses the header as Python literals, and lets out what the parser raises
        raise ValueError(f"a leaf is no .npy file: {error}") from None
    values = content[header.tell() :]
    if dtype.kind not in kinds or fortran or any(type(d) is not int or d < 0 for d in shape):
        wanted = "floating-point numbers" if kinds == "f" else "numbers"
        raise ValueError(f"a leaf is {dtype} of shape {shape}, expected {wanted} in C order")
    if prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"a leaf is {dtype} of shape {shape}, and has {len(values)} bytes")
    array: npt.NDArray[Any] = np.frombuffer(values, dtype).reshape(shape)
    if dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise ValueError("a leaf is bool, and has bytes that are neither 0 nor 1")
    return array.astype(dtype.newbyteorder("="), copy=False)
