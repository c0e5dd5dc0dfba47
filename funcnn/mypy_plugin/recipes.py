"""Recipes: what mypy can read about how a value is made, as data that travels inside mypy's types.

A recipe is a small tree. It is written down as JSON, because that fits into a literal type, and literal types are what
mypy's cache keeps.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any, NamedTuple, TypeAlias, Union

from funcnn.mypy_plugin.sizes import Sum


class Place(NamedTuple):
    """Where an expression stands in its file."""

    line: int
    column: int
    end_line: int
    end_column: int


class Value(NamedTuple):
    """A literal."""

    value: int | float | str | None


class Items(NamedTuple):
    """A tuple of known length."""

    items: tuple[Node, ...]


class Pairs(NamedTuple):
    """A dictionary of known names."""

    items: tuple[tuple[str, Node], ...]


class Turned(NamedTuple):
    """`transposed(path)`."""

    path: str


class Choice(NamedTuple):
    """One of these; which one, mypy does not know."""

    options: tuple[Node, ...]


class _Missing(NamedTuple):
    kind: str
    size: Sum | None = None


class Missing(_Missing):
    """Only the kind is known: "int", "float", "bool", "function", "layer", "value" (anything but None) or "any".

    Two of one kind are equal: which one it is, `size` tells where it is a size that has a name.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing) and self.kind == other.kind

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.kind)


class Ref(NamedTuple):
    """A ready-made value of a module: `Relu`."""

    module: str
    name: str


class Fork(NamedTuple):
    """One of two, as a condition of the program decides; the same condition decides alike everywhere."""

    condition: str
    then: Node
    otherwise: Node


class Argument(NamedTuple):
    """What an argument is, and where it stands: that is where a layer is to blame."""

    node: Node
    place: Place
    path: str = ""  # of another file than the call's


class _Call(NamedTuple):
    module: str
    name: str
    args: tuple[Argument, ...]
    kwargs: dict[str, Argument]
    path: str
    place: Place


class Call(_Call):
    """A call of a constructor; without a module, what layers can do: `>>` and `named`.

    What holds of all that is in it is found once: a network that doubles with every line is looked at line by line.
    """

    @property
    def nodes(self) -> list[Node]:
        """What its arguments are."""
        return [a.node for a in (*self.args, *self.kwargs.values())]

    @functools.cached_property
    def exact(self) -> bool:
        """Is everything known that it depends on?"""
        return all(map(exact, self.nodes))

    @functools.cached_property
    def layers(self) -> int:
        """How many layers there are in it, or in what it makes of them."""
        kwargs = ((name, a) for name, a in self.kwargs.items() if name in COUNTS)
        times = [a.node.value for _, a in kwargs if isinstance(a.node, Value)]
        times += [a.node.value for a in self.args if isinstance(a.node, Value)] if self.name in COUNTED else []
        most = max((n for n in times if isinstance(n, int)), default=1)
        return (1 + sum(map(_layers, self.nodes))) * max(1, most)

    @functools.cached_property
    def length(self) -> int:
        """About how long it is when it is written."""
        return 60 + len(self.module + self.name + self.path) + sum(map(_length, self.nodes))

    @functools.cached_property
    def form(self) -> bytes:
        """What it says without where it stands: calls of one form make equal networks."""
        named = ",".join(f"{name!r}={form(a.node)}" for name, a in self.kwargs.items())
        return _short(f"{self.module!r}.{self.name!r}({','.join(form(a.node) for a in self.args)};{named})")

    @functools.cached_property
    def whole(self) -> bytes:
        """What it says, and where it stands with all that is in it."""
        every = (*self.args, *self.kwargs.values())
        args = ",".join(f"{form(a.node, placed=True)} {a.path!r} {tuple(a.place)}" for a in every)
        return _short(f"{self.module!r}.{self.name!r}({args};{[*self.kwargs]}) {self.path!r} {tuple(self.place)}")


