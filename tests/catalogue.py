"""One row for every public layer, combinator, loss and optimizer. All laws run over the rows.

A row holds *source text*, `"Dense(3)"`, which is evaluated among the public names of funcnn and `np` (see `build`), so
that it can also be written out as a program. Several rows may answer for one name; the name of a row is the first name
in its source. Choose small arguments: sizes of 2 to 4.

Shape templates (as `funcnn.testing.shapes` takes them): an int is that size, a string is a free size (one string, one
size), a `range` is a size in it, `...` is none to two more sizes; the first axis is the batch. A tuple of templates is
a tuple of arrays, `(("B", "T", 4), ("B", "T"))`. Which arrays are tokens or masks, the layer itself says (`takes=`).

A law that does not hold for a row is named in `except_`, with the reason; the law then *must* fail. Prefer to repair.

To add a row, put it into the table of its family, in the order of `funcnn.__all__`:

    LayerRow("Dense(3)", ("B", ..., "D"))
    LayerRow("MaxPool((2, 2))", ("B", range(2, 6), range(2, 6), "C"), kinks=True)
    LayerRow("Embedding(7, 3)", ("B", "T"), tokens=7)
    LayerRow("FanInSum", (("B", "D"), ("B", "D")))
    LossRow("squared_error", ("B", "D"))
    LossRow("softmax_cross_entropy", ("B", 4), target="labels")
    OptimizerRow("adam(0.1)")
"""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType
from typing import Any, Final, NamedTuple, TypeAlias, Union

import numpy as np

import funcnn

Template: TypeAlias = "tuple[Union[int, str, range, EllipsisType, Template], ...]"
"""What `funcnn.testing.shapes` takes."""


class LayerRow(NamedTuple):
    """A layer or a network made by a combinator."""

    source: str
    shape: Template
    tokens: int | range = 5  # what token inputs hold: integers below this, or of this range
    kinks: bool = False  # not differentiable everywhere (Relu, MaxPool): few points may go without a verdict
    mixes_batch: bool = False  # at inference, an example's output depends on the other examples
    domain: tuple[float, float] | None = None  # features are drawn between these, where it is not for all numbers
    linear: bool = False  # y is linear in x, but for a constant
    also: tuple[str, ...] = ()  # laws of a domain that hold: "rows_sum_to_one", ..., see lawbook/domains.py
    except_: Mapping[str, str] = {}  # law: why it does not hold  # noqa: RUF012  (read only)


class LossRow(NamedTuple):
    """A loss, with its options bound: `softmax_cross_entropy.bind(label_smoothing=0.1)`."""

    source: str
    prediction: Template
    # a key of `funcnn.testing.TARGETS` (like, labels, distribution, binary, signs, counts, positive), a function
    # (rng, shape of the prediction, dtype) -> target, or a tuple of these for a tuple of predictions
    target: Any = "like"
    domain: tuple[float, float] | None = None  # the prediction is drawn between these
    weighted: bool = True  # takes `weights=`
    except_: Mapping[str, str] = {}  # noqa: RUF012  (read only)


class OptimizerRow(NamedTuple):
    """An optimizer. `steps` names the function of tests/closed_forms.py that works its first steps out by hand."""

    source: str
    steps: str = ""
    except_: Mapping[str, str] = {}  # noqa: RUF012  (read only)
    part: bool = False  # a part of a chain, which gives no steps of its own


# `tangent` takes a complex step itself, and there is one imaginary unit: its value refuses complex numbers.
STEPS_ITSELF: Final = dict.fromkeys(
    ("analytic", "exact_pullback", "second_derivative"), "it takes a complex step itself, and there is one imaginary unit"
)
ANOTHER: Final = ("true_pullback", "full_jacobian")
"""The laws that do not hold where what is pulled back is another thing than the derivative, on purpose."""

