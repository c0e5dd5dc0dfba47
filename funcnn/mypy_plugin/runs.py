"""Recipes come true: the network is built by the library's own constructors, and its own shape rule runs."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from funcnn.combinators import transposed
from funcnn.errors import ShapeError, UndecidedError
from funcnn.keys import Key
from funcnn.mypy_plugin.recipes import (
    Argument, Call, Choice, Items, Missing, Node, Pairs, Place, Ref, Turned, Value, exact, vague,
)  # fmt: skip
from funcnn.mypy_plugin.trust import Loader
from funcnn.mypy_plugin.unknowns import OPAQUE, Decisions, Hole, Number, explore, give_up, some_function
from funcnn.networks import Go, Layer, is_layer
from funcnn.networks.definitions import Spec
from funcnn.networks.pair import altered
from funcnn.networks.sampling import draw
from funcnn.shapes import Unknown, external, normalize
from funcnn.types import Array, Shape


class Refused(Exception):
    """A constructor refused its arguments, every one of which is known."""


class Impossible(Exception):
    """A constructor refused what was decided about its unknown arguments: it is not like that."""


class Verdict(NamedTuple):
    """The shape of the output, or the error with the layer it is about; nothing at all where it cannot be known."""

    shape: Shape | None = None
    error: str | None = None
    message: str = ""  # the error's own, without the place
    path: str = ""
    place: Place | None = None  # of the guilty layer, None for the network itself


class Builder:
    """Builds what a recipe says, on one way through the decisions, and remembers which layer an error came from."""

    def __init__(self, loader: Loader, decisions: Decisions) -> None:
        self.loader, self.decisions = loader, decisions
        self.error: ShapeError | None = None
        self.verdict = Verdict()
        self.wants_sizes: Shape | None = None  # the network's input, while params are looked at for unknown sizes

    def build(self, node: Node, *, ours: bool = False) -> Any:
        """The value of a recipe, with stand-ins for what is not known. `ours`: it goes to a constructor of funcnn."""
        match node:
            case Value(value):
                return value
            case Items(items):
                return tuple(self.build(item, ours=ours) for item in items)
            case Pairs(pairs):
                return {name: self.build(v, ours=ours) for name, v in pairs}
            case Turned(path):
                return transposed(path)
            case Choice(options):
                return self.build(next((o for o in options[:-1] if self.decisions.next()), options[-1]), ours=ours)
            case Missing(kind):
                return self._missing(kind, ours)
            case Ref(module, name):
                found = self.loader.get(module, name)
                return found if is_layer(found) else OPAQUE
            case Call():
                return self._call(node, outermost=False)

    def network(self, node: Node) -> Layer[Any, Any]:
        """The layer of a recipe.

        Errors
            Refused   the constructor raised an error on arguments that are all known
        """
        return self._call(node, outermost=True) if isinstance(node, Call) else self.build(node)

    def _missing(self, kind: str, ours: bool) -> Any:
        match kind:
            case "int":
                return Number(self.decisions, Unknown)
            case "float":
                return Number(self.decisions, float, harmless=ours)
            case "bool":
                return self.decisions.next()
            case "function":
                return some_function
            case "layer":
                return OPAQUE
            case "value":
                return Hole()
            case _:
                give_up()

    def _call(self, call: Call, *, outermost: bool) -> Layer[Any, Any]:
        if any(vague(a.node) for a in (*call.args, *call.kwargs.values())):
            return OPAQUE
        args = [self._watched(a, call) for a in call.args]
        kwargs = {name: self._watched(a, call) for name, a in call.kwargs.items()}
        before = len(self.decisions.taken)
        try:
            made = self._made(call, args, kwargs)
        except UndecidedError:
            return OPAQUE
        except (ValueError, TypeError) as error:
            whole = exact(call) and not any(a is OPAQUE for a in (*args, *kwargs.values()))
            if outermost and whole and isinstance(error, ValueError):  # types are mypy's own business
                raise Refused(str(error)) from None
            if len(self.decisions.taken) > before:
                raise Impossible from None
            return OPAQUE
        except Exception:
            return OPAQUE
        return made if is_layer(made) else OPAQUE

    def _made(self, call: Call, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if call.module:
            make = self.loader.get(call.module, call.name)
            return None if make is None else make(*args, **kwargs)
        left, right = args
        if left is OPAQUE and call.name == "named":
            return OPAQUE
        return left.named(right) if call.name == "named" else left >> right

    def _watched(self, argument: Argument, call: Call) -> Any:
        """A layer that says so when an error comes out of it; the innermost says it first."""
        made = self.build(argument.node, ours=call.module.startswith("funcnn."))
        if not is_layer(made) or made is OPAQUE:
            return made

        def meets(shape: Shape, go: Go) -> Shape:
            with blamed():
                return found.meets(shape, go)

        def own(shape: Shape) -> Spec:
            with blamed():
                return found.own(shape)

        def params(spec: Spec) -> Spec:
            with blamed():
                wanted = found.params(spec) if found.params else spec
                if self.wants_sizes is not None:
                    drawn(wanted, self.wants_sizes)
                return wanted

        @contextmanager
        def blamed() -> Generator[None, None, None]:
            try:
                yield
            except ShapeError as error:
                self.blame(error, call.path, argument.place)
                raise

        found = made.definition
        return altered(made, meets=meets, own=own, params=params)

    def blame(self, error: ShapeError, path: str, place: Place | None) -> None:
        """Note where an error came from, unless a layer further in did."""
        if error is not self.error:
            self.error, self.verdict = error, Verdict(None, str(error), error.message, path, place)


def drawn(spec: Spec, shape: Shape) -> None:
    """Raise what drawing params of this spec would raise, without the work."""
    draw(_cheap(spec), Key(0), np.dtype(np.float32), shape, ())


def _cheap(spec: Spec) -> Spec:
    return {name: _cheap(s) if isinstance(s, Mapping) else (_nothing, s[1]) for name, s in spec.items()}


def _nothing(key: Key, sizes: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.broadcast_to(np.zeros((), dtype), sizes)


class Runner:
    """Runs the rules of networks, once for every recipe and shape."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self._known: dict[tuple[Node | str, ...], Verdict] = {}
        self._generation = 0

    def refusal(self, node: Node) -> str | None:
        """What the outermost constructor says against its arguments, if all are known."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Builder(self.loader, Decisions()).network(node)
        except Refused as refused:
            return str(refused)
        except Exception:
            return None
        return None

    def verdict(self, network: Node, shape: Node, *, params: bool) -> Verdict:
        """What `out_shape(shape)` gives, or `init(rng, shape)`: only what holds whatever is not known."""
        generation, key = self.loader.refresh(), (repr(network), repr(shape), repr(params))
        if generation != self._generation:
            self._known.clear()
            self._generation = generation
        if key not in self._known:
            self._known[key] = self._verdict(network, shape, params)
        return self._known[key]

    def _verdict(self, network: Node, shape: Node, params: bool) -> Verdict:
        sure = exact(network) and exact(shape)

        def way(decisions: Decisions) -> Verdict | None:
            builder = Builder(self.loader, decisions)
            try:
                return _run(builder, builder.network(network), builder.build(shape), params, sure)
            except Impossible:
                return None
            except Exception:  # undecided, or a rule cannot take what is known: silence
                return Verdict()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ways = explore(way) or []
        verdicts = [v for v in ways if v is not None]
        if verdicts and (all(v.error is not None for v in verdicts) or all(v == verdicts[0] for v in verdicts)):
            return verdicts[0]
        return Verdict()


def _run(builder: Builder, net: Layer[Any, Any], shape: object, params: bool, sure: bool) -> Verdict:
    """As `Init.__call__` and `Layer.out_shape` do it, but for the drawing."""
    try:
        inside = normalize(shape)
        if params:
            out, wanted = net.definition.planned(inside)
            if sure:
                _sizes(builder, net, wanted, inside)
        else:
            out = net.init.out_shape(inside)
    except ShapeError as error:
        builder.blame(error, "", None)
        return builder.verdict
    return Verdict(external(out))


def _sizes(builder: Builder, net: Layer[Any, Any], wanted: Spec, shape: Shape) -> None:
    """The sizes of params are known, or it is an error; run again, it shows in which layer."""
    try:
        drawn(wanted, shape)
    except ShapeError as error:
        builder.wants_sizes = shape
        try:
            net.init.spec(shape)
        except ShapeError:
            found = builder.verdict
            builder.error, builder.verdict = error, found._replace(error=found.message, message=error.message)
        raise error from None
