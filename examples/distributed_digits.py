"""Handwritten digits, learnt by several processes that equal one: by MPI, `pip install 'funcnn[mpi]' mpich`.

    python examples/distributed_digits.py                    alone, less than a minute
    mpiexec -n 2 python examples/distributed_digits.py       two ranks, of which each takes half of every batch
    python examples/distributed_digits.py --quick            some seconds

Give every rank its part of the cores: OMP_NUM_THREADS=1 for two ranks on two of them. Kill any of the processes, start
the program again, with as many ranks or others, and it goes on from the checkpoint.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import load_digits

from funcnn import (
    BatchNorm, Conv, Dense, Dropout, Flatten, Key, MaxPool, Relu, accuracy, adam, cosine_decay, fit, load_checkpoint,
    mean_of, save_checkpoint, serial, softmax_cross_entropy, value_and_grad,
)  # fmt: skip
from funcnn.distributed import calibrate, evaluate, objective, on_first, shard, world

net = serial(
    Conv(16, (3, 3), padding="SAME"), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)),
    Conv(32, (3, 3), padding="SAME"), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)),
    Flatten, Dropout(0.3), Dense(10),
)  # fmt: skip


def draw(scores: list[float], path: Path) -> None:
    """The accuracy after every epoch."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4), layout="constrained")
    axes.plot(range(1, len(scores) + 1), scores, "o-")
    axes.set(xlabel="epoch", ylabel="accuracy on scans that were held out", title="all ranks together")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> float:
    """Train on all ranks, report on the first; the accuracy on scans that were held out."""
    parser = argparse.ArgumentParser(description="Handwritten digits, learnt by several processes.")
    parser.add_argument("--quick", action="store_true", help="a few epochs on a part of the data")
    parser.add_argument("--folder", type=Path, help="where the checkpoints are; a temporary one where not given")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    epochs, rows = (8, 600) if options.quick else (20, 1797)

    comm = world()
    folder = options.folder or Path(on_first(comm, tempfile.mkdtemp))
    scans, labels = load_digits(return_X_y=True)
    order = Key("held out").generator().permutation(rows)
    x, held = (scans[order].reshape(-1, 8, 8, 1) / 16).astype(np.float32), rows // 5
    train, test = (x[held:], labels[order][held:]), (x[:held], labels[order][:held])

    optimizer = adam(cosine_decay(5e-3, epochs * -(-len(train[0]) // 64)))
    _, params = net.init(0, (-1, 8, 8, 1))
    found = on_first(comm, load_checkpoint, folder, optimizer, like=params)
    if comm.rank == 0:
        print(f"{comm.size} ranks, from step {found.state.step if found else 0}")
    steps = objective(value_and_grad(softmax_cross_entropy, net.apply), comm)
    data = shard(train, comm, batch_size=64)
    begin, found_scores = time.perf_counter(), list[float]()
    for state, metrics in fit(steps, optimizer, found.state if found else params, data, epochs=epochs):
        if metrics.last_of_epoch:
            on_first(comm, save_checkpoint, folder, state)
            ready = calibrate(net, state.params, np.array_split(train[0], 8), comm=comm)
            scores = evaluate(net.apply, ready, test, accuracy, mean_of(softmax_cross_entropy), comm=comm)
            found_scores.append(scores["accuracy"])
            if comm.rank == 0:
                print(f"epoch {metrics.epoch + 1}  loss {metrics.loss:.4f}  accuracy {found_scores[-1]:.4f}")
    if comm.rank == 0:
        print(f"{time.perf_counter() - begin:.1f} seconds")
        if options.out is not None:
            draw(found_scores, options.out / "distributed_digits.png")
    return found_scores[-1] if found_scores else 0.0


if __name__ == "__main__":
    main()