# fmt: off
LAYERS: Final = (
    LayerRow("Bilinear(3)", (("B", "D"), ("B", "E"))),
    LayerRow("Bilinear(2, bias=False)", (("B", "T", "D"), ("B", "T", 2))),
    LayerRow("Dense(3)", ("B", ..., "D"), linear=True),
    LayerRow("Dense(3, bias=False)", ("B", ..., "D"), linear=True),
    LayerRow("EinsumDense('...d,dhk->...hk', h=2, k=3)", ("B", ..., "D"), linear=True),
    LayerRow("EinsumDense('bhd,hde->bhe', e=3)", ("B", 2, "D"), linear=True),
    LayerRow("EinsumDense('bthd,hde->bet', bias=False, e=2)", ("B", "T", 2, "D"), linear=True),
    LayerRow("Conv(3, (3, 2))", ("B", range(3, 6), range(2, 5), "C"), linear=True, also=("translation_equivariant",)),
    LayerRow("Conv(2, (2, 3), (2, 1), 'SAME')", ("B", range(1, 5), range(1, 5), "C"), linear=True),
    LayerRow("Conv(3, (1, 1))", ("B", range(1, 4), range(1, 4), "C"), linear=True),
    LayerRow("Conv(2, (2, 2), (3, 2))", ("B", range(2, 6), range(2, 6), 5), linear=True),
    LayerRow(
        "Conv(4, (2, 2), padding=((1, 0), (0, 2)), dilation=(2, 1), groups=2)", ("B", range(2, 5), range(1, 5), 4),
        linear=True,
    ),
    LayerRow("Conv(4, (3, 2), (1, 2), 'SAME', groups=4, bias=False)", ("B", range(1, 5), range(1, 5), 4), linear=True),
    LayerRow("Conv1D(3, 2, dilation=2)", ("B", range(3, 6), "C"), linear=True, also=("translation_equivariant",)),
    LayerRow("Conv1D(3, 3, 2, 'CAUSAL')", ("B", range(1, 6), "C"), linear=True),
    LayerRow("Conv1D(4, 3, padding='CAUSAL', dilation=2, groups=2)", ("B", range(1, 8), 4), linear=True),
    LayerRow("Conv1D(2, (2,), padding=(0, 1), groups=2)", ("B", range(1, 5), 4), linear=True),
    LayerRow("Conv3D(2, (2, 1, 2), (1, 2, 1), 'SAME')", ("B", 2, range(1, 4), range(1, 3), "C"), linear=True),
    LayerRow("Conv1DTranspose(3, 3, 2)", ("B", "T", "C"), linear=True),
    LayerRow("Conv1DTranspose(4, 2, 3, 'CAUSAL', groups=2)", ("B", "T", 2), linear=True),
    LayerRow("Conv3DTranspose(2, (2, 1, 2), (1, 2, 2), 'SAME')", ("B", 2, range(1, 3), range(1, 3), "C"), linear=True),
    LayerRow("ConvTranspose(3, (3, 2), (2, 1))", ("B", range(1, 4), range(1, 4), "C"), linear=True),
    LayerRow("ConvTranspose(2, (3, 3), (2, 3), 'SAME', bias=False)", ("B", range(1, 4), range(1, 4), "C"), linear=True),
    LayerRow(
        "ConvTranspose(4, (3, 2), (2, 2), ((1, 0), (0, -1)), dilation=(1, 2), groups=2)",
        ("B", range(1, 4), range(1, 4), 4), linear=True,
    ),
    LayerRow("AvgPool((2, 2), (2, 2))", ("B", range(2, 6), range(2, 6), "C"), linear=True, also=("within_input",)),
    LayerRow("AvgPool((2, 2), (3, 3))", ("B", range(2, 6), range(2, 6), "C"), linear=True, also=("within_input",)),
    LayerRow(
        "AvgPool((3, 2), padding='SAME')", ("B", range(1, 5), range(1, 5), "C"), linear=True, also=("within_input",)
    ),
    LayerRow("MaxPool((2, 2), (2, 2))", ("B", range(2, 6), range(2, 6), "C"), kinks=True, also=("within_input",)),
    LayerRow("MaxPool((2, 2), (3, 3))", ("B", range(2, 6), range(2, 6), "C"), kinks=True, also=("within_input",)),
    LayerRow(
        "MaxPool((3, 2), (2, 1), 'SAME')", ("B", range(1, 5), range(1, 5), "C"), kinks=True, also=("within_input",)
    ),
    LayerRow(
        "MaxPool((2,), (1,), ((1, 0),), dilation=(2,))", ("B", range(2, 6), "C"), kinks=True, also=("within_input",)
    ),
    LayerRow("SumPool((2, 2), (2, 1))", ("B", range(2, 5), range(2, 5), "C"), linear=True),
    LayerRow("SumPool((2, 1, 2), padding='SAME')", ("B", range(1, 4), 2, range(1, 3), "C"), linear=True),
    LayerRow("GlobalAvgPool", ("B", range(1, 4), range(1, 4), "C"), linear=True, also=("within_input",)),
    LayerRow("GlobalMaxPool", ("B", range(1, 5), "C"), kinks=True, also=("within_input",)),
    LayerRow("Pad(((1, 2),), 'reflect')", ("B", range(3, 5), "C"), linear=True, also=("within_input",)),
    LayerRow("Pad(((1, 0), (0, 2)), 'edge')", ("B", "H", "W", "C"), linear=True, also=("within_input",)),
    LayerRow("Pad(((1, 0),), value=2.0)", ("B", "D"), linear=True),
    LayerRow("Upsample((2, 3))", ("B", range(1, 4), range(1, 4), "C"), linear=True, also=("within_input",)),
    LayerRow("Upsample(3, 'bilinear')", ("B", range(1, 5), "C"), linear=True, also=("within_input",)),
    LayerRow("Embedding(5, 3)", ("B", "T"), tokens=5),
    LayerRow("Celu", ("B", ..., "D"), also=("increasing", "propagates_nan")),
    LayerRow("Elu", ("B", ..., "D"), also=("increasing", "propagates_nan")),
    LayerRow("Exp", ("B", ..., "D"), domain=(-4, 4), also=("increasing", "propagates_nan")),
    LayerRow("GLU", ("B", ..., 4), also=("propagates_nan",)),
    LayerRow("Gelu", ("B", ..., "D"), also=("propagates_nan",)),
    LayerRow("HardSigmoid", ("B", ..., "D"), kinks=True, also=("unit_interval", "increasing", "propagates_nan")),
    LayerRow("HardSwish", ("B", ..., "D"), kinks=True, also=("propagates_nan",)),
    LayerRow("HardTanh", ("B", ..., "D"), kinks=True, also=("odd", "increasing", "propagates_nan")),
    LayerRow("LeakyRelu", ("B", ..., "D"), kinks=True, also=("increasing", "propagates_nan")),
    LayerRow("LogSigmoid", ("B", ..., "D"), also=("increasing", "propagates_nan")),
    LayerRow("Maxout(2)", ("B", ..., 4), kinks=True, also=("within_input", "propagates_nan")),
    LayerRow("Mish", ("B", ..., "D"), also=("propagates_nan",)),
    LayerRow("PRelu()", ("B", ..., "D"), kinks=True, also=("propagates_nan",)),
    LayerRow("Relu", ("B", ..., "D"), kinks=True, also=("increasing", "propagates_nan")),
    LayerRow("Relu6", ("B", ..., "D"), kinks=True, also=("increasing", "propagates_nan")),
    LayerRow("Selu", ("B", ..., "D"), kinks=True, also=("increasing", "propagates_nan")),
    LayerRow("Sigmoid", ("B", ..., "D"), also=("unit_interval", "increasing", "propagates_nan")),
    LayerRow("Silu", ("B", ..., "D"), also=("propagates_nan",)),
    LayerRow("Sin", ("B", ..., "D"), also=("odd", "propagates_nan")),
    LayerRow("Softplus", ("B", ..., "D"), also=("increasing", "propagates_nan")),
    LayerRow("Softsign", ("B", ..., "D"), also=("odd", "increasing", "propagates_nan")),
    LayerRow("Square", ("B", ..., "D"), also=("propagates_nan",)),
    LayerRow("Tanh", ("B", ..., "D"), also=("odd", "increasing", "propagates_nan")),
    LayerRow("celu(0.5)", ("B", ..., "D"), also=("increasing", "propagates_nan")),
    LayerRow("elu(2.0)", ("B", ..., "D"), kinks=True, also=("increasing", "propagates_nan")),
    LayerRow("gelu(exact=True)", ("B", ..., "D"), also=("propagates_nan",)),
    LayerRow("leaky_relu(0.2)", ("B", ..., "D"), kinks=True, also=("increasing", "propagates_nan")),
    LayerRow("RNN(3)", ("B", range(1, 4), "D"), also=("causal",)),
    LayerRow("RNN(2, masked=True)", (("B", "T", 2), ("B", "T")), also=("causal", "padding_inert")),
    LayerRow("RNN(2, last=True, state=True)", (("B", "T", "D"), ("B", 2))),
    LayerRow("GRU(3)", ("B", range(1, 4), "D"), also=("causal",)),
    LayerRow("GRU(2, last=True, masked=True)", (("B", "T", 2), ("B", "T")), also=("padding_inert",)),
    LayerRow("GRU(2, masked=True, state=True)", (("B", "T", 2), ("B", "T"), ("B", 2)), also=("padding_inert",)),
    LayerRow("LSTM(3)", ("B", range(1, 4), "D"), also=("causal",)),
    LayerRow("LSTM(2, masked=True)", (("B", "T", 2), ("B", "T")), also=("padding_inert",)),
    LayerRow(
        "LSTM(2, last=True, masked=True, state=True)", (("B", "T", 2), ("B", "T"), (("B", 2), ("B", 2))),
        also=("padding_inert",),
    ),
    LayerRow("LSTM(1, state=True)", (("B", "T", 1), (("B", 1), ("B", 1)))),
    LayerRow("MultiHeadAttention(2)", ("B", "T", 4), also=("permutation_equivariant",)),
    LayerRow("MultiHeadAttention(1, causal=True, bias=False)", ("B", range(1, 4), "D"), also=("causal",)),
    LayerRow("MultiHeadAttention(2, masked=True)", (("B", "T", 4), ("B", "T")), also=("padding_inert",)),
    LayerRow(
        "MultiHeadAttention(2, causal=True, masked=True, rotary=True)", (("B", "T", 4), ("B", "T")),
        also=("causal", "padding_inert"),
    ),
    LayerRow("MultiHeadAttention(2, cross=True)", (("B", range(1, 4), 2), ("B", 5, "D"))),
    LayerRow(
        "MultiHeadAttention(1, cross=True, masked=True)", (("B", range(1, 4), 2), ("B", 5, 3), ("B", 5)),
        also=("padding_inert",),
    ),
    LayerRow("MultiHeadAttention(2, causal=True, drop=0.5)", ("B", range(1, 4), 4)),
    LayerRow("PositionalEmbedding(6)", ("B", range(1, 5), "D"), also=("causal",)),
    LayerRow("RotaryEmbedding()", ("B", "T", 4), linear=True, also=("causal",)),
    LayerRow("SinusoidalEncoding(base=100.0)", ("B", "T", "D"), linear=True),
    LayerRow("MaxOver(1)", ("B", "T", "D"), kinks=True, also=("permutation_invariant",)),
    LayerRow("MaxOver(1, masked=True)", (("B", "T", "D"), ("B", "T")), kinks=True, also=("padding_inert",)),
    LayerRow("MeanOver(1)", ("B", "T", "D"), linear=True, also=("permutation_invariant",)),
    LayerRow("MeanOver(-1)", ("B", ..., "D"), linear=True),
    LayerRow("MeanOver(2, masked=True)", (("B", "T", "K", "D"), ("B", "T", "K")), also=("padding_inert",)),
    LayerRow("RNNCell(3)", (("B", "D"), ("B", 3))),
    LayerRow("GRUCell(2)", (("B", "D"), ("B", 2))),
    LayerRow("LSTMCell(2)", (("B", "D"), (("B", 2), ("B", 2)))),
    LayerRow("LogSoftmax", ("B", ..., "D"), also=("shift_invariant", "propagates_nan")),
    LayerRow(
        "Softmax", ("B", ..., "D"), also=("rows_sum_to_one", "shift_invariant", "unit_interval", "propagates_nan")
    ),
    LayerRow(
        "Softmin", ("B", ..., "D"), also=("rows_sum_to_one", "shift_invariant", "unit_interval", "propagates_nan")
    ),
    LayerRow(
        "Sparsemax", ("B", ..., "D"), kinks=True,
        also=("rows_sum_to_one", "shift_invariant", "unit_interval", "propagates_nan"),
    ),
    LayerRow("BatchNorm()", ("B", ..., "D")),
    LayerRow("BatchNorm(axis=(0, 2), scale=False)", ("B", "C", "T")),
    LayerRow("BatchNorm(center=False)", ("B", "D")),
    LayerRow("GroupNorm(2)", ("B", ..., 4), also=("propagates_nan",)),
    LayerRow("InstanceNorm()", ("B", "T", ..., "C"), also=("propagates_nan",)),
    LayerRow("LayerNorm()", ("B", ..., "D"), also=("shift_invariant", "scale_invariant", "propagates_nan")),
    LayerRow("RMSNorm()", ("B", ..., "D"), also=("scale_invariant", "propagates_nan")),
    LayerRow("Dropout(0.5)", ("B", ..., "D"), linear=True, also=("identity_at_inference",)),
    LayerRow("GaussianNoise(0.5)", ("B", ..., "D"), linear=True, also=("identity_at_inference",)),
    LayerRow("SpatialDropout(0.5)", ("B", ..., "D"), linear=True, also=("identity_at_inference",)),
    LayerRow("Flatten", ("B", ..., "D"), linear=True),
    LayerRow("Identity", ("B", ..., "D"), linear=True, also=("identity_at_inference",)),
    LayerRow("Last", ("B", "T", ..., "D"), linear=True),
    LayerRow("Reshape((3, -1, 2))", ("B", "T", 6), linear=True),
    LayerRow("Reshape((3, 4))", ("B", 2, 6), linear=True),
    LayerRow("Squeeze()", ("B", ..., 1), linear=True),
    LayerRow("Squeeze(1)", ("B", 1, "D"), linear=True),
    LayerRow("Transpose((0, 2, 1))", ("B", "T", "D"), linear=True),
)

