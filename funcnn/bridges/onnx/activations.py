"""Rules of activations. All are made of operators on each number alone, so that channels may lie where they like."""

from __future__ import annotations

from math import pi
from typing import Any, Final

import numpy as np

import funcnn.layers.activations as plain
import funcnn.layers.gates as gates
import funcnn.layers.rectifiers as rectifiers
from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.errors import ExportError
from funcnn.kernels.rectifiers import ALPHA, SCALE, SLOPE
from funcnn.layers.pointwise import elementwise

NARROWER: Final = "write it in float32, with astype(params, np.float32)"


def operator(op: str, **attributes: Any) -> Rule:
    """An activation that is an operator of ONNX's."""

    @either_layout
    def rule(graph: Graph, part: Part, x: Value) -> Value:
        return graph.op(op, x, **attributes)

    return rule


def between(graph: Graph, x: Value, low: float, high: float) -> Value:
    """x between two bounds; onnxruntime puts a Clip behind a Relu together, and cannot in float64."""
    least, most = graph.number(low), graph.number(high)
    return graph.op("Clip", x, least, most) if graph.dtype == "f4" else graph.op("Min", graph.op("Max", x, least), most)


def clipped(low: float, high: float) -> Rule:
    """x between two bounds."""

    @either_layout
    def rule(graph: Graph, part: Part, x: Value) -> Value:
        return between(graph, x, low, high)

    return rule


def sigmoid(graph: Graph, x: Value) -> Value:
    """The logistic function."""
    return graph.op("Sigmoid", x)


@either_layout
def log_sigmoid(graph: Graph, part: Part, x: Value) -> Value:
    """`-log(1 + e^-x)`."""
    return graph.op("Neg", softplus(graph, part, graph.op("Neg", x)))


@either_layout
def softplus(graph: Graph, part: Part, x: Value) -> Value:
    """`max(x, 0) + log(1 + e^-|x|)`: runtimes compute ONNX's own Softplus with fewer digits."""
    small = graph.op("Exp", graph.op("Neg", graph.op("Abs", x)))
    return graph.op("Add", graph.op("Relu", x), graph.op("Log", graph.op("Add", small, graph.number(1))))


@either_layout
def square(graph: Graph, part: Part, x: Value) -> Value:
    """`x x`."""
    return graph.op("Mul", x, x)


def below(graph: Graph, x: Value) -> Value:
    """x where it is not positive, else 0."""
    return graph.op("Min", x, graph.number(0))


@either_layout
def leaky_relu(graph: Graph, part: Part, x: Value) -> Value:
    """With the slope that it was made with; the operator knows it in float32 alone."""
    slope = float(part.arguments.get("slope", SLOPE))
    if graph.dtype == "f4":
        return graph.op("LeakyRelu", x, alpha=slope)
    return graph.op("Add", graph.op("Relu", x), graph.op("Mul", below(graph, x), graph.number(slope)))


def exponential(graph: Graph, x: Value, alpha: float, beta: float, scale: float = 1.0) -> Value:
    """`scale (max(x, 0) + alpha (e^(min(x, 0) / beta) - 1))`, where `e^u - 1 = tanh(u / 2) (e^u + 1)` keeps digits."""
    u = below(graph, x) if beta == 1 else graph.op("Div", below(graph, x), graph.number(beta))
    half = graph.op("Tanh", graph.op("Mul", u, graph.number(0.5)))
    left = graph.op("Mul", half, graph.op("Add", graph.op("Exp", u), graph.number(1)))
    left = left if alpha == 1 else graph.op("Mul", left, graph.number(alpha))
    y = graph.op("Add", graph.op("Relu", x), left)
    return y if scale == 1 else graph.op("Mul", y, graph.number(scale))


@either_layout
def elu(graph: Graph, part: Part, x: Value) -> Value:
    """With the alpha that it was made with; there is no operator for float64."""
    alpha = float(part.arguments.get("alpha", 1.0))
    return graph.op("Elu", x, alpha=alpha) if graph.dtype == "f4" else exponential(graph, x, alpha, 1)


@either_layout
def celu(graph: Graph, part: Part, x: Value) -> Value:
    """With the alpha that it was made with; there is no operator for float64."""
    alpha = float(part.arguments.get("alpha", 1.0))
    return graph.op("Celu", x, alpha=alpha) if graph.dtype == "f4" else exponential(graph, x, alpha, alpha)


@either_layout
def selu(graph: Graph, part: Part, x: Value) -> Value:
    """There is no operator for float64."""
    if graph.dtype == "f4":
        return graph.op("Selu", x, alpha=ALPHA, gamma=SCALE)
    return exponential(graph, x, ALPHA, 1, SCALE)


