"""A graph of ONNX's operators while it grows: what export rules are written with. It holds plain values; what ONNX
itself stores is made of them at the end.

The channels of our images come last, those of ONNX's convolutions first. A value knows how it lies, and is turned
where somebody needs it otherwise, once: between a convolution, a Relu and a pool nothing is turned.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from funcnn.bridges.onnx.graph_values import Body, Node, Size, Value, placed
from funcnn.errors import brief, printable
from funcnn.shapes import UNKNOWN, known

OPSET: Final = 17
"""The operators that are used are those of this version, the first with LayerNormalization: old runtimes know it."""

IR: Final = 8
"""The version of the file's own format that came with these operators."""


@dataclass(slots=True)
class Scope:
    """The nodes of a graph, or of a body; and the values that it has in another form, by name and form."""

    nodes: list[Node] = field(default_factory=list[Node])
    turned: dict[tuple[str, bool], Value] = field(default_factory=dict[tuple[str, bool], Value])


Stored = npt.NDArray[Any]


class Graph:
    """What export rules add operators to.

    >>> from funcnn.bridges.onnx import Graph
    >>> graph = Graph(np.dtype(np.float32))
    >>> x = graph.input("x", (-1, 3), np.dtype(np.float32))
    >>> y = graph.op("Mul", x, graph.op("Sigmoid", x))
    >>> y.shape, [node.op for node in graph.nodes]
    ((-1, 3), ['Sigmoid', 'Mul'])
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.stored: dict[str, Stored] = {}
        self.path = ""
        self._scopes = [Scope()]
        self._names: set[str] = set()
        self._constants: dict[Any, Value] = {}

    @property
    def nodes(self) -> list[Node]:
        """The nodes of the whole graph, without those of bodies."""
        return self._scopes[0].nodes

    # names and constants ----------------------------------------------------------------------------------------------
    def named(self, wanted: str) -> str:
        """The name, or one like it that is free."""
        wanted = printable(wanted, lines=False)
        name, n = wanted, 1
        while name in self._names:
            name, n = f"{wanted}:{n}", n + 1
        self._names.add(name)
        return name

    def input(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Value:
        """What comes from outside: of the whole graph, or of a body."""
        return Value(self.named(name), shape, dtype)

    def outputs(self, values: Mapping[str, Value]) -> list[Value]:
        """What goes out of the whole graph, by name: the last node gives the only one, others are copies."""
        lie = {name: self.last(x) for name, x in values.items()}
        if len(lie) == 1 and self.nodes:
            ((name, x),) = lie.items()
            node = self.nodes[-1]
            if x.name in node.outputs:
                new = self.named(name)
                self.nodes[-1] = node._replace(outputs=tuple(new if o == x.name else o for o in node.outputs))
                return [replace(x, name=new)]
        found: list[Value] = []
        for name, x in lie.items():
            self.nodes.append(Node("Identity", (x.name,), (self.named(name),), self.named(f"{name}/Identity"), {}))
            found.append(replace(x, name=self.nodes[-1].outputs[0]))
        return found

    def constant(self, array: npt.ArrayLike, name: str = "constant") -> Value:
        """An array that is part of the graph. Equal ones are stored once where they are small."""
        stored = np.asarray(array, order="C")
        key = (stored.dtype.str, stored.shape, stored.tobytes()) if stored.size < 64 else None
        if key is None or key not in self._constants:
            value = Value(self.named(f"{self.path}/{name}" if self.path else name), stored.shape, stored.dtype)
            self.stored[value.name] = stored
            if key is None:
                return value
            self._constants[key] = value
        return self._constants[key]

    def number(self, value: float) -> Value:
        """A number in the dtype that the network computes in."""
        return self.constant(np.array(value, self.dtype), "number")

    def ints(self, *numbers: int) -> Value:
        """Integers, which say sizes and axes."""
        return self.constant(np.array(numbers, np.int64), "sizes")

    # operators --------------------------------------------------------------------------------------------------------
    def op(
        self,
        op: str,
        *inputs: Value | None,
        shape: tuple[int, ...] | None = None,
        dtype: npt.DTypeLike | None = None,
        first: bool | None = None,
        **attributes: Any,
    ) -> Value:
        """An operator with one output, which is like the first input but for what is said of it otherwise."""
        like = next(v for v in inputs if v is not None)
        (name,) = self.node(op, inputs, 1, attributes)
        return Value(
            name,
            like.shape if shape is None else shape,
            like.dtype if dtype is None else np.dtype(dtype),
            like.first if first is None else first,
        )

    def node(
        self, op: str, inputs: Sequence[Value | None], outputs: int, attributes: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """An operator with any number of outputs, whose names are returned.

        Errors
            TypeError   an input is no value; with what makes one
        """
        for i, v in enumerate(inputs):
            _refuse_no_value(op, i, v)
        name = self.named(f"{self.path}/{op}" if self.path else op)
        given = tuple("" if v is None else v.name for v in inputs)
        while given and not given[-1]:  # what is left out at the end
            given = given[:-1]
        names = tuple(self.named(f"{name}_out") for _ in range(outputs))
        self._scopes[-1].nodes.append(Node(op, given, names, name, dict(attributes)))
        return names

    def turn(self, x: Value, order: Sequence[int]) -> Value:
        """The axes in another order, as it lies."""
        order = tuple(order)
        if order == tuple(range(len(order))):
            return x
        return self.op("Transpose", x, shape=tuple(x.shape[i] for i in order), perm=list(order))

    def size(self, x: Value, axis: int) -> Size:
        """How long an axis is: a number where that is known, else a value of one integer."""
        n, at = x.shape[axis], placed(x, axis % x.rank)
        if known(n):
            return int(n)
        return self.op("Shape", x, shape=(1,), dtype=np.int64, first=False, start=at, end=at + 1)

    def product(self, *sizes: Size) -> Size:
        """The product of sizes."""
        total, *unknown = math.prod(n for n in sizes if isinstance(n, int)), *(n for n in sizes if isinstance(n, Value))
        if not unknown:
            return total
        values = unknown if total == 1 else [*unknown, self.ints(total)]
        return functools.reduce(lambda a, b: self.op("Mul", a, b), values)

    def divided(self, size: Size, by: int) -> Size:
        """How often a number goes into a size."""
        return size // by if isinstance(size, int) else self.op("Div", size, self.ints(by))

    def reshape(self, x: Value, *sizes: Size) -> Value:
        """Another form, of these sizes: one that is not known is what is left, where no other may be 0."""
        shape = tuple(n if isinstance(n, int) else UNKNOWN for n in sizes)
        unknown = [i for i, n in enumerate(sizes) if isinstance(n, Value)]
        if len(unknown) <= 1 and 0 not in sizes:
            return self.op("Reshape", x, self.ints(*(n if isinstance(n, int) else -1 for n in sizes)), shape=shape)
        wanted = self.sizes(*sizes)
        return self.op("Reshape", x, wanted, shape=shape, allowzero=1)

    def sizes(self, *sizes: Size) -> Value:
        """Sizes as a value of integers."""
        if all(isinstance(n, int) for n in sizes):
            return self.ints(*(n for n in sizes if isinstance(n, int)))
        parts = [n if isinstance(n, Value) else self.ints(n) for n in sizes]
        return self.op("Concat", *parts, shape=(len(parts),), axis=0) if len(parts) > 1 else parts[0]

    def counted(self, n: Size, dtype: npt.DTypeLike = np.int64) -> Value:
        """0, 1, ..., up to n."""
        if isinstance(n, int):
            return self.constant(np.arange(n, dtype=dtype), "steps")
        zero, one = (self.constant(np.array(i, np.int64), "number") for i in (0, 1))
        end = self.op("Squeeze", n, shape=())
        return self.cast(self.op("Range", zero, end, one, shape=(UNKNOWN,)), dtype)

    def where(self, real: Value, x: Value, other: Value) -> Value:
        """x where it is true, else the other; what is real has the leading axes of x."""
        behind = range(real.rank, x.rank)
        if behind:
            shape = (*real.shape, *(1 for _ in behind))
            real = self.op("Unsqueeze", real, self.ints(*behind), shape=shape)
        if x.dtype == bool:  # of which runtimes have no Where
            kept = self.op("And", real, x, shape=x.shape)
            return self.op("Or", kept, self.op("And", self.op("Not", real), other, shape=x.shape), shape=x.shape)
        return self.op("Where", real, x, other, shape=x.shape, dtype=x.dtype)

    def zeroed(self, mask: Value, x: Value) -> Value:
        """x where the mask is true, else 0."""
        return self.where(mask, x, self.constant(np.zeros((), x.dtype), "number"))

    def stacked(self, values: Sequence[Value], axis: int) -> Value:
        """Values beside each other along a new axis."""
        apart = [
            self.op("Unsqueeze", v, self.ints(axis), shape=(*v.shape[:axis], 1, *v.shape[axis:])) for v in values
        ]
        return self.joined(apart, axis)

    def joined(self, values: Sequence[Value], axis: int) -> Value:
        """Values one after the other along an axis, which is that of the form in which they lie."""
        if len(values) == 1:
            return values[0]
        n = sum(v.shape[axis] for v in values)
        shape = values[0].shape
        return self.op("Concat", *values, shape=(*shape[:axis], n, *shape[axis + 1 :]), axis=axis)

    def cast(self, x: Value, dtype: npt.DTypeLike) -> Value:
        """The same numbers in another dtype."""
        new = np.dtype(dtype)
        return x if x.dtype == new else self.op("Cast", x, dtype=new, to=new)

    # layouts ----------------------------------------------------------------------------------------------------------
    def last(self, x: Value) -> Value:
        """The value with its channels last, as the layers see it."""
        return self._turned(x, (0, *range(2, x.rank), 1)) if x.first else x

    def channels_first(self, x: Value) -> Value:
        """The value with its channels behind the batch, as ONNX's convolutions and pools take it."""
        return x if x.first or x.rank < 3 else self._turned(x, (0, x.rank - 1, *range(1, x.rank - 1)))

    def reordered(self, x: Value, order: Sequence[int]) -> Value:
        """The axes in another order, as the layers see them; of channels that come first, or go there, at no cost."""
        shape, order = tuple(x.shape[i] for i in order), tuple(order)
        lies = (0, x.rank - 1, *range(1, x.rank - 1))  # which axis lies at each place where the channels lie first
        wanted = tuple(lies.index(i) for i in order) if x.first else order
        if wanted == tuple(range(x.rank)):
            return Value(x.name, shape, x.dtype)
        if wanted == (0, *range(2, x.rank), 1) and x.rank > 2:
            return Value(x.name, shape, x.dtype, first=True)
        return self.op("Transpose", x, shape=shape, first=False, perm=list(wanted))

    def lies(self, x: Value) -> set[bool]:
        """The layouts that it has already: does it have its channels first, last, or both?"""
        return {x.first} if self._found(x) is None else {False, True}

    def alike(self, values: Sequence[Value]) -> list[Value]:
        """Values of one rank in one layout, the one for which fewer have to be turned."""
        if not any(v.first for v in values):
            return [*values]
        cost = {first: sum(first not in self.lies(v) for v in values) for first in (True, False)}
        form = self.channels_first if cost[True] <= cost[False] else self.last
        return [form(v) for v in values]

    def _turned(self, x: Value, order: tuple[int, ...]) -> Value:
        other = self._found(x)
        if other is None:
            other = self.op("Transpose", x, first=not x.first, perm=list(order))
            self._scopes[-1].turned |= {(x.name, x.first): other, (other.name, other.first): x}
        return replace(other, shape=x.shape)

    def _found(self, x: Value) -> Value | None:
        key = x.name, x.first
        return next((s.turned[key] for s in reversed(self._scopes) if key in s.turned), None)

    # bodies -----------------------------------------------------------------------------------------------------------
    def opened(self) -> None:
        """From here on nodes belong to a body."""
        self._scopes.append(Scope())

    def closed(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Body:
        """The body that was opened last. What comes in or from outside goes out as a value of its own."""
        made = [self.op("Identity", self.last(v)) for v in outputs]
        return Body(self._scopes.pop().nodes, tuple(inputs), tuple(made), self.named(f"{self.path}/body"))


def _refuse_no_value(op: str, i: int, given: object) -> None:
    """Refuse an input that no operator takes.

    Errors
        TypeError   with what makes a value of it
    """
    if not (given is None or isinstance(given, Value)):
        fix = "graph.number(0.5) or graph.constant(array) makes one, part.param(name) of a leaf"
        raise TypeError(f"{op} takes values, and its input {i} is {brief(given)}; {fix}")
