"""Complex steps: exact derivatives of rules, for `f(z + i h d) = f(z) + i h f'(z) d + O(h^2)`, h far below rounding.

Rules run on complex numbers as they stand. One that loses imaginary parts, by a cast, an absolute value or a real
buffer, would give wrong derivatives without a word; `analytic` finds it, in layers that are not the library's own.

Source: Squire & Trapp, Using Complex Variables to Estimate Derivatives of Real Functions (1998).
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from funcnn.calculus import force
from funcnn.errors import NotAnalyticError, ParamsError
from funcnn.keys import Key
from funcnn.nested import arrays, mapped
from funcnn.networks.definitions import Definition
from funcnn.networks.rebuilding import observed
from funcnn.promises import is_checked

# The square of a step is nothing beside one, and what it multiplies stays far from the smallest numbers of the dtype.
_STEPS: Final = {"F": 2.0**-40, "D": 2.0**-66}
_FINITE: Final = 1e-5  # the step of the differences that exact derivatives are compared with


def unit(*directions: Any) -> float:
    """The power of two that directions are times numbers of order one, which are what is stepped along.

    So the squares of steps are nothing along directions of any length, a derivative along 2^20 d is 2^20 times that
    along d to the last bit, and along a direction of denormal numbers it is not lost.
    """
    tops = [top for d in directions if d is not None for a in arrays(d) if (top := _top(a))]
    return 2.0 ** (math.frexp(max(tops))[1] - 1) if tops else 1.0


def _top(a: Any) -> float:
    """The size of the largest finite entry; 0 where nothing moves."""
    if a.dtype.kind != "f" or not a.size:
        return 0.0
    top = max(float(a.max()), -float(a.min()))
    return top if math.isfinite(top) else float(np.abs(a, where=np.isfinite(a), out=np.zeros_like(a)).max())


def moved(z: Any, d: Any, unit: float) -> Any:
    """`z + i h d / unit`. What is no floating-point number, tokens and masks, stays where it is; so does all, if d is
    None.
    """
    return z if d is None else mapped(lambda a, b: _moved(a, b, unit), z, d)


def _moved(z: npt.NDArray[Any], d: npt.NDArray[Any], unit: float) -> Any:
    if z.dtype.kind != "f":
        return z
    moved: Any = z.astype("F" if z.dtype.char == "f" else "D")
    np.multiply(d if unit == 1 else d / unit, _STEPS[moved.dtype.char], moved.imag)
    return moved


def derivative(z: Any, like: Any, unit: float) -> Any:
    """What the step has done to z: real arrays in the dtypes of `like`."""
    return mapped(lambda a, b: _derivative(a, b, unit), z, like)


def _derivative(z: Any, like: Any, unit: float) -> Any:
    if z.dtype.kind != "c":  # it does not depend on what moved
        return np.zeros(z.shape, like.dtype if like.dtype.kind == "f" else np.float32)
    moved: Any = z.imag / _STEPS[z.dtype.char]
    if unit != 1:
        moved *= unit
    if moved.dtype != like.dtype and like.dtype.kind == "f":
        moved = moved.astype(like.dtype)
    return moved if moved.flags.c_contiguous else np.ascontiguousarray(moved)


def derivative_of_gradients(grads: Any, params: Any, unit: float) -> Any:
    """What the step has done to gradients, in the order of the params."""
    return mapped(lambda p, g: _derivative(g, p, unit), params, grads)


def ordered(grads: Any, params: Any) -> Any:
    """Gradients in the order of the params."""
    return mapped(lambda _, g: g, params, grads)


def like_cotangent(y: Any, c: Any) -> Any:
    """A cotangent in the dtype of a value that was stepped."""
    return mapped(lambda a, b: np.asarray(b, a.dtype) if a.dtype.kind == "c" else b, y, c)


def stepped(definition: Definition, params: Any, x: Any, dparams: Any, dx: Any, c: Any, key: Any) -> tuple[Any, Any]:
    """The derivative of the pullback of c, along dparams and dx: of the gradients, and of the input's cotangent."""
    by = unit(dparams, dx)
    y, back = definition.rule(moved(params, dparams, by), moved(x, dx, by), *key)
    grads, cotangent = back(like_cotangent(y, c))
    return derivative(ordered(grads, params), params, by), derivative(force(cotangent), x, by)


