"""A checkpoint comes back bit for bit, or it is refused with the reason."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.checkpoints.checkpoint_files import SMALL, npy, refusal, saved
from funcnn import (
    CheckpointError,
    Dense,
    Key,
    Params,
    ParamsError,
    Relu,
    adam,
    fit,
    load_params,
    ravel,
    save_params,
    serial,
    squared_error,
)
from funcnn.params import packed

# What 0.1.0 wrote for SMALL, compressed and in base 85.
FIRST = (
    "c-pN}!AiqG5ZxN<p&)qZ!Q+}sRMN1Uv`tzB3xbzo4TuL%Wz+0p#coRyt5OR6fZn_myeOXhFE9RpSDiFzF$FK`WM_9~c4jkgX56N-"
    "UPKA)pttDg><*-uH-URhb_EY3<0|aSQ30!>AM{wH)<L?F9VzjE1*{jUI@}F;5O(_#E@`YL4zVjSs6pl~QNTG^;3cg3T!y?&QWdMW"
    "AQ62odhr_|jSH~GE~Hpmrg-{}_CHg~qaq@P9Ng#77Mi6li}Rs%e&Sx_&=8F@pNE}5t7Gjzlr<e|03!;RZ1)47$M$1(9dfXTmu$d6"
    "-!*k??df=oe@%rXi^(Bu4OqYv;HO3w&g;kH_IEgR0cV=JO#cIprT-1g5>7&HGq+Y$ejb|zO>$^;h~m(al5OWK?OHw)`U3mBxvL>@"
    "$);&#vLONdk0v4cjo75X_Y7xc4WSlFM;5ALR;t)?YQ(Ghw&@7Zs|n#y<_Ko{rf-_Q?bwWniYVI_@vO2}Bh`*Y2`y8vN^OsG%Dw<h"
    "YOGZ"
)


# what comes back ------------------------------------------------------------------------------------------------------
TREES = {
    "dense": SMALL,
    "empty": Params({}),
    "empty subtrees": Params({"a": {}, "b": {"c": {}}, "w": np.ones(2)}),
    "0-d": Params({"w": np.array(3.0)}),
    "no values": Params({"w": np.zeros((0, 3), np.float32)}),
    "float16": Params({"w": np.array([1, 65504, 6e-8], np.float16)}),
    "several dtypes": Params({"a": np.ones(2, np.float16), "b": np.ones(3), "c": np.ones(1, np.float32)}),
    "long double": Params({"w": np.array([1, 2], np.longdouble)}),
    "odd names": Params({"..": {"ünï ✓": np.ones(1)}, "file": np.ones(1), "a b.npy": np.ones(2), "0.npy": np.ones(3)}),
    "names no file could have": Params({"\ud800": np.ones(1), "\0\n\"\\": np.ones(2), "manifest.json": np.ones(3)}),
    "signed zeros, infinities": Params({"w": np.array([0.0, -0.0, np.inf, -np.inf, 5e-324])}),
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_params_come_back(tmp_path: Path, name: str) -> None:
    """What is loaded equals what was saved: names, shapes, dtypes and every byte."""
    assert load_params(saved(tmp_path, TREES[name])) == TREES[name]


def test_nan_payloads_come_back(tmp_path: Path) -> None:
    """The bits of NaNs are kept, those of signalling ones too."""
    bits = np.array([0x7FC00001, 0x7FA00002, 0xFFC12345], np.uint32)
    assert load_params(saved(tmp_path, {"w": bits.view(np.float32)})).at("w").view(np.uint32).tolist() == bits.tolist()


def test_the_order_of_names_comes_back(tmp_path: Path) -> None:
    """Names are in the order of the params, not sorted."""
    tree = {"b": {"z": np.ones(1), "a": np.ones(1)}, "a": np.ones(1)}
    loaded = load_params(saved(tmp_path, tree))
    assert (list(loaded), list(loaded.sub("b"))) == (["b", "a"], ["z", "a"])


def test_what_comes_back_is_read_only(tmp_path: Path) -> None:
    """Loaded leaves are read-only, C-contiguous, aligned, and in native byte order."""
    leaf = load_params(saved(tmp_path)).at("dense_0/w")
    flags = leaf.flags
    assert (flags.writeable, flags.c_contiguous, flags.aligned, leaf.dtype.isnative) == (False, True, True, True)


def test_what_comes_back_is_packed(tmp_path: Path) -> None:
    """Loaded params are packed, like those of `init`: training is as fast from either."""
    assert packed(load_params(saved(tmp_path))) is not None


def test_a_network_predicts_the_same(tmp_path: Path) -> None:
    """A network gives the same bits with params that were saved and loaded."""
    net = serial(Dense(8), Relu, Dense(2))
    _, params = net.init(Key(0), (-1, 3))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    expected = net.apply(params, x).tobytes()
    assert net.apply(load_params(saved(tmp_path, params), like=params), x).tobytes() == expected


def test_a_network_trains_the_same(tmp_path: Path) -> None:
    """Training from params that were saved and loaded makes the same steps, bit for bit."""
    net = serial(Dense(8), Relu, Dense(2))
    _, params = net.init(Key(0), (-1, 3))
    x = np.random.default_rng(0).normal(size=(20, 3))
    runs = [
        list(fit(squared_error, net.apply, adam(0.01), start, (x, x[:, :2]), epochs=2, batch_size=8))
        for start in (params, load_params(saved(tmp_path, params)))
    ]
    assert runs[0] == runs[1]


def test_equal_params_give_equal_files(tmp_path: Path) -> None:
    """Saving is a function of the params: packed or not, today or tomorrow."""
    _, unravel = ravel(SMALL)
    assert saved(tmp_path, unravel(ravel(SMALL)[0])).read_bytes() == saved(tmp_path).read_bytes()


def test_a_plain_mapping_is_saved(tmp_path: Path) -> None:
    """Wherever params go in, any mapping does."""
    assert load_params(saved(tmp_path, {"w": np.asfortranarray(np.eye(2, 3))})) == Params({"w": np.eye(2, 3)})


def test_no_params_are_not_saved(tmp_path: Path) -> None:
    """What is no tree of arrays is refused, and no file is made."""
    with pytest.raises(ParamsError, match="unpack"):
        save_params(tmp_path / "params.npz", ((-1, 3), SMALL))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_files_of_format_1_are_read(tmp_path: Path) -> None:
    """The first release's files are read for ever, whatever writes the archives of today."""
    (tmp_path / "first.npz").write_bytes(zlib.decompress(base64.b85decode(FIRST)))
    assert load_params(tmp_path / "first.npz") == SMALL


