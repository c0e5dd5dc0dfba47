"""What the jobs of the tests run: `python -m tests.distributed.program CASE [ARGUMENT]`. It is rank 1 that fails."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from funcnn import (
    Dense, Dropout, Params, Relu, accuracy, adam, fit, load_checkpoint, save_checkpoint, serial, softmax_cross_entropy,
    value_and_grad,
)  # fmt: skip
from funcnn.distributed import Communicator, evaluate, objective, on_first, shard, world

NET: Final = serial(Dense(16), Relu, Dense(3))
SOURCE: Final = np.random.default_rng(0)
X: Final = SOURCE.normal(size=(203, 5))
LABELS: Final = SOURCE.integers(0, 3, 203)
WEIGHTS: Final = SOURCE.random(203)


def start() -> Params:
    """The params to begin with."""
    return NET.init(0, (-1, 5), dtype=np.float64)[1]


def steps(comm: Communicator, net: Any = NET, *, rows: int = 34, epochs: int = 17) -> Any:
    """A hundred and two steps."""
    given = value_and_grad(softmax_cross_entropy, net.apply)
    data = shard((X, LABELS, WEIGHTS), comm, batch_size=rows)
    return fit(objective(given, comm), adam(1e-2), start(), data, epochs=epochs)


def equal(comm: Communicator) -> None:
    """All ranks together as one alone, and the calls of a communicator."""
    *_, (state, metrics) = steps(comm)
    given = value_and_grad(softmax_cross_entropy, NET.apply)
    *_, (alone, told) = fit(given, adam(1e-2), start(), (X, LABELS, WEIGHTS), batch_size=34, epochs=17)
    off = max(float(abs(state.params.at(path) - alone.params.at(path)).max()) for path in alone.params.paths())
    assert off < 1e-12 and abs(metrics.loss - told.loss) < 1e-12 and metrics.step == told.step == 102, off
    assert comm.gather({"rank": comm.rank}) == [{"rank": i} for i in range(comm.size)]
    assert comm.share(("what rank 0 has", comm.rank)) == ("what rank 0 has", 0)
    assert len(comm.share(b"x" * 3_000_000)) == 3_000_000
    assert comm.gather(state.params)[-1] == state.params
    big = np.full(300_000, comm.rank + 1.0, np.float32)
    comm.add(big)
    assert set(big.tolist()) == {comm.size * (comm.size + 1) / 2}
    assert on_first(comm, os.getpid) == comm.share(os.getpid())
    try:
        on_first(comm, open, "/no/such/folder/file", "w")
    except FileNotFoundError as error:
        found = str(error)
    assert all("/no/such/folder/file" in other for other in comm.gather(found))
    print(f"{comm!r} is done")


def raising(comm: Communicator) -> None:
    """An error that nobody catches."""
    for _, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 1:
            raise ValueError("something of rank 1")


def interrupted(comm: Communicator) -> None:
    """An error that is none of `Exception`."""
    for _, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 1:
            raise KeyboardInterrupt


def leaving(comm: Communicator) -> None:
    """The end of the program, too early, without an error."""
    for _, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 1:
            sys.exit(0)


def killed(comm: Communicator) -> None:
    """A process that is no more."""
    for _, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def vanishing(comm: Communicator, folder: str) -> None:
    """A process that is no more, and a launcher that is stopped and does not notice; who is who is in the folder."""
    Path(folder, str(comm.rank)).write_text(str(os.getpid()), encoding="ascii")
    for _, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 1:
            Path(folder, "launcher").write_text(str(os.getppid()), encoding="ascii")
            os.kill(os.getppid(), signal.SIGSTOP)
            os.kill(os.getpid(), signal.SIGKILL)


def terminated(comm: Communicator) -> None:
    """As by the queue of a cluster."""
    for _, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def hanging(comm: Communicator) -> None:
    """One that does not come."""
    for _, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 1:
            threading.Event().wait(50)


def deciding(comm: Communicator) -> None:
    """A call of rank 0 alone that is for all."""
    for state, metrics in steps(comm):
        if metrics.step == 5 and comm.rank == 0:
            evaluate(NET.apply, state.params, (X, LABELS), accuracy, comm=comm)


def ahead(comm: Communicator) -> None:
    """The same, of a call that waits for nobody, and is found out by the next one."""
    for state, metrics in steps(comm, epochs=1):
        if metrics.step == 5 and comm.rank == 0:
            on_first(comm, len, state.params)
    on_first(comm, max, 1, 2)


def infinite(comm: Communicator) -> None:
    """A loss that is infinite for the rows of one rank."""
    given = value_and_grad(softmax_cross_entropy, NET.apply)

    def bad(params: Any, batch: Any, rng: Any) -> Any:
        x, labels = batch
        return given(params, x * np.nan if comm.rank else x, labels)

    data = shard((X, LABELS), comm, batch_size=34)
    for _ in fit(objective(bad, comm), adam(1e-2), start(), data, epochs=17):
        pass


def resuming(comm: Communicator, folder: str) -> None:
    """Training with dropout, killed in the step and on the rank that `STOP` says; it goes on from the folder."""
    net = serial(Dense(16), Dropout(0.3), Dense(3))
    given = value_and_grad(softmax_cross_entropy, net.apply)
    params = on_first(comm, lambda: net.init(3, (-1, 5))[1])
    found = on_first(comm, load_checkpoint, folder, adam(1e-2), like=params)
    data = shard((X, LABELS, WEIGHTS), comm, batch_size=34)
    state: Any = found.state if found else params
    for state, metrics in fit(objective(given, comm), adam(1e-2), state, data, epochs=10):
        if metrics.step % 4 == 0:
            on_first(comm, save_checkpoint, folder, state)
        if os.environ.get("STOP") == f"{metrics.step}:{comm.rank}":
            os.kill(os.getpid(), signal.SIGKILL)
    on_first(comm, save_checkpoint, folder, state)


CASES: Final[dict[str, Callable[..., None]]] = {
    f.__name__: f
    for f in (
        equal, raising, interrupted, leaving, killed, terminated, hanging, vanishing, deciding, ahead, infinite,
        resuming,
    )
}

if __name__ == "__main__":
    case = sys.argv[1]
    ranks = world(patience=3.0) if case == "hanging" else world()
    CASES[case](ranks, *sys.argv[2:])
