"""Training that is killed at random and started again: `python -m tests.soak_of_kills 600` for ten minutes.

A child trains a network with dropout, statistics, augmentation, momentum and a schedule, by `train` with a folder and
by `fit` with a checkpoint after every eighth step. It is killed (-9) after a random time and started again until it is
done, again and again. Every end is compared, bit for bit, with that of the run that was never stopped. Memory does not grow
from one run to the next in one process, nor here.
"""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from funcnn import (
    Array, BatchNorm, Dense, Dropout, Key, Relu, cosine_decay, fit, load_checkpoint, momentum, save_checkpoint, serial,
    squared_error, train,
)  # fmt: skip
from funcnn.training import whole_runs

EPOCHS: Final = 60
NET: Final = serial(Dense(64), BatchNorm(), Relu, Dropout(0.2), Dense(2))
OPTIMIZER: Final = momentum(cosine_decay(0.02, 40 * EPOCHS), 0.9)
_SOURCE: Final = np.random.default_rng(0)
X: Final = _SOURCE.normal(size=(1600, 20)).astype(np.float32)
Y: Final = np.sin(X[:, :2] + X[:, 2:4]).astype(np.float32)
PARAMS: Final = NET.init(3, (-1, 20))[1]
GROWTH: Final = 20_000  # kB; one state and one file more


def noise(x: Array, key: Key) -> Array:
    """Augmentation that draws."""
    return x + np.float32(0.1) * key.generator().standard_normal(x.shape, np.float32)


def batches_of(epoch: int) -> Iterator[Any]:
    """The batches of an epoch, from a function."""
    order = Key("order").fold(epoch).generator().permutation(1280)
    return ((X[rows], Y[rows]) for rows in np.split(order, 40))


def by_train(folder: str) -> Any:
    """With `train`, checkpoints inside of epochs too."""
    setattr(whole_runs, "_EVERY", 0.1)  # seconds
    return train(
        squared_error, NET, OPTIMIZER, (X[:1280], Y[:1280]), epochs=EPOCHS, validation=(X[1280:], Y[1280:]),
        folder=folder, augment=noise, start=PARAMS, quiet=True,
    )  # fmt: skip


def by_fit(folder: str) -> Any:
    """With `fit`, a checkpoint after every eighth step."""
    found = load_checkpoint(folder, OPTIMIZER, like=PARAMS)
    state: Any = found.state if found else PARAMS
    run = fit(squared_error, NET.apply, OPTIMIZER, state, batches_of, epochs=EPOCHS // 3, augment=noise)
    for state, metrics in run:
        if metrics.step % 8 == 0:
            save_checkpoint(folder, state, score=-metrics.loss)
    return state


WAYS: Final = {"train": by_train, "fit": by_fit}


def child(way: str, folder: str, times: int) -> None:
    """Train to the end, so many times; what came of it, and by how much memory grew after the first time, in kB."""
    first = 0
    for i in range(times):
        found = WAYS[way](f"{folder}-{i}")
        first = first or _peak()
    result = pickle.dumps((found, _peak() - first))
    Path(f"{folder}.part").write_bytes(result)
    os.replace(f"{folder}.part", f"{folder}.result")


def started(way: str, folder: str, times: int = 1) -> subprocess.Popen[bytes]:
    """A child of its own."""
    return subprocess.Popen([sys.executable, "-m", "tests.soak_of_kills", "child", way, folder, str(times)])


def killed(way: str, folder: str, random: np.random.Generator) -> int:
    """Train to the end in children that are killed at random; how many were."""
    kills = 0
    while True:
        process = started(way, folder)
        try:
            process.wait(timeout=random.uniform(0.3, 3.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        if process.wait() == 0:
            return kills
        assert process.returncode == -signal.SIGKILL, f"{way} ended by itself with {process.returncode}"


def soak(seconds: float) -> dict[str, int]:
    """How often what was done, and by how many kB the memory of a run grew; an AssertionError says what went wrong."""
    random, end = np.random.default_rng(), time.monotonic() + seconds
    runs = kills = grown = 0
    with tempfile.TemporaryDirectory() as folder:
        wanted = {}
        for way in WAYS:
            assert started(way, f"{folder}/{way}", 4).wait() == 0
            wanted[way], growth = pickle.loads(Path(f"{folder}/{way}.result").read_bytes())
            assert growth < GROWTH, f"memory of {way} grows by {growth} kB"
            grown = max(grown, growth)
        before = _peak()
        while time.monotonic() < end:
            way = list(WAYS)[runs % len(WAYS)]
            place = f"{folder}/{runs}"
            kills += killed(way, place, random)
            found, _ = pickle.loads(Path(f"{place}.result").read_bytes())
            assert found == wanted[way], f"{way} has ended otherwise, after {kills} kills of {runs + 1} runs"
            shutil.rmtree(f"{place}-0")
            runs += 1
        assert _peak() - before < GROWTH, "memory of the parent has grown"
    return {"runs": runs, "kills": kills, "grown": grown}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        print(soak(float(sys.argv[1]) if len(sys.argv) > 1 else 60))
