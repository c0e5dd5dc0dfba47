"""Memory of any layout holds the same numbers: the same bits come out, and what was given stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from tests.realistic import CASES, IMAGES, Case

f: Any = funcnn


def _strided(a: Any) -> Any:
    out = np.zeros((*a.shape, 3), a.dtype)[..., 1]
    out[...] = a
    return out


def _locked(a: Any) -> Any:
    a = a.copy()
    a.setflags(write=False)
    return a


def _inside(a: Any) -> Any:
    out = np.zeros((a.shape[0] + 2, *a.shape[1:]), a.dtype)
    out[1:-1] = a
    return out[1:-1]


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "Fortran order": np.asfortranarray,
    "strides": _strided,
    "rows backwards": lambda a: a[::-1].copy()[::-1],
    "last axis backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "axes swapped": lambda a: np.ascontiguousarray(a.T).T,
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": _locked,
    "part of another": _inside,
    "unaligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
    "a subclass": lambda a: a.view(np.recarray),
}


def each(g: Callable[[Any], Any], x: Any) -> Any:
    """`g` of every array of an input."""
    return tuple(g(v) for v in x) if type(x) is tuple else g(x)


def held(x: Any) -> list[tuple[Any, ...]]:
    """What arrays hold, and how."""
    return [(v.tobytes(), v.strides, v.flags.writeable, v.dtype) for v in (x if type(x) is tuple else (x,))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_inputs_and_targets(case: Case, layout: str) -> None:
    """In value, pullback, prediction, training and score."""
    x = each(LAYOUTS[layout], case.x)
    before = held(x)
    y = case.net.apply(case.params, case.x)
    dy = LAYOUTS[layout](y)
    assert np.array_equal(case.net.apply(case.params, x), y)
    plain, turned = (f.vjp(case.net.apply, case.params, v, rng=3)[1](d) for v, d in ((case.x, y), (x, dy)))
    assert plain[0] == turned[0] and held(plain[1]) == held(turned[1])
    assert np.array_equal(
        f.predict(case.net.apply, case.params, x, batch_size=3),
        f.predict(case.net.apply, case.params, case.x, batch_size=3),
    )
    steps = [
        list(f.fit(f.squared_error, case.net.apply, f.adam(0.1), case.params, data, batch_size=3, rng=0))[-1]
        for data in ((x, dy), (case.x, y))
    ]
    assert steps[0] == steps[1]
    score = f.mean_of(f.squared_error)
    assert f.evaluate(case.net.apply, case.params, (x, dy + 1), score) == f.evaluate(
        case.net.apply, case.params, (case.x, y + 1), score
    )
    assert held(x) == before


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_params(case: Case, layout: str) -> None:
    """In plain dicts, as people bring them from elsewhere; and made params of."""
    tree = case.params.to_dict()

    def turned(tree: Any) -> Any:
        return {name: turned(v) if isinstance(v, dict) else LAYOUTS[layout](v) for name, v in tree.items()}

    other = turned(tree)
    y, back = f.vjp(case.net.apply, case.params, case.x, rng=3)
    again, back_again = f.vjp(case.net.apply, other, case.x, rng=3)
    assert y.tobytes() == again.tobytes() and back(y)[0] == back_again(y)[0]
    assert f.Params(other) == case.params and f.ravel(other)[0].tobytes() == f.ravel(case.params)[0].tobytes()


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_memory_maps(tmp_path: Path, mode: Any) -> None:
    """Of every mode, and what is on the disk stays as it is."""
    disk = np.memmap(tmp_path / "x", np.float32, "w+", shape=IMAGES.x.shape)
    disk[...] = IMAGES.x
    disk.flush()
    stored = (tmp_path / "x").read_bytes()
    x = np.memmap(tmp_path / "x", np.float32, mode, shape=IMAGES.x.shape)
    y = IMAGES.net.apply(IMAGES.params, IMAGES.x)
    assert np.array_equal(IMAGES.net.apply(IMAGES.params, x), y)
    next(f.fit(f.squared_error, IMAGES.net.apply, f.sgd(0.1), IMAGES.params, (x, y), rng=0))
    del x
    assert (tmp_path / "x").read_bytes() == stored
