"""Kill it, run it again: training that goes on where it was, to the same bits.

    python examples/resume.py            about a minute; stop it anyhow (Ctrl-C, kill -9), and call it again
    python examples/resume.py --quick    some seconds

Learns handwritten digits, with dropout, shifted scans, momentum and a rate that falls. Checkpoints are in the folder
`resume`, or in that of `--folder`. The digest at the end is that of all params: however often it was stopped, it is the
same one (on the same machine and NumPy build).
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from sklearn.datasets import load_digits

from funcnn import (
    Array, BatchNorm, Conv, Dense, Dropout, Flatten, Key, MaxPool, Params, Relu, accuracy, cosine_decay,
    load_checkpoint, nesterov, serial, softmax_cross_entropy, train,
)  # fmt: skip
from funcnn.plotting import learning_curves

net = serial(
    Conv(16, (3, 3), padding="SAME"), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)),
    Conv(32, (3, 3), padding="SAME"), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)),
    Flatten, Dropout(0.5), Dense(10),
)  # fmt: skip


def shifted(scans: Array, key: Key) -> Array:
    """Every scan moved by a pixel or none, up or down and to a side."""
    room = np.pad(scans, ((0, 0), (1, 1), (1, 1), (0, 0)))
    down, right = key.generator().integers(0, 3, (2, len(scans), 1, 1))
    rows = np.arange(len(scans))[:, None, None]
    moved: Array = room[rows, down + np.arange(8)[:, None], right + np.arange(8)]
    return moved


def digest(params: Params) -> str:
    """Twelve digits that tell params apart."""
    return hashlib.sha256(b"".join(params.at(path).tobytes() for path in params.paths())).hexdigest()[:12]


def main(arguments: list[str] | None = None) -> str:
    """Go on, or begin; report; the digest of the params."""
    parser = argparse.ArgumentParser(description="Training that may be killed.")
    parser.add_argument("--quick", action="store_true", help="a few epochs on a part of the data")
    parser.add_argument("--folder", type=Path, default=Path("resume"), help="where the checkpoints are")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    epochs, rows = (6, 500) if options.quick else (40, 1797)

    scans, labels = load_digits(return_X_y=True)
    data = (scans[:rows].reshape(-1, 8, 8, 1) / 16).astype(np.float32), labels[:rows]
    optimizer = nesterov(cosine_decay(0.05, epochs * -(-rows * 4 // 5 // 32)), 0.9)
    _, params = net.init(0, (-1, 8, 8, 1))
    found = load_checkpoint(options.folder, optimizer, like=params)
    print(f"goes on after step {found.state.step}" if found else "begins")

    trained = train(
        softmax_cross_entropy, net, optimizer, data, epochs=epochs, validation=0.2, metrics=[accuracy], augment=shifted,
        start=params, folder=options.folder,
    )  # fmt: skip
    print(trained.history)
    print(f"params {digest(trained.params)}")
    if options.out is not None:
        matplotlib.use("Agg")
        options.out.mkdir(parents=True, exist_ok=True)
        figure: Any = learning_curves(trained.history, best="loss").figure
        figure.savefig(options.out / "resume.png", dpi=80)
    return digest(trained.params)


if __name__ == "__main__":
    main()
