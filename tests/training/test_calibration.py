"""calibrate: inference after it, pooling, exactness, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from funcnn import (
    Array, BatchNorm, Dense, Dropout, FanInSum, FanOut, FuncnnWarning, Identity, Key, Layer, Params, Pullback, Relu,
    Shape, ShapeError, Spec, Tanh, Tree, calibrate, layer, parallel, rebuild, residual, serial, summary, trace,
)  # fmt: skip
from funcnn.authoring import Child, Combined, axes, force, leaves
from funcnn.initializers import ones, zeros
from funcnn.layers.normalization import Pool, averaged
from funcnn.networks.statistics import Statistics


@layer
def Block(units: int) -> Layer[Array, Array]:
    """A composite constructor: its norms are found in its body."""
    return serial(residual(serial(Dense(units), BatchNorm(), Relu, Dense(units), BatchNorm().named("last"))), Tanh)


@layer
def MyNorm() -> Layer[Array, Array]:
    """A BatchNorm by another name."""
    return BatchNorm()


NETS: list[Layer[Array, Array]] = [
    BatchNorm(),
    serial(Dense(4), BatchNorm(), Relu, Dense(3), BatchNorm(), Tanh, Dense(2)),
    serial(Dense(4), Block(4), BatchNorm(), Block(4).named("deep")),
    serial(Dense(4), FanOut(2), parallel(serial(BatchNorm(), Tanh), Identity), FanInSum, MyNorm()),
    residual(serial(BatchNorm(eps=1e-3), residual(BatchNorm(center=False)), Dense(5))),
]
every_net = pytest.mark.parametrize("net", NETS, ids=repr)


def drawn(rows: int, dtype: npt.DTypeLike = np.float64, seed: int = 0) -> Array:
    x: Array = (np.random.default_rng(seed).normal(size=(rows, 5)) * 3 + 1).astype(dtype)
    return x


def learned(net: Layer[Array, Array], dtype: npt.DTypeLike = np.float64) -> Params:
    _, params = net.init(Key(2), (-1, 5), dtype=dtype)
    return params


@every_net
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exact", [False, True])
def test_on_one_batch_inference_is_the_training_pass(
    net: Layer[Array, Array], dtype: npt.DTypeLike, exact: bool
) -> None:
    """To the last bit, nested or not, in float32 and float64."""
    x, params = drawn(33, dtype), learned(net, dtype)
    calibrated = calibrate(net, params, [x], exact=exact)
    assert net.apply(calibrated, x).tobytes() == net.apply(params, x, rng=1).tobytes()


@every_net
def test_exact_statistics_are_those_of_all_rows_at_once(net: Layer[Array, Array]) -> None:
    """Batches of different sizes, pooled pass by pass, give what one big batch gives."""
    x, params = drawn(40), learned(net)
    whole = calibrate(net, params, [x], exact=True)
    parts = calibrate(net, params, [x[:7], x[7:8], x[8:30], x[30:]], exact=True)
    assert all(parts.at(p) == pytest.approx(whole.at(p), rel=1e-10, abs=1e-12) for p in whole.paths())


def test_exact_statistics_are_a_fixed_point() -> None:
    """Every norm has the moments of what it gets in inference: calibrating again changes nothing."""
    net, batches = NETS[2], [drawn(9), drawn(12, seed=1)]
    once = calibrate(net, learned(net), batches, exact=True)
    assert calibrate(net, once, batches, exact=True) == once


def test_moments_worked_by_hand() -> None:
    """1, 3 | 5 has mean 3 and variance 8/3; 8 | 8 | 8, 8 has mean 8 and variance 0."""
    net = BatchNorm()
    _, params = net.init(0, (-1, 2), dtype=np.float64)
    found = calibrate(net, params, [np.array([[1.0, 8.0], [3.0, 8.0]]), np.array([[5.0, 8.0]])])
    assert found.at("mean") == pytest.approx([3.0, 8.0], rel=1e-15)
    assert found.at("var") == pytest.approx([8 / 3, 0.0], rel=1e-15)


def test_pooling_is_independent_of_the_cuts() -> None:
    """A hundred batches of one row are one batch of a hundred rows."""
    x = drawn(100)
    pool = Pool(1, x[0], np.zeros(5))
    for row in x[1:]:
        pool = averaged().merged(pool, Pool(1, row, np.zeros(5)))
    assert pool.rows == 100
    assert [*pool.mean, *pool.var] == pytest.approx([*x.mean(0), *x.var(0)])


def test_pooling_in_float64_keeps_what_float32_loses() -> None:
    """Pooled over 300 batches of float32, the mean of 1000 + noise is right to the last digits of float32."""
    net, noise = BatchNorm(), np.random.default_rng(3).normal(size=(300, 20, 1))
    batches = (1000 + noise).astype(np.float32)
    found = calibrate(net, net.init(0, (-1, 1))[1], list(batches))
    assert found.at("mean") == pytest.approx([np.mean(batches, dtype=np.float64)], rel=1.2e-7)


def test_other_axes_are_averaged_over() -> None:
    """`axis` of the norm counts here too."""
    net = BatchNorm(axis=(0, 2))
    x = np.random.default_rng(0).normal(size=(4, 3, 6))
    found = calibrate(net, net.init(0, x.shape, dtype=np.float64)[1], [x])
    assert found.at("mean") == pytest.approx(x.mean((0, 2)))
    assert found.at("var") == pytest.approx(x.var((0, 2)))


def test_everything_else_is_left_alone() -> None:
    """Weights, scales and offsets are those that came; the params that came are what they were."""
    net, batches = NETS[1], [drawn(10)]
    params = learned(net)
    before = Params(params.to_dict())
    found = calibrate(net, params, batches)
    changed = {p for p in params.paths() if found.at(p).tobytes() != params.at(p).tobytes()}
    assert changed == {f"batch_norm_{i}/{leaf}" for i in (0, 1) for leaf in ("mean", "var")}
    assert (params, found.paths()) == (before, params.paths())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_params_is_kept(dtype: npt.DTypeLike) -> None:
    """Pooled in float64, stored as the params are."""
    found = calibrate(NETS[1], learned(NETS[1], dtype), [drawn(5), drawn(6)])
    assert {found.at(p).dtype for p in found.paths()} == {np.dtype(dtype)}


def test_calibrating_is_pure() -> None:
    """The same call gives the same, and params may be any mapping."""
    net, x = NETS[3], drawn(8)
    params = learned(net)
    assert calibrate(net, params, [x]) == calibrate(net, params.to_dict(), iter([x]))


def test_the_key_reaches_what_is_random() -> None:
    """One pass is a training pass: Dropout draws, by batch and by `rng`; an exact calibration drops nothing."""
    net, x = serial(Dropout(0.5), BatchNorm()), drawn(8)
    params = learned(net)
    means = [calibrate(net, params, [x], rng=rng).at("batch_norm_0/mean").tolist() for rng in (0, 0, 1)]
    assert means[0] == means[1] != means[2]
    assert calibrate(net, params, [x], exact=True).at("batch_norm_0/mean") == pytest.approx(x.mean(0))


def test_a_network_without_norms_is_unchanged() -> None:
    """There is nothing to do."""
    net = serial(Dense(3), Relu)
    assert calibrate(net, learned(net), [drawn(4)]) == learned(net)


def test_batches_may_be_a_generator() -> None:
    """They are read once, and only kept for an exact calibration."""

    def batches() -> Iterator[Array]:
        yield drawn(6)
        yield drawn(3, seed=1)

    net = NETS[1]
    listed = [drawn(6), drawn(3, seed=1)]
    assert calibrate(net, learned(net), batches()) == calibrate(net, learned(net), listed)
    assert calibrate(net, learned(net), batches(), exact=True) == calibrate(net, learned(net), listed, exact=True)


def test_no_rows_are_refused() -> None:
    """No batch, or batches without rows, have no mean."""
    net = BatchNorm()
    with pytest.raises(ShapeError, match="empty batch: calibrate needs rows to average over, got none in 0 batches"):
        calibrate(net, learned(net), [])
    with pytest.raises(ShapeError, match="empty batch: .* got none in 1 batches"):
        calibrate(net, learned(net), [drawn(0)])


def test_a_single_array_is_refused() -> None:
    """Its rows would be taken for batches."""
    with pytest.raises(TypeError, match=r"takes an iterable of batches, got one array of shape \(4, 5\); write \[x\]"):
        calibrate(BatchNorm(), learned(BatchNorm()), drawn(4))


@pytest.mark.parametrize("rng", [None, 0.5])
def test_what_is_no_key_is_refused(rng: object) -> None:
    """As everywhere: the message says what to write."""
    with pytest.raises(TypeError, match=r"write Key\(0\)"):
        calibrate(BatchNorm(), learned(BatchNorm()), [drawn(4)], rng=rng)  # type: ignore[arg-type]


def test_wrong_inputs_are_refused_as_in_apply() -> None:
    """The error names the layer."""
    with pytest.raises(ShapeError, match="dense_0 in serial"):
        calibrate(NETS[1], learned(NETS[1]), [np.ones((3, 4))])


def test_a_norm_that_feeds_itself_is_told() -> None:
    """Where the output comes back with other statistics each time, no number of passes settles; that is a warning."""

    @layer
    def Again(norm: Layer[Array, Array], /) -> Layer[Array, Array]:
        """The same norm twice with the same params: the second gets what the first made."""

        def build(child: Child) -> Combined:
            def value(params: Tree, x: Array, rng: Key | None = None) -> Array:
                once = child.value(params, x, rng)
                twice: Array = child.value(params, once * once * 3.9, rng)
                return twice

            def rule(params: Tree, x: Array, rng: Key | None = None) -> tuple[Array, Pullback]:
                raise AssertionError("nobody differentiates here")

            return Combined(lambda shape, go: go(child, shape), rule, value)

        return Layer.over((norm,), build, where="Again")

    net = Again(BatchNorm())
    with pytest.warns(FuncnnWarning, match="after 52 passes") as seen:
        calibrate(net, net.init(0, (-1, 5))[1], [drawn(6)], exact=True)
    assert seen[0].filename == __file__
    with pytest.warns(RuntimeWarning, match="after 52 passes the statistics still change"):
        calibrate(net, net.init(0, (-1, 5))[1], [drawn(6)], exact=True)


def scaler_shape(shape: Shape) -> Shape:
    """One array of rows."""
    return axes("MinMax", shape, at_least=2)


@layer
def MinMax() -> Layer[Array, Array]:
    """Features scaled to [0, 1] by the extremes that calibrate saw: another kind of statistics."""

    def spec(shape: Shape) -> Spec:
        n = axes("MinMax", shape, at_least=2)[-1]
        return {"low": (zeros, (n,)), "high": (ones, (n,))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        low, high = leaves(params, "low", "high")
        size: Array = high - low

        def pullback(dy: Array) -> tuple[Tree, Array]:
            y, flat = (x - low) / size, dy / size
            return {"low": ((y - 1) * flat).sum(0), "high": (-y * flat).sum(0)}, flat

        return (x - low) / size, pullback

    extremes = Statistics(
        ("low", "high"),
        lambda x: (x.min(0), x.max(0)),
        lambda a, b: (np.minimum(a[0], b[0]), np.maximum(a[1], b[1])),
        lambda found: (found[0], found[1]),
    )
    return Layer.of(scaler_shape, spec, rule, statistics=extremes)


def test_another_kind_of_statistics() -> None:
    """A layer says in its definition what it keeps: calibrate knows no constructor."""
    net = serial(MinMax(), BatchNorm())
    x = drawn(30)
    _, params = net.init(0, x.shape, dtype=np.float64)
    found = calibrate(net, params, [x[:10], x[10:]], exact=True)
    assert np.array_equal(found.at("min_max_0/low"), x.min(0))
    assert np.array_equal(found.at("min_max_0/high"), x.max(0))
    assert found.at("batch_norm_0/mean") == pytest.approx(((x - x.min(0)) / (x.max(0) - x.min(0))).mean(0))


@layer
def Gathered(rows: tuple[Layer[Array, Array], ...], *, heads: dict[str, Layer[Array, Array]]) -> Layer[Array, Array]:
    """Layers in a tuple and in a dict."""
    return serial(*rows, FanOut(len(heads)), parallel(*[f.named(name) for name, f in heads.items()]), FanInSum)


@layer
def Stacked(make: Callable[[int], Layer[Array, Array]], n: int) -> Layer[Array, Array]:
    """Layers from a factory."""
    return serial(*[make(5) for _ in range(n)])


def block(units: int) -> Layer[Array, Array]:
    """What the factory makes."""
    return serial(Dense(units), BatchNorm())


@layer
def switch(branches: dict[str, Layer[Array, Array]]) -> Layer[Array, Array]:
    """A combinator that names its children by the keys of a dict."""

    def build(*children: Child) -> Combined:
        def meets(shape: Shape, go: Any) -> Shape:
            outs: list[Shape] = [go(child, shape) for child in children]
            return outs[0]

        def rule(params: Tree, x: Array, rng: Key | None = None) -> tuple[Array, Any]:
            pairs = [child.pull(params, x, rng) for child in children]

            def pullback(dy: Array) -> tuple[Tree, Array]:
                found = [pull(dy) for _, pull in pairs]
                grads = {child.name: d for child, (d, _) in zip(children, found, strict=True) if d}
                return grads, sum(force(dx) for _, dx in found)

            return sum(y for y, _ in pairs), pullback

        return Combined(meets, rule)

    return Layer.over([f.named(name) for name, f in branches.items()], build, where="switch")


WHOLE: list[Layer[Array, Array]] = [
    Gathered((Dense(5), BatchNorm()), heads={"a": block(5), "b": Dense(5)}),
    Stacked(block, 3),
    serial(Dense(5), residual(Stacked(block, 2)), switch({"a": block(5), "b": Dense(5)})),
    switch({"a": BatchNorm(), "b": Stacked(block, 1)}),
]


@pytest.mark.parametrize("net", WHOLE, ids=repr)
def test_layers_in_tuples_dicts_and_factories_are_calibrated(net: Layer[Array, Array]) -> None:
    """Every norm is found, at the path where its params are: inference on the batch is the training pass."""
    x = drawn(40)
    _, params = net.init(0, x.shape, dtype=np.float64)
    found = calibrate(net, params, [x])
    changed = {path for path in params.paths() if not np.array_equal(params.at(path), found.at(path))}
    assert changed == {path for path in params.paths() if path.rpartition("/")[2] in ("mean", "var")}
    assert net.apply(found, x) == pytest.approx(net.apply(params, x, rng=0))


@pytest.mark.parametrize("net", WHOLE, ids=repr)
def test_they_are_walked_by_every_walk(net: Layer[Array, Array]) -> None:
    """The layers with params that trace, summary and rebuild see are those that own the leaves."""
    x = drawn(4)
    _, params = net.init(0, x.shape, dtype=np.float64)
    owners = {path.rpartition("/")[0] for path in params.paths()}
    seen: set[str] = set()

    def look(path: str, part: Layer[Any, Any]) -> Layer[Any, Any]:
        seen.add(path)
        return part

    rebuild(net, look)
    assert owners <= seen
    assert owners <= set(trace(net)(params, x)[1])
    assert owners <= {row.path for row in summary(net, x.shape).rows}
