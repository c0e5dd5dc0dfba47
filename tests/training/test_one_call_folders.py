"""Training in one call with a folder goes on wherever it was stopped."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, CheckpointError, Dense, Key, Relu, Tanh, adam, cosine_decay, huber, l2, load_checkpoint, momentum, serial,
)  # fmt: skip
from funcnn.training import whole_runs
from tests.refusals import refusal
from tests.training.one_call_runs import DATA, PLAIN, RNG, loose, run

OPTIONS: dict[str, Any] = {"optimizer": momentum(cosine_decay(0.05, 12), 0.9), "augment": None}


class Stopped(Exception):
    """The process is gone."""


@pytest.mark.parametrize("every", [0.0, 60.0])
@pytest.mark.parametrize("k", range(1, 13))
def test_a_run_that_is_stopped_anywhere(k: int, every: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After step k, inside of epochs too, with checkpoints there or not: the second call ends as the first would."""
    monkeypatch.setattr(whole_runs, "_EVERY", every)
    count = 0

    def noise(x: Array, key: Key) -> Array:
        nonlocal count
        count += 1
        if count == k + 1:
            raise Stopped
        return x + key.generator().normal(size=x.shape).astype(np.float32) / 10

    options = {**OPTIONS, "augment": noise}
    wanted = run(**{**options, "augment": lambda x, key: x + key.generator().normal(size=x.shape).astype("f4") / 10})
    try:
        run(folder=tmp_path, **options)
    except Stopped:
        count = k + 100
    made, count = count, k + 1000
    again = run(folder=tmp_path, **options)
    assert again == wanted
    assert made == 12 or count - k - 1000 == 12 - (k if every == 0 else k // 3 * 3)


def test_a_finished_run_is_only_read(tmp_path: Path) -> None:
    """Called again, nothing is trained; with more epochs, those; with patience that is over, none."""
    first = run(folder=tmp_path)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert run(folder=tmp_path) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert run(folder=tmp_path, epochs=6) == run(epochs=6)


def test_patience_that_is_over(tmp_path: Path) -> None:
    """It stays over."""
    options: dict[str, Any] = {"optimizer": momentum(0.25, 0.5), "epochs": 60, "patience": 2, "folder": tmp_path}
    first = run(PLAIN, **options)
    assert run(PLAIN, **options) == first


def test_the_best_checkpoint_is_kept(tmp_path: Path) -> None:
    """`load_checkpoint(best=True)` finds the state of the best epoch."""
    trained = run(PLAIN, optimizer=momentum(0.25, 0.5), epochs=10, folder=tmp_path)
    found = load_checkpoint(tmp_path, momentum(0.25, 0.5), like=trained.params, best=True)
    assert found and found.state.params == trained.params
    assert found.score == -trained.history["loss"].min()


def test_another_run_has_another_folder(tmp_path: Path) -> None:
    """Other settings are refused by name, and so is what was saved by somebody else."""
    run(PLAIN, folder=tmp_path)
    for name, value in {"batch_size": 8, "rng": 5, "monitor": "r2", "mode": "max"}.items():
        said = refusal(lambda n=name, v=value: run(PLAIN, folder=tmp_path, **{n: v}), ValueError)  # type: ignore[misc]
        assert f"is of a run with {name}=" in said and "take another folder" in said
    assert [len(run(PLAIN, folder=tmp_path, **free).history) for free in ({"epochs": 5}, {"patience": 3})] == [5, 5]
    assert len(run(PLAIN, folder=tmp_path, optimizer=adam(1e-5), epochs=6).history) == 6
    state = run(PLAIN).state
    loose.save_checkpoint(tmp_path / "other", state)
    said = refusal(lambda: run(PLAIN, folder=tmp_path / "other"), CheckpointError)
    assert "was not saved by train" in said


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("metrics", {"metrics": []}, "metrics=['r2'], and metrics is []"),
        ("drop_last", {"drop_last": True}, "drop_last=False, and drop_last is True"),
        ("net", {"net": serial(Dense(8), Tanh, Dense(1))}, "net='serial(Dense(8), Relu, Dense(1))', and net is 'serial(De"),
        ("loss", {"loss": huber}, "loss='squared_error', and loss is 'huber'"),
        ("penalties", {"penalties": [l2(0.5)]}, "penalties='[]', and penalties is '[l2(0.5)]'"),
        ("validation", {"validation": DATA}, "validation=20, and validation is 40"),
    ],
)
def test_what_would_not_be_the_same_run(name: str, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    """A network of the same params, another loss and the like are told of: the folder may be one that was forgotten."""
    run(PLAIN, folder=tmp_path)
    told = refusal(lambda: run(**{"net": PLAIN, "folder": tmp_path, "epochs": 6, **options}), ValueError)
    assert said in told and "start=load_checkpoint(folder, optimizer, like=params).state" in told
    assert len(run(PLAIN, folder=tmp_path).history) == 4


def test_long_settings_are_shown_where_they_differ(tmp_path: Path) -> None:
    """Of networks of many layers, that one."""
    def deep(last: Any) -> Any:
        return serial(*[Dense(3)] * 20, last, Dense(1))

    run(deep(Relu), folder=tmp_path)
    told = refusal(lambda: run(deep(Tanh), folder=tmp_path), ValueError)
    assert "Dense(3), Relu, Dense(1))'" in told and "Dense(3), Tanh, Dense(1))'" in told and len(told) < 600


PROGRAM = """
import pickle, sys, time
from tests.training.one_call_runs import run
slow = lambda x, key: (time.sleep(0.02), x + key.generator().normal(size=x.shape).astype("f4") / 10)[1]
trained = run(folder=sys.argv[1], augment=slow, epochs=8)
sys.stdout.buffer.write(pickle.dumps(trained))
"""


def test_a_killed_process(tmp_path: Path) -> None:
    """Killed three times (-9), and run again: the bits are those of the run that was never stopped."""
    here = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    for _ in range(3):
        child = subprocess.Popen(command, env=here, stdout=subprocess.DEVNULL)
        have = len(list(tmp_path.iterdir()))
        end = time.monotonic() + 30
        while len(list(tmp_path.iterdir())) == have < 3 and time.monotonic() < end and child.poll() is None:
            time.sleep(0.005)
        time.sleep(float(RNG.uniform(0, 0.1)))
        child.send_signal(signal.SIGKILL)
        child.wait()
    found = pickle.loads(subprocess.run(command, env=here, stdout=subprocess.PIPE, check=True).stdout)
    noisy = run(augment=lambda x, key: x + key.generator().normal(size=x.shape).astype("f4") / 10, epochs=8)
    assert found == noisy
