"""Looking into networks: what each layer gives, and what each layer costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple, Never, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from funcnn.arguments import counted
from funcnn.cotangents import read_only
from funcnn.foreign.calls import understood
from funcnn.keys import Rng
from funcnn.networks import Layer
from funcnn.networks.children import definition_of
from funcnn.networks.definitions import Definition, Spec
from funcnn.networks.pair import layer_of
from funcnn.networks.pictures.blocks import drawn
from funcnn.networks.pictures.plans import planned
from funcnn.networks.rebuilding import Path, observed, walked
from funcnn.nested import mapped
from funcnn.promises import is_checked
from funcnn.shapes import UNKNOWN, display, external, known, normalize
from funcnn.types import Array, Shape, Tree

X = TypeVar("X")
X_contra = TypeVar("X_contra", contravariant=True)
Y = TypeVar("Y")
Y_co = TypeVar("Y_co", covariant=True)


_WIDEST = 48  # characters of a layer in the table


class Traced(Protocol[X_contra, Y_co]):
    """What `trace` gives: beside the value, an array for every layer, or the tuple of one that gives several."""

    def __call__(self, params: Tree, x: X_contra, *, rng: Rng | None = None) -> tuple[Y_co, dict[str, Array | Any]]: ...


def trace(net: Layer[X, Y]) -> Traced[X, Y]:
    """The function `(params, x) -> (y, {path: what the layer there gave})`, children before parents.

    A layer that is called several times, as the members of an ensemble are, has an entry for each, `path[0]`,
    `path[1]`. What adds no level, such as `checkpoint` or `tie`, has none of its own. The arrays are read-only. With
    `rng` it traces a training pass. The paths are those of the params.

    Errors
        as for calling `net.apply`

    >>> net = serial(Dense(3), Relu, Dense(1))
    >>> y, seen = trace(net)(net.init(Key(0), (-1, 2))[1], np.ones((4, 2)))
    >>> {path: value.shape for path, value in seen.items()}
    {'dense_0': (4, 3), 'relu_0': (4, 3), 'dense_1': (4, 1)}
    """

    definition_of(net, where="trace")

    def traced(params: Tree, x: X, *, rng: Rng | None = None) -> tuple[Y, dict[str, Array | Any]]:
        seen: dict[str, list[Any]] = defaultdict(list)

        def see(at: Path, layer: Definition, params: Tree, x: Any, y: Any) -> None:
            path = "/".join(at)
            if path and not layer.transparent:  # else its child has told
                seen[path].append(read_only(mapped(_unstepped, y)))

        y = layer_of(observed(net.definition, see, where="trace")).apply(params, x, rng=rng)
        return y, numbered(seen)

    return traced


def numbered(seen: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """What was seen at every path; where there are several of them `path[0]`, `path[1]`."""
    return {
        path if len(values) == 1 else f"{path}[{i}]": value
        for path, values in seen.items()
        for i, value in enumerate(values)
    }


def _unstepped(y: Any) -> Any:
    """Without the imaginary part that a value has inside of `tangent`, where a direction travels along with it."""
    return y.real if y.dtype.kind == "c" else y


class Row(NamedTuple):
    """One layer of a network: what it gives and costs."""

    path: str
    layer: str
    out_shape: Shape
    params: int
    nbytes: int
    multiply_adds: int
    activations: int


class Summary(NamedTuple):
    """The layers of a network, and the totals. It prints as a table."""

    net: str
    rows: tuple[Row, ...]
    params: int
    nbytes: int
    multiply_adds: int
    activations: int

    def _cells(self) -> Iterator[tuple[str, ...]]:
        yield "path", "layer", "output", "params", "bytes", "multiply-adds", "activations"
        for row in self.rows:
            yield row.path, _clipped(row.layer), display(row.out_shape), *_numbers(row)
        yield "total", "", "", *_numbers(self)

    def __repr__(self) -> str:
        table = list(self._cells())
        widths = [max(len(row[i]) for row in table) for i in range(7)]
        cells = [zip(row, "<<<>>>>", widths, strict=True) for row in table]
        lines = ["  ".join(f"{cell:{side}{width}}" for cell, side, width in row) for row in cells]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _repr_html_(self) -> str:
        import html  # only notebooks need it

        body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in self._cells())
        return f"<table><caption>{html.escape(_clipped(self.net))}</caption>{body}</table>"


@understood
def summary(net: Layer[Never, object], shape: Shape, *, dtype: npt.DTypeLike = np.float32) -> Summary:
    """What every layer gives and costs on inputs of this shape; nothing is drawn or computed.

    A row for each layer that is not made of others: path, constructor, output shape, number of params, their bytes in
    `dtype`, the multiply-adds of a forward pass, and the bytes of what the layer gives, which a training pass keeps
    most of; both for one example where the batch is -1, and for one step of what is in `scan`. Multiply-adds are those
    of matrix products and convolutions; work on each number alone is not counted. A layer of one's own says them by
    `Layer.of(multiply_adds=)`; one with params that does not, and what depends on sizes that are not known, has -1, and
    prints as `?`.

    Errors
        ShapeError   the network does not take this shape

    >>> summary(serial(Dense(64), Relu, Dense(10)), (-1, 784))
    path     layer      output    params    bytes  multiply-adds  activations
    -------------------------------------------------------------------------
    dense_0  Dense(64)  (-1, 64)  50,240  200,960         50,176          256
    relu_0   Relu       (-1, 64)       0        0              0          256
    dense_1  Dense(10)  (-1, 10)     650    2,600            640           40
    -------------------------------------------------------------------------
    total                         50,890  203,560         50,816          552
    """
    definition_of(net, where="summary")
    net.out_shape(shape)  # says what does not fit
    inside, size = normalize(shape), np.dtype(dtype).itemsize
    rows: dict[str, Row] = {}
    adds = kept = 0
    for (at, child, shape_in, out), (_, _, example_in, example_out) in zip(
        walked(net.definition, inside).left, walked(net.definition, _one_example(inside)).left, strict=True
    ):
        own, cost = child.own(shape_in), child.multiply_adds
        if child.children and not own and cost is None:
            continue
        path, n = "/".join(at), _count(own)
        more = cost(example_in) if cost else UNKNOWN if own and is_checked(child.rule) else 0
        given = _size(example_out) * size
        adds, kept = adds + more, kept + given
        if (before := rows.get(path)) is not None:  # called several times
            more = more + before.multiply_adds if before.multiply_adds >= 0 else UNKNOWN
            given = given + before.activations if before.activations >= 0 else UNKNOWN
        costs = _told(n), _told(n * size), _told(more), _told(given)
        rows[path] = Row(path, repr(layer_of(child)), external(out), *costs)
    n = _count(net.init.spec(inside))
    return Summary(repr(net), tuple(rows.values()), _told(n), _told(n * size), _told(adds), _told(kept))


class Picture(str):
    """SVG as a text, which notebooks show as the picture that it is."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def picture(net: Layer[Never, object], shape: Shape | None = None, *, depth: int = 6) -> Picture:
    """A picture of a network, as SVG: a text to write to a file, which browsers and GitHub show, and notebooks at once.

    It is read from top to bottom. Boxes are layers, blue where they have params, with their names in the params; what
    is made of others is a frame, `depth` levels deep, and a box from there on. With a shape, as for `summary`, the
    shapes stand beside the arrows and the numbers of params in the boxes. What repeats is drawn once, and of very many
    layers in a row the first and the last. A layer shows itself in a notebook like this, without shapes.

    Errors
        TypeError    `net` is no layer
        ShapeError   the network does not take this shape
        ValueError   `depth` is less than one

    >>> net = serial(Dense(64), Relu, residual(serial(Dense(64), Tanh)), Dense(10))
    >>> picture(net, (-1, 784)).startswith('<svg xmlns="http://www.w3.org/2000/svg" width="')
    True
    """
    definition_of(net, where="picture")
    levels = counted("picture", depth=depth)
    taken = ""
    if shape is not None:
        net.out_shape(shape)  # says what does not fit
        taken = display(normalize(shape))
    return Picture(drawn(planned(net.definition, None if shape is None else normalize(shape), levels), taken))


def _one_example(shape: Shape) -> Shape:
    """The same shape, with a batch of one where it is not known."""
    return tuple(
        _one_example(d) if isinstance(d, tuple) else 1 if i == 0 and not known(d) else d for i, d in enumerate(shape)
    )


def _count(spec: Spec) -> int:
    """The numbers in all leaves."""
    return sum(prod(leaf[1]) if isinstance(leaf, tuple) else _count(leaf) for leaf in spec.values())


def _size(shape: Shape) -> int:
    """The numbers in an array of this shape, or in a tuple of arrays."""
    parts = [_size(d) for d in shape if isinstance(d, tuple)]
    return sum(parts) if parts else prod(d for d in shape if not isinstance(d, tuple))


def _told(n: int) -> int:
    """-1 for what is not known."""
    return n if known(n) else -1


def _numbers(row: Row | Summary) -> tuple[str, ...]:
    numbers = (row.params, row.nbytes, row.multiply_adds, row.activations)
    return tuple(["?" if n < 0 else f"{n:,}" for n in numbers])


def _clipped(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."
