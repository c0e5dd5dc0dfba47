"""The children of combinators: their names, and what goes to each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, final

from funcnn.calculus import Later
from funcnn.errors import brief, locate
from funcnn.keys import Key
from funcnn.networks.definitions import EMPTY, Definition, Spec
from funcnn.types import Shape, is_tuple


def named(definitions: Iterable[Definition], *, where: str) -> dict[str, Definition]:
    """The one place where children get names: their own, or their constructor's and a counter for each of these.

    Errors
        ValueError   two have the same name
    """
    seen: Counter[str] = Counter()
    children: dict[str, Definition] = {}
    for child in definitions:
        name = child.name
        if not child.explicit:
            seen[name] += 1
            name = f"{name}_{seen[name] - 1}"
        if name in children:
            raise ValueError(f"{where}: two children are named {name!r}; give one another name with .named")
        children[name] = child
    return children


def definition_of(value: Any, *, where: str, i: int = 0) -> Definition:
    """The definition of a layer, which is a pair.

    Errors
        TypeError   it is no layer, with what to do
    """
    found = getattr(value, "definition", None)
    if isinstance(found, Definition) and is_tuple(value):
        return found
    if issubclass(type(value), (list, tuple)):
        hint = "; give layers directly, one argument each"
    elif isinstance(found, Definition):
        hint = "; give the whole layer, init and apply together"
    elif not callable(value) or not hasattr(value, "__name__"):
        hint = ""
    elif "Layer" in str(getattr(value, "__annotations__", {}).get("return", "")):
        hint = f"; call it, {value.__name__}(...)"
    else:
        hint = "; make a function a layer with elementwise(f, df), or with Layer.lift"
    raise TypeError(f"{where} takes layers, argument {i} is {type(value).__name__} {brief(value)}{hint}")


@final
class Child:
    """A layer under its name in a combinator: sub-params, sub-key and the error path, for every combinator alike."""

    __slots__ = ("name", "definition", "random", "takes", "_value", "_rule")

    def __init__(self, name: str, definition: Definition) -> None:
        self.name, self.definition, self.random, self.takes = name, definition, definition.random, definition.takes
        self._value, self._rule = definition.value, definition.rule

    def out_shape(self, shape: Shape) -> Shape:
        try:
            return self.definition.out_shape(shape)
        except Exception as error:
            locate(error, self.name)
            raise

    def spec(self, shape: Shape) -> Spec:
        """The child's spec under its name; nothing if it has no params."""
        try:
            spec = self.definition.spec(shape)
        except Exception as error:
            locate(error, self.name)
            raise
        return {self.name: spec} if spec else EMPTY

    def value(self, params: Mapping[str, Any], x: Any, rng: Key | None) -> Any:
        try:
            if self.random:
                return self._value(params.get(self.name, EMPTY), x, None if rng is None else rng.fold(self.name))
            return self._value(params.get(self.name, EMPTY), x)
        except Exception as error:
            locate(error, self.name)
            raise

    def pull(self, params: Mapping[str, Any], x: Any, rng: Key | None) -> tuple[Any, Callable[[Any], Any]]:
        """The value and the pullback, which gives the child's gradients without its name."""
        try:
            sub = params.get(self.name, EMPTY)
            if self.random:
                y, back = self._rule(sub, x, None if rng is None else rng.fold(self.name))
            else:
                y, back = self._rule(sub, x)
        except Exception as error:
            locate(error, self.name)
            raise

        def pullback(dy: Any) -> tuple[Any, Any]:
            try:
                dparams, dx = back(dy)
            except Exception as error:
                locate(error, self.name)
                raise
            return dparams, located(dx, self.name) if dx.__class__ is Later else dx

        return y, pullback

    def grads(self, dparams: Any) -> dict[str, Any]:
        """The child's gradients under its name; nothing if it has none."""
        return {self.name: dparams} if dparams else {}


def located(later: Later[Any], name: str) -> Later[Any]:
    """A cotangent left for later, whose errors still tell in which child they arise."""
    return Later(partial(_now, later, name))


def _now(later: Later[Any], name: str) -> Any:
    try:
        return later.now()
    except Exception as error:
        locate(error, name)
        raise


def make_children(layers: tuple[Any, ...], *, where: str) -> list[Child]:
    """The named children of a combinator.

    Errors
        TypeError    one of them is no layer
        ValueError   two have the same name

    >>> [child.name for child in make_children((Dense(3), Relu, Dense(2)), where="serial")]
    ['dense_0', 'relu_0', 'dense_1']
    """
    found = [definition_of(child, where=where, i=i) for i, child in enumerate(layers)]
    return [Child(name, child) for name, child in named(found, where=where).items()]
