"""A feed-forward stack that mixes activations, on integer input.

    python examples/feedforward.py

Linear 32, Sigmoid, Linear 16, Softmax, Linear 8, Tanh, Linear 4, Relu, on four rows of two bits. Integers are converted
once, to the dtype of the params; the softmax runs along the features; equal rows give equal rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from funcnn import Array, Dense, Key, Relu, Sigmoid, Softmax, Tanh, picture, serial, summary

BITS = np.array([[0, 1], [0, 0], [1, 1], [0, 1]])

net = serial(Dense(32), Sigmoid, Dense(16), Softmax, Dense(8), Tanh, Dense(4), Relu)


def main(arguments: list[str] | None = None) -> Array:
    """The output for the four rows."""
    parser = argparse.ArgumentParser(description="Run a feed-forward stack on four rows of bits.")
    parser.add_argument("--quick", action="store_true", help="the same: it takes no time")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)

    out_shape, params = net.init(Key(0), (-1, 2))
    print(summary(net, (-1, 2)), end="\n\n")
    y = net.apply(params, BITS)
    print(f"declared {out_shape}, got {y.shape} {y.dtype}")
    for bits, row in zip(BITS, y, strict=True):
        print(bits, "->", np.array2string(row, precision=4, suppress_small=True))
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "feedforward.svg").write_text(picture(net, (-1, 2)), encoding="utf-8")
    return y


if __name__ == "__main__":
    main()
