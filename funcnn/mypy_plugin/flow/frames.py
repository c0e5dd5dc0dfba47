"""Where names live while statements are read, and what comes of a statement."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from funcnn.mypy_plugin.flow.files import File
from funcnn.mypy_plugin.flow.values import DOUBT, Either, Row, chosen, options
from funcnn.mypy_plugin.recipes import ANY


YIELDED: Final = "<yielded>"  # under this name stands in a frame what a generator has given
YIELDS: Final = 200  # that are kept


class Stop(Exception):
    """There is too much to read."""


class Unrollable(Exception):
    """It cannot be told how a loop goes on."""


@dataclass(frozen=True)
class Returned:
    """A function returns this."""

    value: Any


class Way:
    """What comes of a statement that returns nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


NEXT: Final = Way("next")
BREAK: Final = Way("break")
CONTINUE: Final = Way("continue")
NEVER: Final = Way("never")  # an error is raised, or the program ends
UNKNOWN: Final = Returned(ANY)
OUTCOMES: Final = 64  # of statements that are kept apart: the ways through n branches are 2 ** n


@dataclass(eq=False)
class Frame:
    """The names of a module, of a class, or of one call of a function."""

    file: File
    env: dict[str, Any]
    parent: Frame | None
    local: frozenset[str]  # the names of a function, bound or not
    kind: str = "module"
    stars: tuple[str, ...] = ()  # modules of which everything was imported, and which cannot be read
    node: ast.AST | None = None  # the function
    finished: bool = False  # of a module that was read to its end
    owner: Any = None  # the class whose body it is
    versions: dict[str, int] = field(default_factory=dict[str, int])
    number: int = field(default_factory=itertools.count().__next__)

    def named(self, name: str) -> str:
        """The name that a value has which is bound here, until another is."""
        return f"{name}#{self.number}.{self.versions.get(name, 0)}"

    @property
    def volatile(self) -> frozenset[str]:
        """The names that functions may bind again at any time."""
        return self.file.globals if self.kind == "module" else self.file.nonlocals

    def bind(self, name: str, value: Any) -> None:
        """The name stands for this value from here on."""
        late = isinstance(value, Row) and value.lazy
        self.env[name] = ANY if name in self.volatile or late else value
        self.versions[name] = self.versions.get(name, 0) + 1


def leaves(came: Any) -> list[Any]:
    """Everything that may come of it."""
    return [*leaves(came.then), *leaves(came.otherwise)] if isinstance(came, Either) else [came]


def goes_on(came: Any) -> bool:
    """May it go on behind it?"""
    return any(leaf is NEXT for leaf in leaves(came))


def ways_to(came: Any, leaf: Any) -> list[dict[str, bool]]:
    """What must hold for this to come of it, once for each way."""
    if not isinstance(came, Either):
        return [{}] if came is leaf else []
    here = ((True, came.then), (False, came.otherwise))
    return [{came.condition: decided, **way} for decided, part in here for way in ways_to(part, leaf)]


def parted(condition: str, then: Any, otherwise: Any, fresh: Callable[[], str]) -> Any:
    """What comes of one of two blocks, as a condition decides."""
    if then is otherwise:
        return then
    made = Either(condition, chosen(then, condition, True), chosen(otherwise, condition, False))
    return made if made.options <= OUTCOMES else _outlined(leaves(made), fresh, _doubt(made))


def filled(came: Any, rest: Any, fresh: Callable[[], str]) -> Any:
    """The same, where `rest` comes of what goes on."""
    found = leaves(came)
    if sum(options(rest) if leaf is NEXT else 1 for leaf in found) > OUTCOMES:
        return _outlined([*(leaf for leaf in found if leaf is not NEXT), *leaves(rest)], fresh, _doubt(came))
    return _filled(came, rest)


def _filled(came: Any, rest: Any) -> Any:
    if isinstance(came, Either):
        rest = veiled(rest) if came.condition.startswith(DOUBT) else rest
        return Either(came.condition, _filled(came.then, rest), _filled(came.otherwise, rest))
    return rest if came is NEXT else came


def _doubt(came: Any) -> str:
    """What conditions begin with that are as doubtful as those in here."""
    if not isinstance(came, Either):
        return ""
    return DOUBT if came.condition.startswith(DOUBT) else _doubt(came.then) or _doubt(came.otherwise)


def _outlined(found: list[Any], fresh: Callable[[], str], doubt: str) -> Any:
    """Where too much may come of it, that which kinds of it may is known alone."""
    kinds = dict.fromkeys(leaf if isinstance(leaf, Way) else UNKNOWN for leaf in found)
    first, *rest = kinds
    made: Any = first
    for kind in rest:
        made = Either(f"{doubt}{fresh()}", kind, made)
    return made


def veiled(came: Any) -> Any:
    """The same, with nothing known of what is returned."""
    if isinstance(came, Either):
        return Either(came.condition, veiled(came.then), veiled(came.otherwise))
    return came if any(came is way for way in (NEXT, BREAK, CONTINUE, NEVER)) else ANY


def within(came: Any) -> Any:
    """Outside of a loop, what leaves a round goes on."""
    if isinstance(came, Either):
        then, otherwise = within(came.then), within(came.otherwise)
        return then if then is otherwise else Either(came.condition, then, otherwise)
    return NEXT if came in (BREAK, CONTINUE) else came