def test_numpy_reads_it(tmp_path: Path) -> None:
    """A checkpoint is an ordinary `.npz`: every leaf is a member, and the manifest says which."""
    with np.load(saved(tmp_path)) as archive:
        tree = json.loads(archive["manifest.json"])["tree"]
        assert archive[str(tree["dense_0"]["w"])].tolist() == SMALL.at("dense_0/w").tolist()


# like= ----------------------------------------------------------------------------------------------------------------
def test_like_lists_every_difference(tmp_path: Path) -> None:
    """Params of another network are refused, with every path that differs."""
    like = Params({"dense_0": {"w": np.zeros((2, 4), np.float32), "b": np.zeros(3)}, "dense_1": {"b": np.zeros(1)}})
    path = saved(tmp_path, {"dense_0": dict(SMALL.sub("dense_0")), "old": np.ones(1)})
    with pytest.raises(ParamsError) as caught:
        load_params(path, like=like)
    assert str(caught.value) == (
        f"{path} holds params of another network: dense_0/b is float32 of shape (3,), expected float64 of shape (3,), "
        "dense_0/w is float32 of shape (2, 3), expected float32 of shape (2, 4), missing dense_1/b, unexpected old; "
        "without like= they are loaded"
    )


# files that are refused -----------------------------------------------------------------------------------------------
def test_no_file(tmp_path: Path) -> None:
    """A file that is missing is Python's own error."""
    with pytest.raises(FileNotFoundError, match="params.npz"):
        load_params(tmp_path / "params.npz")


def test_every_truncation_is_found(tmp_path: Path) -> None:
    """A file cut off anywhere is refused."""
    data = saved(tmp_path).read_bytes()
    reasons = {refusal(tmp_path / "cut", data[:n]).split(": ", 1)[1] for n in range(len(data))}
    assert {reason.split(";")[0] for reason in reasons} == {
        "the file is empty",
        "it is a file of another kind",
        "its end is missing or damaged",
        "it is an .npz or .zip file that save_params did not write, or its end is damaged",
    }


def test_every_bit_flip_is_found(tmp_path: Path) -> None:
    """A file with any one bit flipped is refused, wherever it lies."""
    data = bytearray(saved(tmp_path).read_bytes())
    for i in range(len(data)):
        for bit in range(8):
            data[i] ^= 1 << bit
            refusal(tmp_path / "flipped", bytes(data))
            data[i] ^= 1 << bit


@pytest.mark.parametrize("more", [b"\0", b"PK", b"x" * 1000])
def test_bytes_that_were_added_are_found(tmp_path: Path, more: bytes) -> None:
    """A file with something before or after it is refused."""
    data = saved(tmp_path).read_bytes()
    refusal(tmp_path / "longer", data + more)
    refusal(tmp_path / "longer", more + data)


def other_npz() -> bytes:
    """What `np.savez` writes."""
    file = io.BytesIO()
    np.savez(file, w=np.ones(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (pickle.dumps({"w": [1.0]}), "it is a pickle, and those are never opened here"),
        (other_npz(), "it is an .npz or .zip file that save_params did not write"),
        (npy(np.ones(3)), "it is a file of another kind"),
        (b"hello", "it is a file of another kind"),
    ],
)
def test_foreign_files(tmp_path: Path, data: bytes, reason: str) -> None:
    """Files of other kinds are refused for what they are."""
    assert reason in refusal(tmp_path / "foreign", data)


def test_a_folder(tmp_path: Path) -> None:
    """A folder is no checkpoint."""
    with pytest.raises(CheckpointError, match="it is not a regular file"):
        load_params(tmp_path)


def test_a_pipe(tmp_path: Path) -> None:
    """A pipe is refused without waiting for somebody who writes to it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="it is not a regular file"):
        load_params(tmp_path / "pipe")