COMBINATORS: Final = (
    LayerRow("serial()", ("B", ..., "D"), linear=True),
    LayerRow("serial(Dense(3), Dense(2))", ("B", ..., "D"), linear=True),
    LayerRow("serial(Embedding(6, 3), Dense(2))", ("B", "T"), tokens=6, also=("causal",)),
    LayerRow("serial(Dense(5), Dropout(0.4), Dense(2))", ("B", "D"), linear=True),
    LayerRow(
        "serial(Dense(4), Tanh, Dense(5), Sigmoid, Dense(3), Softplus, Dense(4), Tanh, Dense(2), Sigmoid, Dense(3), "
        "Tanh, Dense(2), Tanh)", ("B", "D"),
    ),
    LayerRow("serial(serial(Dense(3), Dense(2).named('neck')), Dense(4))", ("B", "D"), linear=True),
    LayerRow("mlp((3, 2), Tanh)", ("B", ..., "D")),
    LayerRow("TransformerBlock(4, 2, hidden=3, causal=True)", ("B", range(1, 4), 4), also=("causal",)),
    LayerRow(
        "TransformerBlock(4, 2, hidden=3, masked=True, drop=0.5)", (("B", "T", 4), ("B", "T")),
        also=("padding_inert",),
    ),
    LayerRow("TransformerBlock(2, 1, norm='post', drop=0.5, activation=Tanh)", ("B", "T", 2)),
    LayerRow(
        "TransformerBlock(2, 1, norm='post', causal=True, rotary=True, masked=True)", (("B", "T", 2), ("B", "T")),
        also=("padding_inert",),
    ),
    LayerRow("parallel(Dense(3), serial(Tanh, Dense(2)))", (("B", "D"), ("B", "E"))),
    LayerRow("parallel(Dense(3), parallel(Identity, Sigmoid))", (("B", "D"), (("B", "D"), ("B", "E")))),
    LayerRow("residual(serial(Dense(4), Tanh, Dense(3)))", ("B", ..., 3)),
    LayerRow("residual(Dense(2), Dense(2))", ("B", ..., "D"), linear=True),
    LayerRow("serial(residual(Dense(3)), residual(serial(residual(Dense(3)), Tanh)))", ("B", 3)),
    LayerRow("FanOut(2)", ("B", ..., "D"), linear=True),
    LayerRow("FanInSum", (("B", "D"), ("B", "D"), ("B", "D")), linear=True),
    LayerRow("FanInProduct", (("B", "D"), ("B", "D"), ("B", "D"))),
    LayerRow("FanInConcat()", (("B", "D"), ("B", "E")), linear=True),
    LayerRow("FanInConcat(1)", (("B", "D", 2), ("B", "E", 2)), linear=True),
    LayerRow("serial(FanOut(2), parallel(Dense(2), Tanh), FanInConcat())", ("B", ..., "D")),
    LayerRow("serial(FanOut(2), parallel(FanOut(2), Identity), parallel(FanInSum, Tanh), FanInSum)", ("B", "D")),
    LayerRow("scan(LSTMCell(2))", (("B", "T", "D"), (("B", 2), ("B", 2)))),
    LayerRow("scan(GRUCell(2), masked=True)", (("B", "T", 2), ("B", 2), ("B", "T")), also=("padding_inert",)),
    LayerRow("scan(RNNCell(2), reverse=True)", (("B", "T", 2), ("B", 2))),
    LayerRow(
        "scan(serial(first(Dropout(0.5)), RNNCell(2)), masked=True)", (("B", "T", 2), ("B", 2), ("B", "T"))
    ),
    LayerRow("map_over(Dense(2))", ("B", "T", ..., "D"), linear=True),
    LayerRow("map_over(serial(Dense(2), Dropout(0.5)), axis=2)", ("B", "T", 3, "D"), linear=True),
    LayerRow("map_over(serial(parallel(Embedding(4, 2), Dense(2)), FanInSum))", (("B", "T"), ("B", "T", 3)), tokens=4),
    LayerRow("bidirectional(GRU(2))", ("B", "T", 2)),
    LayerRow("bidirectional(LSTM(2, masked=True))", (("B", "T", 2), ("B", "T")), also=("padding_inert",)),
    LayerRow("bidirectional(serial(first(Tanh), RNN(2, last=True, masked=True)))", (("B", "T", 2), ("B", "T"))),
    LayerRow("serial(LSTM(3), GRU(2), RNN(2, last=True))", ("B", "T", 2)),
    LayerRow("tangent(serial(Dense(2), Tanh))", (("B", "D"), ("B", "D")), except_=STEPS_ITSELF),
    LayerRow(
        "tangent(serial(Embedding(4, 2), Sigmoid))", (("B", "T"), ("B", "T")), tokens=4, except_=STEPS_ITSELF
    ),
    LayerRow(
        "input_gradient(serial(Dense(3), Tanh, Dense(1)))", ("B", "D"),
        except_={"second_derivative": "it takes a complex step itself, and there is one imaginary unit"},
    ),
    LayerRow("select(1, 0, 1)", (("B", "D"), ("B", "E"), ("B", 2)), linear=True),
    LayerRow("select(0)", (("B", "D"), ("B", "E")), linear=True),
    LayerRow("split(2)", ("B", ..., 4), linear=True),
    LayerRow("split((1, 3), axis=1)", ("B", 4, ..., "D"), linear=True),
    LayerRow("serial(Dense(6), split(3), parallel(Tanh, Sigmoid, Identity), FanInProduct)", ("B", ..., "D")),
    LayerRow("first(Dense(2))", (("B", "D"), ("B", "E")), linear=True),
    LayerRow("keep(serial(parallel(Dense(3), Dense(3)), FanInSum, Tanh))", (("B", "D"), ("B", "E"))),
    LayerRow("repeat(serial(Dense(3), Tanh), 2)", ("B", ..., "D")),
    LayerRow("repeat(serial(Dense(3), Tanh), 3, shared=True)", ("B", ..., 3)),
    LayerRow("serial(Dense(3), repeat(serial(Dropout(0.5), Dense(3)), 2, shared=True))", ("B", "D"), linear=True),
    LayerRow("tie(serial(Dense(4), Tanh, Dense(3).named('head')), {'head/w': transposed('dense_0/w')})", ("B", ..., 3)),
    LayerRow(
        "tie(parallel(Dense(3).named('left'), serial(Dense(3)).named('right')), {'right/dense_0': 'left'})",
        (("B", 2), ("B", 2)), linear=True,
    ),
    LayerRow("serial(Dense(3), tie(residual(Dense(3), Dense(3)), {'dense_1/w': 'dense_0/w'}))", ("B", ..., "D")),
    LayerRow(
        "ensemble(serial(Dense(3), Tanh), 2)", ("B", ..., "D"),
        except_={
            "empty_batch": "the members, not the examples, lie along the first axis of the output",
            "independent_rows": "the members, not the examples, lie along the first axis of the output",
        },
    ),
    LayerRow("checkpoint(serial(Dense(4), Dropout(0.4), Tanh))", ("B", ..., "D")),
    LayerRow(
        "inference(serial(Dense(3), Dropout(0.4)))", ("B", ..., "D"), except_={"hands_on_key": "it withholds the key"}
    ),
    LayerRow("serial(Dense(3), inference(serial(BatchNorm(), Dropout(0.4))), Dropout(0.4))", ("B", "D")),
    LayerRow("stop_gradient(Dense(3))", ("B", ..., "D"), except_=dict.fromkeys(ANOTHER, "nothing is pulled back")),
    LayerRow("straight_through(Tanh)", ("B", ..., "D"), except_=dict.fromkeys(ANOTHER, "it pulls back what comes")),
    LayerRow("gradient_reversal(0.5)", ("B", ..., "D"), except_=dict.fromkeys(ANOTHER, "it turns gradients round")),
    LayerRow(
        "serial(keep(residual(serial(first(Dense(3)), select(0)), select(0))), select(0))", (("B", 3), ("B", "D")),
        linear=True,
    ),
)

