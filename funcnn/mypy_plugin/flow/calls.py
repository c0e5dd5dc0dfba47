"""Calls: constructors become recipes, functions of the program are followed, the rest is unknown."""

from __future__ import annotations

import ast
from typing import Any, Final

from funcnn.mypy_plugin.flow import arrays
from funcnn.mypy_plugin.flow.builtin import BUILTINS
from funcnn.mypy_plugin.flow.data import Back, Data, Made, Step, Steps, Trained, array_of, leaf
from funcnn.mypy_plugin.flow.comprehensions import joined_items
from funcnn.mypy_plugin.flow.following import Following
from funcnn.mypy_plugin.flow.frames import NEVER, Frame
from funcnn.mypy_plugin.flow.modules import FUNCTIONS
from funcnn.mypy_plugin.flow.objectives import bound, unknown_options
from funcnn.mypy_plugin.flow.values import (
    LAYER,
    NONE,
    Class,
    Function,
    Given,
    Method,
    Name,
    Partial,
    Row,
    Table,
    Thing,
    combined,
    is_network,
    listed,
    mapped,
    place_in,
    spoil,
    tabled,
)
from funcnn.mypy_plugin.flow.words import of_words
from funcnn.mypy_plugin.recipes import ANY, Call, Place, Ref, Value

ENDS: Final = {"sys.exit", "builtins.exit", "builtins.quit", "os._exit", "os.abort", "pytest.skip", "pytest.fail"}
HARMLESS: Final = (
    "numpy.", "math.", "logging.", "pathlib.", "os.", "time.", "typing.", "itertools.", "operator.", "json.", "pprint.",
    "statistics.", "collections.", "re.", "argparse.", "warnings.", "datetime.", "sys.",
)  # fmt: skip  # modules whose functions change none of our containers


