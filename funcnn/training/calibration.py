"""Population statistics for networks with BatchNorm."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from funcnn.errors import ShapeError
from funcnn.kernels.normalization import moments
from funcnn.keys import Key, Rng, as_key
from funcnn.layers.normalization import BatchNorm, as_rows
from funcnn.networks import Layer
from funcnn.networks.children import definition_of
from funcnn.networks.definitions import Definition
from funcnn.networks.pair import layer_of
from funcnn.networks.rebuilding import Path, observed
from funcnn.params import Params
from funcnn.params.packing import pack
from funcnn.records import Record
from funcnn.types import Array, Tree, is_array

A = TypeVar("A")

_PATIENCE = 50


def calibrate(
    net: Layer[A, object], params: Tree, batches: Iterable[A], *, rng: Rng = 0, exact: bool = False
) -> Params:
    """The same params with the population statistics in every BatchNorm: do this after training, before inference.

    One training pass over the batches; "mean" and "var" of each BatchNorm become those of all it saw. Moments are
    pooled in float64, by the number of rows. On one batch, inference equals the training pass to the last bit, where
    nothing else is random. Dropout drops in this pass, as in training.

    With `exact=True`, inference passes are repeated until nothing changes: then each BatchNorm has the statistics of
    what it gets in inference. That takes as many passes as there are norms one after the other, and one more.

    Errors
        TypeError        `batches` is a single array
        ShapeError       there is no batch, or one has no rows; or the input does not fit the network
        RuntimeWarning   with `exact=True`, a norm that feeds itself does not settle; the last params are returned
    Source: Ioffe & Szegedy, Batch Normalization (2015), algorithm 2, with the biased variance, so that inference and
    training agree; the pooling is Chan, Golub & LeVeque, Updating Formulae (1979).

    >>> net = BatchNorm()
    >>> _, params = net.init(Key(0), (-1, 1))
    >>> params = calibrate(net, params, [np.array([[1.0], [3.0]]), np.array([[5.0]])])
    >>> params.at("mean"), params.at("var").round(4)
    (array([3.], dtype=float32), array([2.6667], dtype=float32))
    """
    definition_of(net, where="calibrate")
    if is_array(batches):
        raise TypeError(f"calibrate takes an iterable of batches, got one array of shape {batches.shape}; write [x]")
    old = params if isinstance(params, Params) else Params(params)
    if not exact:
        return _updated(old, _statistics(net, old, batches, as_key(rng)))
    kept = list(batches)
    passes = 0
    while True:
        found = _statistics(net, old, kept, None)
        new = _updated(old, found)
        if new == old:
            return new
        old, passes = new, passes + 1
        if passes > len(found) + _PATIENCE:
            warnings.warn(
                f"calibrate: after {passes} passes the statistics still change; a BatchNorm whose output comes back "
                f"to it may have no exact ones; leave out exact=True",
                RuntimeWarning,
                stacklevel=2,
            )
            return new


class Pool(NamedTuple):
    """Mean and variance of a number of rows, in float64."""

    rows: int
    mean: Array
    var: Array


def _statistics(net: Layer[A, object], params: Params, batches: Iterable[A], rng: Key | None) -> dict[str, Pool]:
    """What every BatchNorm sees in one pass over the batches, by its path."""
    seen: dict[str, Pool] = {}

    def see(at: Path, layer: Definition, x: Any, y: Any) -> None:
        path = "/".join(at)
        if record := _batch_norm(layer):
            values = as_rows(x, record.kwargs.get("axis"))
            mean, var = moments(values)  # as in a training pass, to the last bit
            more = Pool(len(values), mean.astype(np.float64), var.astype(np.float64))
            seen[path] = pooled(seen[path], more) if path in seen else more

    watched, number = layer_of(observed(net.definition, see)), 0
    for number, x in enumerate(batches, 1):
        watched.apply(params, x, rng=None if rng is None else rng.fold(number - 1))
    if not number or any(pool.rows == 0 for pool in seen.values()):
        raise ShapeError(f"empty batch: calibrate needs rows to average over, got none in {number} batches")
    return seen


def pooled(a: Pool, b: Pool) -> Pool:
    """Mean and variance of the rows of both.

    >>> pooled(Pool(2, np.array([2.0]), np.array([1.0])), Pool(1, np.array([5.0]), np.array([0.0]))).mean
    array([3.])
    """
    rows = a.rows + b.rows
    share, d = b.rows / max(rows, 1), b.mean - a.mean
    return Pool(rows, a.mean + share * d, a.var + share * (b.var - a.var) + share * (1 - share) * d * d)


def _batch_norm(layer: Definition) -> Record | None:
    """How this layer was made, if it is a BatchNorm, by whatever name its constructor goes."""
    while layer.body is not None:
        layer = layer.body
    record = layer.record
    return record if record and record.make is BatchNorm else None


def _updated(params: Params, found: dict[str, Pool]) -> Params:
    """Params with these statistics, where they have them: what is frozen is not among the params."""
    paths = set(params.paths())
    for path, pool in found.items():
        for name, value in (("mean", pool.mean), ("var", pool.var)):
            leaf = f"{path}/{name}" if path else name
            if leaf in paths:
                old = params.at(leaf)
                params = params.set(leaf, value.reshape(old.shape).astype(old.dtype))
    return pack(params)
