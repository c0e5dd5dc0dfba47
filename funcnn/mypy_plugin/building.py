"""Recipes come true: the network is built by the library's own constructors, with stand-ins for what is not known."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from funcnn.combinators import freeze, transposed
from funcnn.errors import ShapeError, UndecidedError
from funcnn.keys import Key
from funcnn.mypy_plugin.recipes import (
    ANY, Argument, Call, Choice, Fork, Items, Missing, Node, Pairs, Place, Ref, Turned, Value, vague,
)  # fmt: skip
from funcnn.mypy_plugin.trust import Loader
from funcnn.mypy_plugin.unknowns import OPAQUE, Decisions, Hole, Number, give_up, some_function
from funcnn.networks import Go, Layer, is_layer
from funcnn.networks.constructors import snake_case
from funcnn.networks.definitions import Spec
from funcnn.networks.pair import altered
from funcnn.networks.sampling import draw
from funcnn.shapes import Unknown
from funcnn.types import Array, Shape


class Refused(Exception):
    """A constructor refused its arguments, every one of which is known."""


class Impossible(Exception):
    """A constructor refused what was decided about its unknown arguments: it is not like that."""


class Refusal(NamedTuple):
    """What a constructor says against its arguments."""

    text: str


FREEZE = freeze.__module__, freeze.__name__
LARGEST = 20_000  # layers of a network that is built: its rules would take seconds
KEPT = 20_000  # networks that are kept for when they are met again
Built = dict[bytes, "Layer[Any, Any] | Refusal"]


class Verdict(NamedTuple):
    """The shape of the output, or the error with the layer it is about; nothing at all where it cannot be known."""

    shape: Shape | None = None
    error: str | None = None
    message: str = ""  # the error's own, without the place
    path: str = ""
    place: Place | None = None  # of the guilty layer, None for the network itself
    met: Shape | None = None  # the shape that the guilty layer met
    around: tuple[tuple[str, Place], ...] = ()  # the files and places of the layers that it is in, from inside


class Builder:
    """Builds what a recipe says, on one way through the decisions.

    Networks of which everything is known are built once, and kept by their form in `built`. Without that, each is built
    anew and watched: then it shows which layer an error comes from.
    """

    def __init__(self, loader: Loader, decisions: Decisions, built: Built | None = None) -> None:
        self.loader, self.decisions, self.built = loader, decisions, built
        self.error: ShapeError | None = None
        self.verdict = Verdict()
        self.inside = False  # of a composite, which is to blame as a whole
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
            case Fork(condition, then, otherwise):
                return self.build(then if self.decisions.fork(condition) else otherwise, ours=ours)
            case Missing():
                return self._missing(node, ours)
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

    def _missing(self, node: Missing, ours: bool) -> Any:
        match node.kind:
            case "int":
                return Number(self.decisions, Unknown, size=node.size)
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
        if call.layers > LARGEST:
            return OPAQUE
        if self.built is None or not call.exact:
            made = self._new(call)
        else:
            kept = self.built.get(call.form)
            if kept is None:
                if len(self.built) >= KEPT:
                    self.built.clear()
                kept = self.built[call.form] = self._new(call)
            made = kept
        if isinstance(made, Refusal):
            if outermost:
                raise Refused(made.text)
            return OPAQUE
        return made

    def _new(self, call: Call) -> Layer[Any, Any] | Refusal:
        call = self._typed(call)
        known = len(call.args) > 1 and isinstance(call.args[1].node, Pairs)
        if (call.module, call.name) == FREEZE and call.args and not known:  # its shapes are those of the network
            frozen = self._watched(call.args[0], call)
            return frozen if is_layer(frozen) else OPAQUE
        if any(map(vague, call.nodes)):
            return OPAQUE
        before_inside, self.inside = self.inside, self.inside or (not call.module and call.name == "composite")
        args = [self._watched(a, call) for a in call.args]
        self.inside = before_inside
        kwargs = {name: self._watched(a, call) for name, a in call.kwargs.items()}
        before = len(self.decisions.taken)
        try:
            made = self._made(call, args, kwargs)
        except UndecidedError:
            return OPAQUE
        except (ValueError, TypeError) as error:
            whole = call.exact and not any(a is OPAQUE for a in (*args, *kwargs.values()))
            if whole and isinstance(error, ValueError):  # types are mypy's own business
                return Refusal(str(error))
            if len(self.decisions.taken) > before:
                raise Impossible from None
            return OPAQUE
        except Exception:
            return OPAQUE
        return made if is_layer(made) else OPAQUE

    def _typed(self, call: Call) -> Call:
        """Where the constructor takes a number, what may be anything is an unknown number."""
        every = (*call.args, *call.kwargs.values())
        if not any(a.node == ANY for a in every) or not call.module.startswith("funcnn"):
            return call
        kinds, names = declared(self.loader.get(call.module, call.name))

        def typed(a: Argument, kind: Node) -> Argument:
            if not isinstance(a.node, Missing) or a.node != ANY:
                return a
            return a._replace(node=Missing(kind.kind, a.node.size) if isinstance(kind, Missing) else kind)

        args = [typed(a, kinds[i] if i < len(kinds) else ANY) for i, a in enumerate(call.args)]
        kwargs = {k: typed(a, names.get(k, ANY)) for k, a in call.kwargs.items()}
        return call._replace(args=tuple(args), kwargs=kwargs)

    def _made(self, call: Call, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if call.module:
            make = self.loader.get(call.module, call.name)
            return None if make is None else make(*args, **kwargs)
        if call.name == ">>":
            return functools.reduce(_then, args)
        left, right = args
        if left is OPAQUE:
            return OPAQUE
        return left.named(right) if call.name == "named" else left.renamed(snake_case(right), False)

    def _watched(self, argument: Argument, call: Call) -> Any:
        """A layer that says so when an error comes out of it; the innermost says it first."""
        made = self.build(argument.node, ours=f"{call.module}.".startswith("funcnn."))
        if self.built is not None or not is_layer(made) or made is OPAQUE or self.inside:
            return made

        def meets(shape: Shape, go: Go) -> Shape:
            with blamed(shape):
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
        def blamed(shape: Shape | None = None) -> Generator[None, None, None]:
            try:
                yield
            except ShapeError as error:
                self.blame(error, argument.path or call.path, argument.place, shape)
                raise

        found = made.definition
        return altered(made, meets=meets, own=own, params=params)

    def blame(self, error: ShapeError, path: str, place: Place | None, met: Shape | None) -> None:
        """Note where an error came from, unless a layer further in did."""
        if error is self.error and place is not None:
            self.verdict = self.verdict._replace(around=(*self.verdict.around, (path, place)))
        elif error is not self.error:
            self.error, self.verdict = error, Verdict(None, str(error), error.message, path, place, met)


def _then(f: Layer[Any, Any], g: Layer[Any, Any]) -> Layer[Any, Any]:
    return f >> g


@functools.lru_cache(512)
def declared(make: Any) -> tuple[tuple[Node, ...], Mapping[str, Node]]:
    """What a constructor says of its parameters, in order and by name, where they are numbers."""
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):
        return (), {}
    found: dict[str, Node] = {
        p.name: Missing(p.annotation) if p.annotation in ("int", "float", "bool") else ANY for p in parameters
    }
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(found[p.name] for p in parameters if p.kind in named), found


def drawn(spec: Spec, shape: Shape) -> None:
    """Raise what drawing params of this spec would raise, without the work."""
    draw(_cheap(spec), Key(0), np.dtype(np.float32), shape, ())


def _cheap(spec: Spec) -> Spec:
    return {name: _cheap(s) if isinstance(s, Mapping) else (_nothing, s[1]) for name, s in spec.items()}


def _nothing(key: Key, sizes: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.broadcast_to(np.zeros((), dtype), sizes)
