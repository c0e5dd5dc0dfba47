"""What losses and penalties of people's own promise, looked at where it arises: the message names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcnn.calculus import Differentiable, Later
from funcnn.cotangents import described
from funcnn.errors import ParamsError
from funcnn.inputs import convert
from funcnn.promises import WIDE, cotangent_kept, is_complex, leaves_in
from funcnn.types import Tree, is_array, is_mapping, is_scalar, is_tuple

Function = Callable[..., Any]


def checked_terms(rule: Function) -> Function:
    """The rule of a loss that holds what was promised, or says what is wrong. Float targets get the prediction's dtype.

    Errors
        ParamsError   the rule returns no pair; the terms are no array in the dtype of the prediction; the pullback
                      returns no pair; a cotangent is not like the prediction, or the target
    """
    name = getattr(rule, "__name__", "loss")

    def run(prediction: Any, target: Any, **options: Any) -> tuple[Any, Function]:
        dtype = next((leaf.dtype for leaf in leaves_in(prediction) if leaf.dtype.kind in "fc"), None)
        if dtype is not None and dtype.kind == "f":
            target = _converted(target, dtype)
        pair: object = rule(prediction, target, **options)
        if not is_tuple(pair) or len(pair) != 2 or not callable(pair[1]):
            raise ParamsError(f"{name}: the rule must return the pair (terms, pullback), got {described(pair)}")
        terms, back = pair
        if not (is_array(terms) or is_scalar(terms)) or isinstance(terms, np.ma.MaskedArray):
            raise ParamsError(f"{name}: the rule must return an array of terms, got {described(terms)}")
        if terms.dtype.kind not in "fc" or (terms.dtype != dtype and dtype and not is_complex((prediction, target))):
            wanted = dtype or "floating-point numbers"
            got = described(terms)
            raise ParamsError(f"{name}: the terms must be {wanted}, like the prediction, got {got}; {_FIX}")

        def pullback(d: Any) -> tuple[Any, Any]:
            pair: object = back(d)
            if not is_tuple(pair) or len(pair) != 2:
                got = described(pair)
                raise ParamsError(f"{name}: the pullback must return the pair (dprediction, dtarget), got {got}")
            both = (prediction, target, d)
            return _like(name, "prediction", pair[0], prediction, both), _like(name, "target", pair[1], target, both)

        return terms, pullback

    return run


_FIX = f"write target.astype(prediction.dtype) for targets that are integers; {WIDE}"


def _converted(target: Any, dtype: np.dtype[Any]) -> Any:
    """A target whose floating-point arrays have the dtype of the prediction; integers may be labels, and stay."""
    if is_tuple(target):
        return tuple([_converted(part, dtype) for part in target])
    if not is_array(target) or target.dtype.kind == "c" or (type(target) is np.ndarray and target.dtype == dtype):
        return target
    return convert(target, "any", dtype, "the target")


def _like(name: str, what: str, d: Any, x: Any, all_: tuple[Any, ...]) -> Any:
    if not is_array(x) and not is_tuple(x):
        return d  # a target that is no array: what its cotangent is, only the loss knows
    said = f"{name}: the pullback must return as d{what}", what
    if d.__class__ is Later:
        return Later(lambda: cotangent_kept(d.now(), x, all_, *said))
    return cotangent_kept(d, x, all_, *said)


def penalty_of(penalty: Differentiable[[Tree], float, tuple[Tree]], tree: Tree) -> tuple[float, Tree]:
    """The value and the gradients of a penalty.

    Errors
        ParamsError   the value is no real number, or the pullback returns no tuple of one tree
    """
    pair: object = penalty.rule(tree)
    if not is_tuple(pair) or len(pair) != 2 or not callable(pair[1]):
        raise ParamsError(f"{penalty!r}: the rule must return the pair (value, pullback), got {described(pair)}")
    value, pull = pair
    if not (isinstance(value, (float, int)) or _is_one_number(value)):
        raise ParamsError(f"{penalty!r}: the value of a penalty is one real number, got {described(value)}")
    cotangents: object = pull(1.0)
    if not is_tuple(cotangents) or len(cotangents) != 1 or not is_mapping(cotangents[0]):
        got = described(cotangents[0] if is_tuple(cotangents) and len(cotangents) == 1 else cotangents)
        raise ParamsError(f"{penalty!r}: the pullback must return a tuple of one tree, (dparams,), got {got}")
    return float(value), cotangents[0]


def _is_one_number(value: object) -> bool:
    return (is_array(value) or is_scalar(value)) and value.shape == () and value.dtype.kind in "fiu"