# Sizes at which kernels change their algorithm, work block by block, or on several threads.
LARGE: Final = (
    LayerRow("Dense(200)", (130, 300), linear=True),
    LayerRow("Conv(16, (3, 3), padding='SAME')", (2, 14, 14, 8), linear=True),
    LayerRow("Conv(16, (3, 3))", (3, 10, 17, 12), linear=True),
    LayerRow("Conv(32, (3, 3), padding='SAME', dilation=(2, 2))", (3, 20, 20, 32), linear=True),
    LayerRow("Conv(32, (3, 3), padding='SAME', groups=32)", (3, 40, 40, 32), linear=True),
    LayerRow("ConvTranspose(16, (3, 3), (2, 2), 'SAME')", (3, 14, 14, 32), linear=True),
    LayerRow("MaxPool((2, 2), (2, 2))", (3, 40, 40, 32), kinks=True),
    LayerRow("Embedding(70000, 4)", (7, 9), tokens=range(69000, 70000)),
    LayerRow("Embedding(6, 3)", (300, 2), tokens=6),
    LayerRow("Relu", (65, 4100), kinks=True),
    LayerRow("LSTM(48)", (12, 7, 30)),
    LayerRow("MultiHeadAttention(2, causal=True)", (2, 70, 8)),
    LayerRow("MultiHeadAttention(4, masked=True)", ((3, 40, 64), (3, 40))),
    LayerRow("GRU(40, masked=True)", ((12, 7, 30), (12, 7))),
    LayerRow("Gelu", (65, 4100)),
    LayerRow("gelu(exact=True)", (65, 4100)),
    LayerRow("Sparsemax", (20, 300), kinks=True),
    LayerRow("Tanh", (65, 4100)),
    LayerRow("Softplus", (65, 4100)),
    LayerRow("LogSoftmax", (20, 300)),
    LayerRow("BatchNorm()", (65, 300)),
    LayerRow("LayerNorm()", (65, 300)),
    LayerRow("GroupNorm(4)", (5, 20, 20, 32)),
    LayerRow("Dropout(0.5)", (65, 4100), linear=True),
    LayerRow("serial(Conv(8, (3, 3)), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)), Flatten, Dense(10))", (4, 16, 16, 8)),
)

