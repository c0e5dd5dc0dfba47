"""Folders of small checkpoints, and what is found in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from funcnn import Key, Params, TrainState, load_checkpoint, sgd

PARAMS = Params({"w": np.zeros(3000)})
SGD = sgd(0.1)


def at(step: int) -> TrainState[Any]:
    """A state after so many steps, which its params tell too."""
    return TrainState(step, Params({"w": np.full(3000, float(step))}), SGD.init(PARAMS)._replace(step=step), Key(0))


def names(folder: Path) -> list[str]:
    """The files, by the numbers in their names."""
    return sorted(path.name.removeprefix("step_").removesuffix(".npz").lstrip("0") for path in folder.iterdir())


def found(folder: Path, **options: Any) -> Any:
    """The step of the checkpoint that is found."""
    checkpoint = load_checkpoint(folder, SGD, like=PARAMS, **options)
    assert checkpoint is not None
    assert checkpoint.state == at(checkpoint.state.step)
    return checkpoint.state.step


def damage(folder: Path, step: int) -> Path:
    """Flip a byte in the file of this step."""
    (path,) = folder.glob(f"step_{step:010d}*")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path
