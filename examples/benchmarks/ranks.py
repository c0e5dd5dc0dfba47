"""How training grows with the number of ranks: measured on this machine, and on paper for many.

    python examples/benchmarks/ranks.py               strong and weak scaling on one and two ranks, sums of vectors
    python examples/benchmarks/ranks.py --ranks 1 2 4
    python examples/benchmarks/ranks.py --paper       a model of sums over up to 1,000 machines; needs no MPI

Every rank has one thread. A step is the processor time of computing, its median, and the shortest time of the sum: so
programs that run beside count little.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from math import ceil, log2
from pathlib import Path
from typing import Any

import numpy as np

from funcnn import adam, fit, mlp, softmax_cross_entropy, value_and_grad
from funcnn.distributed import Communicator, objective, shard, world
from funcnn.distributed.runtimes import files_of_wheels

NETWORKS = {"0.2 million": (784, 256, 10), "1.9 million": (784, 1024, 1024, 10)}  # params
ROWS = 256
LENGTHS = (1, 1_000, 100_000, 1_000_000)  # numbers of float32 that are summed

# On paper: seconds until a message is there, bytes a second, of one machine to another.
LINKS = {"10 Gbit/s Ethernet": (30e-6, 1.25e9), "100 Gbit/s InfiniBand": (2e-6, 12.5e9)}
MACHINES = (2, 8, 64, 1000)
SIZES = (200_000, 2_000_000, 25_000_000, 100_000_000)  # params


def summing(machines: int, size: int, latency: float, bandwidth: float) -> float:
    """Seconds for a sum of so many bytes over so many machines, in its place: halving and doubling, as MPI does for
    long vectors, where every machine sends each half, quarter, ... once out and once back.

    Source: Thakur, Rabenseifner & Gropp, Optimization of Collective Communication Operations in MPICH (2005), 4.5.
    """
    return 2 * ceil(log2(machines)) * latency + 2 * (machines - 1) / machines * size / bandwidth


def paper() -> str:
    """A table: milliseconds of a sum in float32, and the share of a step of 100 ms that is left for computing."""
    lines = ["| params | bytes a step | link | " + " | ".join(f"{n:,} machines" for n in MACHINES) + " |"]
    lines.append("|---|---|---|" + "---|" * len(MACHINES))
    for params in SIZES:
        for link, numbers in LINKS.items():
            times = [summing(n, 4 * params, *numbers) for n in MACHINES]
            cells = [f"{1e3 * t:.2f} ms, {100 * 0.1 / (0.1 + t):.0f} %" for t in times]
            lines.append(f"| {params:,} | {4 * params / 1e6:.1f} MB | {link} | {' | '.join(cells)} |")
    return "\n".join(lines)


class Watched:
    """A communicator whose sums do not count as computing."""

    def __init__(self, comm: Communicator) -> None:
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self.waiting = 0.0  # seconds of the processor
        self.length = 0

    def add(self, vector: Any) -> None:
        """Timed."""
        begin, self.length = time.process_time(), vector.size
        self.comm.add(vector)
        self.waiting += time.process_time() - begin

    def gather(self, value: Any) -> list[Any]:
        """As it is."""
        return self.comm.gather(value)

    def share(self, value: Any) -> Any:
        """As it is."""
        return self.comm.share(value)


def step_times(sizes: tuple[int, ...], rows: int, comm: Communicator, steps: int) -> float:
    """Milliseconds of a step with so many rows on all ranks together."""
    net, watched = mlp(sizes), Watched(comm)
    source = np.random.default_rng(0)
    x = source.normal(size=(rows, sizes[0])).astype(np.float32)
    labels = source.integers(0, sizes[-1], rows)
    _, params = net.init(0, (-1, sizes[0]))
    data = shard((x, labels), watched, batch_size=rows)
    steps_of_all = objective(value_and_grad(softmax_cross_entropy, net.apply), watched)
    times, before = list[float](), 0.0
    for _ in fit(steps_of_all, adam(1e-3), params, data, epochs=steps):
        now = time.process_time() - watched.waiting
        times.append(now - before)
        before = now
    return 1e3 * float(np.median(times[2:])) + (sum_times(watched.length, comm, steps) if comm.size > 1 else 0.0)


def sum_times(length: int, comm: Communicator, times: int) -> float:
    """Milliseconds of a sum over all ranks."""
    vector, found = np.zeros(length, np.float32), list[float]()
    for _ in range(times):
        comm.gather(0)
        begin = time.perf_counter()
        comm.add(vector)
        found.append(time.perf_counter() - begin)
    return 1e3 * min(found)


def worker(steps: int) -> None:
    """What a rank does; the first one prints what was found."""
    comm = world()
    found: dict[str, Any] = {"ranks": comm.size, "strong": {}, "weak": {}, "sums": {}}
    for name, sizes in NETWORKS.items():
        found["strong"][name] = step_times(sizes, ROWS, comm, steps)
        found["weak"][name] = step_times(sizes, ROWS * comm.size, comm, steps)
    for length in LENGTHS:
        found["sums"][f"{length:,}"] = sum_times(length, comm, steps)
    if comm.rank == 0:
        print(json.dumps(found))


def measured(ranks: int, steps: int) -> dict[str, Any]:
    """What so many ranks find."""
    launcher = [*files_of_wheels("/bin/mpiexec"), "mpiexec"][0]
    command = [launcher, "-n", str(ranks), sys.executable, str(Path(__file__)), "--worker", "--steps", str(steps)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "FUNCNN_THREADS": "1"}
    done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def table(found: Sequence[dict[str, Any]]) -> str:
    """Milliseconds by number of ranks, and how well they are used."""
    lines = ["| | " + " | ".join(f"{f['ranks']} rank{'s' * (f['ranks'] > 1)}" for f in found) + " |"]
    lines.append("|---|" + "---|" * len(found))
    for name in NETWORKS:
        for kind, rows in (("strong", f"{ROWS} rows of all ranks"), ("weak", f"{ROWS} rows a rank")):
            first = found[0][kind][name]
            each = [(f[kind][name], first / f[kind][name] / (f["ranks"] if kind == "strong" else 1)) for f in found]
            cells = " | ".join(f"{t:.2f} ms, {100 * share:.0f} %" for t, share in each)
            lines.append(f"| {name} params, {rows} | {cells} |")
    for length in found[0]["sums"]:
        sums = " | ".join(f"{f['sums'][length]:.3f} ms" for f in found)
        lines.append(f"| a sum of {length} numbers | {sums} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How training grows with the number of ranks.")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=60, help="that are timed")
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--paper", action="store_true", help="the model alone")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.steps)
    elif options.paper:
        print(paper())
    else:
        print(table([measured(ranks, 6 if options.quick else options.steps) for ranks in options.ranks]))