LOSSES: tuple[LossRow, ...] = (
    LossRow("absolute_error", ("B", ..., "D")),
    LossRow("cosine_distance", ("B", ..., 3)),
    LossRow("ctc", ("B", 5, 4), target=lambda rng, shape, dtype: rng.integers(1, 4, (shape[0], 2))),
    LossRow("focal", ("B", ..., "D"), target="binary"),
    LossRow("focal.bind(gamma=0.5, alpha=0.25)", ("B", "D"), target="binary"),
    LossRow("hinge", ("B", ..., "D"), target="signs"),
    LossRow(
        "gaussian_nll", (("B", "D"), ("B", "D")), target=lambda rng, shape, dtype: rng.normal(size=shape[0]).astype(dtype),
        domain=(-6, 6),
    ),
    LossRow("huber", ("B", ..., "D")),
    LossRow("huber.bind(delta=0.3, reduce='batch')", ("B", "D")),
    LossRow("kl_divergence", ("B", ..., 3), target="distribution"),
    LossRow("log_cosh", ("B", ..., "D")),
    LossRow(
        "mixture_nll", (("B", 2), ("B", 2, "D"), ("B", 2, "D")),
        target=lambda rng, shape, dtype: rng.normal(size=(shape[1][0], shape[1][2])).astype(dtype), domain=(-6, 6),
    ),
    LossRow(
        "on_item(1, squared_error)", (("B", "D"), ("B", "E")),
        target=lambda rng, shape, dtype: rng.normal(size=shape[1]).astype(dtype),
    ),
    LossRow("poisson_nll", ("B", ..., "D"), target="counts", domain=(-4, 4)),
    LossRow("sigmoid_binary_cross_entropy", ("B", ..., "D"), target="binary"),
    LossRow("sigmoid_binary_cross_entropy.bind(label_smoothing=0.1, positive_weight=3.0)", ("B", "D"), target="binary"),
    LossRow("joint(squared_error, sum_squared_error, scales=(0.5, 2.0))", (("B", "D"), ("B", ..., "E"))),
    LossRow("softmax_cross_entropy", ("B", ..., 4), target="labels"),
    LossRow("softmax_cross_entropy.bind(reduce='batch')", ("B", "T", 3), target="distribution"),
    LossRow("softmax_cross_entropy.bind(label_smoothing=0.1)", ("B", 4), target="labels"),
    LossRow("softmax_cross_entropy.bind(label_smoothing=0.25, reduce='sum')", ("B", 3), target="distribution"),
    LossRow("squared_error", ("B", ..., "D")),
    LossRow("squared_error.bind(reduce='batch')", ("B", ..., "D")),
    LossRow("sum_squared_error", ("B", ..., "D")),
)

