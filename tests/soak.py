"""Training for as long as you like, disturbed: `python -m tests.soak 600` for ten minutes.

Threads train networks of dense layers and convolutions, of sizes that change, and compare every state with that of an
undisturbed training. The main thread does the same under interrupts by a timer; children are forked and do it too. At
the end BLAS has its threads, nobody works, and memory has not grown.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
import warnings
from typing import Any, Final

import numpy as np

from funcnn import Conv, Dense, Flatten, Layer, MaxPool, Params, Relu, adam, fit, serial, softmax_cross_entropy
from funcnn.kernels import threads
from funcnn.kernels.blas import number_of_threads

RNG: Final = np.random.default_rng(0)
SIZES: Final = (12, 16, 20)
NETS: Final[tuple[Layer[Any, Any], ...]] = (
    serial(Flatten, Dense(256), Relu, Dense(10)),
    serial(Conv(8, (3, 3), padding="SAME"), Relu, Conv(8, (3, 3)), MaxPool((2, 2), (2, 2)), Flatten, Dense(10)),
)


def trained(kind: int, size: int) -> list[Params]:
    """The params after every one of some steps, which are all held to the end."""
    source = np.random.default_rng(size)
    x, labels = source.normal(size=(64, size, size, 4)).astype(np.float32), source.integers(0, 10, 64)
    _, params = NETS[kind].init(size, x.shape)
    steps = fit(softmax_cross_entropy, NETS[kind].apply, adam(1e-3), params, (x, labels), epochs=3, batch_size=32)
    return [state.params for state, _ in steps]


def soak(seconds: float) -> dict[str, int]:
    """How often what was done; an AssertionError says what went wrong."""
    wanted = {(kind, size): trained(kind, size) for kind in range(len(NETS)) for size in SIZES}
    get = number_of_threads()[0]
    blas, end, wrong, counts = get() if get else 1, time.monotonic() + seconds, list[object](), [0, 0, 0, 0]

    def check(i: int) -> None:
        case = list(wanted)[i % len(wanted)]
        if trained(*case) != wanted[case]:
            wrong.append(case)

    def train(i: int) -> None:
        while time.monotonic() < end and not wrong:
            check(i + counts[0])
            counts[0] += 1

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    busy = [threading.Thread(target=train, args=(i,)) for i in range(2)]
    for thread in busy:
        thread.start()
    before, warm = signal.signal(signal.SIGALRM, interrupt), 0
    while time.monotonic() < end and not wrong:
        try:
            signal.setitimer(signal.ITIMER_REAL, RNG.uniform(1e-4, 0.1))
            check(counts[1])
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            counts[2] += 1
        counts[1] += 1
        if counts[1] % 50 == 0:
            counts[3] += 1
            _fork(lambda: check(0), wrong)
        warm = warm or (counts[1] > 30 and _peak()) or 0
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    for thread in busy:
        thread.join()
    assert not wrong, wrong
    assert (get() if get else 1) == blas and not threads._BLAS.users, "BLAS did not get its threads back"
    assert all(helper.job is None for helper in threads._helpers), "somebody still works"
    assert not warm or _peak() < warm + 200_000, f"memory has grown by {_peak() - warm} kB"
    return dict(zip(("trained", "disturbed", "interrupts", "forks"), counts, strict=True))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _fork(check: Any, wrong: list[object]) -> None:
    """A child that does it too: only this thread is in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of Python warn of a fork beside threads
        child = os.fork()
    if not child:
        try:
            check()
        finally:
            os._exit(len(wrong))
    if os.waitpid(child, 0)[1]:
        wrong.append("a child")


if __name__ == "__main__":
    print(soak(float(sys.argv[1]) if len(sys.argv) > 1 else 60))
