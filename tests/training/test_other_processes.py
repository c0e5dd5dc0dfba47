"""Training that is stopped after any step and goes on in another process ends with the bits of the one that was not."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

import funcnn
from funcnn import (
    Array, BatchNorm, Dense, Dropout, Key, Optimizer, Relu, adam, by_label, chain, clip_by_global_norm, cosine_decay,
    ema, load_state, momentum, nesterov, reduce_on_plateau, save_state, serial, squared_error, value_and_grad,
)  # fmt: skip

loose: Any = funcnn
NET: Final = serial(Dense(6), BatchNorm(), Relu, Dropout(0.3), Dense(2))
RNG: Final = np.random.default_rng(0)
X: Final = RNG.normal(size=(22, 3)).astype(np.float32)
Y: Final = RNG.normal(size=(22, 2)).astype(np.float32)
PARAMS: Final = NET.init(Key(1), (-1, 3))[1]
EPOCHS: Final = 3

OPTIMIZERS: Final[dict[str, Optimizer[Any]]] = {
    "momentum and a schedule": momentum(cosine_decay(0.1, 15), 0.9),
    "a chain": chain(clip_by_global_norm(0.5), nesterov(cosine_decay(0.1, 15), 0.9), ema(0.9)),
    "groups": by_label({"dense_1/**": adam(1e-2), "**": momentum(0.01, 0.9)}),
    "what looks at the loss": chain(adam(0.05), reduce_on_plateau(0.5, patience=1)),
}


def noise(x: Array, key: Key) -> Array:
    """Augmentation that draws."""
    return x + np.float32(0.1) * key.generator().standard_normal(x.shape, np.float32)


def epoch_of(epoch: int) -> Iterator[Any]:
    """Batches out of a function, as many as the epoch says."""
    source = Key("data").fold(epoch).generator()
    for _ in range(3 + epoch):
        index = source.permutation(22)[:6]
        yield X[index], Y[index]


def mine(params: Any, batch: Any, rng: Key) -> Any:
    """An objective of one's own, which draws."""
    x, y = batch
    return value_and_grad(squared_error, NET.apply)(params, x + rng.generator().normal(size=x.shape) / 10, y, rng=rng)


def steps(way: str, optimizer: Any, start: Any) -> Iterator[tuple[Any, Any]]:
    """The steps that are left."""
    options: dict[str, Any] = {"epochs": EPOCHS, "rng": 5}
    if way == "arrays":
        options |= {"augment": noise, "batch_size": 6}
        return loose.fit(squared_error, NET.apply, optimizer, start, (X, Y), **options)  # type: ignore[no-any-return]
    if way == "a function of the epoch":
        options |= {"augment": noise}
        return loose.fit(squared_error, NET.apply, optimizer, start, epoch_of, **options)  # type: ignore[no-any-return]
    return loose.fit(mine, optimizer, start, (X, Y), batch_size=6, **options)  # type: ignore[no-any-return]


def rest(folder: str, way: str, name: str) -> list[Any]:
    """The last steps of all runs that were stopped, each from the file of its state."""
    found = []
    for k in range(len(list(Path(folder).iterdir()))):
        state = load_state(f"{folder}/{k}.npz", OPTIMIZERS[name], like=PARAMS)
        *_, last = (None, *steps(way, OPTIMIZERS[name], state))
        found.append(last)
    return found


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("way", ["arrays", "a function of the epoch", "an objective of one's own"])
def test_stopped_after_any_step(way: str, name: str, tmp_path: Path) -> None:
    """At the end of epochs and inside of them; with dropout, augmentation, statistics, momentum, schedules."""
    *made, last = steps(way, OPTIMIZERS[name], PARAMS)
    for k, (state, _) in enumerate(made):
        save_state(tmp_path / f"{k}.npz", state)
    here = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    program = f"import sys, pickle, {__name__} as here; "
    program += "sys.stdout.buffer.write(pickle.dumps(here.rest(*sys.argv[1:])))"
    command = [sys.executable, "-c", program, str(tmp_path), way, name]
    found = pickle.loads(subprocess.run(command, env=here, stdout=subprocess.PIPE, check=True).stdout)
    assert len(made) >= 11 and found == [last] * len(made)