OPTIMIZERS: tuple[OptimizerRow, ...] = (
    OptimizerRow("sgd(0.1)", "sgd"),
    OptimizerRow("sgd(exponential_decay(0.1, 2, 0.5))", "sgd"),
    OptimizerRow("momentum(0.1, 0.9)", "momentum"),
    OptimizerRow("momentum(cosine_decay(0.1, 3), 0.5)", "momentum"),
    OptimizerRow("adam(0.1)", "adam"),
    OptimizerRow("adam(warmup(2, 0.1), 0.8, 0.9, 0.1)", "adam"),
    OptimizerRow("adamw(0.1)", "adamw", except_={"fixed_point": "matrices decay without gradients"}),
    OptimizerRow("adamw(cosine_decay(0.1, 3), weight_decay=0.5)", "adamw", except_={"fixed_point": "matrices decay"}),
    OptimizerRow("scale_by_adam()", "scale_by_adam"),
    OptimizerRow("scale_by_adam(0.8, 0.9, 0.1)", "scale_by_adam"),
    OptimizerRow("scale_by_rate(0.1)", "scale_by_rate"),
    OptimizerRow("scale_by_rate(cosine_decay(0.1, 3))", "scale_by_rate"),
    OptimizerRow("add_decayed_weights(0.5)", "add_decayed_weights", except_={"fixed_point": "matrices decay"}),
    OptimizerRow(
        "chain(scale_by_adam(), add_decayed_weights(0.1), scale_by_rate(0.1))", "chain",
        except_={"fixed_point": "matrices decay"},
    ),
    OptimizerRow("scaled({'**': 0.5})", "scaled"),
    OptimizerRow("scaled({'**': 0.0})", "scaled"),
    OptimizerRow("chain(adam(0.1), scaled({'**': 0.25}))", "chain"),
    OptimizerRow(
        "clip_by_global_norm(0.5)", "clip_by_global_norm", except_={"splits": "the norm is that of all leaves"}
    ),
    OptimizerRow(
        "chain(clip_by_global_norm(0.5), adam(0.1), clip_by_global_norm(0.1))", "chain",
        except_={"splits": "the norm is that of all leaves"},
    ),
    OptimizerRow("nesterov(0.1, 0.9)"),
    OptimizerRow("adagrad(0.1)"),
    OptimizerRow("rmsprop(0.1)"),
    OptimizerRow("rmsprop_momentum(0.1)"),
    OptimizerRow("adadelta()"),
    OptimizerRow("adamax(0.1)"),
    OptimizerRow("nadam(0.1)"),
    OptimizerRow("amsgrad(0.1)"),
    OptimizerRow("radam(0.1, b2=0.9)"),
    OptimizerRow("adabelief(0.1)"),
    OptimizerRow("sign_sgd(0.1)"),
    OptimizerRow("lion(0.1)"),
    OptimizerRow("rprop(0.1)"),
    OptimizerRow("lamb(0.1)"),
    OptimizerRow("lars(0.1)"),
    OptimizerRow("scale_by_trust_ratio()", part=True),
    OptimizerRow("scale_by_momentum(0.9, nesterov=True)", part=True),
    OptimizerRow("sm3(0.1)"),
    OptimizerRow("adafactor(0.1, factored_from=2)"),
    OptimizerRow("muon(0.1)"),
    OptimizerRow("scale(0.5)", part=True),
    OptimizerRow("clip(0.5)", part=True),
    OptimizerRow("by_label({'**': momentum(0.1, 0.5)})"),
    OptimizerRow("lookahead(sgd(0.1), every=2)"),
    OptimizerRow("set_to_zero()", part=True),
    OptimizerRow("scale_by_muon()", part=True),
    OptimizerRow("masked(scale(0.5), None)", part=True),
    OptimizerRow("ema(0.9)", part=True),
)


