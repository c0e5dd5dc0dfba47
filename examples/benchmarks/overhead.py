"""What the library costs beside NumPy's own calls: a step of a tiny network, and each layer of a deep one.

    python examples/benchmarks/overhead.py

Prints the time of one training step of the 3-4-1 sigmoid network through the public calls, in multiples of a bare NumPy
call too, and what each Dense of a network of 20 adds to the same NumPy calls written by hand. Rounds are interleaved;
the smallest time of each counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from funcnn import Array, Dense, Key, Sigmoid, serial, sgd, sum_squared_error, value_and_grad, vjp

DEPTH, WIDTH, BATCH = 20, 8, 4


def fastest(programs: dict[str, Callable[[], object]], *, rounds: int, repeat: int = 20) -> dict[str, float]:
    """The smallest time of a call of each program, in microseconds."""
    best = dict.fromkeys(programs, np.inf)
    for _ in range(rounds):
        for name, program in programs.items():
            started = time.perf_counter()
            for _ in range(repeat):
                program()
            best[name] = min(best[name], (time.perf_counter() - started) / repeat)
    return {name: 1e6 * seconds for name, seconds in best.items()}


def tiny_step() -> Callable[[], object]:
    """One step of gradient descent of the 3-4-1 network."""
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
    target = np.array([[0], [1], [1], [0]], np.float32)
    net = serial(Dense(4), Sigmoid, Dense(1), Sigmoid)
    _, params = net.init(Key(0), (-1, 3))
    objective, optimizer = value_and_grad(sum_squared_error, net.apply), sgd(0.5)
    state = optimizer.init(params)

    def step() -> None:
        nonlocal params, state
        _, grads = objective(params, x, target)
        params, state = optimizer.step(grads, state, params)

    return step


def deep() -> dict[str, Callable[[], object]]:
    """The value and the gradients of 20 Dense layers: by the library, and the same NumPy calls by hand."""
    net = serial(*[Dense(WIDTH) for _ in range(DEPTH)])
    x = np.random.default_rng(0).normal(size=(BATCH, WIDTH)).astype(np.float32)
    _, params = net.init(Key(0), x.shape)
    leaves = [(params.at(f"dense_{i}/w"), params.at(f"dense_{i}/b")) for i in range(DEPTH)]
    dy, ones = np.ones((BATCH, WIDTH), np.float32), np.ones(BATCH, np.float32)

    def library() -> object:
        _, pullback = vjp(net.apply, params, x)
        return pullback(dy)

    def by_hand() -> object:
        h, inputs = x, []
        for w, b in leaves:
            inputs.append(h)
            h = np.dot(h, w)
            h += b
        d: Array = dy
        grads: list[tuple[Array, Array]] = []
        for (w, _), a in zip(reversed(leaves), reversed(inputs), strict=True):
            grads.append((np.dot(a.T, d), np.dot(ones, d)))
            d = d @ w.T
        return grads, d

    return {"library": library, "by hand": by_hand}


def main(arguments: list[str] | None = None) -> tuple[float, float]:
    """The time of the tiny step, and what a layer adds, in microseconds."""
    parser = argparse.ArgumentParser(description="Measure what the library costs beside NumPy.")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    rounds = 20 if parser.parse_args(arguments).quick else 1000

    small = np.zeros((4, 4), np.float32)
    found = fastest({"step": tiny_step(), "call": lambda: np.multiply(small, small), **deep()}, rounds=rounds)
    added = (found["library"] - found["by hand"]) / DEPTH
    print(f"one NumPy call                 {found['call']:7.2f} us")
    print(f"a step of the 3-4-1 network    {found['step']:7.2f} us, {found['step'] / found['call']:.0f} NumPy calls")
    print(f"20 Dense, by hand              {found['by hand']:7.2f} us")
    print(f"20 Dense, value and gradients  {found['library']:7.2f} us, {added:.2f} us more for each")
    return found["step"], added


if __name__ == "__main__":
    main()
