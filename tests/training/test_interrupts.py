"""Interrupts of training and of saving, at random instants: what was there before is as it was, and all goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from funcnn import (
    Conv, Dense, Flatten, Params, Relu, TrainState, adam, fit, load_params, save_params, serial, softmax_cross_entropy,
)  # fmt: skip
from funcnn.kernels import threads
from funcnn.kernels.blas import number_of_threads

RNG: Final = np.random.default_rng(0)
NET: Final = serial(Conv(12, (3, 3)), Relu, Flatten, Dense(3))
DATA: Final = RNG.normal(size=(64, 10, 10, 12)).astype(np.float32), RNG.integers(0, 3, 64)
_, PARAMS = NET.init(0, (-1, 10, 10, 12))


def steps(start: Params | TrainState[Any]) -> Any:
    """Eight steps, or what is left of them."""
    return fit(softmax_cross_entropy, NET.apply, adam(1e-3), start, DATA, epochs=4, batch_size=32)


def interrupted(act: Any, seconds: float) -> bool:
    """Did an interrupt after so many seconds end it?"""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        act()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    return False


def by_timer(instants: int) -> str:
    """What is wrong after interrupts at random instants of training and of saving, or how many there were."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    start = time.perf_counter()
    wanted = [state for state, _ in steps(PARAMS)]
    duration, hits, saves = time.perf_counter() - start, 0, 0
    get = number_of_threads()[0]
    blas = get() if get else 0
    with tempfile.TemporaryDirectory() as folder:
        path, others = Path(folder) / "params.npz", [wanted[0].params, wanted[-1].params]
        save_params(path, others[0])
        for i, seconds in enumerate(np.random.default_rng(1).uniform(1e-5, duration, instants)):
            held: list[TrainState[Any]] = []
            hits += interrupted(lambda held=held: held.extend(state for state, _ in steps(PARAMS)), seconds)
            kept = [state.params for state in held]
            if kept != [state.params for state in wanted[: len(held)]]:
                return "other states"
            if held and len(held) < 8 and [s for s, _ in steps(held[-1])] != wanted[len(held) :]:
                return "training does not go on"
            if (get() if get else 0) != blas or threads._BLAS.users:
                return "BLAS has not its threads"
            saves += interrupted(lambda i=i: save_params(path, others[i % 2]), seconds / 3)
            if load_params(path) not in others:
                return "another file"
    return f"{hits} of training, {saves} of saving"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that send signals")
def test_interrupts_at_random_instants() -> None:
    """Three hundred of each; in a process of its own, where nothing else is interrupted."""
    code = "from tests.training.test_interrupts import by_timer; print(by_timer(300))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600)
    assert " of training, " in done.stdout, done.stdout + done.stderr
    training, _, _, saving, *_ = done.stdout.split()
    assert int(training) > 50 and int(saving) > 5