class PartRow(NamedTuple):
    """A metric, a schedule, an initializer or a penalty, with what `metric_laws`, ... are told of it."""

    source: str
    options: Mapping[str, Any] = {}  # noqa: RUF012  (read only)
    shape: Template = ("B", 3)  # of a metric's predictions


_ONES: Final[dict[str, Any]] = {"target": "binary"}
_LABELS: Final[dict[str, Any]] = {"target": "labels"}


def _share(y: Any, t: Any) -> Any:
    return np.mean(np.argmax(y, -1) == t)


METRICS: Final = (
    PartRow("accuracy", {**_LABELS, "value": _share}),
    PartRow("top_k_accuracy(2)", _LABELS),
    PartRow("binary_accuracy()", _ONES, ("B",)),
    PartRow("confusion_matrix", {**_LABELS, "may_fail": {"nan_in_nan_out": "counts are whole numbers"}}),
    PartRow("f1()", {**_LABELS, "may_fail": {"nothing_seen": "see tests/metrics"}}),
    PartRow("precision('micro')", _LABELS),
    PartRow("recall('none')", _LABELS),
    PartRow("roc_auc", _ONES, ("B",)),
    PartRow("average_precision", _ONES, ("B",)),
    PartRow("mean_absolute_error", {"value": lambda y, t: np.mean(np.abs(y - t))}),
    PartRow("mean_squared_error", {"value": lambda y, t: np.mean((y - t) ** 2)}),
    PartRow("root_mean_squared_error", {"value": lambda y, t: np.sqrt(np.mean((y - t) ** 2))}),
    PartRow("r2"),
    PartRow("mean_of(squared_error)", {"value": lambda y, t: np.mean((y - t) ** 2)}),
    PartRow("perplexity", _LABELS),
)

