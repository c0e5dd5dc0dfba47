"""Which algorithm convolutions go by, and the bands that large images come in."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Final
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn.kernels import choice, convolution, threads, winograd
from funcnn.kernels.windows import Pads

FLOAT32: Final = np.dtype(np.float32)
SAME: Final = {3: ((1, 1), (1, 1)), 5: ((2, 2), (2, 2))}


def chosen(n: int, size: int, c: int, o: int, window: int = 3, **changes: Any) -> bool:
    """Does it go by Winograd's algorithm?"""
    given = {"strides": (1, 1), "pads": SAME.get(window, ((0, 0), (0, 0))), "dtype": FLOAT32, **changes}
    return choice.by_winograd((n, size, size, c), (window, window, c, o), **given)


# which algorithm ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("window", [3, 5])
@pytest.mark.parametrize(("c", "o"), [(16, 16), (64, 64), (512, 512), (12, 16), (16, 8), (16, 1), (64, 3)])
@pytest.mark.parametrize(("n", "size"), [(32, 4), (16, 8), (2, 16), (1, 32), (1, 192), (1, 512), (1, 2048)])
def test_winograd_where_there_are_channels_and_tiles(n: int, size: int, c: int, o: int, window: int) -> None:
    """At every size of the images: bands keep it in the cache."""
    assert chosen(n, size, c, o, window)


def test_wide_windows_need_few_channels() -> None:
    """Of 5x5, three of the images are enough; that is one sixth of the multiplications."""
    assert all(chosen(64, 28, 3, o, 5) for o in (1, 3, 64))
    assert not chosen(64, 28, 3, 64, 3)


@pytest.mark.parametrize(
    ("n", "size", "c", "o", "window", "changes"),
    [
        (1, 512, 3, 64, 3, {}),
        (1, 512, 8, 512, 3, {}),
        (1, 512, 1, 64, 5, {}),
        (1, 512, 2, 2, 5, {}),
        (1, 4, 512, 512, 3, {}),
        (16, 6, 64, 64, 3, {"pads": ((0, 0), (0, 0)), "dtype": np.dtype(np.float64)}),
        (16, 32, 64, 64, 3, {"strides": (2, 2)}),
        (16, 32, 64, 64, 7, {}),
        (16, 7, 64, 64, 3, {"pads": ((0, 0), (0, 0)), "strides": (1, 2)}),
        (16, 5, 64, 64, 3, {"pads": ((0, 0), (0, 0))}),
        (0, 32, 64, 64, 3, {}),
    ],
)  # fmt: skip
def test_the_direct_sum_elsewhere(n: int, size: int, c: int, o: int, window: int, changes: dict[str, Any]) -> None:
    """Few channels, few tiles, tiles that are mostly border; other windows, strides, dtypes; nothing."""
    assert not chosen(n, size, c, o, window, **changes)


