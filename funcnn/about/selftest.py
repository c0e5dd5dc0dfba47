"""Does what is installed here compute what it should? Ten seconds at most, without any test runner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import (
    LSTM,
    AvgPool,
    CheckpointError,
    Conv,
    Dense,
    Flatten,
    Gelu,
    Key,
    Layer,
    LayerNorm,
    MultiHeadAttention,
    Relu,
    Sigmoid,
    adam,
    fit,
    load_params,
    ravel,
    save_params,
    serial,
    squared_error,
    value_and_grad,
    vjp,
)
from funcnn.types import Array


class Wrong(Exception):
    """Something here does not compute what it should."""


class Found(NamedTuple):
    """What came of one check: what it says, how long it took, and whether it passed."""

    name: str
    passed: bool
    said: str
    seconds: float


def _must(holds: Any, what: str) -> None:
    if not holds:
        raise Wrong(what)


def _keys() -> str:
    drawn = Key(0).fold("w").generator().integers(0, 1 << 62)
    _must(drawn == 1236069452811688755, f"Key(0) draws other numbers than everywhere else: {drawn}")
    return "draw the numbers that they draw everywhere"


def _products() -> str:
    a = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)
    far = float(np.abs(a @ a - a.astype(np.float64) @ a.astype(np.float64)).max())
    _must(far < 1e-3, f"products of float32 are wrong by {far:.1e}")
    out, times = np.empty_like(a), list[float]()
    for _ in range(10):
        start = time.perf_counter()
        np.dot(a, a, out)
        times.append(time.perf_counter() - start)
    return f"right, {2 * 512**3 / min(times) / 1e9:.0f} Gflop/s in float32"


def _convolutions() -> str:
    """The fast form against the sum it stands for, in float64."""
    net = Conv(32, (3, 3))
    _, params = net.init(0, (-1, 18, 18, 32))
    x = np.random.default_rng(1).standard_normal((2, 18, 18, 32)).astype(np.float32)
    w = params.at("w").astype(np.float64)
    wanted: Any = params.at("b") + sum(
        x[:, i : i + 16, j : j + 16].astype(np.float64) @ w[i, j] for i in range(3) for j in range(3)
    )
    far = float(np.abs(net.apply(params, x) - wanted).max() / np.abs(wanted).max())
    _must(far < 1e-4, f"convolutions in float32 are wrong by {far:.1e} of the largest value")
    return f"equal their sums to {far:.0e}"


def _images() -> tuple[Layer[Array, Array], Array]:
    net = serial(Conv(4, (3, 3), padding="SAME"), Gelu, AvgPool((2, 2)), Flatten, Dense(5), LayerNorm())
    return net, np.random.default_rng(2).standard_normal((3, 6, 6, 2))


def _sequences() -> tuple[Layer[Array, Array], Array]:
    net = serial(LSTM(6), MultiHeadAttention(2, causal=True), Dense(3), Sigmoid)
    return net, np.random.default_rng(3).standard_normal((2, 5, 4))


def _derivatives() -> str:
    """Pullbacks against central differences, in a random direction of params and input."""
    far = max(_differs(net, x) for net, x in (_images(), _sequences()))
    _must(far < 1e-6, f"gradients differ from differences by {far:.1e}")
    return f"equal differences to {far:.0e}"


def _differs(net: Layer[Array, Array], x: Array) -> float:
    _, params = net.init(0, x.shape, dtype=np.float64)
    draw, step = np.random.default_rng(4), 1e-6
    vector, unravel = ravel(params)
    along, across = draw.standard_normal(vector.shape), draw.standard_normal(x.shape)
    y, pull = vjp(net.apply, params, x)
    dy = draw.standard_normal(y.shape)
    gradients, dx = pull(dy)
    ahead, behind = (net.apply(unravel(vector + h * along), x + h * across) for h in (step, -step))
    difference = float(np.vdot(dy, ahead - behind)) / (2 * step)
    told = float(np.vdot(ravel(gradients)[0], along) + np.vdot(dx, across))
    return abs(told - difference) / max(1.0, abs(difference))


def _threads() -> str:
    """The same gradient from four threads at once, to the bit."""
    net, x = _images()
    _, params = net.init(0, x.shape, dtype=np.float64)
    objective = value_and_grad(squared_error, net.apply)
    target = np.zeros((3, 5))
    first = objective(params, x, target)
    results: list[bool] = []

    def work() -> None:
        results.extend(objective(params, x, target) == first for _ in range(20))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    _must(len(results) == 80 and all(results), "threads that compute at once get other numbers")
    return "four at once get the same bits"


def _training() -> str:
    """Exclusive or is learned, and by a second run to the same bits."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]], np.float32)
    net = serial(Dense(8), Relu, Dense(1))
    _, params = net.init(0, (-1, 2))
    runs = (fit(squared_error, net.apply, adam(0.05), params, (x, y), epochs=300, batch_size=4) for _ in range(2))
    (*_, (first, _)), (*_, (second, _)) = runs
    loss = float(squared_error(net.apply(first.params, x), y))
    _must(loss < 1e-2, f"exclusive or is not learned: the loss is {loss:.2g}")
    _must(first.params == second.params, "two runs from the same key differ")
    return "learns exclusive or, twice the same"


def _files() -> str:
    """Back from a file to the bit; a file with a bit turned over is refused."""
    net, x = _images()
    _, params = net.init(0, x.shape)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "params.npz"
        save_params(path, params)
        _must(load_params(path) == params, "params come back changed from a file")
        written = bytearray(path.read_bytes())
        written[len(written) // 2] ^= 1
        path.write_bytes(written)
        try:
            load_params(path)
        except CheckpointError:
            return "come back to the bit, and damaged ones are refused"
    raise Wrong("a damaged file was read without a word")


def _laws() -> str:
    try:
        from funcnn.testing import holds  # needs Hypothesis, which may not be there
    except ImportError:
        return "not tried: pip install 'funcnn[testing]'"
    report = holds(Dense(3), (4, 6), report=True, examples=10)
    _must(report.held, str(report))
    return f"{len(report.lines)} hold of Dense(3)"


CHECKS: Final[dict[str, Callable[[], str]]] = {
    "keys": _keys,
    "products": _products,
    "convolutions": _convolutions,
    "derivatives": _derivatives,
    "threads": _threads,
    "training": _training,
    "files": _files,
    "laws": _laws,
}


def run(checks: dict[str, Callable[[], str]] = CHECKS) -> Iterator[Found]:
    """Run the checks one after the other; whatever breaks is told, and the next one runs."""
    for name, check in checks.items():
        start = time.perf_counter()
        try:
            passed, said = True, check()
        except Wrong as wrong:
            passed, said = False, str(wrong)
        except Exception as error:  # noqa: BLE001  (a broken installation may raise anything)
            passed, said = False, f"{type(error).__name__}: {error}"
        yield Found(name, passed, said, time.perf_counter() - start)
