"""Rules of activations. All are made of operators on each number alone, so that channels may lie where they like."""

from __future__ import annotations

from math import pi
from typing import Any, Final

import funcnn.layers.activations as plain
import funcnn.layers.gates as gates
import funcnn.layers.rectifiers as rectifiers
from funcnn.bridges.onnx.graphs import Graph, Value
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.kernels.rectifiers import ALPHA, SCALE


def operator(op: str, **attributes: Any) -> Rule:
    """An activation that is an operator of ONNX's."""

    @either_layout
    def rule(graph: Graph, part: Part, x: Value) -> Value:
        return graph.op(op, x, **attributes)

    return rule


def clipped(low: float, high: float) -> Rule:
    """x between two bounds."""

    @either_layout
    def rule(graph: Graph, part: Part, x: Value) -> Value:
        return graph.op("Clip", x, graph.number(low), graph.number(high))

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


@either_layout
def leaky_relu(graph: Graph, part: Part, x: Value) -> Value:
    """With the slope that it was made with."""
    return graph.op("LeakyRelu", x, alpha=float(part.arguments.get("slope", 0.01)))


@either_layout
def elu(graph: Graph, part: Part, x: Value) -> Value:
    """With the alpha that it was made with."""
    return graph.op("Elu", x, alpha=float(part.arguments.get("alpha", 1.0)))


@either_layout
def celu(graph: Graph, part: Part, x: Value) -> Value:
    """`max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1)`."""
    alpha = float(part.arguments.get("alpha", 1.0))
    if graph.dtype == "f4":
        return graph.op("Celu", x, alpha=alpha)  # there is none of doubles
    below = graph.op("Div", graph.op("Min", x, graph.number(0)), graph.number(alpha))
    return graph.op("Add", graph.op("Relu", x), graph.op("Mul", graph.op("Elu", below, alpha=1.0), graph.number(alpha)))


@either_layout
def hard_sigmoid(graph: Graph, part: Part, x: Value) -> Value:
    """`(x + 3) / 6` between 0 and 1."""
    inside = graph.op("Clip", x, graph.number(-3), graph.number(3))
    return graph.op("Div", graph.op("Add", inside, graph.number(3)), graph.number(6))


@either_layout
def hard_swish(graph: Graph, part: Part, x: Value) -> Value:
    """x times HardSigmoid."""
    return graph.op("Mul", x, hard_sigmoid(graph, part, x))


@either_layout
def silu(graph: Graph, part: Part, x: Value) -> Value:
    """x times its logistic function."""
    return graph.op("Mul", x, sigmoid(graph, x))


@either_layout
def gelu(graph: Graph, part: Part, x: Value) -> Value:
    """x times the logistic function of `2 u`; or, exact, times the normal distribution function."""
    if part.arguments.get("exact", False):
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


RULES: Final[dict[Any, Rule]] = {
    plain.Tanh: operator("Tanh"),
    plain.Relu: operator("Relu"),
    plain.Exp: operator("Exp"),
    plain.Softplus: softplus,
    plain.Sigmoid: operator("Sigmoid"),
    plain.LogSigmoid: log_sigmoid,
    plain.Softsign: operator("Softsign"),
    plain.Sin: operator("Sin"),
    plain.Square: square,
    rectifiers.LeakyRelu: leaky_relu,
    rectifiers.leaky_relu: leaky_relu,
    rectifiers.Elu: elu,
    rectifiers.elu: elu,
    rectifiers.Celu: celu,
    rectifiers.celu: celu,
    rectifiers.Selu: operator("Selu", alpha=ALPHA, gamma=SCALE),
    rectifiers.Relu6: clipped(0, 6),
    rectifiers.HardTanh: clipped(-1, 1),
    rectifiers.HardSigmoid: hard_sigmoid,
    gates.HardSwish: hard_swish,
    gates.Silu: silu,
    gates.Gelu: gelu,
    gates.gelu: gelu,
    gates.Mish: mish,
}
