"""trace and summary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, BatchNorm, Dense, Dropout, FanInSum, FanOut, Flatten, Identity, Key, Layer, Pullback, Relu, ShapeError,
    Tanh, Tree, elementwise, layer, parallel, residual, serial, summary, trace,
)  # fmt: skip
from funcnn.authoring import Child, Combined, axes
from funcnn.initializers import ones
from funcnn.inspection import Row


@layer
def Block(units: int) -> Layer[Array, Array]:
    """A composite constructor."""
    return serial(Dense(units), Tanh)


NET = serial(Dense(3), residual(serial(BatchNorm(), Dense(3).named("inner"))), Dropout(0.5), Block(2))


def drawn(rows: int) -> Array:
    return np.random.default_rng(0).normal(size=(rows, 4))


# trace ----------------------------------------------------------------------------------------------------------------
def test_trace_gives_every_intermediate_by_path() -> None:
    """Paths are those of the params, children come before their parents."""
    y, seen = trace(NET)(NET.init(Key(0), (-1, 4))[1], drawn(2))
    assert {path: value.shape for path, value in seen.items()} == {
        "dense_0": (2, 3),
        "residual_0/serial_0/batch_norm_0": (2, 3),
        "residual_0/serial_0/inner": (2, 3),
        "residual_0/serial_0": (2, 3),
        "residual_0": (2, 3),
        "dropout_0": (2, 3),
        "block_0/dense_0": (2, 2),
        "block_0/tanh_0": (2, 2),
        "block_0": (2, 2),
    }
    assert list(seen)[-1] == "block_0"


def test_trace_gives_what_the_layers_give() -> None:
    """Each intermediate is the value of the layers up to there, and y that of the network."""
    net = serial(Dense(3), Relu, Dense(2))
    _, params = net.init(Key(0), (-1, 4))
    y, seen = trace(net)(params, drawn(5))
    hidden = serial(Dense(3), Relu).apply({"dense_0": params.sub("dense_0")}, drawn(5))
    assert seen["relu_0"].tolist() == hidden.tolist()
    assert y.tolist() == seen["dense_1"].tolist() == net.apply(params, drawn(5)).tolist()


def test_trace_of_a_training_pass() -> None:
    """With a key, Dropout drops and BatchNorm looks at the batch, as in `apply`."""
    _, params = NET.init(Key(0), (-1, 4))
    y, seen = trace(NET)(params, drawn(5), rng=7)
    assert y.tolist() == NET.apply(params, drawn(5), rng=7).tolist()
    assert (seen["dropout_0"] == 0).any()
    assert seen["residual_0/serial_0/batch_norm_0"].mean(0) == pytest.approx([0, 0, 0], abs=1e-6)


def test_tuples_are_traced() -> None:
    """A layer that gives a tuple has the tuple in its place."""
    net = serial(FanOut(2), parallel(Dense(3), Identity), FanInSum)
    _, seen = trace(net)(net.init(Key(0), (-1, 3))[1], np.ones((2, 3)))
    assert [value.shape for value in seen["parallel_0"]] == [(2, 3), (2, 3)]


def test_layers_that_are_called_several_times_are_numbered() -> None:
    """`path[0]`, `path[1]`, in the order of the calls."""

    @layer
    def Twice(f: Layer[Array, Array], /) -> Layer[Array, Array]:
        """One layer two times."""

        def build(child: Child) -> Combined:
            def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
                raise AssertionError("nobody differentiates here")

            def value(params: Tree, x: Array) -> Any:
                return child.value(params, child.value(params, x, None), None)

            return Combined(lambda shape, go: go(child, go(child, shape)), rule, value)

        return Layer.over((f,), build)

    _, seen = trace(Twice(elementwise(np.sqrt, np.divide)))({}, np.array([16.0]))
    assert {path: value.item() for path, value in seen.items()} == {"elementwise_0[0]": 4.0, "elementwise_0[1]": 2.0}


def test_traced_arrays_are_read_only() -> None:
    """They may be the very arrays the network works with, or the input."""
    x = np.ones((2, 3))
    _, seen = trace(serial(Identity, Flatten))({}, x)
    assert not any(value.flags.writeable for value in seen.values())
    assert x.flags.writeable


def test_tracing_twice_is_no_trouble() -> None:
    """Each call has its own record."""
    traced, (_, params) = trace(NET), NET.init(Key(0), (-1, 4))
    first, second = traced(params, drawn(2))[1], traced(params, drawn(2))[1]
    assert {p: v.tolist() for p, v in first.items()} == {p: v.tolist() for p, v in second.items()}


def test_trace_refuses_what_apply_refuses() -> None:
    """Errors name the layer by its path."""
    with pytest.raises(ShapeError, match="dense_0 in serial"):
        trace(NET)(NET.init(Key(0), (-1, 4))[1], np.ones((2, 5)))


# summary --------------------------------------------------------------------------------------------------------------
def test_rows_worked_by_hand() -> None:
    """A Dense of 4 to 3 has 4 * 3 + 3 params of 4 bytes, and 4 * 3 multiply-adds an example."""
    assert summary(NET, (-1, 4)).rows == (
        Row("dense_0", "Dense(3)", (-1, 3), 15, 60, 12, 12),
        Row("residual_0/serial_0/batch_norm_0", "BatchNorm()", (-1, 3), 12, 48, 0, 12),
        Row("residual_0/serial_0/inner", "Dense(3).named('inner')", (-1, 3), 12, 48, 9, 12),
        Row("dropout_0", "Dropout(0.5)", (-1, 3), 0, 0, 0, 12),
        Row("block_0/dense_0", "Dense(2)", (-1, 2), 8, 32, 6, 8),
        Row("block_0/tanh_0", "Tanh", (-1, 2), 0, 0, 0, 8),
    )


def test_totals_are_those_of_the_network() -> None:
    """Params and bytes as drawn, multiply-adds added up."""
    found, (_, params) = summary(NET, (-1, 4)), NET.init(0, (-1, 4))
    sizes = [params.at(path) for path in params.paths()]
    assert found[2:] == (sum(a.size for a in sizes), sum(a.nbytes for a in sizes), 27, 64)


def test_a_known_batch_is_counted() -> None:
    """Multiply-adds are those of the whole batch, where it is known, and so is what layers give, tuples too."""
    assert [summary(Dense(3), (n, 4)).multiply_adds for n in (-1, 1, 10)] == [12, 12, 120]
    assert [summary(serial(Dense(3), FanOut(2)), (n, 4)).activations for n in (-1, 10)] == [12 + 24, 120 + 240]


def test_layers_of_ones_own() -> None:
    """Say what they cost; what does not, and has params, is not known, and neither is the total."""

    def made(cost: Any) -> Layer[Array, Array]:
        def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
            raise AssertionError("nothing is computed")

        return Layer.of(lambda shape: shape, lambda shape: {"s": (ones, axes("made", shape)[-1:])}, rule, multiply_adds=cost)

    assert summary(made(lambda shape: 7 * shape[-1]), (-1, 4)).multiply_adds == 28
    found = summary(serial(Dense(3), made(None), Dense(2)), (-1, 4))
    assert [row.multiply_adds for row in found.rows] == [12, -1, 6] and found.multiply_adds == -1
    assert str(found).splitlines()[3].split()[-2:] == ["?", "12"] and found.activations == 32


def test_bytes_depend_on_the_dtype() -> None:
    """float64 takes twice as many."""
    assert summary(NET, (-1, 4), dtype=np.float64).nbytes == 2 * summary(NET, (-1, 4)).nbytes


def test_it_prints_as_a_table() -> None:
    """Names, shapes, numbers with separators, and the totals below."""
    assert str(summary(serial(Flatten, Dense(1000), Relu, Dense(10)), (-1, 28, 28, 1))) == (
        "path       layer        output       params      bytes  multiply-adds  activations\n"
        "----------------------------------------------------------------------------------\n"
        "flatten_0  Flatten      (-1, 784)         0          0              0        3,136\n"
        "dense_0    Dense(1000)  (-1, 1000)  785,000  3,140,000        784,000        4,000\n"
        "relu_0     Relu         (-1, 1000)        0          0              0        4,000\n"
        "dense_1    Dense(10)    (-1, 10)     10,010     40,040         10,000           40\n"
        "----------------------------------------------------------------------------------\n"
        "total                               795,010  3,180,040        794,000       11,176"
    )


def test_tuples_have_shapes_of_their_own() -> None:
    """A layer that gives a tuple shows the shapes of its items."""
    found = summary(serial(FanOut(2), parallel(Dense(3), Identity)), (-1, 4))
    assert [(row.path, row.out_shape) for row in found.rows] == [
        ("fan_out_0", ((-1, 4), (-1, 4))),
        ("parallel_0/dense_0", (-1, 3)),
        ("parallel_0/identity_0", (-1, 4)),
    ]


def test_a_single_layer_has_one_row() -> None:
    """Its path is empty, as that of its params."""
    assert summary(Dense(3), (-1, 4)).rows == (Row("", "Dense(3)", (-1, 3), 15, 60, 12, 12),)


def test_what_is_not_known_is_told() -> None:
    """Numbers that depend on a size that is not known are -1, and print as a question mark."""
    found = summary(serial(Dense(3), Relu), (-1, -1, 4))
    assert (found.params, found.multiply_adds, found.rows[0].out_shape) == (15, -1, (-1, -1, 3))
    assert str(found).splitlines()[-1].split() == ["total", "15", "60", "?", "?"]
    assert summary(Dense(3), (-1, -1)).params == -1


def test_long_layers_are_cut_in_the_table_only() -> None:
    """The rows keep the whole text."""
    net = Dense(3).named("a_name_that_is_rather_long_for_a_table")
    found = summary(net, (-1, 4))
    assert found.rows[0].layer == repr(net)
    assert max(map(len, str(found).splitlines())) < 120 and "..." in str(found)


def test_html_is_escaped() -> None:
    """Notebooks show the same table; what looks like markup is text."""
    shown = summary(serial(Dense(3).named("<b>")), (-1, 4))._repr_html_()
    assert "&lt;b&gt;" in shown and "<b>" not in shown


def test_summary_refuses_what_the_network_does_not_take() -> None:
    """The error names the layer by its path."""
    with pytest.raises(ShapeError, match="residual_0 in serial: residual adds"):
        summary(serial(Dense(3), residual(Dense(4))), (-1, 4))


def test_a_layer_that_is_called_twice_has_one_row() -> None:
    """Params are counted once, multiply-adds at every call."""

    @layer
    def Twice(f: Layer[Array, Array], /) -> Layer[Array, Array]:
        """One layer two times, with the same params."""
        return Layer.over((f,), lambda child: Combined(lambda shape, go: go(child, go(child, shape)), f.apply.rule))

    assert summary(Twice(Dense(4)), (-1, 4)).rows == (Row("dense_0", "Dense(4)", (-1, 4), 20, 80, 32, 32),)
