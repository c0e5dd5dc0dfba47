"""The pictures of docs/looking.md: a network that learns handwritten digits, looked at from all sides.

    python examples/pictures.py --out docs/pictures    half a minute
    python examples/pictures.py --quick                a few seconds, into a folder of its own

Every picture is one call of `picture` or `funcnn.plotting`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from sklearn.datasets import load_digits

from funcnn import (
    BatchNorm, Conv, Dense, Embedding, GlobalAvgPool, Key, MaxPool, MeanOver, Relu, Tanh, TransformerBlock, accuracy,
    adam, confusion_matrix, fit, picture, plotting, predict, residual, serial, softmax_cross_entropy, train,
)  # fmt: skip

matplotlib.use("Agg")

net = serial(
    Conv(16, (3, 3), padding="SAME"), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)),
    residual(serial(Conv(16, (3, 3), padding="SAME"), BatchNorm(), Relu)),
    Conv(32, (3, 3), padding="SAME"), Relu, GlobalAvgPool, Dense(10),
)  # fmt: skip
plane = serial(Dense(24), Tanh, Dense(24), Tanh, Dense(3))
reader = serial(Embedding(20, 16), TransformerBlock(16, 2), MeanOver(1), Dense(2))


def digits(folder: Path, quick: bool) -> None:
    """Learning curves, a confusion matrix, histograms and filters of the network of scans."""
    scans, classes = load_digits(return_X_y=True)
    x, labels = (scans.reshape(-1, 8, 8, 1) / 16).astype(np.float32), classes.astype(np.int64)
    rows = 600 if quick else len(x)
    trained = train(
        softmax_cross_entropy, net, adam(3e-3), (x[:rows], labels[:rows]), epochs=2 if quick else 12, validation=0.25,
        metrics=[accuracy], rng=0, quiet=True,
    )  # fmt: skip
    scores = predict(net.apply, trained.params, x)
    losses = {name: trained.history[name] for name in ("train_loss", "loss")}
    save(plotting.learning_curves(losses, best="loss", logarithmic=True), folder / "curves.png")
    save(plotting.confusion(confusion_matrix(scores, labels)), folder / "confusion.png")
    save(plotting.weights(trained.params, "**/w"), folder / "weights.png")
    save(plotting.activations(net, trained.params, x[:64]), folder / "activations.png")
    save(plotting.filters(trained.params.at("conv_0/w")), folder / "filters.png")


def boundary(folder: Path) -> None:
    """Three arms of a spiral, told apart."""
    draw = Key("spiral").generator()
    arm, turn = np.arange(360) % 3, draw.uniform(0.2, 1.0, 360)
    angle = 4 * turn + 2.1 * arm + draw.normal(0, 0.12, 360)
    x = (turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)
    _, params = plane.init(Key(0), (-1, 2))
    *_, (state, _) = fit(softmax_cross_entropy, plane.apply, adam(1e-2), params, (x, arm), epochs=60, rng=0)
    save(plotting.decision_boundary(plane.apply, state.params, x, arm), folder / "boundary.png")


def attention(folder: Path) -> None:
    """Sentences of twelve signs, in which the sign 7 comes first or the sign 3: what the network looks at."""
    draw = Key("signs").generator()
    x = draw.integers(8, 20, (600, 12))
    places = np.argsort(draw.random((600, 12)), axis=1)[:, :2]
    x[np.arange(600), places[:, 0]], x[np.arange(600), places[:, 1]] = 7, 3
    labels = (places[:, 0] < places[:, 1]).astype(np.int64)
    _, params = reader.init(Key(0), (-1, 12))
    *_, (state, _) = fit(softmax_cross_entropy, reader.apply, adam(3e-3), params, (x, labels), epochs=4, rng=0)
    (seen,) = plotting.attention_weights(reader, state.params, x[:1]).values()
    signs = [str(sign) for sign in x[0]]
    save(plotting.attention(seen[0, 0], queries=signs, keys=signs), folder / "attention.png")


def save(axes: Any, path: Path) -> None:
    """Write the figure of these Axes to a file."""
    axes.figure.savefig(path, dpi=80, metadata={"Software": ""})


def main(args: list[str] | None = None) -> list[str]:
    """Write all pictures; their names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a part of the data")
    parser.add_argument("--out", type=Path, help="the folder of the pictures")
    options = parser.parse_args(args)
    folder: Path = options.out or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.svg").write_text(picture(net, (-1, 8, 8, 1)), encoding="utf-8")
    (folder / "transformer.svg").write_text(picture(reader, (-1, 12)), encoding="utf-8")
    digits(folder, options.quick)
    boundary(folder)
    attention(folder)
    names = sorted(path.name for path in folder.iterdir())
    print(f"{len(names)} pictures in {folder}: {', '.join(names)}")
    return names


if __name__ == "__main__":
    main()
