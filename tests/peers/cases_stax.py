"""`funcnn.stax` beside `jax.example_libraries.stax`: the same call, weights in the same layout; no transposes.

stax's params are tuples by position; its bias of a convolution has the axes of the output, ours the channels alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from tests.peers.case import Case, Nested, numbers

IMAGES, FIRST, SERIES = numbers(2, 7, 6, 3), numbers(2, 3, 7, 6), numbers(2, 3, 8)


def same(source: str, x: Nested, note: str = "") -> Case:
    """The same source on both sides; theirs with their stax in the place of ours."""
    module: Any = None

    def peer(jax: Any, p: Mapping[str, Any], x: Any) -> Any:
        nonlocal module
        module = module or importlib.import_module("jax.example_libraries.stax")
        init, apply = eval(source, {"stax": module})
        params = params_like(tuple(init(jax.random.key(0), _shape(x)))[1], p)
        y = apply(params, list(x) if isinstance(x, tuple) else x)
        return tuple(y) if isinstance(y, list) else y

    return Case(source, x, peer, "jax", note)


def params_like(theirs: Any, p: Mapping[str, Any]) -> Any:
    """Ours in their tuple: weights then bias, or offset then scale."""
    names = ("w", "b") if "w" in p else ("offset", "scale")
    return tuple(p[name].reshape(a.shape) if name in p else () for name, a in zip(names, theirs, strict=False))


def _shape(x: Any) -> Any:
    return [_shape(part) for part in x] if isinstance(x, tuple) else x.shape


CASES = (
    same("stax.Dense(4)", numbers(3, 5)),
    same("stax.Conv(4, (3, 2), (1, 2), 'SAME')", IMAGES),
    same("stax.GeneralConv(('NCHW', 'OIHW', 'NCHW'), 4, (3, 2), (2, 1), 'SAME')", FIRST),
    same("stax.GeneralConv(('CHWN', 'IHWO', 'NHWC'), 2, (3, 3), (1, 2), 'VALID')", numbers(3, 7, 6, 2)),
    same("stax.GeneralConv(('NHWC', 'WHOI', 'NWHC'), 4, (2, 3), (3, 1), 'VALID')", IMAGES),
    same("stax.GeneralConv(('NCH', 'OIH', 'NCH'), 4, (3,), (2,), [(1, 2)])", SERIES),
    same("stax.GeneralConv(('NDHWC', 'DHWIO', 'NDHWC'), 2, (2, 2, 2), None, 'SAME')", numbers(1, 3, 4, 3, 2)),
    same("stax.ConvTranspose(4, (3, 2), (2, 1), 'SAME')", IMAGES),
    same("stax.ConvTranspose(4, (2, 3), (3, 2), 'VALID')", IMAGES),
    same("stax.Conv1DTranspose(4, (4,), (2,), 'SAME')", numbers(2, 5, 3)),
    same("stax.GeneralConvTranspose(('NCHW', 'OIHW', 'NHWC'), 4, (3, 2), (2, 3), 'SAME')", FIRST),
    same("stax.GeneralConvTranspose(('NCH', 'HOI', 'NCH'), 2, (3,), (2,), [(1, 2)])", SERIES),
    same("stax.MaxPool((2, 3), (2, 1), 'SAME')", IMAGES),
    same("stax.MaxPool((2, 3), spec='NCHW')", FIRST),
    same("stax.AvgPool((3, 2), (1, 2), 'SAME', spec='NCHW')", FIRST),
    same("stax.AvgPool((2, 2), (2, 2))", IMAGES),
    same("stax.SumPool((2, 2), (1, 2), 'SAME', 'CWNH')", numbers(3, 6, 2, 5)),
    same("stax.BatchNorm()", IMAGES),
    same("stax.BatchNorm((0, 2, 3), epsilon=1e-3)", FIRST),
    same("stax.BatchNorm((0,), center=False, scale=False)", numbers(4, 3)),
    *(same(f"stax.{name}", numbers(3, 5)) for name in ("Tanh", "Relu", "Exp", "LogSoftmax", "Softmax", "Softplus")),
    *(same(f"stax.{name}", numbers(3, 5)) for name in ("Sigmoid", "Elu", "LeakyRelu", "Selu", "Gelu", "Flatten")),
    same("stax.FanOut(3)", numbers(3, 5)),
    same("stax.shape_dependent(lambda shape: stax.Dense(shape[-1] + 1))", numbers(3, 5)),
    same("stax.FanInSum", (numbers(3, 5), numbers(3, 5, seed=1))),
    same("stax.FanInConcat(1)", (numbers(3, 5), numbers(3, 2, seed=1))),
    same("stax.parallel(stax.Tanh, stax.Identity)", (numbers(3, 5), numbers(3, 2, seed=1))),
)
