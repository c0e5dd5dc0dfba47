"""Shapes and params that do not fit, on networks as people build them: which layer, what came, what to do."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest

from funcnn import DTypeError, LabelError, Params, ParamsError, ShapeError, squared_error, value_and_grad, vjp
from tests.realistic import CASES, IMAGES, NESTED, SIDES, TOKENS, Case
from tests.refusals import refusal

Kind: TypeAlias = type[Exception]
ONES = np.ones
OTHER = "these are not the params of this network: "


def floats(*shape: int) -> Any:
    """An input of this shape."""
    return np.ones(shape, np.float32)


# fmt: off
INPUTS: list[tuple[Case, Any, Kind, Kind, tuple[str, ...]]] = [
    # one axis of another size: the path, both shapes, what to do
    (NESTED, floats(4, 5), ShapeError, ValueError, ("dense_0 in serial: takes (..., 3), got (4, 5)", "init again")),
    (NESTED, floats(2, 4, 5), ShapeError, ValueError, ("dense_0 in serial: takes (..., 3), got (2, 4, 5)",)),
    (IMAGES, floats(4, 10, 10, 3), ShapeError, ValueError, ("dense_0 in serial: takes (..., 36)", "init again")),
    (TOKENS, ONES((4, 7), int), ShapeError, ValueError, ("head in serial: takes (..., 24), got (4, 28)", "init again")),
    (SIDES, (floats(4, 3), floats(4, 3)),
     ShapeError, ValueError, ("parallel_0/right in serial: takes (..., 2), got (4, 3)",)),
    # images
    (IMAGES, floats(8, 8, 3),
     ShapeError, ValueError, ("conv_0 in serial: Conv takes (batch, height, width, channels)", "(8, 8, 3)", "x[None]")),
    (IMAGES, floats(4, 8, 8), ShapeError, ValueError, ("conv_0 in serial", "(4, 8, 8)", "x[..., None]")),
    (IMAGES, floats(4, 3, 8, 8),
     ShapeError, ValueError, ("conv_0 in serial: takes (..., 3), got (4, 3, 8, 8)", "3 of them",
      "transpose(0, 2, 3, 1)")),
    (IMAGES, floats(4, 8, 8, 1), ShapeError, ValueError, ("conv_0 in serial: takes (..., 3), got (4, 8, 8, 1)",)),
    (IMAGES, floats(4, 2, 2, 3),
     ShapeError, ValueError, ("conv_0 in serial: the window (3, 3)", "(4, 2, 2, 3)", "'VALID'", "padding='SAME'")),
    (IMAGES, floats(4, 3, 3, 3),
     ShapeError, ValueError, ("max_pool_0 in serial: the window (2, 2)", "(1, 1)", "'VALID'", "padding='SAME'")),
    (IMAGES, floats(4, 192), ShapeError, ValueError, ("conv_0 in serial", "(4, 192)")),
    # tuples and arrays
    (SIDES, floats(4, 3),
     ShapeError, ValueError, ("parallel_0 in serial: parallel takes a tuple of 2, got one array of shape (4, 3)",)),
    (SIDES, (floats(4, 3),), ShapeError, ValueError, ("parallel takes a tuple of 2, got 1",)),
    (SIDES, (floats(4, 3), floats(5, 2)), ShapeError, ValueError, ("fan_in_concat_0 in serial", "((4, 4), (5, 4))")),
    (SIDES, [floats(4, 3), floats(4, 2)], DTypeError, TypeError, ("a list", "tuple of arrays", "tuple(")),
    (SIDES, (floats(4, 3), None), DTypeError, TypeError, ("item 1 of the input is of type NoneType",)),
    (NESTED, (floats(4, 3),), ShapeError, ValueError, ("dense_0 in serial", "got a tuple of 1: ((4, 3),)")),
    (TOKENS, (ONES((4, 6), int),),
     ShapeError, ValueError, ("embedding_0 in serial: Embedding takes one array, got a tuple of 1",)),
    # no batch, no features
    (NESTED, np.float32(3), ShapeError, ValueError, ("dense_0 in serial", "at least 1 axis, got ()")),
    (NESTED, (), ShapeError, ValueError, ("dense_0 in serial", "got ()")),
    (NESTED, floats(4, 0), ShapeError, ValueError, ("dense_0", "dimension 1 of the shape (4, 0) is 0", "only axes before the last")),
    # tokens
    (TOKENS, ONES((4, 6)), DTypeError, TypeError, ("float64", "tokens are integers", ".astype(np.int64)")),
    (TOKENS, ONES((4, 6), bool), DTypeError, TypeError, ("bool", "tokens are integers")),
    (TOKENS, np.full((4, 6), 11),
     LabelError, ValueError, ("embedding_0 in serial: token 11 at index (0, 0)", "0 to 10")),
    (TOKENS, np.full((4, 6), -1), LabelError, ValueError, ("embedding_0 in serial: token -1", "0 to 10")),
    # what is no array
    (NESTED, None, DTypeError, TypeError, ("NoneType", "an array of real numbers")),
    (TOKENS, object(), DTypeError, TypeError, ("of type object", "an array of integers")),
    (NESTED, {"x": floats(4, 3)}, DTypeError, TypeError, ("of type dict",)),
    (NESTED, "four", DTypeError, TypeError, ("dtype <U4",)),
    (IMAGES, floats(4, 8, 8, 3) * 1j, DTypeError, TypeError, ("complex64", ".real")),
]
# fmt: on


@pytest.mark.parametrize(("case", "x", "kind", "builtin", "said"), INPUTS)
def test_an_input_that_does_not_fit(case: Case, x: Any, kind: Kind, builtin: Kind, said: Any) -> None:
    """`apply` and `vjp` say the same, in one type that is also the built-in one; params are not blamed."""
    message = refusal(lambda: case.net.apply(case.params, x), kind)
    assert message == refusal(lambda: vjp(case.net.apply, case.params, x), builtin)
    assert [words for words in said if words not in message] == []


@pytest.mark.parametrize(("case", "x", "kind", "builtin", "said"), INPUTS)
def test_an_objective_says_the_same(case: Case, x: Any, kind: Kind, builtin: Kind, said: Any) -> None:
    """With a key for a training pass."""
    objective: Any = value_and_grad(squared_error, case.net.apply)
    message = refusal(lambda: objective(case.params, x, floats(4, 2), rng=0), builtin)
    assert message == refusal(lambda: case.net.apply(case.params, x), kind)
    assert [words for words in said if words not in message] == []


# fmt: off
SHAPES: list[tuple[Case, Any, tuple[str, ...]]] = [
    (NESTED, (-1, 0), ("dimension 1 of the shape (?, 0) is 0",)),
    (NESTED, (-1, -3), ("dimension 1 of the shape (-1, -3) is -3", "-1 for one that is not known")),
    (NESTED, (-1, 3.0), ("dimension 1 of the shape (-1, 3.0) is 3.0", "integers")),
    (NESTED, (-1, True), ("dimension 1 of the shape (-1, True) is True",)),
    (NESTED, (None, 3), ("dimension 0 of the shape (None, 3) is None", "-1 for one that is not known")),
    (NESTED, (-1, "3"), ("dimension 1", "'3'")),
    (NESTED, 3, ("a shape is a tuple of sizes, got int 3; write (3,)",)),
    (NESTED, None, ("a shape is a tuple of sizes, got NoneType",)),
    (NESTED, floats(4, 3), ("a shape is a tuple of sizes, got ndarray; write x.shape",)),
    (NESTED, ((-1, 3),), ("dense_0 in serial", "got a tuple of 1: ((?, 3),)")),
    (SIDES, (-1, 3), ("parallel_0 in serial", "a tuple of 2")),
    (SIDES, ((-1, 3), (-1, 0)), ("dimension 1 of the shape (?, 0) is 0",)),
    (IMAGES, (8, 8, 3), ("conv_0 in serial", "x[None]")),
    (IMAGES, (-1, 1, 8, 8), ("conv_0 in serial", "(?, 1, 8, 8)", "transpose(0, 2, 3, 1)")),
    (IMAGES, (-1, 3, 3, 3), ("max_pool_0 in serial", "(2, 2)", "'VALID'")),
    (TOKENS, (-1, 6.0), ("dimension 1 of the shape (-1, 6.0) is 6.0",)),
]
# fmt: on


@pytest.mark.parametrize(("case", "shape", "said"), SHAPES)
def test_a_shape_that_does_not_fit(case: Case, shape: Any, said: tuple[str, ...]) -> None:
    """`init` and `out_shape` say the same: a ShapeError, which is a ValueError."""
    message = refusal(lambda: case.net.init(0, shape), ShapeError)
    assert message == refusal(lambda: case.net.out_shape(shape), ValueError)
    assert [words for words in said if words not in message] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_sizes_that_params_need_are_wanted(case: Case) -> None:
    """Where every size is unknown, the layer and its leaf are named, unless no leaf depends on it."""
    shape = tuple(tuple(-1 for _ in v.shape) for v in case.x) if isinstance(case.x, tuple) else (-1,) * case.x.ndim
    said = refusal(lambda: case.net.init(0, shape), ShapeError)
    assert " in serial: w has shape (" in said and "give the sizes it depends on" in said


# params ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("other", CASES.values(), ids=CASES)
def test_params_of_another_network(case: Case, other: Case) -> None:
    """Every missing and every unexpected path is listed."""
    if other is case:
        return
    said = refusal(lambda: case.net.apply(other.params, case.x), ParamsError)
    mine, theirs = set(case.params.paths()), set(other.params.paths())
    assert said.startswith(OTHER) and "make them with init" in said
    assert all(f"missing {path}, expected float32" in said for path in mine - theirs)
    assert all(f"unexpected {path}, float32" in said for path in theirs - mine)


def renamed(params: Params) -> Any:
    """The params of the network before its body was given a name."""
    tree = params.to_dict()
    tree["serial_0"] = tree.pop("body")
    return tree


# fmt: off
PARAMS: list[tuple[Any, tuple[str, ...]]] = [
    (((-1, 2), NESTED.params), ("got the pair (shape, params) that init returns; unpack it",)),
    (NESTED.net.init(0, (-1, 3)), ("unpack it: out_shape, params = net.init(...)",)),
    (NESTED.x, ("got ndarray", "apply(params, x)")),
    (None, ("nested mapping of arrays, got NoneType",)),
    ({}, ("missing body/parallel_0/serial_0/dense_0/w, expected float32 of shape (8, 6)", "make them with init")),
    (renamed(NESTED.params),
     ("missing body/parallel_0/dense_0/b", "unexpected serial_0/parallel_0/dense_0/b", ".named")),
    (NESTED.params.sub("body"), ("missing dense_0/w", "unexpected parallel_0/dense_0/w")),
    ({**NESTED.params, "dense_1": {"w": floats(2, 6), "b": floats(2)}},
     ("dense_1/w has shape (2, 6), expected (6, 2)",)),
    ({**NESTED.params, "dense_1": {"w": ONES((6, 2)), "b": floats(2)}},
     ("dense_1/w has dtype float64, expected float32", "astype")),
    ({**NESTED.params, "dense_1": {"w": [[1.0]], "b": floats(2)}},
     ("dense_1/w must be an array or a mapping, got list",)),
    ({**NESTED.params, "body": None}, ("body must be an array or a mapping, got NoneType",)),
    ({**NESTED.params, "body": {3: floats(2)}}, ("got 3 in body",)),
    ({**NESTED.params, "": floats(2)}, ("got '' in params",)),
    ({**NESTED.params, "a/b": floats(2)}, ("got 'a/b' in params",)),
]
# fmt: on


@pytest.mark.parametrize(("params", "said"), PARAMS)
def test_params_that_do_not_fit(params: Any, said: tuple[str, ...]) -> None:
    """A ParamsError, which is a ValueError, from `apply` and `vjp` alike."""
    message = refusal(lambda: NESTED.net.apply(params, NESTED.x), ParamsError)
    assert message == refusal(lambda: vjp(NESTED.net.apply, params, NESTED.x), ValueError)
    assert [words for words in said if words not in message] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_batch_of_nothing(case: Case) -> None:
    """Gives an empty output of the right shape and dtype, and gradients of zeros."""
    x = tuple(v[:0] for v in case.x) if isinstance(case.x, tuple) else case.x[:0]
    y, pullback = vjp(case.net.apply, case.params, x)
    dparams = pullback(y)[0]
    assert y.shape == case.net.apply(case.params, x).shape == (0, *case.net.apply(case.params, case.x).shape[1:])
    assert y.dtype == np.float32 and not any(dparams.at(path).any() for path in dparams.paths())
