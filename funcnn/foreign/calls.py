"""What is said of calls that do not fit a function, with our word for what was meant."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from funcnn.foreign.arities import MISSING, SURPLUS
from funcnn.foreign.keywords import KEYWORDS

F = TypeVar("F", bound=Callable[..., Any])

_UNKNOWN: Final = re.compile(r"unexpected keyword argument '(\w+)'|'(\w+)' is an invalid keyword")
_LIMIT: Final = 12  # arguments that are listed


def refused(make: Callable[..., Any], error: TypeError) -> TypeError:
    """The error of a call that did not fit the signature, with our word for what was meant; any other as it is.

    An error from the inside of the function has a frame of it in its traceback, and is left alone.
    """
    inside = error.__traceback__ and error.__traceback__.tb_next
    if inside is not None or not error.args:
        return error
    said, name = str(error.args[0]), make.__qualname__
    advice = _advice(make.__module__, name, said)
    known = _parameters(make)
    unknown = _UNKNOWN.search(said)
    listed = f"{make.__name__} takes ({', '.join(known)})" if unknown and known and len(known) <= _LIMIT else ""
    return TypeError("; ".join(filter(None, (said, advice, listed))))


def misfit(f: Callable[..., Any], said: str) -> TypeError:
    """The error of a call that does not fit this function, as Python says it, with our word for what was meant.

    For functions that are called too often for `understood`: they look at the call themselves.
    """
    return refused(f, TypeError(f"{f.__qualname__}() {said}"))


def _advice(module: str, name: str, said: str) -> str:
    """What the tables say of a call of this function; nothing of functions that are not ours."""
    root, _, rest = module.partition(".")
    if root != __name__.partition(".")[0]:
        return ""
    package = rest.partition(".")[0]
    unknown = _UNKNOWN.search(said)
    if unknown:
        return keyword(unknown[1] or unknown[2], package, name)
    table = SURPLUS if "positional argument" in said and "missing" not in said else MISSING
    return _first(table, name, package)


def keyword(argument: str, package: str, name: str = "") -> str:
    """What stands in the place of another library's argument, in a function of this name, or of this package."""
    return _first(KEYWORDS.get(argument, {}), name, package, "")


def _first(table: Mapping[str, str], name: str, *others: str) -> str:
    return next((table[place].replace("{name}", name) for place in (name, *others) if place in table), "")


def _parameters(make: Callable[..., Any]) -> list[str]:
    """The names of the arguments, with the marks of a signature."""
    found: list[str] = []
    for p in inspect.signature(make).parameters.values():
        if p.name == "self":
            continue
        if p.kind is p.KEYWORD_ONLY and "*" not in found and not any(name.startswith("*") for name in found):
            found.append("*")
        found.append(("*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else "") + p.name)
    return found


def understood(f: F) -> F:
    """The same function; calls that do not fit its signature are told our word for what was meant.

    >>> understood(grad)(squared_error)
    Traceback (most recent call last):
    TypeError: grad() missing 1 required positional argument: 'apply'; it takes a loss and the apply of a network, \
grad(squared_error, net.apply); any function with its own pullback has one by vjp, and others by a bridge to a \
library that differentiates
    """

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return f(*args, **kwargs)
        except TypeError as error:
            told = refused(f, error)
            if told is error:
                raise
            raise told from None

    return cast(F, call)
