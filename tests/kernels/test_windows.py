"""Where windows stand, and which pixels they reach, against counting."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from funcnn.kernels.windows import Windows, padded, positions, reach

sizes, windows, strides, pads = st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(0, 4)


@given(n=sizes, k=windows, s=strides, before=pads, after=pads)
def test_positions_count_the_windows_that_stay_inside(n: int, k: int, s: int, before: int, after: int) -> None:
    """As many as there are starts from which a whole window fits into the padded axis."""
    starts = [i for i in range(0, before + n + after, s) if i + k <= before + n + after]
    if starts:
        assert positions(n, k, s, (before, after)) == len(starts)


@given(offset=windows, s=strides, pad=st.integers(-3, 4), n=sizes, count=st.integers(1, 6))
def test_reach_pairs_windows_with_their_real_pixels(offset: int, s: int, pad: int, n: int, count: int) -> None:
    """Window `r` has pixel `r s + offset - pad` where that is a pixel, and the slices list such pairs in order."""
    which, pixels = reach(offset, s, pad, n, count)
    expected = [(r, r * s + offset - pad) for r in range(count) if 0 <= r * s + offset - pad < n]
    assert list(zip(range(count)[which], range(n)[pixels], strict=True)) == expected


@st.composite
def slides(draw: st.DrawFn) -> tuple[Windows, tuple[int, ...]]:
    """Windows over one, two or three axes, and an array in which they find room."""
    rank = draw(st.integers(1, 3))
    size, steps, gaps = (tuple(draw(st.integers(1, 3)) for _ in range(rank)) for _ in range(3))
    borders = tuple((draw(st.integers(-1, 3)), draw(st.integers(-1, 3))) for _ in range(rank))
    spans = [(k - 1) * d + 1 - sum(pad) for k, d, pad in zip(size, gaps, borders, strict=True)]
    return Windows(size, steps, gaps, borders), (2, *(max(1, n) + draw(st.integers(0, 3)) for n in spans), 2)


@given(slide=slides())
def test_offsets_pair_windows_with_their_pixels(slide: tuple[Windows, tuple[int, ...]]) -> None:
    """As many offsets as pixels in a window, row by row; those in the padding have no window."""
    how, shape = slide
    counts = how.counts(shape)
    offsets = how.offsets(shape, counts)
    assert len(offsets) == prod(how.size)
    for i, (windows, there) in zip(np.ndindex(how.size), offsets, strict=True):
        for axis, (n, count, which, pixels) in enumerate(zip(shape[1:-1], counts, windows[1:], there[1:], strict=True)):
            places = [r * how.strides[axis] + i[axis] * how.dilation[axis] - how.pads[axis][0] for r in range(count)]
            found = dict(zip(range(count)[which], range(n)[pixels], strict=True))
            assert found == {r: p for r, p in enumerate(places) if 0 <= p < n}


@given(slide=slides())
def test_padding_puts_zeros_around_or_leaves_pixels_out(slide: tuple[Windows, tuple[int, ...]]) -> None:
    """What `np.pad` does, and for negative numbers what slicing does."""
    how, shape = slide
    x = np.random.default_rng(0).normal(size=shape)
    wanted = np.pad(x, ((0, 0), *((max(0, a), max(0, b)) for a, b in how.pads), (0, 0)))
    for axis, (a, b) in enumerate(how.pads, 1):
        wanted = np.take(wanted, range(max(0, -a), wanted.shape[axis] - max(0, -b)), axis)
    np.testing.assert_array_equal(padded(x, how.pads), wanted)