# who loses imaginary parts --------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=64)
def _looked_at(definition: Definition) -> tuple[bool, set[object]]:
    """Are there layers in it that are not the library's own? And the shapes for which they were looked at."""
    return _has_people(definition), set()


def _has_people(definition: Definition) -> bool:
    return is_checked(definition.rule) or any(map(_has_people, definition.children.values()))


def analytic(definition: Definition, params: Any, x: Any, key: Any) -> None:
    """Hold every layer that is not the library's own to two identities, once for every shape of input.

    `<c, J v>` by a complex step is `<J^T c, v>` by the pullback; and steps of the pullback are its differences. Both
    are wrong where imaginary parts are lost.

    Errors
        NotAnalyticError   they do not hold, or the rule refuses complex numbers
    """
    people, seen = _looked_at(definition)
    if not people:
        return
    shapes = str(mapped(lambda a: (a.shape, a.dtype.char), x))
    if shapes in seen or any(a.dtype.kind == "c" for a in arrays((x, params))):
        return
    calls: dict[tuple[str, ...], tuple[Definition, Any, Any]] = {}

    def see(path: tuple[str, ...], layer: Definition, own: Any, got: Any, y: Any) -> None:
        if is_checked(layer.rule):
            calls.setdefault(path, (layer, own, got))

    observed(definition, see, where="derivatives").value(params, x, *key)
    for path, (layer, own, got) in calls.items():
        wanted = () if not layer.random else (None if not key or key[0] is None else Key(0),)
        if fault := _fault(layer, own, got, wanted):
            raise NotAnalyticError(
                f"{fault}, so derivatives through it would be wrong; write its rule without abs, var, norm, .real, "
                f"comparisons of complex numbers, casts to float and real buffers",
                path=path,
            )
    seen.add(shapes)


def _fault(layer: Definition, params: Any, x: Any, key: Any) -> str:
    """What is lost, in float64, along directions that are always the same; nothing if nothing is."""
    if not all(a.dtype.kind == "f" for a in arrays(x)):
        return ""
    numbers = np.random.default_rng(0)

    def wide(tree: Any) -> Any:
        return mapped(lambda a: a.astype(np.float64), tree)

    def drawn(tree: Any) -> Any:
        return mapped(lambda a: cast(Any, numbers.normal(size=a.shape)), tree)

    params, x = wide(params), wide(x)
    v = drawn(x)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            y, back = layer.rule(params, x, *key)
            c = drawn(y)
            along = derivative(layer.value(params, moved(x, v, 1.0), *key), y, 1.0)
            exact, cotangent = stepped(layer, params, x, None, v, c, key)
            ahead = layer.rule(params, mapped(lambda a, b: a + _FINITE * b, x, v), *key)[1](c)
            behind = layer.rule(params, mapped(lambda a, b: a - _FINITE * b, x, v), *key)[1](c)
    except ParamsError:
        raise
    except (TypeError, np.exceptions.ComplexWarning) as error:
        return f"the rule cannot compute with complex numbers ({error})"
    given, taken = _dot(c, along), _dot(force(back(c)[1]), v)
    if abs(given - taken) > 1e-6 * (abs(given) + abs(taken)) + 1e-12:
        return "the rule loses the imaginary part of its input"
    of_input = cotangent, force(ahead[1]), force(behind[1])
    of_params = exact, ordered(ahead[0], params), ordered(behind[0], params)
    for by_step, up, down in (of_input, of_params):
        a, b = _vector(by_step), (_vector(up) - _vector(down)) / (2 * _FINITE)
        if a.size and abs(a - b).max() > 1e-4 * (abs(a).max() + abs(b).max()) + 1e-7:
            return "the pullback loses the imaginary part of its input"
    return ""


def _vector(tree: Any) -> npt.NDArray[np.float64]:
    found = [np.ravel(a) for a in arrays(tree)]
    return np.concatenate(found) if found else np.zeros(0)


def _dot(a: Any, b: Any) -> float:
    return float(_vector(a) @ _vector(b))
