"""One row for every combinator, with networks that use it."""

from __future__ import annotations

from typing import Final

from tests.catalogue.rows import LayerRow

ONE_UNIT: Final = "it takes a complex step itself, and there is one imaginary unit"
STEPS_ITSELF: Final = dict.fromkeys(("analytic", "exact_pullback", "second_derivative"), ONE_UNIT)
"""The laws that do not hold of `tangent`, whose value refuses complex numbers."""

ANOTHER: Final = ("true_pullback", "full_jacobian")
"""The laws that do not hold where what is pulled back is another thing than the derivative, on purpose."""

# fmt: off
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
    LayerRow(
        "serial(ZeroMasked, first(Dense(3)), first(LayerNorm()), keep(GRU(2, masked=True)), first(Dense(2)))",
        (("B", "T", 2), ("B", "T")), also=("padding_inert",),
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
        "scan(LSTMCell(2), masked=True, reverse=True)", (("B", "T", 2), (("B", 2), ("B", 2)), ("B", "T")),
        also=("padding_inert",),
    ),
    LayerRow(
        "scan(serial(first(Dropout(0.5)), RNNCell(2)), masked=True)", (("B", "T", 2), ("B", 2), ("B", "T")),
        also=("padding_inert",),
    ),
    LayerRow(
        "scan(serial(first(serial(LayerNorm(), Dense(2))), parallel(Gelu, Dense(2)), FanInSum, FanOut(2)), masked=True)",
        (("B", "T", 2), ("B", 2), ("B", "T")), also=("padding_inert",),
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
        except_={"second_derivative": ONE_UNIT},
    ),
    LayerRow("second_tangent(serial(Dense(2), Tanh))", (("B", "D"), ("B", "D"))),
    LayerRow("second_tangent(serial(Dense(3), LayerNorm(), Gelu, Dense(1)))", (("B", 2), ("B", 2))),
    LayerRow("second_tangent(serial(Embedding(4, 2), Sigmoid))", (("B", "T"), ("B", "T")), tokens=4),
    LayerRow("laplacian(serial(Dense(3), Tanh, Dense(2)))", ("B", range(1, 4))),
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
