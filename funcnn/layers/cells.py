"""Recurrent cells: one step, `(x, state) -> (y, new state)`. `scan` takes them along a sequence."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, cast

import numpy as np

from funcnn.arguments import positive
from funcnn.calculus import Later
from funcnn.initializers import glorot_normal, orthogonal, zeros
from funcnn.kernels import cells
from funcnn.kernels import recurrence as kernel
from funcnn.kernels.cells import Gates
from funcnn.keys import Initializer
from funcnn.layers.sequences import expected, items
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree

ORTHOGONAL: Final = orthogonal()


Inits: TypeAlias = "tuple[Initializer, Initializer, Initializer | None]"
"""Of w, u and b; None where there is no bias."""


def weights(gates: Gates, features: int, units: int, inits: Inits) -> Spec:
    """The params of a cell, and of the layers that take it along a sequence."""
    W_init, U_init, b_init = inits
    rows = gates.blocks * units
    matrices: Spec = {"w": (W_init, (features, rows)), "u": (U_init, (units, rows))}
    return matrices if b_init is None else {**matrices, "b": (b_init, (2 * rows,))}


def given_weights(params: Tree) -> tuple[Array, Array, Array]:
    """The same as arrays; both biases are 0 where there is none."""
    w, u = leaves(params, "w", "u")
    if "b" in params:
        return w, u, leaves(params, "b")[0]
    none: Array = np.zeros_like(u, shape=2 * u.shape[1])
    return w, u, none


def weight_gradients(params: Tree, found: kernel.Cotangents) -> Tree:
    """The gradients of those that there are."""
    return {name: getattr(found, name) for name in params}


def state_shape(gates: Gates, batch: int, units: int) -> Shape:
    """The shape of a state: of one array, or of a tuple of them."""
    one = (batch, units)
    return one if gates.states == 1 else (one,) * gates.states


def arrays(state: Any) -> tuple[Array, ...]:
    """The arrays of a state."""
    return cast("tuple[Array, ...]", state) if isinstance(state, tuple) else (state,)


def like_state(gates: Gates, parts: tuple[Array, ...]) -> Any:
    """Arrays (units, batch) as a state: (batch, units), alone where there is one."""
    turned = tuple([a.T.copy() for a in parts])
    return turned[0] if gates.states == 1 else turned


def _cell(name: str, gates: Gates, units: int, inits: Inits) -> Layer[Any, Any]:
    positive(name, units=units)

    def meet(shape: Shape) -> tuple[int, int]:
        x, state = items(name, shape, ("x", "state"), {})
        batch, features = axes(name, x, exactly=2, like="x (batch, features) and a state")
        expected(name, state, state_shape(gates, batch, units), "its state is (batch, units)")
        return batch, features

    def out_shape(shape: Shape) -> Shape:
        batch, _ = meet(shape)
        return (batch, units), state_shape(gates, batch, units)

    def run(params: Tree, x: Any, keep: bool) -> kernel.Pass | kernel.Single:
        w, u, b = given_weights(params)
        return kernel.recur(gates, w, u, b, x[0][:, None], None, arrays(x[1]), keep=keep)

    def given(done: kernel.Pass | kernel.Single) -> Any:
        state = like_state(gates, done.final)
        return arrays(state)[0], state

    def rule(params: Tree, x: Any) -> tuple[Any, Any]:
        done = run(params, x, True)

        def pullback(d: Any) -> tuple[Tree, Any]:
            final = [v.T for v in arrays(d[1])]
            final[0] = final[0] + d[0].T
            found = kernel.recur_pullback(done, None, tuple(final))
            return weight_gradients(params, found), Later(
                lambda: (kernel.input_cotangent(done, found.rows)[:, 0], like_state(gates, found.initial))
            )

        return given(done), pullback

    def spec(shape: Shape) -> Spec:
        return weights(gates, meet(shape)[1], units, inits)

    def value(params: Tree, x: Any) -> Any:
        return given(run(params, x, False))

    def multiply_adds(shape: Shape) -> int:
        batch, features = meet(shape)
        return batch * (features + units) * gates.blocks * units

    return Layer.of(out_shape, spec, rule, value=value, multiply_adds=multiply_adds)


@layer
def RNNCell(
    units: int,
    *,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    U_init: Initializer = ORTHOGONAL,
    b_init: Initializer = zeros,
) -> Layer[tuple[Array, Array], tuple[Array, Array]]:
    """The cell of Elman, `(x, h) -> (h', h')` with `h' = tanh(x w + h u + b + b')`.

    Shapes
        x       (batch, n), and h (batch, units)
        params  {"w": (n, units), "u": (units, units), "b": (2 units,)}: b beside the input, then b' beside the state;
                no "b" without `bias`
        y       h' twice: as output and as the new state
    Errors
        ValueError   `units` is less than one
        ShapeError   the input is no pair (x, h), or x has not two axes, or h not (batch, units)
    Pullback, with dz = (1 - h'^2) (the sum of both cotangents of h')
        dw = x^T dz      du = h^T dz      db = db' = 1^T dz      dx = dz w^T      dh = dz u^T
    Source: Elman, Finding Structure in Time (1990); with two biases, as in PyTorch.

    >>> RNNCell(3).out_shape(((-1, 5), (-1, 3)))
    ((-1, 3), (-1, 3))
    """
    return _cell("RNNCell", cells.RNN, units, (W_init, U_init, b_init if bias else None))


@layer
def GRUCell(
    units: int,
    *,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    U_init: Initializer = ORTHOGONAL,
    b_init: Initializer = zeros,
) -> Layer[tuple[Array, Array], tuple[Array, Array]]:
    """The gated recurrent unit, `(x, h) -> (h', h')`, in the variant that PyTorch and cuDNN compute.

    With the blocks r, z, n of the weights: `r = sigmoid(x w_r + b_r + h u_r + b'_r)`, `z` likewise,
    `n = tanh(x w_n + b_n + r (h u_n + b'_n))`, `h' = (1 - z) n + z h`: the reset gate acts behind the product with u.

    Shapes
        x       (batch, n), and h (batch, units)
        params  {"w": (n, 3 units), "u": (units, 3 units), "b": (6 units,)}: blocks r, z, n; b beside the input,
                then b'; no "b" without `bias`
        y       h' twice: as output and as the new state
    Errors
        ValueError   `units` is less than one
        ShapeError   the input is no pair (x, h), or x has not two axes, or h not (batch, units)
    Pullback, with dh' the sum of both cotangents of h', and m = h u_n + b'_n
        dn = (1 - n^2) (1 - z) dh'      dr = r (1 - r) m dn      dz = z (1 - z) (h - n) dh'
        dw = x^T (dr dz dn)      du = h^T (dr dz r dn)      dx = (dr dz dn) w^T      dh = z dh' + (dr dz r dn) u^T
    Source: Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), in its first
    version (arXiv 1406.1078v1); later versions multiply r into h before the product.

    >>> GRUCell(3).out_shape(((-1, 5), (-1, 3)))
    ((-1, 3), (-1, 3))
    """
    return _cell("GRUCell", cells.GRU, units, (W_init, U_init, b_init if bias else None))


@layer
def LSTMCell(
    units: int,
    *,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    U_init: Initializer = ORTHOGONAL,
    b_init: Initializer = zeros,
) -> Layer[tuple[Array, tuple[Array, Array]], tuple[Array, tuple[Array, Array]]]:
    """Long short-term memory, `(x, (h, c)) -> (h', (h', c'))`.

    With the blocks i, f, g, o of the sums `x w + b + h u + b'`: `i`, `f`, `o` are sigmoids and `g` a tanh of theirs;
    `c' = f c + i g`, `h' = o tanh(c')`.

    Shapes
        x       (batch, n), and h, c (batch, units)
        params  {"w": (n, 4 units), "u": (units, 4 units), "b": (8 units,)}: blocks i, f, g, o; b beside the input,
                then b' beside the state; no "b" without `bias`
        y       h', and the new state (h', c')
    Errors
        ValueError   `units` is less than one
        ShapeError   the input is no pair (x, (h, c)), or x has not two axes, or h and c are not (batch, units)
    Pullback, with dh' the sum of both cotangents of h', and dc = dc' + o (1 - tanh(c')^2) dh'
        di = i (1 - i) g dc      df = f (1 - f) c dc      dg = (1 - g^2) i dc      do = o (1 - o) tanh(c') dh'
        dw = x^T dz      du = h^T dz      db = db' = 1^T dz      dx = dz w^T      dh = dz u^T      dc = f dc
    Source: Hochreiter & Schmidhuber, Long Short-Term Memory (1997); with the forget gate of Gers, Schmidhuber &
    Cummins, Learning to Forget (2000). Order of gates and number of biases are PyTorch's.

    >>> LSTMCell(3).out_shape(((-1, 5), ((-1, 3), (-1, 3))))
    ((-1, 3), ((-1, 3), (-1, 3)))
    """
    return _cell("LSTMCell", cells.LSTM, units, (W_init, U_init, b_init if bias else None))
