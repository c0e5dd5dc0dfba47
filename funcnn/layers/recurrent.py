"""Recurrent layers over (batch, time, features): a cell along a sequence, all inputs in one product."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from funcnn.arguments import positive
from funcnn.calculus import Later
from funcnn.initializers import glorot_normal, zeros
from funcnn.inputs import Kind
from funcnn.kernels import cells
from funcnn.kernels import recurrence_parts as kernel
from funcnn.kernels.cells import Gates
from funcnn.keys import Initializer
from funcnn.layers.cells import (
    ORTHOGONAL, Inits, arrays, given_weights, like_state, state_shape, weight_gradients, weights,
)  # fmt: skip
from funcnn.layers.sequences import expected, items, kinds, masked_steps, sequence
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.types import Array, Mask, Shape, Tree


def _recurrent(
    name: str, gates: Gates, units: int, last: bool, masked: bool, state: bool, inits: Inits
) -> Layer[Any, Any]:
    positive(name, units=units)
    names = ("x", *("mask",) * masked, *("state",) * state)

    def meet(shape: Shape) -> tuple[int, int, int]:
        x, *beside = items(name, shape, names, {"mask": "masked=True", "state": "state=True"})
        batch, time, features = sequence(name, x)
        if masked:
            masked_steps(name, beside[0], batch, time)
        if state:
            expected(name, beside[-1], state_shape(gates, batch, units), "its state is (batch, units)")
        return batch, time, features

    def out_shape(shape: Shape) -> Shape:
        batch, time, _ = meet(shape)
        y = (batch, units) if last else (batch, time, units)
        return (y, state_shape(gates, batch, units)) if state else y

    def spec(shape: Shape) -> Spec:
        return weights(gates, meet(shape)[-1], units, inits)

    def multiply_adds(shape: Shape) -> int:
        batch, time, features = meet(shape)
        return batch * time * (features + units) * gates.blocks * units

    def takes(out: Kind) -> Kind:
        return kinds(names)

    def run(params: Tree, x: Any, memory: Any, keep: bool, ends: bool = True) -> kernel.Done:
        w, u, b = given_weights(params)
        xs, mask = x[0] if len(names) > 1 else x, x[1] if masked else None
        initial = memory if memory is not None else x[-1] if state else None
        first = None if initial is None else arrays(initial)
        return kernel.recur(gates, w, u, b, xs, mask, first, keep=keep, ends=ends)

    def given(done: kernel.Done) -> Any:
        y = done.final[0].T.copy() if last else kernel.outputs(done)
        return (y, like_state(gates, done.final)) if state else y

    def value(params: Tree, x: Any) -> Any:
        return given(run(params, x, None, False, ends=state))

    def rule(params: Tree, x: Any) -> tuple[Any, Any]:
        done = run(params, x, None, True)

        def pullback(d: Any) -> tuple[Tree, Any]:
            dy = d[0] if state else d
            final: list[Any] = [v.T for v in arrays(d[1])] if state else [None] * gates.states
            if last:
                final[0] = dy.T if final[0] is None else final[0] + dy.T
            found = kernel.recur_pullback(done, None if last else dy, tuple(final))

            def input_cotangent() -> Any:
                dx = kernel.input_cotangent(done, found.rows)
                no_mask = (np.zeros(x[1].shape, dx.dtype),) if masked else ()
                ds = (like_state(gates, found.initial),) if state else ()
                return (dx, *no_mask, *ds) if len(names) > 1 else dx

            return weight_gradients(params, found), Later(input_cotangent)

        return given(done), pullback

    def step(params: Tree, x: Any, memory: Any) -> tuple[Any, Any]:
        done = run(params, x, memory, False)
        return given(done), like_state(gates, done.final)

    return Layer.of(out_shape, spec, rule, value=value, takes=takes, multiply_adds=multiply_adds, step=step)


# Where the options are not literals, what comes in and goes out is not followed.
# fmt: off
@overload
def RNN(units: int, *, last: bool = False, masked: Literal[False] = False, state: Literal[False] = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Array, Array]: ...
@overload
def RNN(units: int, *, last: bool = False, masked: Literal[True], state: Literal[False] = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Mask], Array]: ...
@overload
def RNN(units: int, *, last: bool = False, masked: Literal[False] = False, state: Literal[True], bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Array], tuple[Array, Array]]: ...
@overload
def RNN(units: int, *, last: bool = False, masked: Literal[True], state: Literal[True], bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Mask, Array], tuple[Array, Array]]: ...
@overload
def RNN(units: int, *, last: bool = False, masked: bool = False, state: bool = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Any, Any]: ...
# fmt: on
@layer
def RNN(
    units: int,
    *,
    last: bool = False,
    masked: bool = False,
    state: bool = False,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    U_init: Initializer = ORTHOGONAL,
    b_init: Initializer = zeros,
) -> Layer[Any, Any]:
    """The network of Elman along a sequence, `h_t = tanh(x_t w + h_(t-1) u + b + b')`, from h_0 = 0.

    It is `scan(RNNCell(units))`, with the same params. With `masked` a mask comes beside x, True where a step is real:
    the other steps give 0 and change nothing. With `state` the initial state comes in by the tuple, and the final one
    goes out. With `last` the output is the state behind the last real step, the initial one where nothing is real.

    Shapes
        input   x, (x, mask), (x, state) or (x, mask, state): x (batch, time, n), mask (batch, time), state (batch,
                units)
        params  {"w": (n, units), "u": (units, units), "b": (2 units,)}: b beside the input, then b' beside the state;
                no "b" without `bias`
        output  y or (y, state): y (batch, time, units), with `last` (batch, units)
    Errors
        ValueError   `units` is less than one
        ShapeError   x has not three axes, or mask or state not those shapes, or the tuple not those items
    Pullback: back through time, from the last step; dh_t is dy_t and what step t + 1 gives
        dz_t = (1 - h_t^2) dh_t      dh_(t-1) = dz_t u^T      dx_t = dz_t w^T
        dw = sum of x_t^T dz_t      du = sum of h_(t-1)^T dz_t      db = db' = sum of 1^T dz_t
    Source: Elman, Finding Structure in Time (1990); Werbos, Backpropagation Through Time (1990). Two biases, as in
    PyTorch.

    >>> RNN(3).out_shape((-1, 20, 5)), RNN(3, last=True, masked=True).out_shape(((-1, 20, 5), (-1, 20)))
    ((-1, 20, 3), (-1, 3))
    """
    return _recurrent("RNN", cells.RNN, units, last, masked, state, (W_init, U_init, b_init if bias else None))


# fmt: off
@overload
def GRU(units: int, *, last: bool = False, masked: Literal[False] = False, state: Literal[False] = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Array, Array]: ...
@overload
def GRU(units: int, *, last: bool = False, masked: Literal[True], state: Literal[False] = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Mask], Array]: ...
@overload
def GRU(units: int, *, last: bool = False, masked: Literal[False] = False, state: Literal[True], bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Array], tuple[Array, Array]]: ...
@overload
def GRU(units: int, *, last: bool = False, masked: Literal[True], state: Literal[True], bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Mask, Array], tuple[Array, Array]]: ...
@overload
def GRU(units: int, *, last: bool = False, masked: bool = False, state: bool = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Any, Any]: ...
# fmt: on
@layer
def GRU(
    units: int,
    *,
    last: bool = False,
    masked: bool = False,
    state: bool = False,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    U_init: Initializer = ORTHOGONAL,
    b_init: Initializer = zeros,
) -> Layer[Any, Any]:
    """Gated recurrent units along a sequence: `GRUCell` from step to step, from h_0 = 0.

    It is `scan(GRUCell(units))`, with the same params: the variant of PyTorch and cuDNN, whose reset gate acts behind
    the product with u. `last`, `masked` and `state` are those of `RNN`.

    Shapes
        input   x, (x, mask), (x, state) or (x, mask, state): x (batch, time, n), mask (batch, time), state (batch,
                units)
        params  {"w": (n, 3 units), "u": (units, 3 units), "b": (6 units,)}: blocks r, z, n; b beside the input,
                then b'; no "b" without `bias`
        output  y or (y, state): y (batch, time, units), with `last` (batch, units)
    Errors
        ValueError   `units` is less than one
        ShapeError   x has not three axes, or mask or state not those shapes, or the tuple not those items
    Pullback
        that of `GRUCell`, back through time from the last step; the gradients of all steps added
    Source: Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), in its first version; Werbos,
    Backpropagation Through Time (1990).

    >>> GRU(3).out_shape((-1, 20, 5)), GRU(3, state=True).out_shape(((-1, 20, 5), (-1, 3)))
    ((-1, 20, 3), ((-1, 20, 3), (-1, 3)))
    """
    return _recurrent("GRU", cells.GRU, units, last, masked, state, (W_init, U_init, b_init if bias else None))


# fmt: off
@overload
def LSTM(units: int, *, last: bool = False, masked: Literal[False] = False, state: Literal[False] = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Array, Array]: ...
@overload
def LSTM(units: int, *, last: bool = False, masked: Literal[True], state: Literal[False] = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Mask], Array]: ...
@overload
def LSTM(units: int, *, last: bool = False, masked: Literal[False] = False, state: Literal[True], bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, tuple[Array, Array]], tuple[Array, tuple[Array, Array]]]: ...
@overload
def LSTM(units: int, *, last: bool = False, masked: Literal[True], state: Literal[True], bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Mask, tuple[Array, Array]], tuple[Array, tuple[Array, Array]]]: ...
@overload
def LSTM(units: int, *, last: bool = False, masked: bool = False, state: bool = False, bias: bool = True, W_init: Initializer = ..., U_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Any, Any]: ...
# fmt: on
@layer
def LSTM(
    units: int,
    *,
    last: bool = False,
    masked: bool = False,
    state: bool = False,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    U_init: Initializer = ORTHOGONAL,
    b_init: Initializer = zeros,
) -> Layer[Any, Any]:
    """Long short-term memory along a sequence: `LSTMCell` from step to step, from h_0 = c_0 = 0.

    It is `scan(LSTMCell(units))`, with the same params. `last`, `masked` and `state` are those of `RNN`; the state is
    the pair (h, c).

    Shapes
        input   x, (x, mask), (x, (h, c)) or (x, mask, (h, c)): x (batch, time, n), mask (batch, time), h and c (batch,
                units)
        params  {"w": (n, 4 units), "u": (units, 4 units), "b": (8 units,)}: blocks i, f, g, o; b beside the input,
                then b' beside the state; no "b" without `bias`
        output  y or (y, (h, c)): y (batch, time, units), with `last` (batch, units)
    Errors
        ValueError   `units` is less than one
        ShapeError   x has not three axes, or mask or state not those shapes, or the tuple not those items
    Pullback
        that of `LSTMCell`, back through time from the last step; the gradients of all steps added
    Source: Hochreiter & Schmidhuber, Long Short-Term Memory (1997), with the forget gate of Gers, Schmidhuber &
    Cummins, Learning to Forget (2000). Order of gates and number of biases are PyTorch's.

    >>> net = serial(LSTM(8), LSTM(4, last=True), Dense(2))
    >>> net.out_shape((-1, 20, 5))
    (-1, 2)
    """
    return _recurrent("LSTM", cells.LSTM, units, last, masked, state, (W_init, U_init, b_init if bias else None))
