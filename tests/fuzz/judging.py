"""What a call may do, and what it may not."""

from __future__ import annotations

import linecache
import re
import traceback
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import funcnn
from funcnn import FuncnnError
from funcnn.params import ArrayTree

HOME = str(funcnn.__file__).removesuffix("__init__.py")
_BINDING = re.compile(r"\(\) (got (an unexpected|multiple values|some positional)|missing \d|takes \d|takes (from|no))")


class Finding(Exception):
    """Something that must not be."""


# exceptions -----------------------------------------------------------------------------------------------------------
def excusable(error: BaseException) -> bool:
    """Is it ours, raised by us, or Python's own about how a function is called?"""
    if isinstance(error, FuncnnError):
        return bool(error.message) and not isinstance(error, RecursionError)
    if isinstance(error, RecursionError):
        return False
    if isinstance(error, TypeError) and _BINDING.search(str(error)):
        return True
    frames = list(traceback.walk_tb(error.__traceback__))
    if not any(frame.f_code.co_filename.startswith(HOME) for frame, _ in frames):
        return True  # the library was not there yet: 0.5 has no .update
    frame, line = frames[-1]
    raised = linecache.getline(frame.f_code.co_filename, line).strip().startswith("raise")
    return frame.f_code.co_filename.startswith(HOME) and raised and bool(str(error))


def _plain(text: str) -> str:
    """Words without what is another at every call: addresses, temporary folders."""
    return re.sub(r"0x[0-9a-fA-F]+|/tmp/tmp\w+", "", text)


def _told(error: BaseException) -> str:
    """Where an error comes from, and what it says."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(HOME)]
    lines = [f"  {frame.filename.removeprefix(HOME)}:{frame.lineno} {frame.line}" for frame in frames[-4:]]
    where = lines[-1].strip() if lines else "nowhere"
    return "\n".join((f"{type(error).__name__} in {where}", *lines, str(error)[:500]))


def outcome(call: Callable[[], Any], strict: bool) -> tuple[str, Any]:
    """What comes out, or which error, in words that are the same the next time."""
    with warnings.catch_warnings(), np.errstate(all="raise" if strict else "ignore", under="ignore"):
        warnings.simplefilter("error")
        if hasattr(funcnn, "FuncnnWarning"):
            warnings.simplefilter("ignore", funcnn.FuncnnWarning)
        try:
            value = call()
            return "value", _plain(value) if isinstance(value, str) else value
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:
            if not excusable(error):
                raise Finding(f"an error that is not ours: {_told(error)}") from error
            return "error", (type(error).__name__, _plain(str(error)))


# values ---------------------------------------------------------------------------------------------------------------
def arrays(value: Any, depth: int = 0) -> list[np.ndarray[Any, Any]]:
    """Every array in a value."""
    if isinstance(value, np.ndarray):
        return [value]
    if depth > 8 or isinstance(value, (str, bytes, types.GeneratorType)):
        return []
    if isinstance(value, ArrayTree):
        return [value.at(path) for path in value.paths()]
    if isinstance(value, Mapping):
        return [a for v in value.values() for a in arrays(v, depth + 1)]
    if isinstance(value, (tuple, list)):
        return [a for v in value for a in arrays(v, depth + 1)]
    if isinstance(value, np.generic):
        return [np.asarray(value)]
    return []


def frozen(value: Any) -> list[tuple[Any, ...]]:
    """What the arrays in a value hold."""
    return [(a.shape, str(a.dtype), a.strides, a.tobytes() if a.dtype.kind != "O" else repr(a)) for a in arrays(value)]


def same(a: Any, b: Any) -> bool:
    """Are two results the same, as far as they are values?"""
    if isinstance(a, np.ndarray):
        return type(a) is type(b) and a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, ArrayTree):
        return bool(a == b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (float, np.floating)):
        return type(a) is type(b) and (a == b or (a != a and b != b))
    if isinstance(a, (int, str, bool, funcnn.Layer)):
        return bool(a == b)
    return type(a) is type(b)


def finite(value: Any) -> bool:
    """Are all numbers in it finite?"""
    numbers = [value] if isinstance(value, float) else arrays(value)
    return all(bool(np.isfinite(a).all()) for a in numbers if np.asarray(a).dtype.kind in "fc")


def moderate(value: Any) -> bool:
    """Are all numbers in it of everyday size, so that nothing overflows?"""
    numbers = [np.asarray(value)] if isinstance(value, (int, float)) else arrays(value)
    return all(bool((abs(a) < 100).all()) and finite(a) for a in numbers if a.size and a.dtype.kind in "fiu")


def judge(make: Callable[[], tuple[Callable[..., Any], list[Any], dict[str, Any]]], strict: bool) -> tuple[str, Any]:
    """Call twice, each time with fresh arguments that are equal, and look at everything.

    Errors
        Finding   with what must not be
    """
    results: list[tuple[str, Any]] = []
    for _ in range(2):
        f, args, options = make()
        before = frozen((args, options))
        kind, value = outcome(lambda: f(*args, **options), strict)  # noqa: B023  (called at once)
        if frozen((args, options)) != before:
            raise Finding("an argument was written to")
        results.append((kind, value))
    (kind, value), again = results
    if kind != again[0] or not same(value, again[1]):
        raise Finding(f"twice, and not the same: {str(value)[:300]} and {str(again[1])[:300]}")
    if kind == "value":
        f, args, options = make()
        if moderate((args, options)) and all(map(moderate, (*args, *options.values()))) and not finite(value):
            raise Finding(f"everything given was finite, and this is not: {str(value)[:300]}")
    return kind, value
