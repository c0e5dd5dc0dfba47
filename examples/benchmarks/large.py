"""Large work: the time and the peak of memory, beside the fewest NumPy calls that the mathematics needs.

    python examples/benchmarks/large.py            five minutes and 8 GB
    python examples/benchmarks/large.py --small    the same, of sizes for a test

Memory is what is allocated above what goes in, by Python's own count, so that pages of files are none.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from funcnn import Conv, Dense, Embedding, Flatten, predict, serial, sgd, sparse_adam, squared_error, value_and_grad

Run = Callable[[], object]


class Job(NamedTuple):
    """Something large, and the bare calls for the same."""

    name: str
    ours: Run
    bare: Run


def dense(n: int) -> Iterator[Job]:
    """A square layer on 32 rows: the pass, and a step of training by sgd."""
    net = Dense(n)
    _, params = net.init(0, (-1, n))
    x = np.random.default_rng(0).standard_normal((32, n), dtype=np.float32)
    w, b = params.at("w"), params.at("b")
    yield Job(f"Dense({n}) of 32 x {n}", lambda: net.apply(params, x), lambda: x @ w + b)
    objective, optimizer = value_and_grad(squared_error, net.apply), sgd(1e-3)
    state = optimizer.init(params)

    def step() -> object:
        _, gradients = objective(params, x, x)
        return optimizer.step(gradients, state, params)

    def bare() -> object:
        dy = (2 / x.size) * (x @ w + b - x)
        return w - np.float32(1e-3) * (x.T @ dy), b - np.float32(1e-3) * dy.sum(0)

    yield Job("the same, a step of sgd", step, bare)


def rows(many: int, folder: Path) -> Iterator[Job]:
    """Predictions for a memory map."""
    path = folder / "rows.npy"
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(many, 16))
    written[:] = np.linspace(-1, 1, 16, dtype=np.float32)
    written.flush()
    net = serial(Dense(8), Dense(1))
    _, params = net.init(0, (-1, 16))
    x = np.load(path, mmap_mode="r")
    first, shift, second, offset = (params.at(f"dense_{i}/{leaf}") for i in range(2) for leaf in "wb")

    def bare() -> object:
        y = np.empty((many, 1), np.float32)
        for i in range(0, many, 4096):
            y[i : i + 4096] = (np.asarray(x[i : i + 4096]) @ first + shift) @ second + offset
        return y

    name = f"predict {many} rows of a memory map, 4096 at a time"
    yield Job(name, lambda: predict(net.apply, params, x, batch_size=4096), bare)


def table(many: int) -> Iterator[Job]:
    """An embedding: a lookup, a step that must leave the old table as it is, and steps of training, where the table
    before is nobody's any more, beside ones that write over the table.
    """
    net = serial(Embedding(many, 64), Flatten, Dense(1))
    _, params = net.init(0, (-1, 8))
    draw = np.random.default_rng(1)
    tokens, y = draw.integers(0, many, (256, 8)), np.ones((256, 1), np.float32)
    w, head, b = params.at("embedding_0/w"), params.at("dense_0/w"), params.at("dense_0/b")
    yield Job(
        f"look 2048 of {many} rows of 64 up",
        lambda: net.apply(params, tokens),
        lambda: w[tokens].reshape(256, 512) @ head + b,
    )
    objective, optimizer = value_and_grad(squared_error, net.apply), sgd(1e-3)
    state = optimizer.init(params)

    def step() -> object:
        _, gradients = objective(params, tokens, y)
        return optimizer.step(gradients, state, params)

    def bare() -> object:
        h = w[tokens].reshape(256, 512)
        dy = (2 / 256) * (h @ head + b - y)
        new = w.copy()
        np.subtract.at(new, tokens, np.float32(1e-3) * (dy @ head.T).reshape(256, 8, 64))
        return new, head - np.float32(1e-3) * (h.T @ dy)

    yield Job("the same, a step of sgd from params that stay", step, bare)
    optimizers: dict[str, Any] = {"sgd": optimizer, "sparse_adam": sparse_adam(1e-3)}
    for name, optimizer in optimizers.items():
        ours = _training(objective, optimizer, params, tokens, y)
        yield Job(f"the same, steps of {name} in training", ours, _bare(w, head, b, tokens, name))


def _training(objective: Any, optimizer: Any, params: Any, tokens: Any, y: Any) -> Run:
    """Steps that go on from one another; the first ones, which make room, are made."""
    now, state = params, optimizer.init(params)

    def step() -> object:
        nonlocal now, state
        _, gradients = objective(now, tokens, y)
        now, state = optimizer.step(gradients, state, now)
        return now

    for _ in range(3):
        step()
    return step


def _bare(w: Any, head: Any, b: Any, tokens: Any, name: str) -> Run:
    """The same on a table that is written over; the corrections of Adam apart, which are two numbers."""
    table, rate = w.copy(), np.float32(1e-3)
    m, v = (np.zeros_like(table), np.zeros_like(table)) if name == "sparse_adam" else (table, table)

    def step() -> object:
        h = table[tokens].reshape(256, 512)
        dy = (2 / 256) * (h @ head + b - 1)
        rows, place = np.unique(tokens, return_inverse=True)
        g = np.zeros((len(rows), 64), np.float32)
        np.add.at(g, place.reshape(-1), (dy @ head.T).reshape(-1, 64))
        if name == "sgd":
            table[rows] -= rate * g
        else:
            m[rows] = first = np.float32(0.9) * m[rows] + np.float32(0.1) * g
            v[rows] = second = np.float32(0.999) * v[rows] + np.float32(0.001) * g * g
            table[rows] -= rate * first / (np.sqrt(second) + np.float32(1e-8))
        return h.T @ dy

    return step


def images(side: int) -> Iterator[Job]:
    """A convolution of one large image, 16 channels to 16."""
    net = Conv(16, (3, 3), padding="SAME")
    x = np.random.default_rng(2).standard_normal((1, side, side, 16), dtype=np.float32)
    _, params = net.init(0, x.shape)
    w, b = params.at("w"), params.at("b")

    def bare() -> object:
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        y = np.zeros_like(x) + b
        for i in range(3):
            for j in range(3):
                y += padded[:, i : i + side, j : j + side] @ w[i, j]
        return y

    yield Job(f"Conv(16, (3, 3)) of {side} x {side} x 16", lambda: net.apply(params, x), bare)


def jobs(small: bool, folder: Path) -> Iterator[Job]:
    """All of them, one after the other, so that only one is in memory."""
    yield from dense(200 if small else 20_000)
    yield from rows(20_000 if small else 10_000_000, folder)
    yield from table(2_000 if small else 1_000_000)
    yield from images(64 if small else 2048)


def measured(run: Run, times: int) -> tuple[float, float]:
    """Seconds of processors, the least of some runs; megabytes allocated at the peak of one before, without scratch."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    seconds = float("inf")
    for _ in range(times):
        start = time.process_time()
        run()
        seconds = min(seconds, time.process_time() - start)
    return seconds, (peak - before) / 1e6


def main(arguments: list[str] | None = None) -> list[tuple[Any, ...]]:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="sizes for a test")
    parser.add_argument("--times", type=int, default=3, help="runs of each, of which the fastest counts")
    chosen = parser.parse_args(arguments)
    print("| | seconds | bare calls | ratio | MB | bare calls |\n|---|---|---|---|---|---|")
    found: list[tuple[Any, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for job in jobs(chosen.small, Path(folder)):
            (ours, peak), (bare, least) = measured(job.ours, chosen.times), measured(job.bare, chosen.times)
            found.append((job.name, ours, bare, peak, least))
            cells = (job.name, *(f"{number:.3g}" for number in (ours, bare, ours / bare, peak, least)))
            print(f"| {' | '.join(cells)} |", flush=True)
    return found


if __name__ == "__main__":
    main()
