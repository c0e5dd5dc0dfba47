"""Cases that are known by their fields: they print as source, and others are made by changing some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar, cast

import numpy as np

from funcnn.testing.casebook.programs import program, shown


R = TypeVar("R")


class KnownByFields:
    """What a case of a layer, a loss and an optimizer have in common.

    GIVEN      the fields that have to be given, in order
    DEFAULTS   the others: a repr leaves out what is so
    """

    GIVEN: ClassVar[tuple[str, ...]]
    DEFAULTS: ClassVar[Mapping[str, Any]]

    dtype: np.dtype[Any]
    attempt: int

    @property
    def blank(self) -> bool:
        """Is there no number in it, so that whatever is said of it holds?"""
        return _without_entries(getattr(self, "shape", ()))

    def begun(self) -> None:
        """Make what the case is about; a layer may refuse its input here."""

    def like(self, **changes: Any) -> Self:
        """The same case with some of its fields changed."""
        fields = {name: getattr(self, name) for name in (*self.GIVEN, *self.DEFAULTS)}
        return cast("Self", cast(Any, type(self))(**{**fields, **changes}))

    def again(self, attempt: int) -> Self:
        """Fresh values of the same shape and kind."""
        return self.like(attempt=self.attempt + attempt)

    def __repr__(self) -> str:
        given = [shown(getattr(self, name)) for name in self.GIVEN]
        options = [f"{name}={shown(value)}" for name, value in self._options().items()]
        return f"{type(self).__name__}({', '.join([*given, *options])})"

    def program(self, source: str, *others: object) -> str:
        """A source that this case is in, after the imports it needs."""
        given = [getattr(self, name) for name in self.GIVEN]
        return program(source, type(self), *given, *self._options().values(), *others)

    def _options(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.DEFAULTS} | {"dtype": self.dtype.name}
        return {name: value for name, value in fields.items() if value != self.DEFAULTS[name]}


def beside(case: Any, f: Callable[[], R]) -> R | None:
    """What `f` gives at points beside those of a case; None where they lie outside of its domain, and are refused.

    Errors
        as `f`, where all numbers are in the domain
    """
    try:
        return f()
    except Exception:
        if case.domain is None:
            raise
        return None


def number_beside(case: Any, f: Callable[[], Any]) -> Any:
    """The number that `f` gives, as `beside`; NaN where there is none."""
    found = beside(case, f)
    return float("nan") if found is None else found


def _without_entries(shape: Any) -> bool:
    """Is one of the arrays of this (nested) shape empty?"""
    return any(_without_entries(d) if isinstance(d, tuple) else d == 0 for d in shape)