@either_layout
def softsign(graph: Graph, part: Part, x: Value) -> Value:
    """`x / (1 + |x|)`."""
    return graph.op("Div", x, graph.op("Add", graph.op("Abs", x), graph.number(1)))


@either_layout
def hard_sigmoid(graph: Graph, part: Part, x: Value) -> Value:
    """`(x + 3) / 6` between 0 and 1."""
    inside = between(graph, x, -3, 3)
    return graph.op("Div", graph.op("Add", inside, graph.number(3)), graph.number(6))


@either_layout
def hard_swish(graph: Graph, part: Part, x: Value) -> Value:
    """x times HardSigmoid."""
    return graph.op("Mul", x, hard_sigmoid(graph, part, x))


@either_layout
def silu(graph: Graph, part: Part, x: Value) -> Value:
    """x times its logistic function; onnxruntime puts these together, and could not in float64 once."""
    if graph.dtype == "f8":
        return graph.op("Div", x, graph.op("Add", graph.op("Exp", graph.op("Neg", x)), graph.number(1)))
    return graph.op("Mul", x, sigmoid(graph, x))


@either_layout
def gelu(graph: Graph, part: Part, x: Value) -> Value:
    """x times the logistic function of `2 u`; or, exact, times the normal distribution function."""
    if part.arguments.get("exact", False):
        if graph.dtype == "f8":
            raise ExportError(f"gelu(exact=True) cannot be written in float64: runtimes have no Erf of it; {NARROWER}")
        scaled = graph.op("Erf", graph.op("Div", x, graph.number(2**0.5)))
        gate = graph.op("Mul", graph.op("Add", scaled, graph.number(1)), graph.number(0.5))
        return graph.op("Mul", x, gate)
    root = 2 * (2 / pi) ** 0.5
    cubic = graph.op("Mul", graph.op("Mul", x, x), graph.number(root * 0.044715))
    u = graph.op("Mul", graph.op("Add", cubic, graph.number(root)), x)
    return graph.op("Mul", x, sigmoid(graph, u))


@either_layout
def mish(graph: Graph, part: Part, x: Value) -> Value:
    """`x w / (w + 2)` with `w = e (e + 2)`, `e = exp x`."""
    e = graph.op("Exp", graph.op("Min", x, graph.number(20)))
    w = graph.op("Mul", e, graph.op("Add", e, graph.number(2)))
    return graph.op("Mul", x, graph.op("Div", w, graph.op("Add", w, graph.number(2))))


UFUNCS: Final = {
    np.sin: "Sin", np.cos: "Cos", np.tan: "Tan", np.tanh: "Tanh", np.sinh: "Sinh", np.cosh: "Cosh", np.arctan: "Atan",
    np.exp: "Exp", np.log: "Log", np.sqrt: "Sqrt", np.absolute: "Abs", np.negative: "Neg", np.reciprocal: "Reciprocal",
    np.sign: "Sign", np.floor: "Floor", np.ceil: "Ceil", np.rint: "Round",
}  # fmt: skip
"""Functions of NumPy's that are operators."""


@either_layout
def elementwise_(graph: Graph, part: Part, x: Value) -> Value:
    """A function of NumPy's."""
    f = part.arguments["f"]
    if f is np.square:
        return graph.op("Mul", x, x)
    if f not in UFUNCS:
        raise ExportError(
            f"elementwise cannot be written to ONNX: {getattr(f, '__name__', f)} is a function of arrays; "
            "make the layer in a constructor decorated with @layer, and give rules={constructor: rule}"
        )
    return graph.op(UFUNCS[f], x)


RULES: Final[dict[Any, Rule]] = {
    elementwise: elementwise_,
    plain.Tanh: operator("Tanh"),
    plain.Relu: operator("Relu"),
    plain.Exp: operator("Exp"),
    plain.Softplus: softplus,
    plain.Sigmoid: operator("Sigmoid"),
    plain.LogSigmoid: log_sigmoid,
    plain.Softsign: softsign,
    plain.Sin: operator("Sin"),
    plain.Square: square,
    rectifiers.LeakyRelu: leaky_relu,
    rectifiers.leaky_relu: leaky_relu,
    rectifiers.Elu: elu,
    rectifiers.elu: elu,
    rectifiers.Celu: celu,
    rectifiers.celu: celu,
    rectifiers.Selu: selu,
    rectifiers.Relu6: clipped(0, 6),
    rectifiers.HardTanh: clipped(-1, 1),
    rectifiers.HardSigmoid: hard_sigmoid,
    gates.HardSwish: hard_swish,
    gates.Silu: silu,
    gates.Gelu: gelu,
    gates.gelu: gelu,
    gates.Mish: mish,
}
