"""Differentiable functions: a rule returns the value and the pullback that finishes the job."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, Union, cast, final, overload

from funcnn.errors import locate
from funcnn.records import Origin, Record, known_by_origin, replay
from funcnn.types import One, Tree, Two

P = ParamSpec("P")
V = TypeVar("V")
D = TypeVar("D")


@final
class Later(Generic[V]):
    """A cotangent that is computed only if somebody wants it.

    A pullback may return `Later(lambda: dy @ w.T)` as the cotangent of its input; only expensive layers need to. A
    `Later` stands for a whole cotangent, a tuple too; tuples never contain one. `Later(f, a, b)` is `f(a, b)` of
    cotangents that may be left for later themselves.

    >>> later = Later(np.add, Later(lambda: np.ones(2) * 3), 1.0)  # nothing is computed here
    >>> later.now()
    array([4., 4.])
    """

    __slots__ = ("compute", "parts", "path")

    def __init__(self, compute: Callable[..., V], *parts: object) -> None:
        self.compute, self.parts = compute, parts
        self.path: tuple[str, ...] = ()  # of the child it came from, for errors

    def now(self) -> V:
        """The cotangent."""
        try:
            if not self.parts:
                return self.compute()
            forced: list[Any] = []
            for part in self.parts:
                forced.append(part.now() if isinstance(part, Later) else part)
            return self.compute(*forced)
        except Exception as error:
            for name in reversed(self.path):
                locate(error, name)
            raise

    def within(self, name: str) -> Later[V]:
        """The same, which came out of the child of this name."""
        later = Later(self.compute, *self.parts)
        later.path = (name, *self.path)
        return later


@overload
def force(cotangent: Later[V]) -> V: ...
@overload
def force(cotangent: Union[V, Later[V]]) -> V: ...
def force(cotangent: Union[V, Later[V]]) -> V:
    """The cotangent itself, computed now if it was left for later.

    >>> force(Later(lambda: 3)), force(3)
    (3, 3)
    """
    if not isinstance(cotangent, Later):
        return cotangent
    return cast("Later[V]", cotangent).now()


Pullback: TypeAlias = Callable[[One], tuple[Tree, Union[Two, Later[Two]]]]
"""What a layer's rule returns beside its value: `dy -> (dparams, dx)`. `Pullback` alone is that of array to array."""


@final
@known_by_origin
class Differentiable(Generic[P, V, D]):
    """A function that carries its explicit pullback; made with `differentiable`."""

    rule: Callable[P, tuple[V, Callable[[V], D]]]
    record: Record | None  # of the call that made it, where it was made by a call
    __name__: str

    def __init__(self, rule: Callable[P, tuple[V, Callable[[V], D]]], record: Record | None = None) -> None:
        self.rule = rule
        self.record = record
        if record is None:  # else it is known by the call
            functools.update_wrapper(cast(Any, self), rule, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V:
        return self.rule(*args, **kwargs)[0]

    def pull(self, *args: P.args, **kwargs: P.kwargs) -> tuple[V, Callable[[V], D]]:
        """The value and the pullback; what `vjp(f, ...)` calls."""
        return self.rule(*args, **kwargs)

    def bind(self, **options: object) -> Differentiable[P, V, D]:
        """The same function with keyword options fixed; it keeps its rule.

        Errors
            TypeError   the function has no such option
        """
        parameters = inspect.signature(self.rule).parameters.values()
        known = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
        if unknown := sorted(options.keys() - set(known)):
            raise TypeError(
                f"{self.__name__} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
            )
        # the names were compared; keyword arguments of a ParamSpec cannot be typed
        bound = functools.partial(self.rule, **options)  # type: ignore[arg-type]
        return Differentiable(functools.update_wrapper(bound, self.rule))

    @property
    def origin(self) -> Origin:
        """What it prints and compares as: the call that made it, or else its rule and what is bound."""
        options, rule = getattr(self.rule, "keywords", {}), getattr(self.rule, "func", self.rule)
        bound = f".bind({', '.join(f'{k}={v!r}' for k, v in options.items())})" if options else ""
        return Origin(self.record) if self.record else Origin(None, key=(rule, bound), shown=f"{self.__name__}{bound}")

    def __reduce__(self) -> Any:
        return (replay, (self.record,)) if self.record else super().__reduce__()


def differentiable(rule: Callable[P, tuple[V, Callable[[V], D]]]) -> Differentiable[P, V, D]:
    """Make a rule, which returns `(value, pullback)`, into a function that `vjp` can reach.

    The pullback takes the cotangent of the value and returns a tuple, one cotangent per positional argument.

    >>> @differentiable
    ... def half_square(x: Array) -> tuple[float, Callable[[float], tuple[Array]]]:
    ...     return float(x @ x) / 2, lambda d: (d * x,)
    >>> half_square(np.array([3.0, 4.0]))
    12.5
    >>> value, pullback = vjp(half_square, np.array([3.0, 4.0]))
    >>> pullback(1.0)
    (array([3., 4.]),)
    """
    return Differentiable(rule)
