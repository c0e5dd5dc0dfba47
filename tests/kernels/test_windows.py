"""Where windows stand, and which pixels they reach, against counting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from funcnn.kernels.windows import positions, reach

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
