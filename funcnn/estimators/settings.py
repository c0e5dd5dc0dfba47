"""The network and the optimizer that the settings of an estimator ask for.

Estimators look at their settings when they are fitted, not when they are made: scikit-learn sets them at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, Union, cast

from funcnn.arguments import is_integer
from funcnn.blocks.perceptron import mlp
from funcnn.errors import ShapeError, brief
from funcnn.layers.activations import Relu
from funcnn.networks import Layer
from funcnn.optimizers import Optimizer, adam
from funcnn.shapes import display
from funcnn.types import Array

Net: TypeAlias = Union[Layer[Array, Array], Callable[[int, int], Layer[Array, Array]]]
"""A network, or a function that makes one of the numbers of features and of outputs."""

Steps: TypeAlias = Union[Optimizer[Any], Callable[[float], Optimizer[Any]]]
"""An optimizer, or a function that makes one of the rate."""

HIDDEN: Final = (100,)
RATE: Final = 1e-3


def network_of(
    who: str,
    net: Net | None,
    hidden: Sequence[int] | None,
    activation: Layer[Array, Array] | None,
    features: int,
    outputs: int,
) -> Layer[Array, Array]:
    """The network that is asked for, which gives so many outputs for every row of so many features.

    Errors
        ValueError   a network and widths or an activation; a width is less than one
        TypeError    `net` is no network, and makes none; `hidden` is no tuple
        ShapeError   the network gives something else, or does not take so many features
    """
    if net is None:
        if not isinstance(hidden, (tuple, list, type(None))):
            hint = f"; write hidden=({hidden!r},)" if is_integer(hidden) else ""
            raise TypeError(f"{who}: hidden must be a tuple of integers, got {brief(hidden)}{hint}")
        return mlp((*(HIDDEN if hidden is None else hidden), outputs), Relu if activation is None else activation)
    if hidden is not None or activation is not None:
        raise ValueError(f"{who}: hidden and activation are for estimators without a net; leave one of them out")
    made: object = net
    if not isinstance(net, Layer):
        if not callable(net):
            raise TypeError(f"{who}: net must be a network, or a function (features, outputs) -> net, got {brief(net)}")
        made = net(features, outputs)
        if not isinstance(made, Layer):
            raise TypeError(f"{who}: net(features, outputs) must give a network, got {brief(made)}")
    network: Layer[Array, Array] = made  # type: ignore[assignment]  # of what, nobody can look up
    given = network.out_shape((-1, features))
    if given != (-1, outputs):
        raise ShapeError(
            f"{who}: the network must give {outputs} outputs for every row, {display((-1, outputs))}, got "
            f"{display(given)}; end it with Dense({outputs}), or give a function: lambda features, outputs: ..."
        )
    return network


def optimizer_of(who: str, optimizer: Steps | None, rate: float | None) -> Optimizer[Any]:
    """The optimizer that is asked for.

    Errors
        ValueError   an optimizer, which has its own rate, and another rate
        TypeError    `optimizer` is none, and makes none
    """
    if isinstance(optimizer, Optimizer):
        given: Optimizer[Any] = cast(Any, optimizer)
        if rate is not None:
            raise ValueError(f"{who}: {brief(given)} has a rate of its own; leave out rate={rate!r}, or give adam")
        return given
    make = adam if optimizer is None else optimizer
    if not callable(make):
        raise TypeError(f"{who}: optimizer must be one, or a function such as adam, got {brief(optimizer)}")
    made: object = make(RATE if rate is None else rate)
    if not isinstance(made, Optimizer):
        raise TypeError(f"{who}: optimizer(rate) must give an optimizer, got {brief(made)}; write optimizer=adam")
    return made