class Calls(Following):
    """Reads calls."""

    def call(self, e: ast.Call, frame: Frame) -> Any:
        """What a call gives."""
        f = self.value(e.func, frame)
        args, kwargs = self._arguments(e, frame)
        here = place_in(e)

        self.unpacks = any(isinstance(a, ast.Starred) for a in e.args)
        self.first_of_call = (e.args[0], frame) if e.args else None

        def of(found: Any, given: Any) -> Any:
            if not listed(given) or kwargs is None:
                return self._unclear(found, given, kwargs)
            return self.called(found, given, kwargs, here, frame)

        return self.each(lambda found: self.each(lambda given: of(found, given), args), f)

    def _arguments(self, e: ast.Call, frame: Frame) -> tuple[Any, dict[str, Given] | None]:
        args: Any = ()
        for a in e.args:
            if isinstance(a, ast.Starred):
                places = [place_in(x) for x in a.value.elts] if isinstance(a.value, (ast.Tuple, ast.List)) else []
                whole, items = place_in(a), self.items(self.value(a.value, frame))
                more = mapped(lambda t: self._placed(t, places, whole, frame) if listed(t) else ANY, items)
            else:
                found = self.value(a, frame)
                inside = isinstance(a, ast.Call) and not a.args and not a.keywords and isinstance(found, Call)
                own = inside and found.path == frame.file.path  # of a call without arguments, nothing but the inside
                more = (Given(found, found.place if own else place_in(a)),)
            args = combined(joined_items, args, more)
        kwargs: dict[str, Given] | None = {}
        for k in e.keywords:
            found = self.value(k.value, frame)
            if kwargs is not None and k.arg is not None:
                kwargs[k.arg] = Given(found, place_in(k.value))
            elif kwargs is not None and isinstance(found, Table) and tabled(found.items):
                kwargs |= {str(name): Given(v, place_in(k.value)) for name, v in found.items.items()}
            else:
                kwargs = None
        return args, kwargs

    def _placed(self, items: tuple[Any, ...], places: list[Place], whole: Place, frame: Frame) -> tuple[Given, ...]:
        """The items of `*layers`, each where it stands in a list that is written there, or where it was made."""
        if len(places) == len(items):
            return tuple(map(Given, items, places))

        def own(v: Any) -> Place:
            if isinstance(v, Call) and v.path == frame.file.path:
                return v.place
            return self.stood[id(v)][1] if id(v) in self.stood else whole

        return tuple(Given(v, own(v)) for v in items)

    def _unclear(self, f: Any, args: Any, kwargs: dict[str, Given] | None) -> Any:
        """A call whose arguments are not known one by one."""
        spoil(g.value for g in (*(args if listed(args) else ()), *(kwargs or {}).values()))
        if isinstance(f, Name):
            module, _, name = f.full.rpartition(".")
            return LAYER if self.loader.trust.covers(f.full) and self.loader.get(module, name) is not None else ANY
        if isinstance(f, Method) and isinstance(f.of, (Row, Table)):
            spoil([f.of])
        return ANY

    def called(self, f: Any, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What a call of this gives."""
        self.step()
        match f:
            case Name(full):
                return self._named_call(full, args, kwargs, here, frame)
            case Function():
                return self.follow(f, args, kwargs, here, frame)
            case Class():
                return self.instance_of(f, args, kwargs, here, frame)
            case Partial(make, first, named):
                return self.called(make, (*first, *args), {**named, **kwargs}, here, frame)
            case Step() | Made() | Back() | Steps():
                return self.objective(f, args, kwargs, here, frame)
            case Method(of, "static"):
                return self.called(of, args, kwargs, here, frame)
            case Method():
                return self._method(f, args, kwargs, here, frame)
            case Thing(spoiled=False) if isinstance(own := self.attribute(f, "__call__"), Function):
                return self.follow(own, args, kwargs, here, frame)
            case _:
                spoil(g.value for g in (*args, *kwargs.values()))
                return ANY

    def _named_call(
        self, full: str, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame
    ) -> Any:
        module, _, name = full.rpartition(".")
        values = [g.value for g in args]
        if full in ENDS:
            return NEVER
        if full == "typing.cast" and len(values) == 2:
            return values[1]
        if full == "typing.NewType" and len(values) == 2:
            return Name("typing.cast.of")
        if full == "typing.cast.of" and len(values) == 1:
            return values[0]
        if full == "functools.partial" and args:
            return Partial(values[0], args[1:], kwargs)
        if full in ("dataclasses.replace", "copy.replace") and len(values) == 1 and isinstance(values[0], Thing):
            changed = {**values[0].fields, **{k: g.value for k, g in kwargs.items()}}
            return Thing(values[0].kind, changed, values[0].spoiled)
        if full in FUNCTIONS and (found := FUNCTIONS[full](self, args, kwargs, here, frame)) is not None:
            return found
        if module == "builtins":
            return self._builtin(name, values, args, kwargs, here, frame)
        if self.loader.trust.covers(full):
            return self.library(module, name, args, kwargs, here, frame)
        if full == "numpy.random.default_rng":
            return Name("numpy.random.Generator")
        if full.startswith("numpy.") and (made := array_of(full, args, kwargs, here)) is not None:
            return made
        if full.startswith("numpy.") and (made := arrays.function(full, args, kwargs, here)) is not None:
            return made
        if full.startswith(HARMLESS):
            return ANY
        spoil(g.value for g in (*args, *kwargs.values()))
        return ANY

    def _builtin(
        self, name: str, values: list[Any], args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame
    ) -> Any:
        if name == "super":
            return self.parent_of(values, frame)
        if name in ("exec", "eval", "globals", "locals", "vars", "__import__", "compile"):
            return self._anything()
        if name == "setattr" and len(values) == 3:
            if isinstance(values[0], Thing) and isinstance(values[1], Value):
                values[0].fields[str(values[1].value)] = values[2]
            else:
                spoil(values[:1])
            return NONE
        if name == "getattr" and len(values) in (2, 3) and isinstance(values[1], Value):
            return self.attribute(values[0], str(values[1].value)) if len(values) == 2 else ANY
        if name == "map" and len(values) == 2 and listed(items := self.items(values[1])):
            return Row(tuple(self.called(values[0], (Given(v, args[1].place),), {}, here, frame) for v in items), True)
        found = BUILTINS.get(name)
        if found is None or (kwargs and name not in ("dict", "print", "sorted", "max", "min", "enumerate", "zip")):
            spoil(values)
            return ANY
        if name == "dict" and not values:
            return Table({k: g.value for k, g in kwargs.items()})
        return ANY if kwargs and name not in ("print", "zip") else found(self, values)

    def _anything(self) -> Any:
        """Any name of the program may be bound to anything now."""
        for frame in self.stack:
            for name, value in list(frame.env.items()):
                if not isinstance(value, (Function, Class, Name, Ref)):
                    frame.bind(name, ANY)
        return ANY

    def _method(self, m: Method, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        values = [g.value for g in args]
        match m.of, m.name:
            case _, "init" if is_network(m.of):
                given = args[1] if len(args) > 1 else kwargs.get("shape")
                shape = self.note(m.of, given, here, frame, params=True)
                return Row((shape, self.trained(m.of, given, here)))
            case _, "apply" if is_network(m.of) and len(args) == 2 and not self.quiet:
                return self.ran(m.of, values[0], values[1], here, frame)
            case Made(loss), "bind" if not args:
                self.complain(unknown_options(loss, kwargs, here), here, frame)
                return bound(loss, {k: g.value for k, g in kwargs.items()})
            case Trained() as params, name if len(args) == 1 + (name == "set"):
                found, problem = leaf(self.runner, params, values, here)
                self.complain(problem, here, frame)
                return params if name == "set" else found
            case _, "step" if len(values) == 3 and isinstance(values[2], Trained):  # of an optimizer
                return Row((values[2], ANY))
            case Value(str() as text), name:
                return of_words(text, name, values)
            case Data() as data, name:
                return arrays.method(data, name, args, kwargs, data.place if name == "astype" else here)
            case _, "out_shape" if is_network(m.of):
                return self.note(m.of, args[0] if args else kwargs.get("shape"), here, frame)
            case _, "named" if is_network(m.of) and len(args) == 1:
                parts = (self.argument(m.of, here, frame), self.argument(values[0], args[0].place, frame))
                return self.made(Call("", "named", parts, {}, frame.file.path, here), frame)
            case Row() as row, name if row.mutable:
                return self.of_list(row, name, values, args[0].place if args else here)
            case Table() as table, name:
                return self.of_table(table, name, values, kwargs)
            case _:
                spoil([m.of, *values, *(g.value for g in kwargs.values())])
                return ANY
