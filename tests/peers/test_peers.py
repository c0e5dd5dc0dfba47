"""Our layers against the recorded numbers of PyTorch and JAX, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from tests.peers.case import Case, cases, distance, families, numbers, ours
from tests.peers.recorded_numbers import FOLDER, LIMIT, load

ALL = [pytest.param(family, case, id=f"{family}: {case.source}") for family in families() for case in cases(family)]
EPS = float(np.finfo(np.float32).eps)


@pytest.mark.parametrize(("family", "case"), ALL)
def test_float64_agrees(family: str, case: Case) -> None:
    """To rounding: every output, every gradient, in the same shapes."""
    wanted, found = load(family)[case.source], ours(case, np.float64)
    assert set(found) == {name for name in wanted if name[0] != "~"}
    far = {name: distance(a, wanted[name]) for name, a in found.items()}
    assert max(far.values()) <= case.rtol, far


@pytest.mark.parametrize(("family", "case"), ALL)
def test_float32_is_as_near_as_the_peer(family: str, case: Case) -> None:
    """Its float64 is the judge: ours may be four times as far from it as the peer's own float32, or 32 roundings."""
    wanted, found = load(family)[case.source], ours(case, np.float32)
    for name, a in found.items():
        assert a.dtype == np.float32
        assert distance(a, wanted[name]) <= max(4 * float(wanted[f"~{name}"]), 32 * EPS), name


@pytest.mark.parametrize("family", list(families()))
def test_what_is_recorded_are_the_cases(family: str) -> None:
    """No case without numbers, no numbers without a case, none twice; the table has a line for each."""
    sources = [case.source for case in cases(family)]
    assert sorted(load(family)) == sorted(set(sources)) == sorted(sources)
    table = (FOLDER / f"{family}.txt").read_text(encoding="utf-8")
    assert all(source in table for source in sources)


def test_the_files_are_small() -> None:
    """Two megabytes in all."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= LIMIT


def test_the_numbers_never_change() -> None:
    """What was recorded belongs to them; float32 holds them exactly."""
    found = numbers(2, 2, seed=1)
    assert (found * 2**19).tolist() == [[257718.5, -237420.5], [425976.5, 106203.5]]
    np.testing.assert_array_equal(found.astype(np.float32).astype(np.float64), found)
