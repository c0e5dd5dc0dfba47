"""What a case is, the numbers it is tried on, and what our layer makes of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias, Union
from zlib import crc32

import numpy as np
import numpy.typing as npt

import funcnn
from funcnn import Array, Key, Layer, Params, stax, vjp
from tests.catalogue import NAMESPACE

Nested: TypeAlias = "Union[npt.NDArray[Any], tuple[Nested, ...]]"
Found: TypeAlias = dict[str, Array]
"""Arrays by what they are: `y` (or `y.0`, `y.1`), `dx` (or `dx.0`, ...), `d w`, `d encoder/w`, ..."""

HERE: Final = Path(__file__).parent


class Case(NamedTuple):
    """A layer and its counterpart.

    source    the layer, as source among the public names
    x         the input: floats are numbers of any dtype, integers are tokens, booleans are masks
    peer      `(library, params by path, x) -> y` with the peer's own arrays; transposes where conventions differ
    library   whose function it is
    note      the known difference of convention, in a sentence; empty where there is none
    training  a training pass: the layer gets a key
    params    `(path, numbers) -> numbers`, where not every number will do: a variance is positive
    rtol      how far float64 may be away, of the largest entry
    zero      gradients that are 0 but for rounding, `d bk`: compared as zeros, once they are known to be small
    """

    source: str
    x: Nested
    peer: Callable[[Any, Mapping[str, Any], Any], Any]
    library: Literal["torch", "jax"] = "torch"
    note: str = ""
    training: bool = False
    params: Callable[[str, Array], Array] = lambda path, numbers: numbers
    rtol: float = 1e-13
    zero: tuple[str, ...] = ()


def numbers(*shape: int, seed: int = 0) -> Array:
    """Numbers between -1 and 1, the same everywhere and for ever, that float32 holds exactly."""
    n = int(np.prod(shape))
    z = (np.arange(n, dtype=np.uint64) + (np.uint64(seed % 2**31) << np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    top = (z ^ (z >> np.uint64(31))) >> np.uint64(44)
    found: Array = ((top.astype(np.float64) + 0.5) / 2**19 - 1).reshape(shape)
    return found


def families() -> Iterator[str]:
    """The names of the families: of every module `cases_<name>` beside this one."""
    for module in pkgutil.iter_modules([str(HERE)]):
        if module.name.startswith("cases_"):
            yield module.name.removeprefix("cases_")


def cases(family: str) -> tuple[Case, ...]:
    """The cases of a family."""
    found: tuple[Case, ...] = importlib.import_module(f"tests.peers.cases_{family}").CASES
    return found


def flat(name: str, value: Nested) -> Iterator[tuple[str, Array]]:
    """The arrays of a tuple of arrays, by name."""
    if isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from flat(f"{name}.{i}", part)
    else:
        yield name, value


def layer_of(case: Case) -> Layer[Any, Any]:
    """Our layer."""
    made: Layer[Any, Any] = eval(case.source, NAMESPACE | {"stax": stax})
    return made


def params_of(case: Case, dtype: Any) -> Params:
    """The params: numbers by path, half as large as those of the input."""
    _, params = layer_of(case).init(Key(0), shape_of(case.x), dtype=np.float64)
    for path in params.paths():
        drawn = numbers(*params.at(path).shape, seed=crc32(path.encode())) / 2
        params = params.set(path, case.params(path, drawn))
    return funcnn.astype(params, dtype)


def shape_of(x: Nested) -> Any:
    """The shape of an input, as `init` takes it."""
    return tuple(shape_of(part) for part in x) if isinstance(x, tuple) else x.shape


def converted(x: Nested, dtype: Any) -> Any:
    """The floats of an input in this dtype; tokens and masks as they are."""
    if isinstance(x, tuple):
        return tuple(converted(part, dtype) for part in x)
    return x.astype(dtype) if x.dtype.kind == "f" else x


def cotangent(name: str, y: Array) -> Array:
    """What is pulled back from the array of this name."""
    return numbers(*y.shape, seed=crc32(name.encode())).astype(y.dtype)


def ours(case: Case, dtype: Any) -> Found:
    """Value and gradients of our layer."""
    options: dict[str, Any] = {"rng": Key(0)} if case.training else {}
    params = params_of(case, dtype)
    y, pullback = vjp(layer_of(case).apply, params, converted(case.x, dtype), **options)
    dparams, dx = pullback(_like(y, "y"))
    found = dict(flat("y", y)) | {f"d {path}": dparams.at(path) for path in dparams.paths()}
    of = dict(flat("dx", case.x))
    return settled(case, found | {name: d for name, d in flat("dx", dx) if of[name].dtype.kind == "f"})


def settled(case: Case, found: Found) -> Found:
    """What is 0 but for rounding as 0."""
    for name in case.zero:
        rounding = 64 * float(np.finfo(found[name].dtype).eps)
        assert np.abs(found[name]).max() <= rounding, f"{case.source}: {name} is not 0"
        found[name] = np.zeros_like(found[name])
    return found


def _like(y: Any, name: str) -> Any:
    if isinstance(y, tuple):
        return tuple(_like(part, f"{name}.{i}") for i, part in enumerate(y))
    return cotangent(name, y)


def distance(found: Array, wanted: Array) -> float:
    """The largest difference, of the largest entry."""
    assert found.shape == wanted.shape, f"shapes {found.shape} and {wanted.shape}"
    if not wanted.size:
        return 0.0
    return float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-30))
