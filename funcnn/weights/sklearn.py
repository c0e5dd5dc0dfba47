"""scikit-learn's multi-layer perceptrons: in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcnn.errors import ParamsError, brief
from funcnn.networks import Layer
from funcnn.params import Params, as_params
from funcnn.params.flat import to_flat
from funcnn.types import Shape, Tree
from funcnn.weights.in_row import is_sequence, numbered, paired_in_row
from funcnn.weights.parts import Form, Numbers, same
from funcnn.weights.places import Place, Places, places_of
from funcnn.weights.reading import taken
from funcnn.weights.transfer import given_out, taken_in


def from_sklearn(net: Layer[Any, Any], shape: Shape, coefs: Sequence[Any], intercepts: Sequence[Any]) -> Params:
    """The params of a network out of scikit-learn's: `from_sklearn(net, (-1, 4), mlp.coefs_, mlp.intercepts_)`.

    Of `MLPClassifier` and `MLPRegressor`; each Dense takes the next of both. What they do behind the last one is not
    in the weights: a classifier of several classes takes the softmax, one of two classes has one output, of which
    it takes the sigmoid; labels are places in `classes_`.

    Errors
        ParamsError   leaves or arrays are left over, or have other shapes: the message lists every one; or a layer
                      with params is no Dense with a bias
        DTypeError    arrays are not of floating-point numbers, or of several dtypes
        ShapeError    the network does not take this shape
    Source: the documentation of `sklearn.neural_network`.

    >>> from_sklearn(Dense(1), (-1, 2), [np.array([[1.0], [2.0]])], [np.array([3.0])]).at("b")
    array([3.])
    """
    places = _places("from_sklearn", net, shape)
    if not is_sequence(coefs) or not is_sequence(intercepts):
        other = coefs if not is_sequence(coefs) else intercepts
        raise ParamsError(f"from_sklearn takes mlp.coefs_ and mlp.intercepts_, lists of arrays, got {brief(other)}")
    if len(coefs) != len(intercepts):
        raise ParamsError(f"from_sklearn takes as many coefs as intercepts, got {len(coefs)} and {len(intercepts)}")
    arrays: dict[str, Numbers] = {}
    for i, (w, b) in enumerate(zip(coefs, intercepts, strict=True)):
        for name, a in ((f"coefs_[{i}]", w), (f"intercepts_[{i}]", b)):
            arrays[name] = taken(name, a)
    return taken_in("from_sklearn", places, paired_in_row(places, arrays, _forms), arrays)


def to_sklearn(net: Layer[Any, Any], shape: Shape, params: Tree) -> tuple[list[Numbers], list[Numbers]]:
    """The inverse: `mlp.coefs_, mlp.intercepts_ = to_sklearn(net, shape, params)`, of one that was fitted once.

    Errors
        as for `from_sklearn`

    >>> _, params = Dense(1).init(Key(0), (-1, 2))
    >>> coefs, intercepts = to_sklearn(Dense(1), (-1, 2), params)
    >>> coefs[0].shape, intercepts[0].shape
    ((2, 1), (1,))
    """
    places = _places("to_sklearn", net, shape)
    mine = to_flat(as_params(params, "to_sklearn(net, shape, params)"))
    found = [*given_out("to_sklearn", places, numbered(places, _forms), mine, {}).values()]
    return found[::2], found[1::2]


def _places(caller: str, net: Layer[Any, Any], shape: Shape) -> Places:
    places = places_of(caller, net, shape)
    for place in places.layers:
        if place.kind != "Dense" or "b" not in place.shapes or place.tied:
            which = repr(place.path) if place.path else "the network"
            raise ParamsError(f"{caller}: scikit-learn has Dense layers with a bias alone, and {which} is none")
    return places


def _forms(place: Place) -> Sequence[Form]:
    return [Form((same("w", "coefs"), same("b", "intercepts")))]
