"""Convolutions of every size by both algorithms: their times, their memory, and which one the library takes.

    python examples/benchmarks/convolutions.py                    # all of it, ten minutes
    python examples/benchmarks/convolutions.py --sizes 64 2048 --channels 16 --windows 5

A cell is `direct / Winograd, memory`: the milliseconds of a pass there and both passes back on one core, by the direct
sum and by Winograd's algorithm, the one the library takes in bold; and the largest memory of these passes as a multiple
of the images, the outputs, the cotangent of the images and the windows. Batches are as large as makes about 65,000 pixels. Times are
those of the processor, so that others on the machine disturb little; the smallest of several rounds counts. A cell is
empty where the passes would take more than a few seconds.
"""

from __future__ import annotations

import os

os.environ["FUNCNN_THREADS"] = "1"  # before the library is imported

import argparse
import time
import tracemalloc
from collections.abc import Callable
from unittest import mock

import numpy as np

from funcnn import Array
from funcnn.kernels import choice, convolution, scratch

SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
CHANNELS = (1, 3, 8, 16, 32, 64, 128, 256, 512)
WINDOWS = (3, 5)
_PIXELS, _MOST, _BYTES = 1 << 16, 1 << 36, 3 << 29  # of a batch; multiplications of a pass; of images and outputs

Passes = Callable[[], Array]


def passes(n: int, size: int, channels: int, window: int) -> tuple[Passes, int]:
    """The three passes of a convolution with SAME padding, and the bytes of what goes in and out."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, size, size, channels), np.float32)
    w = rng.standard_normal((window, window, channels, channels), np.float32)
    pads = ((window // 2, window // 2), (window // 2, window // 2))

    def run() -> Array:
        y = convolution.convolve(x, w, (1, 1), pads)
        convolution.convolve_params(x, y, (window, window), (1, 1), pads)
        return convolution.convolve_input(y, w, x.shape, (1, 1), pads)

    return run, 3 * x.nbytes + w.nbytes


def fastest(run: Passes, budget: float) -> float:
    """Milliseconds of processor time, the least of as many rounds as the budget has room for."""
    best, spent = np.inf, 0.0
    while spent < budget:
        started = time.thread_time()
        run()
        took = time.thread_time() - started
        best, spent = min(best, took), spent + took
    return 1e3 * best


def peak(run: Passes) -> int:
    """The bytes that the passes took at most, of which nothing was there before."""
    scratch.release()
    tracemalloc.start()
    run()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scratch.release()
    return found


def cell(size: int, channels: int, window: int, budget: float) -> str:
    """Both times, the memory, and the choice."""
    n = max(1, _PIXELS // size**2)
    work = n * (size * channels * window) ** 2
    if work > _MOST or 12 * n * size**2 * channels > _BYTES:
        return ""
    run, moved = passes(n, size, channels, window)
    times = []
    for fast in (False, True):
        with mock.patch.object(choice, "by_winograd", lambda *_, fast=fast: fast):
            times.append(fastest(run, budget))
    shape, pad = (n, size, size, channels), (window // 2, window // 2)
    fast = choice.by_winograd(shape, (window, window, channels, channels), (1, 1), (pad, pad), np.dtype(np.float32))
    direct, winograd = (f"{t:.1f}" if t < 10 else f"{t:.0f}" for t in times)
    shown = f"{direct} / **{winograd}**" if fast else f"**{direct}** / {winograd}"
    return f"{shown}, {(peak(run) + moved // 3) / moved:.1f}"  # the images are there before


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="*", type=int, default=SIZES, help="pixels of a side")
    options.add_argument("--channels", nargs="*", type=int, default=CHANNELS)
    options.add_argument("--windows", nargs="*", type=int, default=WINDOWS, choices=WINDOWS)
    options.add_argument("--budget", type=float, default=0.5, help="seconds for each time")
    given = options.parse_args()
    for window in given.windows:
        print(f"| {window} x {window} |", *(f"{c} |" for c in given.channels))
        print("|---" * (len(given.channels) + 1) + "|")
        for size in given.sizes:
            print(f"| {size} |", *(f"{cell(size, c, window, given.budget)} |" for c in given.channels), flush=True)
        print()


if __name__ == "__main__":
    main()