SCHEDULES: Final = (
    PartRow("schedules.constant(0.1)", {"value": lambda step: 0.1}),
    PartRow("exponential_decay(0.1, 100, 0.5)", {"value": lambda step: 0.1 * 0.5 ** (step / 100)}),
    PartRow("cosine_decay(0.1, 9, final=0.01)"),
    PartRow("warmup(4, cosine_decay(0.5, 100))"),
    PartRow("schedules.inverse_time_decay(0.1, 5, 1.0)", {"value": lambda step: 0.1 / (1 + step / 5)}),
    PartRow("schedules.polynomial_decay(0.1, 5, 0.01, power=2.0)"),
    PartRow("schedules.linear(0.0, 0.1, 5)", {"value": lambda step: 0.02 * min(step, 5)}),
    PartRow("schedules.piecewise_constant(0.1, {3: 0.5})", {"value": lambda step: 0.1 if step < 3 else 0.05}),
    PartRow("schedules.join([0.1, cosine_decay(0.2, 5)], [3])"),
    PartRow("schedules.warmup_linear(0.1, 3, 9)"),
    PartRow("schedules.warmup_cosine(0.1, 3, 9)"),
    PartRow("schedules.one_cycle(0.1, 10)"),
    PartRow("schedules.cyclic(0.1, 0.2, 3)"),
)

INITIALIZERS: Final = (
    PartRow("initializers.zeros"),
    PartRow("initializers.ones"),
    PartRow("initializers.constant(0.5)"),
    PartRow("initializers.normal(0.1)", {"variance": lambda n, m: 0.01}),
    PartRow("initializers.uniform(0.3)", {"variance": lambda n, m: 0.03}),
    PartRow("truncated_normal(0.5)"),
    PartRow("orthogonal()"),
    PartRow("glorot_uniform", {"variance": lambda n, m: 2 / (n + m)}),
    PartRow("glorot_normal", {"variance": lambda n, m: 2 / (n + m)}),
    PartRow("he_uniform", {"variance": lambda n, m: 2 / n}),
    PartRow("he_normal", {"variance": lambda n, m: 2 / n}),
    PartRow("lecun_uniform", {"variance": lambda n, m: 1 / n}),
    PartRow("lecun_normal", {"variance": lambda n, m: 1 / n}),
    PartRow("variance_scaling(3.0, 'fan_out', 'truncated_normal')", {"variance": lambda n, m: 3 / m}),
)

PENALTIES: Final = (
    PartRow("l1(0.1)"),
    PartRow("l2(0.1)"),
    PartRow("l2(0.1, where='b')"),
    PartRow("elastic_net(0.1, 0.2)"),
)

# Public functions that return a layer, a loss or an optimizer and yet have no row, with the reason.
WITHOUT_ROW: Final = {
    "elementwise": "takes functions, which print by name only; tests/layers/test_activations.py holds one to the laws",
    "freeze": "takes params, which print by their shapes only; tests/combinators/test_freezing.py",
    "reparam": "takes functions; tests/combinators/test_sharing.py",
    "shape_dependent": "takes a function; tests/combinators/test_deferring.py",
    "gaussian_kl": "has no target; tests/losses/test_families.py",
    "rebuild": "makes a network out of a network; tests/networks/test_children.py",
    "layer": "the decorator of constructors",
    "differentiable": "the decorator of rules",
}
# fmt: on

Row: TypeAlias = Union[LayerRow, LossRow, OptimizerRow]
NAMESPACE: Final[dict[str, Any]] = {
    name: getattr(module, name)
    for module, names in ((funcnn.optimizers, funcnn.optimizers.__all__), (funcnn, dir(funcnn)))
    for name in names
} | {"np": np, "schedules": funcnn.schedules, "initializers": funcnn.initializers}


def build(row: Row) -> Any:
    """The layer, loss or optimizer of a row."""
    return eval(row.source, dict(NAMESPACE))


def name_of(row: Row) -> str:
    """The public name a row answers for."""
    return row.source.split("(")[0].split(".")[0]


def kind_of(name: str) -> str:
    """Whether it is a "layer", a "loss", an "optimizer" or "other", by what the public name is, or says it returns."""
    value = NAMESPACE[name]
    if isinstance(value, funcnn.Layer):
        return "layer"
    if isinstance(value, funcnn.Loss):
        return "loss"
    if not callable(value) or isinstance(value, type):
        return "other"
    returns = str(getattr(value, "__annotations__", {}).get("return", ""))
    made = returns.split("[")[0].strip("'\"").split(".")[-1]
    return {"Layer": "layer", "Loss": "loss", "Optimizer": "optimizer"}.get(made, "other")
