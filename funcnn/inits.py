"""Init: what draws the params of a layer, and carries its shape rule and its params spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, final

import numpy as np
import numpy.typing as npt

from funcnn.errors import DTypeError, FuncnnError, ShapeError, brief, locate
from funcnn.keys import Key, as_key
from funcnn.kinds import Kind
from funcnn.packing import pack
from funcnn.params import Params
from funcnn.records import Record
from funcnn.shapes import display, external, known, normalize
from funcnn.trees import floating
from funcnn.types import Rng, Shape, Spec, is_tuple

if TYPE_CHECKING:
    from funcnn.networks import Layer

Takes: TypeAlias = Callable[[Kind], Kind]


@final
class Init:
    """The `init` of a layer: draws params for inputs of a shape. It carries the shape rule and the params spec.

    Calling it returns `(out_shape, params)`. The key is folded with "init" once, and then with the path of each leaf: a
    leaf's initial value depends on the key and its path alone.

    Errors
        ShapeError   the layer does not take this shape, or a size that params need is not known
        TypeError    `rng` is no key, seed or generator
        DTypeError   `dtype` is not floating-point
    """

    __slots__ = ("out_shape", "spec", "record", "body", "name", "explicit", "takes", "multiply_adds")
    out_shape: Callable[[Shape], Shape]
    spec: Callable[[Shape], Spec]
    record: Record | None
    body: Layer[Any, Any] | None
    name: str
    explicit: bool
    takes: Takes
    multiply_adds: Callable[[Shape], int] | None

    def __init__(self, **fields: Any) -> None:
        for field in self.__slots__:
            object.__setattr__(self, field, fields[field])

    def __call__(
        self, rng: Rng | np.random.Generator, shape: Shape, *, dtype: npt.DTypeLike = np.float32
    ) -> tuple[Shape, Params]:
        key = (Key(rng) if isinstance(rng, np.random.Generator) else as_key(rng)).fold("init")
        wanted = floating(dtype)
        try:
            inside = normalize(shape)
            out, spec = self.out_shape(inside), self.spec(inside)
            return external(out), pack(Params(draw(spec, key, wanted, inside, ())))
        except FuncnnError as error:
            error.network = error.network or self.name
            raise

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"layers never change; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"layers never change; {name} cannot be deleted")

    def same_as(self, other: Init) -> bool:
        """Were both made by the same call, and have they one name? What a call made is known by its record alone."""
        if self.record is None or other.record is None:
            return self is other
        return (self.name, self.explicit) == (other.name, other.explicit) and self.record == other.record

    def __reduce__(self) -> tuple[Any, ...]:
        if self.record is None:
            raise TypeError(f"{self.name} cannot be pickled: make it in a constructor decorated with @layer")
        return _replayed, (self.record, self.name, self.explicit)

    def __copy__(self) -> Init:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Init:
        return self

    def __repr__(self) -> str:
        return f"<init of {self.name}>"


def draw(spec: Spec, key: Key, dtype: np.dtype[Any], shape: Shape, at: tuple[str, ...]) -> dict[str, Any]:
    """The params of a spec. `shape` is the network's input, for messages; `at` is the path they are drawn at.

    Errors
        ShapeError   the size of a leaf is not known, or its initializer returns another one
        DTypeError   an initializer returns complex numbers, objects, ...
    """
    tree: dict[str, Any] = {}
    for name, wanted in spec.items():
        below = key.fold(name)
        if isinstance(wanted, Mapping):
            if drawn := draw(wanted, below, dtype, shape, (*at, name)):
                tree[name] = drawn
            continue
        initializer, sizes = _leaf(name, wanted, at)
        if not known(*sizes):
            raise ShapeError(
                f"{name} has shape {display(sizes)} where the network gets {display(shape)}; "
                f"give the sizes it depends on, only others may be -1",
                path=at,
            )
        try:
            array = np.asarray(initializer(below, sizes, dtype))
        except Exception as error:
            locate(error, "/".join((*at, name)))
            raise
        if array.shape != sizes:
            raise ShapeError(f"the initializer of {name} returned shape {array.shape}, expected {sizes}", path=at)
        if array.dtype.kind not in "fiub":
            raise DTypeError(f"the initializer of {name} returned {array.dtype}, expected {dtype}", path=at)
        tree[name] = array.astype(dtype, copy=False)
    return tree


def _leaf(name: str, wanted: Any, at: tuple[str, ...]) -> tuple[Any, tuple[int, ...]]:
    """The initializer and the shape that a spec gives for a leaf."""
    if not is_tuple(wanted) or len(wanted) != 2 or not is_tuple(wanted[1]):
        shown = "/".join((*at, name))
        raise TypeError(f"the spec of {shown} must be (initializer, shape), with a tuple of sizes, got {brief(wanted)}")
    if not callable(wanted[0]):
        shown, got = "/".join((*at, name)), brief(wanted[0])
        raise TypeError(f"the initializer of {shown} must be a function, (key, shape, dtype) -> array, got {got}")
    return wanted


def _replayed(record: Record, name: str, explicit: bool) -> Init:
    from funcnn.networks import replayed

    return replayed(record, name, explicit).init