def _short(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


Node: TypeAlias = Union[Value, Items, Pairs, Turned, Choice, Missing, Ref, Call, Fork]

ANY = Missing("any")
LONGEST = 100_000  # characters; a recipe that doubles at every step would grow without end
LATELY = 1_000  # recipes that were written, and will be read again
COUNTED = ("FanOut", "repeat", "ensemble", "split")  # constructors that are told how many there shall be
COUNTS = ("n", "parts")
_READY: dict[str, Recipe] = {}


def vague(node: Node) -> bool:
    """May this be anything at all, None too?"""
    match node:
        case Items(parts) | Choice(parts):
            return any(map(vague, parts))
        case Pairs(pairs):
            return any(vague(v) for _, v in pairs)
        case Fork(_, then, otherwise):
            return vague(then) or vague(otherwise)
        case _:
            return node == ANY


class Recipe(NamedTuple):
    """A recipe with the expression it was made at, and the variable it was made for: it is believed of no other."""

    node: Node
    path: str
    place: Place
    owner: str | None


def exact(node: Node) -> bool:
    """Is everything known that the value depends on? Functions (initializers) do not matter to shapes."""
    match node:
        case Value() | Ref() | Turned():
            return True
        case Pairs(pairs):
            return all(exact(v) for _, v in pairs)
        case Items(items):
            return all(map(exact, items))
        case Call():
            return node.exact
        case Missing(kind):
            return kind == "function"
        case _:
            return False


def form(node: Node, *, placed: bool = False) -> str:
    """What a node says without where it stands, or with that."""
    match node:
        case Call():
            return (node.whole if placed else node.form).hex()
        case Value(value):
            return f"{type(value).__name__} {value!r}"
        case Items(parts) | Choice(parts):
            return f"{type(node).__name__}({','.join(form(part, placed=placed) for part in parts)})"
        case Pairs(pairs):
            return f"{{{','.join(f'{name!r}:{form(v, placed=placed)}' for name, v in pairs)}}}"
        case Fork(condition, then, otherwise):
            return f"Fork({condition!r},{form(then, placed=placed)},{form(otherwise, placed=placed)})"
        case _:
            return repr(node)


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case Items(parts) | Choice(parts):
            return parts
        case Pairs(pairs):
            return tuple(v for _, v in pairs)
        case Fork(_, then, otherwise):
            return then, otherwise
        case _:
            return ()


def _layers(node: Node) -> int:
    return node.layers if isinstance(node, Call) else sum(map(_layers, _parts(node)))


def _length(node: Node) -> int:
    if isinstance(node, Call):
        return node.length
    return 40 + sum(map(_length, _parts(node))) + (len(str(node.value)) if isinstance(node, Value) else 0)


def write(recipe: Recipe) -> str | None:
    """The recipe as text; None if it is too long to carry around."""
    if _length(recipe.node) > LONGEST:
        return None
    text = json.dumps([_plain(recipe.node), recipe.path, recipe.place, recipe.owner], separators=(",", ":"))
    if len(text) > LONGEST:
        return None
    _keep(text, recipe)
    return text


def read(text: str) -> Recipe:
    """The recipe again."""
    kept = _READY.get(text)
    if kept is None:
        node, path, place, owner = json.loads(text)
        kept = Recipe(_node(node), path, Place(*place), owner)
        _keep(text, kept)
    return kept


def _keep(text: str, recipe: Recipe) -> None:
    if len(_READY) >= LATELY:
        _READY.clear()
    _READY[text] = recipe


def _plain(node: Node) -> list[Any]:
    match node:
        case Value(value):
            return ["value", value]
        case Items(items):
            return ["items", *map(_plain, items)]
        case Pairs(pairs):
            return ["pairs", *([name, _plain(v)] for name, v in pairs)]
        case Turned(path):
            return ["turned", path]
        case Choice(options):
            return ["choice", *map(_plain, options)]
        case Missing(kind):
            return ["missing", kind]
        case Fork():
            return _plain(ANY)  # its condition is known in its own file alone
        case Ref(module, name):
            return ["ref", module, name]
        case Call():
            args = [_written(a) for a in node.args]
            kwargs = {name: _written(a) for name, a in node.kwargs.items()}
            return ["call", node.module, node.name, args, kwargs, node.path, *node.place]


def _written(a: Argument) -> list[Any]:
    return [_plain(a.node), a.path, *a.place]


def _node(data: list[Any]) -> Node:
    kind, *rest = data
    if kind == "value":
        return Value(rest[0])
    if kind == "items":
        return Items(tuple(map(_node, rest)))
    if kind == "pairs":
        return Pairs(tuple((name, _node(v)) for name, v in rest))
    if kind == "turned":
        return Turned(rest[0])
    if kind == "choice":
        return Choice(tuple(map(_node, rest)))
    if kind == "missing":
        return Missing(rest[0])
    if kind == "ref":
        return Ref(rest[0], rest[1])
    module, name, args, kwargs, path, *place = rest
    return Call(
        module, name, tuple(map(_argument, args)), {k: _argument(a) for k, a in kwargs.items()}, path, Place(*place)
    )


def _argument(data: list[Any]) -> Argument:
    node, path, *place = data
    return Argument(_node(node), Place(*place), path)
