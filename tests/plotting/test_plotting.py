"""Plots: what is drawn, what is given back, what is refused; nothing is ever shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import matplotlib
import numpy as np
import pytest

import funcnn
from funcnn import plotting

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend comes first)
from matplotlib.axes import Axes  # noqa: E402

f: Any = funcnn
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)).astype(np.float32)
LABELS = (X[:, 0] > X[:, 1]).astype(np.int64)
NET = f.serial(f.Dense(8), f.Tanh, f.Dense(2))
_, PARAMS = NET.init(0, (-1, 2))
STEPS = list(f.fit(f.softmax_cross_entropy, NET.apply, f.adam(1e-2), PARAMS, (X, LABELS), epochs=3, batch_size=20))
IMAGES = f.Conv(4, (3, 3)).init(0, (-1, 8, 8, 2))[1].at("w")
COLOUR = f.Conv(5, (3, 3)).init(0, (-1, 8, 8, 3))[1].at("w")
TEXT = f.serial(f.Embedding(9, 8), f.TransformerBlock(8, 2))
_, SPOKEN = TEXT.init(0, (-1, 5))
ONE = f.Dense(1).init(0, (-1, 2))[1]
WORDS = RNG.integers(0, 9, (3, 5))

PLOTS: dict[str, Callable[[Any], Any]] = {
    "steps": lambda ax: plotting.learning_curves([metrics for _, metrics in STEPS], ax=ax),
    "history": lambda ax: plotting.learning_curves({"loss": [3.0, 2.0], "rate": [1.0]}, ax=ax, logarithmic=True),
    "confusion": lambda ax: plotting.confusion(np.eye(3), names=["a", "b", "$c$"], ax=ax),
    "shares": lambda ax: plotting.confusion(np.zeros((2, 2)), shares=True, ax=ax),
    "boundary": lambda ax: plotting.decision_boundary(NET.apply, PARAMS, X, LABELS, ax=ax, resolution=20),
    "one logit": lambda ax: plotting.decision_boundary(f.Dense(1).apply, ONE, X, ax=ax, resolution=20),
    "weights": lambda ax: plotting.weights(PARAMS, ax=ax),
    "gradients": lambda ax: plotting.weights(f.Gradients(PARAMS), "dense_0/*", ax=ax),
    "activations": lambda ax: plotting.activations(NET, PARAMS, X, ax=ax),
    "filters": lambda ax: plotting.filters(IMAGES, ax=ax),
    "colours": lambda ax: plotting.filters(COLOUR, ax=ax, columns=2),
    "attention": lambda ax: plotting.attention(np.eye(4), queries=list("abcd"), ax=ax),
}


@pytest.fixture(autouse=True)
def no_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever shows something fails, and figures are closed."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a plot was shown")

    monkeypatch.setattr(pyplot, "show", refuse)
    yield
    pyplot.close("all")


@pytest.mark.parametrize("name", PLOTS)
def test_axes_come_back(name: str) -> None:
    """Those that were given, or new ones; something is on them, and it can be drawn."""
    given = pyplot.subplots()[1]
    assert PLOTS[name](given) is given
    made = PLOTS[name](None)
    assert isinstance(made, Axes) and made is not given and made.has_data()
    made.figure.canvas.draw()


def test_curves_of_steps() -> None:
    """Every step, and for every epoch the mean of its rows where it ends."""
    ax: Any = PLOTS["steps"](None)
    thin, thick = ax.get_lines()
    losses = [metrics.loss for _, metrics in STEPS]
    assert list(thin.get_xdata()) == list(range(1, 10)) and np.allclose(thin.get_ydata(), losses)
    assert list(thick.get_xdata()) == [3, 6, 9]
    assert np.allclose(thick.get_ydata(), np.reshape(losses, (3, 3)).mean(axis=1))
    assert ax.get_xlabel() == "step"


def test_curves_of_columns() -> None:
    """Gaps are left out, the least number is marked."""
    nan = float("nan")
    history = {"loss": [3.0, 2.0, 1.0, 0.5], "validation": [nan, 2.5, nan, 4.0]}
    ax: Any = plotting.learning_curves(history, best="validation")
    loss, validation, star = ax.get_lines()
    assert [tuple(xy) for xy in validation.get_xydata()] == [(2, 2.5), (4, 4.0)]
    assert [tuple(xy) for xy in star.get_xydata()] == [(2, 2.5)]
    assert star.get_label() == "best, 2.5 at 2" and len(loss.get_xdata()) == 4


def test_curves_of_a_history() -> None:
    """The columns that are numbers, without the counts."""
    history = f.History({"epoch": i, "step": 5 * i, "loss": 0.5 / i, "said": "a"} for i in (1, 2))
    ax: Any = plotting.learning_curves(history, best="loss")
    assert [line.get_label() for line in ax.get_lines()] == ["loss", "best, 0.25 at 2"]


def test_the_best_epoch_of_a_history() -> None:
    """Is marked where no column is named."""
    history = f.History([{"epoch": i, "loss": 0.5 / i} for i in (1, 2, 3)], best=1)
    loss, best = cast(Any, plotting.learning_curves(history)).get_lines()
    assert loss.get_label() == "loss" and (best.get_label(), best.get_xdata()[0]) == ("best", 2)


def test_the_cells_of_a_confusion_matrix() -> None:
    """Rows are true, columns predicted: the number in row 0 and column 1 is drawn at x = 1, y = 0."""
    counts = f.confusion_matrix(np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), np.array([0, 1, 0]))
    ax: Any = plotting.confusion(counts)
    assert {text.get_position(): text.get_text() for text in ax.texts} == {
        (0, 0): "1", (1, 0): "1", (0, 1): "0", (1, 1): "1",
    }  # fmt: skip
    shares: Any = plotting.confusion(np.array([[3, 1], [0, 0]]), shares=True)
    assert [text.get_text() for text in shares.texts] == [".75", ".25", ".00", ".00"]


def test_the_sides_of_a_boundary() -> None:
    """The classes of the plane are those that the network gives to it."""
    net = f.Dense(2)
    params = f.Params({"w": np.array([[-9.0, 9.0], [0.0, 0.0]], np.float32), "b": np.zeros(2, np.float32)})
    ax: Any = plotting.decision_boundary(net.apply, params, X, LABELS, resolution=50)
    left, right = ax.collections[0].get_paths()[:2]
    assert left.vertices[:, 0].max() <= 0.2 and right.vertices[:, 0].min() >= -0.2


@pytest.mark.parametrize(
    "options", [{}, {"causal": True}, {"rotary": True}, {"masked": True}, {"bias": False}], ids=str
)
def test_attention_is_what_the_layer_computes(options: dict[str, Any]) -> None:
    """The weights, times the values, through the last map, are what the layer gives."""
    layer = f.MultiHeadAttention(2, **options)
    x: Any = RNG.normal(size=(3, 5, 8)).astype(np.float32)
    mask = np.arange(5) < np.array([5, 3, 1])[:, None]
    given = (x, mask) if "masked" in options else x
    _, params = layer.init(0, (x.shape, mask.shape) if "masked" in options else x.shape)
    w = plotting.attention_weights(layer, params, given)["multi_head_attention"]
    assert w.shape == (3, 2, 5, 5) and (w >= 0).all()
    if "masked" in options:
        x = np.where(mask[..., None], x, 0)
    own = {name: np.asarray(params.at(name)) for name in params.paths()}
    v = (x @ own["wv"] + own.get("bv", 0)).reshape(3, 5, 2, 4).transpose(0, 2, 1, 3)
    y = (w @ v).transpose(0, 2, 1, 3).reshape(3, 5, 8) @ own["wo"] + own.get("bo", 0)
    if "masked" in options:
        y = np.where(mask[..., None], y, 0)
    assert np.allclose(y, layer.apply(params, given), atol=1e-5)


def test_attention_to_a_memory_and_in_a_network() -> None:
    """By path, for every attention there is."""
    layer = f.MultiHeadAttention(2, cross=True)
    pair = RNG.normal(size=(3, 5, 8)).astype(np.float32), RNG.normal(size=(3, 7, 6)).astype(np.float32)
    _, params = layer.init(0, ((-1, 5, 8), (-1, 7, 6)))
    (w,) = plotting.attention_weights(layer, params, pair).values()
    assert w.shape == (3, 2, 5, 7) and np.allclose(w.sum(axis=-1), 1, atol=1e-6)
    (path,) = plotting.attention_weights(TEXT, SPOKEN, WORDS)
    assert path == "transformer_block_0/residual_0/serial_0/multi_head_attention_0"
    assert plotting.attention_weights(NET, PARAMS, X) == {}
    frozen, rest = f.freeze(TEXT, SPOKEN, "transformer_block_0/**"), f.partition(SPOKEN, "embedding_0/**")[0]
    (wanted,), (found,) = (plotting.attention_weights(*net, WORDS).values() for net in ((TEXT, SPOKEN), (frozen, rest)))
    assert np.array_equal(found, wanted)


def test_what_histograms_are_of() -> None:
    """Every leaf by its path; of activations the layers that are not made of others."""
    names = [tick.get_text() for tick in plotting.weights(PARAMS).get_yticklabels()]
    assert names == ["dense_1/w", "dense_1/b", "dense_0/w", "dense_0/b"]
    net = f.serial(f.serial(f.Dense(3), f.Relu), f.Dense(1))
    ax: Any = plotting.activations(net, net.init(0, (-1, 2))[1], X)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["dense_0", "serial_0/relu_0", "serial_0/dense_0"]


def test_a_dark_page() -> None:
    """Points without labels are written in the colour of words, and between coloured filters the page is seen."""
    with pyplot.style.context("dark_background"):
        points: Any = plotting.decision_boundary(NET.apply, PARAMS, X, resolution=5).collections[-1]
        assert np.allclose(points.get_facecolor()[0, :3], 1) and np.allclose(points.get_edgecolor()[0, :3], 0)
        image: Any = plotting.filters(np.ones((2, 2, 3, 4), np.float32)).images[0].get_array()
        assert image.shape[-1] == 4 and image[0, 0, 3] == 0 and image[1, 1, 3] == 1


def test_the_images_of_filters() -> None:
    """A sheet with a line around each: one channel of one output is as it is in the array."""
    sheet: Any = plotting.filters(IMAGES).get_images()[0].get_array()
    assert sheet.shape == (2 * 4 + 1, 4 * 4 + 1)  # a row for an input, a column for an output
    assert np.allclose(sheet[5:8, 9:12], IMAGES[:, :, 1, 2])
    colours: Any = plotting.filters(COLOUR).get_images()[0].get_array()
    assert colours.shape[-1] == 4  # the last one is how much of it is there


# fmt: off
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "nothing": (lambda: plotting.learning_curves([]), f.ShapeError, "nothing to plot"),
    "no columns": (lambda: plotting.learning_curves({"loss": []}), f.ShapeError, "nothing to plot"),
    "no steps": (lambda: f.plotting.learning_curves(STEPS), TypeError, "metrics for _, metrics in fit"),
    "trained": (lambda: f.plotting.learning_curves(f.train(
        f.softmax_cross_entropy, NET, f.adam(1e-2), (X, LABELS), epochs=1, quiet=True)), TypeError, "take its .history"),
    "no such best": (lambda: plotting.learning_curves({"a": [1.0]}, best="b"), ValueError, "there are a"),
    "no matrix": (lambda: plotting.confusion([1, 2]), f.ShapeError, "two axes, got"),
    "not square": (lambda: plotting.confusion(np.ones((2, 3))), f.ShapeError, "square"),
    "names": (lambda: plotting.confusion(np.eye(2), names=["a"]), f.ShapeError, "each of 2 classes, got 1"),
    "three features": (lambda: plotting.decision_boundary(NET.apply, PARAMS, np.ones((4, 3), np.float32)),
     f.ShapeError, "two features"),
    "images of rows": (lambda: plotting.filters(np.ones((3, 3))), f.ShapeError, r"params|w of a Conv"),
    "too many": (lambda: plotting.filters(np.ones((3, 3, 64, 64))), f.ShapeError, "up to 256 images, got 4096"),
    "leaves": (lambda: plotting.weights({}), f.ShapeError, "from 1 to 24 histograms, got 0"),
    "all heads": (lambda: plotting.attention(np.ones((2, 2, 3, 3))), f.ShapeError, r"weights\[0, 0\]"),
    "words": (lambda: plotting.attention(np.eye(3), keys=["a"]), f.ShapeError, "each of 3 keys, got 1"),
    "axes": (lambda: f.plotting.attention(np.eye(3), ax=[1]), TypeError, "one matplotlib Axes"),
}
# fmt: on


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    """With what came, and what to give."""
    act, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        act()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install; importing the package needs nothing."""
    program = "import sys, funcnn.plotting; print([m for m in sys.modules if m.startswith('matplotlib')])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(f.MissingExtraError, match=r"plotting needs matplotlib: pip install 'funcnn\[matplotlib\]'"):
        plotting.attention(np.eye(2))
