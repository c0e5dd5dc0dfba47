"""How plain functions are called: which argument of backward is a cotangent, an argument of forward, or the cache."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeGuard, Union

from funcnn.errors import brief
from funcnn.types import is_array

Function: TypeAlias = Callable[..., Any]
Source: TypeAlias = Union[Literal["dy", "y", "cache"], int]
"""What an argument of backward is: a cotangent, the value, the cache, or the argument of forward with this number."""



class UnfitError(TypeError):
    """Two functions do not fit together."""


VALUE: Final = ("y", "out", "output")
CACHE: Final = ("cache", "ctx", "context", "saved", "tape", "memory")


class Signature(NamedTuple):
    """The names of two functions and of their arguments.

    forward, backward   what the functions are called
    takes               the arguments of forward, without those that have defaults
    gets                those of backward
    params              which argument of forward is the params; None where none is
    cache               whether the last thing that forward returns is the cache; None where names tell
    """

    forward: str
    backward: str
    takes: tuple[str, ...]
    gets: tuple[str, ...]
    params: int | None
    cache: bool | None

    @staticmethod
    def of(forward: object, backward: object, has_params: bool, cache: bool | None) -> Signature:
        """The signature of a pair.

        Errors
            TypeError   one is no function; backward takes any number of arguments
        """
        for f, what in ((forward, "forward"), (backward, "backward")):
            if not callable(f):
                raise TypeError(f"pair takes two functions, forward and backward, got {brief(f)} as {what}")
        takes, gets = _arguments(forward, ("x",)), _arguments(backward, ("dy", "x"))
        if not takes or not gets:
            which = called(forward) if not takes else called(backward)
            wrapped = f"lambda dy, cache: {which}(dy, cache)"
            raise TypeError(f"{which} is to take its arguments one by one; wrap it: {wrapped}")
        params = None if not has_params else takes.index("params") if "params" in takes else 0
        if has_params and len(takes) < 2:
            raise TypeError(f"with params=, {called(forward)} is to take (params, x), it takes ({', '.join(takes)})")
        return Signature(called(forward), called(backward), takes, gets, params, cache)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The arguments of forward that are no params."""
        return tuple(name for i, name in enumerate(self.takes) if i != self.params)

    @property
    def way_out(self) -> str:
        """What to do where the forms do not fit."""
        return "; say cache=True if the last thing it returns is for backward alone, cache=False if it is not"

    def names(self, n: int) -> list[str]:
        """What `n` arguments of forward are called."""
        return [*self.takes[:n], *(f"argument {i}" for i in range(len(self.takes), n))]

    def arguments(self, tree: Any, inputs: Sequence[Any]) -> list[Any]:
        """What forward is called with.

        Errors
            UnfitError   it takes another number of arrays than there are
        """
        if len(inputs) != len(self.inputs):
            shapes = ", ".join("(...)" for _ in self.inputs)
            raise UnfitError(
                f"{self.forward} takes {', '.join(self.inputs)}, got {len(inputs)} array{'s' * (len(inputs) != 1)}; "
                f"give a template for each, ({shapes}), and bind what is no array: functools.partial({self.forward}, "
                f"{self.inputs[-1]}=...)"
            )
        arguments = list(inputs)
        if self.params is not None:
            arguments.insert(self.params, tree)
        return arguments

    def sources(self, result: Any) -> list[Source]:
        """What each argument of backward is, after what forward has returned.

        Errors
            UnfitError   it cannot be told
        """
        known = {name: i for i, name in enumerate(self.takes)}
        free = [name for name in self.gets if name not in known and name not in VALUE]
        several = is_several(result)
        returned = len(result) if is_several(result) else 1
        if is_several(result) and len(free) == returned and self._hands_on(free, result):
            cache = free[-1]
        elif len(free) == returned and not (several and self.cache):
            cache = ""
        elif not several and len(free) == len(self.gets) == 1 + len(self.takes) and self.params is None:
            return ["dy", *range(len(self.takes))]  # other names, in the order that is usual
        elif len(free) == returned - 1 and self.cache:
            cache = ""  # a cache that backward can do without
        else:
            raise UnfitError(
                f"{self.forward}({', '.join(self.takes)}) returns {_counted(returned)}, and {self.backward}"
                f"({', '.join(self.gets)}) has {len(free)} arguments that are none of forward's; expected the "
                f"cotangent of each, and the cache, and what forward takes by the names it has there{self.way_out}"
            )

        def source(name: str) -> Source:
            if name in known:
                return known[name]
            return "y" if name in VALUE else "cache" if name == cache else "dy"

        return [source(name) for name in self.gets]

    def _hands_on(self, free: Sequence[str], result: Sequence[Any]) -> bool:
        """Is the last thing that forward returned a cache, and not a value with a cotangent?"""
        if self.cache is not None or len(result) < 2:
            return bool(self.cache)
        last: Any = result[-1]
        if free[-1] in CACHE or not is_array(last) or last.dtype.kind not in "fc":
            return True
        return len(free) == len(self.gets) and free[-1][:1] not in ("d", "g")


def is_several(result: object) -> TypeGuard[tuple[Any, ...] | list[Any]]:
    """Did a function return several things?"""
    return isinstance(result, (tuple, list))


def _counted(n: int) -> str:
    return "one thing" if n == 1 else f"{n} things"


def _arguments(f: Any, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments of a function that have no default; what is usual where it does not tell. None takes any number."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a function of C
        return usual
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return ()
    return tuple(p.name for p in parameters if p.default is p.empty and p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD))


def called(f: Any) -> str:
    """What a function is called."""
    while isinstance(f, partial):
        f = f.func  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return str(getattr(f, "__qualname__", None) or getattr(f, "__name__", None) or type(f).__name__).split(".")[-1]