# bands ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("size", "c"), [(64, 16), (192, 64), (512, 16), (2048, 1), (2048, 16), (64, 512), (128, 512)])
def test_bands_are_bounded(size: int, c: int) -> None:
    """What lies between the transforms is less than a cache, or two rows of tiles."""
    band = choice.rows_by_winograd((size, size), (5, 5, c, c))
    tiles = (band // 4) * (size // 4)
    assert band % 4 == 0
    assert tiles <= 400 or 4 * 64 * tiles * c <= 1 << 24 or band == 8


def test_small_images_are_not_cut() -> None:
    """They go as they are, several at a time."""
    assert choice.rows_by_winograd((28, 28), (3, 3, 64, 64)) == 28
    assert choice.rows_by_winograd((7, 90), (3, 3, 64, 64)) == 7


@given(
    rows=st.integers(1, 30), window=st.integers(1, 5), stride=st.integers(1, 3), band=st.integers(1, 12),
    top=st.integers(0, 6), bottom=st.integers(0, 6), images=st.integers(1, 2),
)  # fmt: skip
def test_bands_are_the_whole(
    rows: int, window: int, stride: int, band: int, top: int, bottom: int, images: int
) -> None:
    """Every row of outputs is in one band, which has the pixels and the padding that its windows reach, and no more."""
    height = (rows - 1) * stride + window - top - bottom
    if height < 1:
        return
    padded = np.concatenate([np.zeros(top, int), np.arange(1, height + 1), np.zeros(bottom, int)])
    seen: list[tuple[int, int]] = []
    for piece in choice.bands(images, height, window, stride, rows, ((top, bottom), (0, 0)), band):
        above, below = piece.pads[0]
        pixels = np.arange(1, height + 1)[piece.pixels]
        found = np.concatenate([np.zeros(above, int), pixels, np.zeros(below, int)])
        first, end = piece.rows.start, piece.rows.stop
        assert np.array_equal(found, padded[first * stride : (end - 1) * stride + window])
        seen += [(piece.images.start, r) for r in range(first, end)]
    assert seen == [(i, r) for i in range(images) for r in range(rows)]


CASES: Final = [
    ((1, 130, 90, 16), (3, 3, 16, 8), (1, 1), ((1, 1), (1, 1))),
    ((2, 97, 101, 8), (5, 5, 8, 16), (1, 1), ((2, 2), (2, 2))),
    ((1, 99, 120, 16), (3, 3, 16, 16), (1, 1), ((0, 2), (1, 0))),
    ((1, 120, 99, 16), (5, 5, 16, 16), (1, 1), ((4, 0), (0, 4))),
    ((1, 99, 99, 16), (3, 3, 16, 16), (1, 1), ((3, 4), (5, 0))),  # more padding than a window has
    ((1, 120, 120, 3), (3, 3, 3, 16), (1, 1), ((1, 1), (1, 1))),
    ((1, 121, 120, 16), (4, 3, 16, 16), (2, 3), ((1, 2), (0, 1))),
]


@pytest.mark.parametrize("cores", [1, 2, 3])
@pytest.mark.parametrize(("shape", "w_shape", "strides", "pads"), CASES, ids=str)
def test_large_images_by_bands(
    shape: tuple[int, ...], w_shape: tuple[int, ...], strides: Any, pads: Any, cores: int
) -> None:
    """Value and pullbacks are those of float64, which is summed directly, on any number of threads."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=s).astype(np.float32) for s in (shape, w_shape, w_shape[3:]))
    exact = convolution.convolve(x.astype(float), w.astype(float), strides, pads, b.astype(float))
    dy = rng.normal(size=exact.shape).astype(np.float32)
    wide = dy.astype(float)
    dw, db = convolution.convolve_params(x.astype(float), wide, w_shape[:2], strides, pads)  # type: ignore[arg-type]
    dx = convolution.convolve_input(wide, w.astype(float), shape, strides, pads)
    with (
        mock.patch.object(threads, "THREADS", cores),
        mock.patch.object(threads, "_helpers", []),
        mock.patch.object(convolution, "_WORTHWHILE", 1 << 16),
    ):
        found = [convolution.convolve(x, w, strides, pads, b)]
        found += convolution.convolve_params(x, dy, w_shape[:2], strides, pads)  # type: ignore[arg-type]
        found.append(convolution.convolve_input(dy, w, shape, strides, pads))
    for a, e in zip(found, (exact, dw, db, dx), strict=True):
        assert a.dtype == np.float32 and a.shape == e.shape
        assert np.abs(a - e).max() < 3e-5 * np.abs(e).max()


def test_the_windows_turned_round_send_back() -> None:
    """The pullback to the images, as a convolution."""
    rng = np.random.default_rng(0)
    dy, w = rng.normal(size=(1, 9, 9, 5)).astype(np.float32), rng.normal(size=(3, 3, 4, 5)).astype(np.float32)
    wanted = winograd.convolve_input(dy, w, (1, 9, 9, 4), SAME[3])
    assert np.allclose(winograd.convolve(dy, winograd.turned(w), SAME[3]), wanted, atol=1e-4)


# memory ---------------------------------------------------------------------------------------------------------------
PEAK = """
import resource
import numpy as np
from funcnn import Conv, vjp
net = Conv({o}, ({k}, {k}), padding="SAME")
_, params = net.init(0, (1, {size}, {size}, {c}))
x = np.ones((1, {size}, {size}, {c}), np.float32)
net.apply(params, x[:, :64, :64])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
y = net.apply(params, x)
forward = (peak() - before) / y.nbytes
del y
y, pullback = vjp(net.apply, params, x)
dparams, dx = pullback(y)
print(forward, (peak() - before) / (y.nbytes + dx.nbytes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
@pytest.mark.parametrize(
    ("size", "c", "o", "k"), [(1024, 16, 16, 5), (1024, 16, 16, 3), (512, 64, 64, 3), (512, 3, 64, 5)]
)
def test_memory_is_a_small_multiple_of_the_outputs(size: int, c: int, o: int, k: int) -> None:
    """Twice the output forward, with the padded input; three times output and input with the pullbacks."""
    code = PEAK.format(size=size, c=c, o=o, k=k)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300,
        env={**os.environ, "FUNCNN_THREADS": "2"},
    )  # fmt: skip
    forward, whole = map(float, done.stdout.split())
    assert forward < 2.5 and whole < 3


@pytest.mark.parametrize(
    ("images", "outputs", "pads", "expected"),
    [
        ((8, 28, 28, 4), (8, 28, 28, 4), ((1, 1), (1, 1)), True),
        ((8, 26, 26, 4), (8, 24, 24, 4), ((0, 0), (0, 0)), False),
        ((8, 24, 24, 4), (8, 28, 28, 4), ((3, 3), (3, 3)), False),
        ((1, 402, 402, 4), (1, 400, 400, 4), ((0, 0), (0, 0)), True),
    ],
)
def test_pullbacks_are_turned_where_that_makes_no_more_tiles(
    images: tuple[int, ...], outputs: tuple[int, ...], pads: Pads, expected: bool
) -> None:
    """49 tiles for images and outputs; 49 against 36; padding of a whole window; bands of a large image."""
    assert choice.turns(images, outputs, (3, 3, 4, 4), pads) == expected
