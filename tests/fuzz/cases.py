"""One case: what is drawn, called, and looked at."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np

from funcnn import Layer
from tests.fuzz.calls import calls
from tests.fuzz.drawing import EVERYTHING, LAYOUTS, ODD, arguments_of, case, each, pick
from tests.fuzz.judging import Finding, arrays, judge, outcome, same

SECONDS = 60
_FITS = (
    "apply", "apply, rng", "apply, dict", "pullback", "pullback, rng", "init", "init, dtype", "out_shape", "summary",
    "trace", "named", "inference", "rebuild", "ravel", "unravel", "astype", "tree_map", "Params", "|", "at", "set",
    "files", "network file", "state file", "folder", "flat", "safetensors", "update", "step", "apply_updates", "l2", "batches", "Key", "schedule", "count", "partition", "loss",
)  # fmt: skip
"""What is never refused when it fits; others want more of a network than that it is one."""


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """A case that takes longer than this is a finding."""

    def over(*args: Any) -> None:
        raise Finding(f"it takes more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(seed: int, number: int) -> str:
    """Run a case; what it was, in words.

    Errors
        Finding   with what must not be, and in its notes what was called
    """
    rng = np.random.default_rng([seed, number])
    how = int(rng.integers(10))
    act = _constructed if how < 3 else _as_it_should if how < 6 else _misused
    told: list[str] = []
    try:
        with time_limit():
            act(rng, told)
    except Finding as finding:
        finding.add_note(" ".join(told))
        raise
    return " ".join(told)


def _constructed(rng: Any, told: list[str]) -> None:
    """A constructor of the catalogue with one argument that is odd."""
    row = pick(rng, EVERYTHING)
    found = arguments_of(row)
    if found is None:
        return
    f, args, options = found
    name = pick(rng, list(ODD))
    place = pick(rng, [*range(len(args)), *options, len(args)])
    told += [row.source, "with", name, "for", str(place)]

    def make() -> Any:
        odd = ODD[name]()
        if isinstance(place, int):
            return f, [*args[:place], odd, *args[place + 1 :]], options
        return f, args, {**options, place: odd}

    kind, value = judge(make, strict=False)
    if kind == "value" and isinstance(value, Layer):
        outcome(lambda: repr(value), False)
        for shape in ((-1, 3), (2, 4, 4, 2), (2, 3, 4), ((2, 3), (2, 3))):
            outcome(lambda: value.out_shape(shape), False)  # noqa: B023  (called at once)


def _as_it_should(rng: Any, told: list[str]) -> None:
    """A call with what fits, in some layout; it must be what plain float32 gives."""
    drawn = case(rng)
    table = calls(drawn, rng)
    name = pick(rng, list(table))
    layout = pick(rng, list(LAYOUTS))
    told += [name, "of", repr(drawn.net), "at", str(drawn.shape), "with", layout]
    kind, plain = judge(table[name], strict=True)
    if kind != "value":
        if name in _FITS:
            raise Finding(f"it fits, and was refused: {plain}")
        return
    if name not in ("apply", "pullback", "predict", "trace"):
        return

    def make() -> Any:
        f, args, options = table[name]()
        turned = [each(LAYOUTS[layout], a) if type(a) in (np.ndarray, tuple) else a for a in args]
        return f, turned, options

    if (layout == "lists" and isinstance(drawn.x, tuple)) or (layout == "wider" and not len(drawn.params)):
        return  # a list is no tuple, and without params wider features are computed with as they are
    kind, value = judge(make, strict=True)
    if kind != "value" or not same(value, plain):
        raise Finding(f"laid out in another way, it gives {str(value)[:300]}, not {str(plain)[:300]}")


def _misused(rng: Any, told: list[str]) -> None:
    """A call with one argument that is odd, two that are swapped, or one that is missing."""
    drawn = case(rng)
    table = calls(drawn, rng)
    name = pick(rng, list(table))
    _, args, options = table[name]()
    how = int(rng.integers(8))
    odd = pick(rng, list(ODD))
    place = pick(rng, [*range(len(args)), *options])
    told += [name, "of", repr(drawn.net), "at", str(drawn.shape)]
    told += ["swapped"] if how == 0 else ["missing one"] if how == 1 else ["with", odd, "for", str(place)]

    def make() -> Any:
        f, args, options = table[name]()
        if how == 0:
            return f, args[::-1], options
        if how == 1:
            return f, args[:-1], options
        if isinstance(place, int):
            return f, [*args[:place], ODD[odd](), *args[place + 1 :]], options
        return f, args, {**options, place: ODD[odd]()}

    callables = ("class", "ufunc", "Dense", "np", "net", "Relu", "function")
    if odd in callables and name in ("rebuild", "tree_map", "partition"):
        return  # a function of theirs that is called as it wants to be, or not
    if name == "schedule" and how > 1 and place == 2:
        return  # schedules are asked by optimizers, with a count of their own
    kind, value = judge(make, strict=False)
    if kind == "value" and name in ("apply", "pullback", "predict", "objective") and "float64" not in odd:
        wide = [a.dtype for a in arrays(value) if a.dtype == np.float64]
        if wide and "params" not in odd and len(drawn.params):
            raise Finding(f"float32 in, float64 out: {str(value)[:300]}")
