"""The sixth corpus, what the first pass leaves behind in odd places, and what is done to the process."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from funcnn import Layer, layer
from tests.testing.second_corpus import Fault, Tried, of
from tests.testing.third_states import lifted


def size(x: Any) -> float:
    """Of the largest number, and 1."""
    return float(np.abs(x).max(initial=0.0)) + 1


# what the first pass sees is kept -------------------------------------------------------------------------------------
def first(kept: Callable[[Any], float], **claims: Any) -> Tried:
    """The trials of x by a number that was kept."""

    def f(x: Any) -> Any:
        by = x.dtype.type(kept(x))
        return x / by, lambda dy: dy / by

    return of(lifted(f), **claims)


def on_a_function() -> Tried:
    """As an attribute."""

    def kept(x: Any) -> float:
        own: Any = kept
        if not hasattr(own, "size"):
            own.size = size(x)
        return float(own.size)

    return lambda: first(kept)()


def on_a_class() -> Tried:
    """As an attribute, too."""

    class Kept:
        size: float | None = None

        def __call__(self, x: Any) -> float:
            if Kept.size is None:
                Kept.size = size(x)
            return Kept.size

    return first(Kept())


def in_a_slot() -> Tried:
    """Of an object that has no dict."""

    class Kept:
        __slots__ = ("size",)

        def __init__(self) -> None:
            self.size = 0.0

        def __call__(self, x: Any) -> float:
            self.size = self.size or size(x)
            return self.size

    return first(Kept())


def in_a_namespace() -> Tried:
    """Of settings."""
    settings = SimpleNamespace(size=None)

    def kept(x: Any) -> float:
        settings.size = settings.size or size(x)
        return float(settings.size)

    return first(kept)


def in_bytes() -> Tried:
    """Eight of them."""
    raw = bytearray(8)

    def kept(x: Any) -> float:
        number = np.frombuffer(raw, np.float64)
        if not number[0]:
            number[0] = size(x)
        return float(number[0])

    return first(kept)


def in_numbers_of_python() -> Tried:
    """In an array of Python's own."""
    numbers = array("d", [0.0])

    def kept(x: Any) -> float:
        numbers[0] = numbers[0] or size(x)
        return numbers[0]

    return first(kept)


def in_the_environment() -> Tried:
    """Of all who look."""

    def kept(x: Any) -> float:
        return float(os.environ.setdefault("FUNCNN_SIZE_OF_A_TEST", str(size(x))))

    def tried() -> Any:
        os.environ.pop("FUNCNN_SIZE_OF_A_TEST", None)
        return first(kept)()

    return tried


_nest: Any = ([None],)


def within_a_tuple(x: Any) -> float:
    """In a list among the globals."""
    _nest[0][0] = _nest[0][0] or size(x)
    return float(_nest[0][0])


def as_a_new_global(x: Any) -> float:
    """Of a name that is nowhere else."""
    global _size_of_the_first  # noqa: PLW0603
    if "_size_of_the_first" not in globals():
        _size_of_the_first = size(x)  # type: ignore[name-defined]
    return float(_size_of_the_first)  # type: ignore[name-defined]


def forgotten(kept: Callable[[Any], float]) -> Tried:
    """Trials that begin as new."""

    def tried() -> Any:
        _nest[0][0] = None
        globals().pop("_size_of_the_first", None)
        return first(kept)()

    return tried


def _keeper() -> Generator[float, Any, None]:
    kept = 0.0
    while True:
        x = yield kept
        kept = kept or size(x)


_kept_apart = _keeper()
next(_kept_apart)


@layer
def ByWhatCameFirst() -> Layer[Any, Any]:
    """It lies where nobody can look, but other processes begin as new."""

    def f(x: Any) -> Any:
        by = x.dtype.type(_kept_apart.send(x))
        return x / by, lambda dy: dy / by

    return lifted(f)


def by_bytes() -> Tried:
    """Squares, kept by the bytes of x."""
    kept: dict[bytes, Any] = {}

    def f(x: Any) -> Any:
        y = kept.setdefault(x.tobytes() + x.dtype.char.encode(), x * x)
        return y * 1, lambda dy: 2 * x * dy

    return of(lifted(f))


# what is done to the process ------------------------------------------------------------------------------------------
def doing(something: Callable[[], object]) -> Tried:
    """The trials of x, and of what is done beside it."""

    def f(x: Any) -> Any:
        something()
        return x * 1, lambda dy: dy * 1

    return of(lifted(f))


def set_a_variable() -> None:
    """For all."""
    os.environ["FUNCNN_OF_A_TEST"] = "1"


def write_a_file() -> None:
    """A log."""
    (Path(tempfile.gettempdir()) / f"funcnn-of-a-test-{os.getpid()}").write_text("x")


def by_the_process() -> Tried:
    """Its number."""
    return first(lambda x: 1 + os.getpid() % 97)


MEMORIES: Final[tuple[Fault, ...]] = (
    Fault("layer", "kept as an attribute of a function", "remembers_nothing", lambda: on_a_function()()),
    Fault("layer", "kept as an attribute of a class", "remembers_nothing", lambda: on_a_class()()),
    Fault("layer", "kept in a slot", "remembers_nothing", lambda: in_a_slot()()),
    Fault("layer", "kept in a namespace", "remembers_nothing", lambda: in_a_namespace()()),
    Fault("layer", "kept in bytes", "remembers_nothing", lambda: in_bytes()()),
    Fault("layer", "kept in numbers of Python", "remembers_nothing", lambda: in_numbers_of_python()()),
    Fault("layer", "kept by bytes of any shape", "remembers_nothing", lambda: by_bytes()()),
    Fault("layer", "kept in the environment", "remembers_nothing", lambda: in_the_environment()()),
    Fault("layer", "kept in a list of a tuple", "remembers_nothing", forgotten(within_a_tuple)),
    Fault("layer", "kept as a new global", "remembers_nothing", forgotten(as_a_new_global)),
    Fault("layer", "kept in a generator", "blind_to_hashes", of(ByWhatCameFirst())),
    Fault("layer", "a variable of the environment", "leaves_random_state", doing(set_a_variable)),
    Fault("layer", "a file", "leaves_random_state", doing(write_a_file)),
    Fault("layer", "by the number of the process", "blind_to_the_clock", by_the_process()),
)  # fmt: skip
