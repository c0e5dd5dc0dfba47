"""Laws about what lies outside a layer: the caller's memory, the global random state, other threads."""

from __future__ import annotations

import datetime
import os
import pickle
import sys
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.causes import outside
from funcnn.testing.judging.elsewhere import elsewhere
from funcnn.testing.judging.left_alone import left_alone
from funcnn.testing.judging.preempted import interrupted, places
from funcnn.testing.judging.reach import Reach
from funcnn.testing.judging.verdicts import Law, Verdict, broken

THREADS: Final = 8
PLACES: Final = 8  # lines at which a pass is interrupted
LARGE: Final = 100  # entries, above which a pass is interrupted and no more
_SHARED: Final = "they share something that is written to, or each of them keeps something"


def _writes_nothing(case: Case) -> None:
    ours = nested.mapped(np.array, case.z)
    before = nested.bits(ours)
    case.bare_value(ours)
    if nested.bits(ours) != before:
        raise broken("the value is computed in the memory of the params or of the input, where that is writeable")
    y, pullback = case.bare_pull(ours)
    pullback(nested.mapped(np.array, case.cotangent(y)))
    if nested.bits(ours) != before:
        raise broken("the rule wrote into the params or the input, where they are writeable")


def _leaves_random_state(case: Case) -> None:
    with left_alone():
        y, pullback = case.pull()
        pullback(case.cotangent(y))


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that are started once."""
    return ThreadPoolExecutor(THREADS)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of them, and would wait for ever


def _threads(case: Case) -> Verdict | None:
    large = sum(a.size for _, a in nested.leaves(case.x)) > LARGE
    if case.seed % 3 and not large:
        return Verdict.MOOT  # eight passes are dear, and one case of three finds what threads do to each other
    interrupts = large or case.seed % 2 == 1
    in_threads(case, _run, case.generator("lines"), beside=not interrupts, interrupts=interrupts)
    return None


def _run(case: Case) -> list[bytes]:
    y, pullback = case.pull()
    return nested.bits((y, pullback(case.cotangent(y))))


def in_threads(
    case: Any, run_of: Callable[[Any], list[bytes]], rng: np.random.Generator, *, beside: bool, interrupts: bool
) -> None:
    """Hold what `run_of` makes of cases to giving alone what it gives `beside` others in eight threads, and where
    another thread `interrupts` it.

    Errors
        LawBroken   it gives something else
    """
    cases = [case.again(i) for i in range(THREADS if beside else 2)]

    def run(one: Any) -> list[bytes]:
        with np.errstate(all="ignore"):
            return run_of(one)

    wanted = [run(one) for one in cases]
    if beside and _side_by_side(run, cases * 2) != wanted * 2:
        raise broken(f"{THREADS} threads get other values than one: {_SHARED}")
    if not interrupts:
        return
    first = partial(run, cases[0])
    chosen = rng.permutation(places(first))[:PLACES]
    if interrupted(first, set(chosen.tolist()), partial(run, cases[1])) != wanted[0]:
        raise broken(f"a pass that another thread interrupts gets other values than alone: {_SHARED}")


def _side_by_side(run: Callable[[Any], Any], cases: list[Any]) -> list[Any]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        return list(_pool().map(run, cases))
    finally:
        sys.setswitchinterval(interval)


LATER: Final = (10**7 + 12_345.678, 216_000.0)
"""Seconds: to another month, day, hour, minute and second; and to the other half of another day."""


@contextmanager
def later(*parts: object, by: float = LATER[0]) -> Generator[None, None, None]:
    """Within it, Python's clocks are some months ahead, or as far as is said, by whatever name the functions of these
    parts know them; and the process has another number.
    """
    scales = {"": 1, "_ns": 10**9}
    clocks = {name + unit: scale for name in ("time", "monotonic", "perf_counter") for unit, scale in scales.items()}

    def shifted(clock: Any, scale: int) -> Any:
        return lambda: clock() + type(clock())(by * scale)

    def told(clock: Any, now: Any) -> Any:
        def at(seconds: float | None = None) -> Any:
            return clock(now() if seconds is None else seconds)

        return at

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime_class.now(tz) + datetime.timedelta(seconds=by)

        utcnow = today = now

    datetime_class, kept = datetime.datetime, {name: getattr(time, name) for name in (*clocks, "localtime", "gmtime")}
    numbers = {name: getattr(os, name) for name in ("getpid", "getppid") if hasattr(os, name)}
    try:
        for name, number in numbers.items():
            setattr(os, name, shifted(number, 1))
        for name, scale in clocks.items():
            setattr(time, name, shifted(kept[name], scale))
        for name in ("localtime", "gmtime"):
            setattr(time, name, told(kept[name], time.time))
        datetime.datetime = Later  # type: ignore[misc]
        others = {id(clock): getattr(time, name) for name, clock in kept.items()} | {id(datetime_class): Later}
        others |= {id(number): getattr(os, name) for name, number in numbers.items()}
        with _known_as(parts, others):
            yield
    finally:
        datetime.datetime = datetime_class  # type: ignore[misc]
        for name, clock in kept.items():
            setattr(time, name, clock)
        for name, number in numbers.items():
            setattr(os, name, number)


@contextmanager
def _known_as(parts: tuple[object, ...], others: Mapping[int, Any]) -> Generator[None, None, None]:
    """Within it, others stand for these clocks among the globals of the functions of these parts."""
    scopes = [f.__globals__ for f in Reach(*parts).functions if outside(f.__code__.co_filename)]
    found = [(scope, name, thing) for scope in scopes for name, thing in list(scope.items()) if id(thing) in others]
    try:
        for scope, name, thing in found:
            scope[name] = others[id(thing)]
        yield
    finally:
        for scope, name, thing in found:
            scope[name] = thing


def _blind_to_the_clock(case: Case) -> None:
    now = _run(case)
    with later(case.layer, by=LATER[case.seed % 2]):
        then = _run(case)
    if then != now:
        raise broken("some days or months later, in a process of another number, the same input gives something else: "
                     "the layer reads the clock, or that number")  # fmt: skip


OTHERS: Final = 97  # an attempt that no law makes


def passed(layer: Any, shape: Any, options: dict[str, Any]) -> list[Any]:
    """Value and cotangents of a case, as a list of arrays."""
    case = Case(layer, shape, **options)
    y, pullback = case.pull()
    return [np.asarray(a) for _, a in nested.leaves((y, pullback(case.cotangent(y))))]


def passed_later(layer: Any, shape: Any, options: dict[str, Any]) -> list[Any]:
    """The same after a pass over another input, which may be the first there is: what another process is asked for."""
    passed(layer, shape, {**options, "attempt": OTHERS})
    return passed(layer, shape, options)


def _blind_to_hashes(case: Case) -> Verdict | None:
    if case.seed % 8 or case.layer.init.record is None or case.domain is not None:
        return Verdict.MOOT  # another process is dear, and one case of eight finds another order
    options = {"dtype": case.dtype.name, "seed": case.seed, "kind": case.kind, "training": case.training,
               "tokens": case.tokens, "attempt": case.attempt}  # fmt: skip
    try:
        there = elsewhere(passed_later, case.layer, case.shape, options)
    except (TypeError, AttributeError, pickle.PicklingError):
        return Verdict.MOOT  # it is known here alone
    if there is None:
        return Verdict.MOOT
    for a, b in zip(passed(case.layer, case.shape, options), there, strict=True):
        room = 1024 * float(np.finfo(case.dtype).eps) * (1 + nested.reach(a))
        if a.shape != b.shape or nested.furthest(a, b) > room:
            raise broken(
                f"in another process, where strings have other hashes and another input came first, it is off by "
                f"{nested.furthest(a, b):.3g}: it goes by the order of a set, or by what it saw first"
            )
    return None


OUTSIDE_LAWS = (
    Law(
        "writes_nothing",
        "value and pullback write into neither params nor input, be they writeable",
        "exact", _writes_nothing, kinds=("normal",), large=True,
    ),
    Law(
        "leaves_random_state",
        "the global random state, NumPy's settings, the filters of warnings and the environment are left alone: what "
        "is random comes from the key",
        "exact", _leaves_random_state, dtypes=("float32",), kinds=("normal",), large=True,
    ),
    Law(
        "blind_to_the_clock",
        "neither the time of day nor the number of the process matters",
        "exact", _blind_to_the_clock, dtypes=("float32",), kinds=("normal",),
    ),
    Law(
        "blind_to_hashes",
        "another process gets the same, in which sets have another order, and another input came first",
        "exact", _blind_to_hashes, dtypes=("float32",), kinds=("normal",), shrinks=False,
    ),
    Law(
        "threads",
        "eight threads get what one gets",
        "exact", _threads, dtypes=("float32",), kinds=("normal",), shrinks=False, large=True,
    ),
)  # fmt: skip
