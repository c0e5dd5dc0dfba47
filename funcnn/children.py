"""Networks as trees of layers: children and their names, rebuilding, visiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast, final

from funcnn.calculus import Apply
from funcnn.errors import brief, locate
from funcnn.keys import Key
from funcnn.networks import EMPTY, Init, Layer, altered, is_layer
from funcnn.types import Shape, Spec

A = TypeVar("A")
B = TypeVar("B")


def name_children(layers: tuple[Layer[Any, Any], ...], *, where: str) -> dict[str, Layer[Any, Any]]:
    """The one place where children get names: their own, or their kind and a counter per kind.

    Errors
        TypeError    one of them is no layer
        ValueError   two have the same name
    """
    seen: Counter[str] = Counter()
    children: dict[str, Layer[Any, Any]] = {}
    for i, child in enumerate(layers):
        if not isinstance(child, Layer):
            got = f"{type(child).__name__} {brief(child)}{_hint(child)}"
            raise TypeError(f"{where} takes layers, argument {i} is {got}")
        name = child.init.name
        if not child.init.explicit:
            seen[name] += 1
            name = f"{name}_{seen[name] - 1}"
        if name in children:
            raise ValueError(f"{where}: two children are named {name!r}; give one another name with .named")
        children[name] = child
    return children


def _hint(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "; give layers directly, one argument each"
    if isinstance(value, (Init, Apply)):
        return "; give the whole layer, init and apply together"
    if not callable(value) or not hasattr(value, "__name__"):
        return ""
    if "Layer" in str(getattr(value, "__annotations__", {}).get("return", "")):
        return f"; call it, {value.__name__}(...)"
    return "; make a function a layer with elementwise(f, df), or with Layer.lift"


def children_of(net: Layer[Any, Any]) -> dict[str, Layer[Any, Any]]:
    """The children of a network by name: the layers it was made of, or those of the body its constructor returned."""
    init = net.init
    if init.body is not None:
        return children_of(init.body)
    if init.record is None:
        return {}
    layers = tuple(a for a in (*init.record.args, *init.record.kwargs.values()) if is_layer(a))
    return name_children(layers, where=init.record.name) if layers else {}


def rebuild(
    net: Layer[A, B], f: Callable[[str, Layer[Any, Any]], Layer[Any, Any]]
) -> Layer[A, B]:
    """The same network with every layer passed through `f(path, layer)`, children first.

    Names are kept, so that params still fit: what comes in place of a Relu is still called `relu_0`, which `repr` does
    not show.

    >>> def widen(path: str, layer: Layer[Array, Array]) -> Layer[Array, Array]:
    ...     return Dense(64) if layer == Dense(32) else layer
    >>> rebuild(serial(Dense(32), Relu, Dense(10)), widen)
    serial(Dense(64), Relu, Dense(10))
    """
    name_children((net,), where="rebuild")
    return cast("Layer[A, B]", _rebuilt(net, f, ()))


def _rebuilt(net: Layer[Any, Any], f: Callable[..., Layer[Any, Any]], path: tuple[str, ...]) -> Layer[Any, Any]:
    children = children_of(net)
    done = [_rebuilt(child, f, (*path, name)) for name, child in children.items()]
    changed = any(new is not old for new, old in zip(done, children.values(), strict=True))
    new = _remade(net, done) if changed else net
    made = f("/".join(path), new)
    if not isinstance(made, Layer):
        raise TypeError(f"rebuild: f must return a layer, for {'/'.join(path) or 'the network'} it gave {brief(made)}")
    return _named_like(made, net)


def _remade(net: Layer[Any, Any], children: list[Layer[Any, Any]]) -> Layer[Any, Any]:
    if net.init.body is not None:
        return _named_like(_remade(net.init.body, children), net)
    record, rest = net.init.record, iter(children)
    assert record is not None and record.make is not None
    args = [next(rest) if is_layer(a) else a for a in record.args]
    kwargs = {k: next(rest) if is_layer(a) else a for k, a in record.kwargs.items()}
    made: Layer[Any, Any] = record.make(*args, **kwargs)
    return _named_like(made, net)


def _named_like(new: Layer[Any, Any], old: Layer[Any, Any]) -> Layer[Any, Any]:
    if (new.init.name, new.init.explicit) == (old.init.name, old.init.explicit):
        return new
    return altered(new, name=old.init.name, explicit=old.init.explicit)


def visit(net: Layer[Any, Any], shape: Shape) -> Iterator[tuple[tuple[str, ...], Layer[Any, Any], Shape, Shape]]:
    """Every layer with its path, and the shapes it takes and gives when the network meets `shape`: children first."""
    met: list[tuple[tuple[str, ...], Layer[Any, Any], Shape, Shape]] = []

    def spy(path: str, child: Layer[Any, Any]) -> Layer[Any, Any]:
        def out_shape(s: Shape) -> Shape:
            out = child.init.out_shape(s)
            met.append((tuple(path.split("/")) if path else (), child, s, out))
            return out

        return altered(child, out_shape=out_shape)

    rebuild(net, spy).init.out_shape(shape)
    return iter(met)


@final
class Child:
    """A layer under its name in a combinator: sub-params, sub-key and the error path, for every combinator alike."""

    __slots__ = ("name", "layer", "random", "_value", "_rule")

    def __init__(self, name: str, layer: Layer[Any, Any]) -> None:
        self.name, self.layer, self.random = name, layer, layer.apply.random
        self._value, self._rule = layer.apply.value, layer.apply.rule

    def out_shape(self, shape: Shape) -> Shape:
        try:
            return self.layer.init.out_shape(shape)
        except Exception as error:
            locate(error, self.name)
            raise

    def spec(self, shape: Shape) -> Spec:
        """The child's spec under its name; nothing if it has no params."""
        try:
            spec = self.layer.init.spec(shape)
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
            if self.random:
                key = None if rng is None else rng.fold(self.name)
                return self._rule(params.get(self.name, EMPTY), x, key)  # type: ignore[no-any-return]
            return self._rule(params.get(self.name, EMPTY), x)  # type: ignore[no-any-return]
        except Exception as error:
            locate(error, self.name)
            raise


def make_children(layers: tuple[Layer[Any, Any], ...], *, where: str) -> list[Child]:
    """The named children of a combinator.

    Errors
        TypeError    one of them is no layer
        ValueError   two have the same name

    >>> [child.name for child in make_children((Dense(3), Relu, Dense(2)), where="serial")]
    ['dense_0', 'relu_0', 'dense_1']
    """
    return [Child(name, child) for name, child in name_children(layers, where=where).items()]
