"""The state of a reader: where it is, which way it took, what it noted."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from funcnn.mypy_plugin.flow.data import Complaint
from funcnn.mypy_plugin.flow.frames import NEVER, Frame, Stop
from funcnn.mypy_plugin.flow.shelf import Files
from funcnn.mypy_plugin.flow.values import Either, Function, Given, chosen, either
from funcnn.mypy_plugin.recipes import Argument, Call, Node, Place, Ref
from funcnn.mypy_plugin.runs import Runner

STEPS: Final = 200_000  # read of one program before it is left


class Meeting(NamedTuple):
    """A network met a shape here, where these conditions are decided like this."""

    network: Node
    shape: Node
    given: Place | None  # where the shape was given, or the array made whose shape it is
    assumed: dict[str, bool]


class Kept(NamedTuple):
    """What everything held at one time: each frame and container with its content."""

    of: dict[int, tuple[Any, Any]]


class Library(NamedTuple):
    """The modules that were read, for one file or another, and what each of them held when it had been."""

    modules: dict[str, Frame | None]
    pristine: dict[str, Kept]


class Core(ABC):
    """What is shared by all that read: the frames, the way that is taken, and what is noted on it."""

    def __init__(self, files: Files, runner: Runner, library: Library) -> None:
        self.files, self.runner, self.loader = files, runner, runner.loader
        self.stack: list[Frame] = []
        self.modules, self.pristine = library.modules, library.pristine
        self.used: set[str] = set()  # of these modules
        self.assumed: dict[str, bool] = {}
        self.quiet = False  # in a file that only helps, or where errors are wanted, nothing is noted
        self.alone = False  # in a function that nobody called
        self.met: dict[tuple[str, Place], list[Meeting]] = {}
        self.complaints: dict[tuple[str, Place], list[Complaint]] = {}
        self.entered: set[ast.AST] = set()  # functions that were followed
        self.stood: dict[int, tuple[Ref, Place]] = {}  # ready-made layers in lists, each a value of its own
        self.makers: dict[int, tuple[Call, Frame]] = {}  # networks, and where they were made
        self.failed: set[int] = set()  # networks, by identity, that were told not to take their shape
        self.spoken: dict[tuple[int, str], Place] = {}  # what was said of networks, by identity, and where
        self.saved: dict[str, Any] = {}  # params by the expression of the path they were saved to
        self.first_of_call: tuple[ast.expr, Frame] | None = None  # argument of the call that is being read
        self.unpacks = False  # this call, `f(*args)`
        self._steps, self._conditions = 0, 0

    def step(self) -> None:
        """Count, and stop where there is no end to it."""
        self._steps += 1
        if self._steps > STEPS:
            raise Stop

    def fresh(self) -> str:
        """A condition that was met nowhere else."""
        self._conditions += 1
        return f"#{self._conditions}"

    @contextmanager
    def assuming(self, decided: Mapping[str, bool]) -> Generator[None, None, None]:
        """On the way where these conditions are decided like this."""
        before = self.assumed
        self.assumed = {**before, **decided}
        try:
            yield
        finally:
            self.assumed = before

    @contextmanager
    def expecting(self, errors: bool) -> Generator[None, None, None]:
        """Where errors are what the program wants, nothing is noted."""
        before, self.quiet = self.quiet, self.quiet or errors
        try:
            yield
        finally:
            self.quiet = before

    def now(self, value: Any) -> Any:
        """The value on this way."""
        if isinstance(value, Either):
            for condition, decided in self.assumed.items():
                value = chosen(value, condition, decided)
        return value

    def each(self, f: Callable[[Any], Any], value: Any) -> Any:
        """`f` of each thing that a value may be, on the way where it is that."""
        value = self.now(value)
        if not isinstance(value, Either):
            return f(value)
        with self.assuming({value.condition: True}):
            a = self.each(f, value.then)
        with self.assuming({value.condition: False}):
            b = self.each(f, value.otherwise)
        return b if a is NEVER else a if b is NEVER else either(value.condition, a, b)

    # what the classes above this one read -----------------------------------------------------------------------------
    @abstractmethod
    def value(self, e: ast.expr, frame: Frame) -> Any:
        """What is known of an expression."""

    @abstractmethod
    def lookup(self, name: str, frame: Frame) -> Any:
        """What a name stands for."""

    @abstractmethod
    def items(self, value: Any) -> Any:
        """The items of what is iterated over."""

    @abstractmethod
    def call(self, e: ast.Call, frame: Frame) -> Any:
        """What a call gives."""

    @abstractmethod
    def called(self, f: Any, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What a call of this gives."""

    @abstractmethod
    def follow(self, f: Function, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What a function of the program returns for these arguments."""

    @abstractmethod
    def module(self, name: str) -> Frame | None:
        """The names of a module of the program."""

    @abstractmethod
    def block(self, body: list[ast.stmt], frame: Frame) -> Any:
        """What comes of statements."""

    @abstractmethod
    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        """Bind a target to a value."""

    @abstractmethod
    def argument(self, value: Any, place: Place, frame: Frame) -> Argument:
        """An argument of a constructor."""

    @abstractmethod
    def made(self, call: Call, frame: Frame) -> Any:
        """A network that is made here."""
