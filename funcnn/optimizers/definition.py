"""Optimizer: a pair `(init, update)` of pure functions, and what optimizers are made with."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast, final

from funcnn.cotangents import described
from funcnn.documentation import tells_of_itself
from funcnn.errors import FuncnnError, ParamsError
from funcnn.foreign.calls import misfit, understood
from funcnn.foreign.lookups import answering
from funcnn.kernels.elements import total
from funcnn.kernels.pending import LONG, may_wait
from funcnn.optimizers.flat import flat, flat_like, pieces_like
from funcnn.optimizers.showing import as_html
from funcnn.params import GradientsLike, Params, ParamsLike, Updates, UpdatesLike, refuse_kind
from funcnn.params.layouts import Layout
from funcnn.params.mapping import ArrayTree
from funcnn.params.packing import own
from funcnn.recorded_functions import Recorded, is_recorded
from funcnn.records import Record, recording
from funcnn.types import Array, is_mapping, is_tuple

S = TypeVar("S")
K = TypeVar("K")
F = TypeVar("F", bound=Callable[..., "Optimizer[Any]"])

_ABSENT: Final[Any] = object()


@answering
class Optimizer(NamedTuple, Generic[S]):
    """A pair `(init, update)` of pure functions.

    `init(params)` gives the first state, `update(grads, state, params)` the updates and the next state; the updates are
    to be added, see `apply_updates`. States are plain values, numbers and trees like the params: they compare, pickle,
    and never change. They count the steps themselves. Some look at the value of the objective too, and their `update`
    takes `value=`, as that of `reduce_on_plateau` does. `fit` hands it to those; `step` takes it from everybody.

    Errors
        ParamsError   grads, state and params have not the same structure and shapes; the message lists the paths; or
                      one stands where another belongs, which type checkers refuse too
        DTypeError    they have not the same dtype, or it is float16, which is for storage
    Source: the form is optax's.

    >>> optimizer = sgd(0.5)
    >>> params = Params({"w": np.ones(2)})
    >>> state = optimizer.init(params)
    >>> updates, state = optimizer.update({"w": np.array([1.0, 2.0])}, state, params)
    >>> apply_updates(params, updates).at("w"), state
    (array([0.5, 0. ]), SgdState(step=1))
    """

    init: Callable[[ParamsLike], S]
    update: Callable[[GradientsLike, S, ParamsLike], tuple[Updates, S]]

    @understood
    def step(
        self, grads: GradientsLike, state: S, params: ParamsLike, *, value: float | None = None
    ) -> tuple[Params, S]:
        """The params after a step, and the next state: `update` and `apply_updates` in one pass over memory.

        The result is the same to the last bit, a tenth faster for many params, and the updates need no memory. `value`,
        that of the objective, is for optimizers that look at it; others go without.
        On one thread Adam's step over many numbers is made when somebody looks at what it gives, over what nobody holds
        any more; who measures its time looks too.

        Errors
            as `update` and `apply_updates`

        >>> params = Params({"w": np.ones(2)})
        >>> optimizer = sgd(0.5)
        >>> params, state = optimizer.step({"w": np.array([1.0, 2.0])}, optimizer.init(params), params)
        >>> params.at("w"), state
        (array([0.5, 0. ]), SgdState(step=1))
        """
        after, state, _ = advancing(self)(grads, state, params, value)
        return after, state

    def __repr__(self) -> str:
        if is_recorded(self.init):
            return repr(self.init.record)
        return f"Optimizer(init={self.init!r}, update={self.update!r})"


def _places(optimizer: Optimizer[Any]) -> list[tuple[str, str]]:
    init = optimizer.init
    return [(init.record.module, init.record.name)] if is_recorded(init) else []


tells_of_itself(Optimizer, _places)
if not TYPE_CHECKING:  # what notebooks alone ask for
    Optimizer._repr_html_ = as_html


Step: TypeAlias = "Callable[[GradientsLike, S, ParamsLike, float | None], tuple[K, S, bool]]"
"""`(grads, state, params, value) -> (tree, state, finite)`, where the tree is updates, or params after a step; `value`
is that of the objective, None where nobody told it."""


@final
class Update(Generic[S]):
    """The `update` of an optimizer of this library, which can apply the updates in the same pass over memory.

    updates   gives the updates, the next state, and whether these hide nothing that is not finite, as a second moment
              does, whose root is in a denominator
    applied   gives the params with the updates added, the next state, and whether both are known to be finite
    plain     what is not finite in the gradients is not finite in the new params and the state either, which alone need
              a look
    """

    __slots__ = ("updates", "applied", "plain")

    def __init__(self, updates: Step[S, Updates], applied: Step[S, Params], plain: bool = True) -> None:
        self.updates, self.applied, self.plain = updates, applied, plain

    if TYPE_CHECKING:

        def __call__(
            self, grads: GradientsLike, state: S, params: ParamsLike, /, *, value: float | None = None
        ) -> tuple[Updates, S]: ...

    else:

        def __call__(self, grads, state=None, params=_ABSENT, /, *, value=None):
            if params is _ABSENT:
                raise misfit(Update.__call__, "missing the required argument 'params'")
            updates, state, _ = self.updates(grads, state, params, value)
            return updates, state


class Sweep(Protocol[S]):
    """A step on flat vectors: gradients in pieces `g`, params `p`, and how these lie.

    It gives the updates, or `onto` plus the updates where that is a vector; the next state; and what `Update` says of
    numbers that are not finite. The kernels do the same.
    """

    def __call__(
        self, g: list[Array], state: S, p: Array, layout: Layout, onto: Array | None, /
    ) -> tuple[Array, S, bool]: ...


class LaterStep(Protocol[S]):
    """The same, left for later: the params after it, the next state, and True; None where it cannot wait."""

    def __call__(self, g: list[Array], state: S, params: Params, /) -> tuple[Params, S, bool] | None: ...


def sweeping(sweep: Sweep[S], later: LaterStep[S] | None = None) -> Update[S]:
    """The `update` that steps by one sweep over memory, `later` where that may be and gradients never change."""

    def updates(
        grads: GradientsLike, state: S, params: ParamsLike, value: float | None
    ) -> tuple[Updates, S, bool]:
        p, layout = flat(params)
        u, state, seen = sweep(pieces_like(layout, grads, p, "grads"), state, p, layout, None)
        return own(layout, u, Updates), state, seen

    def applied(grads: GradientsLike, state: S, params: ParamsLike, value: float | None) -> tuple[Params, S, bool]:
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        if later and p.size >= LONG and may_wait(g) and isinstance(params, Params) and isinstance(grads, ArrayTree):
            waiting = later(g, state, params)
            if waiting is not None:
                return waiting
        after, state, finite = sweep(g, state, p, layout, p)
        return own(layout, after), state, finite

    return Update(updates, applied)


def advancing(optimizer: Optimizer[S]) -> Step[S, Params]:
    """The function `(grads, state, params, value)` that gives the params after a step, the next state, and whether both
    are known to be finite.
    """
    update = _own(optimizer)
    if update is not None:
        return update.applied

    takes = functools.cache(lambda: takes_value(optimizer))

    def advance(grads: GradientsLike, state: S, params: ParamsLike, value: float | None) -> tuple[Params, S, bool]:
        updates, state = asked(optimizer, grads, state, params, None if value is None or not takes() else value)
        try:
            return apply_updates(params, updates), state, False
        except FuncnnError as error:  # updates unlike the params, with their paths
            error.seen_in(repr(optimizer))
            raise

    return advance


def passing(optimizer: Optimizer[S]) -> Step[S, UpdatesLike]:
    """The function `(grads, state, params, value)` that gives the updates, the next state, and whether what is not
    finite in this is known to be seen in the updates.
    """
    update = _own(optimizer)
    if update is not None:
        return update.updates

    takes = functools.cache(lambda: takes_value(optimizer))

    def advance(grads: GradientsLike, state: S, params: ParamsLike, value: float | None) -> tuple[UpdatesLike, S, bool]:
        return *asked(optimizer, grads, state, params, None if value is None or not takes() else value), False

    return advance


def asked(
    optimizer: Optimizer[S], grads: GradientsLike, state: S, params: ParamsLike, value: float | None = None
) -> tuple[UpdatesLike, S]:
    """The updates and the next state of an optimizer that may be anybody's; one that gets a value takes it.

    Errors
        ParamsError   it returns no pair of a tree and a state
    """
    told: dict[str, Any] = {} if value is None else {"value": value}
    pair: object = optimizer.update(grads, state, params, **told)
    if not is_tuple(pair) or len(pair) != 2:
        raise ParamsError(f"the update of {optimizer!r} must return the pair (updates, state), got {described(pair)}")
    if not is_mapping(pair[0]):
        got = described(pair[0])
        raise ParamsError(f"the update of {optimizer!r} must return a tree of updates like the params first, got {got}")
    return cast("UpdatesLike", pair[0]), pair[1]


def takes_value(optimizer: Optimizer[Any]) -> bool:
    """Does `update` take `value=`, that of the objective? Parts of ours that hand it on do."""
    update: Any = optimizer.update.function if is_recorded(optimizer.update) else optimizer.update
    if isinstance(update, Update):
        return True
    try:
        parameters = inspect.signature(update).parameters
    except (TypeError, ValueError):  # a builtin has none
        return False
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return "value" in parameters and parameters["value"].kind in kinds


def is_plain(optimizer: Optimizer[Any]) -> bool:
    """Is what is not finite in gradients not finite in the params after a step, as far as we know the optimizer?"""
    update = _own(optimizer)
    return update is not None and update.plain


def _own(optimizer: Optimizer[S]) -> Update[S] | None:
    update = optimizer.update
    function: Any = update.function if is_recorded(update) else update
    return cast("Update[S]", function) if isinstance(function, Update) else None


def optimizer(make: F) -> F:
    """Record the calls of a function that makes optimizers, so that these print as source, compare and pickle.

    >>> from funcnn.optimizers import optimizer
    >>> @optimizer
    ... def clipped(rate: float) -> Optimizer[Any]:
    ...     return chain(clip_by_global_norm(1.0), adam(rate))
    >>> clipped(0.1), clipped(0.1) == clipped(0.1)
    (clipped(0.1), True)
    """

    def carried(record: Record, made: Optimizer[Any]) -> Optimizer[Any]:
        init, update = made  # where `make` called another maker, this record takes the place of the other
        init, update = init.function if is_recorded(init) else init, update.function if is_recorded(update) else update
        return Optimizer(Recorded(record, init, "init"), Recorded(record, update, "update"))

    return recording(make, carried)


_ADDED: Final = "apply_updates(params, updates)"


def apply_updates(params: ParamsLike, updates: UpdatesLike) -> Params:
    """`params + updates`, packed.

    Errors
        ParamsError   they have not the same structure and shapes; or gradients come where updates belong, and the like
        DTypeError    they have not the same dtype

    >>> apply_updates({"w": np.array([1.0, 2.0])}, {"w": np.array([0.5, -0.5])}).at("w")
    array([1.5, 1.5])
    """
    p, layout = flat(params, _ADDED)
    if type(updates) is not Updates:
        refuse_kind(updates, Updates, _ADDED)
    u = flat_like(layout, updates, p, "updates")
    return own(layout, total(p, u))
