"""The arithmetic of GroupNorm by blocks, against the formulas group by group in float64."""

from __future__ import annotations

from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array, GroupNorm, InstanceNorm, Layer, vjp
from funcnn.kernels import group_norm as kernel
from funcnn.kernels import threads


class Case(NamedTuple):
    """Examples, their cotangents, and numbers for every channel."""

    x: Array
    dy: Array
    scale: Array
    offset: Array
    groups: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any number of examples, of places along one axis or two, or of none, and of groups of any width."""
    batch, groups, width = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    places = draw(st.lists(st.integers(1, 6), max_size=2))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, dy = rng.normal(size=(2, batch, *places, groups * width))
    scale, offset = rng.normal(size=(2, groups * width))
    return Case(x, dy, scale, offset, groups)


def found(case: Case, block: int, line: int, long: int = 1) -> tuple[Array, ...]:
    """What the kernels make of it in blocks of these sizes."""
    x, dy, scale, offset, groups = case
    with mock.patch.multiple(kernel, _LONG=long, _FEW=1, _BLOCK=block, _LINE=line, _WORTHWHILE=8):
        made = kernel.normalized(x, scale, offset, groups, 1e-5)
        assert (made.rows is None) == (long == 1)
        dscale, doffset, means = kernel.params_cotangents(x, dy, scale, made)
        return made.y, dscale, doffset, kernel.input_cotangent(x, dy, scale, made, means)


def formulas(case: Case) -> tuple[Array, ...]:
    """The same, group by group."""
    x, dy, scale, offset, groups = case
    y, dx, h = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    width = x.shape[-1] // groups
    for n in range(len(x)):
        for g in range(groups):
            at = (n, ..., slice(g * width, (g + 1) * width))
            s = 1 / np.sqrt(x[at].var() + 1e-5)
            h[at] = s * (x[at] - x[at].mean())
            y[at] = scale[at[2]] * h[at] + offset[at[2]]
            dh = dy[at] * scale[at[2]]
            dx[at] = s * (dh - dh.mean() - h[at] * (dh * h[at]).mean())
    rows = tuple(range(x.ndim - 1))
    return y, (dy * h).sum(rows), dy.sum(rows), dx


@given(case=cases(), block=st.integers(1, 60), line=st.integers(1, 30))
def test_blocks_agree_with_the_formulas(case: Case, block: int, line: int) -> None:
    """Whatever the sizes of blocks and lines; blocks of many examples, and parts of one."""
    for made, wanted in zip(found(case, block, line), formulas(case), strict=True):
        np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-9)


@given(case=cases())
def test_the_whole_agrees_with_the_formulas(case: Case) -> None:
    """The path of short arrays."""
    for made, wanted in zip(found(case, 8, 8, long=1 << 20), formulas(case), strict=True):
        np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-9)


@given(case=cases())
def test_complex_cotangents_take_the_whole_path(case: Case) -> None:
    """The pullback is linear: of i dy it is i times that of dy, whichever way the value went."""
    x, _, scale, offset, groups = case
    wanted = found(case, 8, 8)
    with mock.patch.multiple(kernel, _LONG=1, _FEW=1):
        made = kernel.normalized(x, scale, offset, groups, 1e-5)
        turned: Any = case.dy * 1j
        dscale, doffset, means = kernel.params_cotangents(x, turned, scale, made)
        dx = kernel.input_cotangent(x, turned, scale, made, means)
    for part, real in zip((dscale, doffset, dx), wanted[1:], strict=True):
        np.testing.assert_allclose(part, 1j * real, rtol=1e-9, atol=1e-9)


@given(case=cases())
def test_the_number_of_threads_changes_no_value(case: Case) -> None:
    """Every example is summed by itself."""
    one = found(case, 16, 8)
    with mock.patch.object(threads, "THREADS", 2):
        for a, b in zip(found(case, 16, 8), one, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("net", [GroupNorm(4), InstanceNorm()], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 27, 19, 8), (2, 1, 4096), (2, 40, 128), (1, 70, 300, 8)])
def test_long_arrays_agree_with_float64(net: Layer[Array, Array], dtype: Any, shape: tuple[int, ...]) -> None:
    """A large mean too, strided inputs, and one channel that does not vary; the dtype stays."""
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=shape) + 100).astype(dtype), rng.normal(size=shape).astype(dtype)
    x[..., 0] = 7.0
    params = {"scale": rng.normal(size=shape[-1]).astype(dtype), "offset": rng.normal(size=shape[-1]).astype(dtype)}
    y, pullback = vjp(net.apply, params, x)
    dparams, dx = pullback(dy)
    assert {a.dtype for a in (y, dx, dparams.at("scale"), dparams.at("offset"))} == {np.dtype(dtype)}
    groups = 4 if net == GroupNorm(4) else shape[-1]
    wide_x, wide_dy, scale, offset = (a.astype(np.float64) for a in (x, dy, params["scale"], params["offset"]))
    case = Case(wide_x, wide_dy, scale, offset, groups)
    tolerance = 5e-3 if dtype is np.float32 else 1e-9
    for found, wanted in zip((y, dparams.at("scale"), dparams.at("offset"), dx), formulas(case), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1, np.abs(wanted).max()))
    strided = np.repeat(x, 2, axis=-1)[..., ::2]
    np.testing.assert_allclose(net.apply(params, strided), y, rtol=tolerance, atol=tolerance)
    x[0, 0] = np.nan
    seen = np.isnan(net.apply(params, x))
    assert seen[0].all() and not seen[1:].any()
