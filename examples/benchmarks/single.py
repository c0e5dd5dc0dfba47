"""Single layers: value and pullback beside PyTorch, eager, in its better layout, and jax.jit, in turn in one process.

    python examples/benchmarks/single.py                  all rows, a minute and more
    python examples/benchmarks/single.py MaxPool Softmax  those whose name begins so
    python examples/benchmarks/single.py --quick          this library alone, a few steps

Milliseconds of the processor on one core, minima; the ratio is to the faster peer. Images have their channels last
here, and so they have in JAX; PyTorch gets them in both layouts. All params get their cotangents too.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any, NamedTuple

from run import pin

pin(1)  # before the library is imported, which reads how many threads it may have

import numpy as np
from racing import race_steps
from single_peers import JAX, TORCH

Step = Callable[[], object]
IMAGES = (32, 28, 28, 64)


class Row(NamedTuple):
    """A layer, as it is written here, and the shape of its input."""

    layer: str
    shape: tuple[int, ...]
    classes: int = 0  # how many tokens or labels there are, where the input or the target is of integers


ROWS = (
    Row("MaxPool((2, 2), (2, 2))", IMAGES),
    Row("MaxPool((3, 3))", IMAGES),
    Row("MaxPool((3, 3), (2, 2))", IMAGES),
    Row("AvgPool((3, 3), (2, 2))", IMAGES),
    Row("GlobalAvgPool", IMAGES),
    Row("GlobalMaxPool", IMAGES),
    Row('Upsample(2, "bilinear")', (32, 14, 14, 64)),
    Row("ConvTranspose(64, (3, 3), (2, 2))", (32, 14, 14, 64)),
    Row("Softmax", (2048, 128)),
    Row("LogSoftmax", (2048, 128)),
    Row("softmax_cross_entropy", (512, 10_000), 10_000),
    Row("LayerNorm()", (2048, 128)),
    Row("RMSNorm()", (2048, 128)),
    Row("GroupNorm(8)", IMAGES),
    Row("InstanceNorm()", IMAGES),
    Row("BatchNorm()", (8192, 64)),
    Row("Embedding(1000, 128)", (16, 128), 1000),
    Row("Dropout(0.1)", (2048, 512)),
    Row("Gelu", (2048, 512)),
    Row("Silu", (2048, 512)),
)


def data(row: Row) -> Any:
    """The input."""
    rng = np.random.default_rng(0)
    if row.classes and row.layer.startswith("Embedding"):
        return rng.integers(0, row.classes, row.shape)
    return rng.standard_normal(row.shape, np.float32)


def labels(row: Row) -> Any:
    """A class for every row of the input."""
    return np.random.default_rng(1).integers(0, row.classes, row.shape[0])


def ours(row: Row) -> tuple[Step, Any, dict[str, Any]]:
    """The step; a cotangent, and the params, which the peers get too."""
    funcnn: Any = importlib.import_module("funcnn")
    net, x = eval(row.layer, {name: getattr(funcnn, name) for name in funcnn.__all__}), data(row)
    if row.layer.endswith("entropy"):
        target = labels(row)
        return (lambda: funcnn.vjp(net, x, target)[1](1.0)), None, {}
    _, params = net.init(0, row.shape)
    key: Any = {"rng": 0} if net.definition.random else {}
    dy = np.random.default_rng(2).standard_normal(net.apply(params, x, **key).shape, np.float32)

    def step() -> object:
        _, pullback = funcnn.vjp(net.apply, params, x, **key)
        return pullback(dy)

    return step, dy, {name: leaf for name, leaf in params.to_dict().items() if name not in ("mean", "var")}


def contestants(row: Row, alone: bool) -> dict[str, Step]:
    """All that are installed."""
    step, dy, params = ours(row)
    steps = {"funcnn": step}
    if not alone and importlib.util.find_spec("torch") and row.layer in TORCH:
        steps |= torch_steps(row, dy, params)
    if not alone and importlib.util.find_spec("jax") and row.layer in JAX:
        steps["jax"] = jax_step(row, dy, params)
    return steps


def torch_steps(row: Row, dy: Any, params: dict[str, Any]) -> dict[str, Step]:
    """In one layout, or two."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    f = TORCH[row.layer](torch)

    def tensors(last: bool) -> Step:
        def tensor(a: Any) -> Any:
            t = torch.from_numpy(np.array(a))
            if t.ndim == 4:
                t = t.permute(0, 3, 1, 2)
                t = t if last else t.contiguous()
            return t

        x, leaves = tensor(data(row)), [torch.from_numpy(np.array(p)).requires_grad_() for p in params.values()]
        if row.classes and dy is None:
            leaves.append(torch.from_numpy(labels(row)))
        if x.dtype.is_floating_point:
            x.requires_grad_()
        wanted = [t for t in (x, *leaves) if t.requires_grad]
        back = None if dy is None else tensor(dy).reshape(f(x, *leaves).shape)
        return lambda: torch.autograd.grad(f(x, *leaves), wanted, back)

    steps = {"torch": tensors(False)}
    return steps | {"torch last": tensors(True)} if len(row.shape) == 4 else steps


def jax_step(row: Row, dy: Any, params: dict[str, Any]) -> Step:
    """The value and all cotangents, compiled together."""
    jax: Any = importlib.import_module("jax")
    jnp: Any = importlib.import_module("jax.numpy")
    f, x, leaves = JAX[row.layer](jax), jnp.asarray(data(row)), [jnp.asarray(p) for p in params.values()]
    if row.classes:
        fixed = jnp.asarray(labels(row)) if dy is None else x
        given = [x] if dy is None else leaves

        def value(*args: Any) -> Any:
            return f(args[0], fixed) if dy is None else f(fixed, *args)
    else:
        given, value = [x, *leaves], f

    def both(args: Any, d: Any) -> Any:
        y, pullback = jax.vjp(value, *args)
        return y, pullback(d)

    compiled, d = jax.jit(both), jnp.asarray(1.0 if dy is None else dy, jnp.float32)
    return lambda: jax.block_until_ready(compiled(given, d))


def cells(row: Row, seconds: float, alone: bool) -> str:
    """The row of the table."""
    steps = contestants(row, alone)
    times = {name: time.minimum for name, time in race_steps(steps, seconds, process_time).items()}
    mine = times.pop("funcnn")
    peers = [min((t for name, t in times.items() if name.startswith(peer)), default=None) for peer in ("torch", "jax")]
    shown = ["" if t is None else f"{t:.2f}" for t in (mine, *peers)]
    ratio = f"{mine / min(times.values()):.1f}" if times else ""
    return " | ".join([f"| `{row.layer}` of {' x '.join(map(str, row.shape))}", *shown, ratio]) + " |"


def chosen(names: list[str]) -> Iterator[Row]:
    return (row for row in ROWS if not names or row.layer.startswith(tuple(names)))


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layers", nargs="*", help="the beginnings of their names; all where none is given")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each row")
    parser.add_argument("--quick", action="store_true", help="this library alone, a few steps")
    given = parser.parse_args()
    print("| value and pullback | funcnn | PyTorch | jax.jit | ratio |\n|---|---|---|---|---|")
    for row in chosen(given.layers):
        print(cells(row, 0.0 if given.quick else given.seconds, given.quick), flush=True)


if __name__ == "__main__":
    main()
