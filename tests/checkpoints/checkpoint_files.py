"""Checkpoints for the tests of those who write and read them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import CheckpointError, Params, load_params, save_params

SMALL = Params({"dense_0": {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(3, np.float32)}})


def saved(folder: Path, params: Any = SMALL) -> Path:
    """A checkpoint in the folder."""
    save_params(folder / "params.npz", params)
    return folder / "params.npz"


def refusal(path: Path, data: bytes) -> str:
    """The message with which these bytes are refused."""
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        load_params(path)
    assert str(caught.value).startswith(f"{path} cannot be read as a checkpoint: ")
    return str(caught.value)


def npy(array: Any) -> bytes:
    """The array as a `.npy` file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
