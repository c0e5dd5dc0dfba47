"""Data that are too large to be copied: whatever their dtype and layout, only one batch of them ever is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import pytest

from funcnn import (
    Array, Dense, DTypeError, FuncnnWarning, NonFiniteError, accuracy, evaluate, mean_of, predict, r2, serial, sgd,
    squared_error, train,
)  # fmt: skip
from funcnn.training import rows
from tests.refusals import refusal

ROWS, WIDTH, BATCH = 30_000, 400, 256
NET: Final = serial(Dense(2))
_, PARAMS = NET.init(0, (-1, WIDTH))
SMALL: Final = np.random.default_rng(0).normal(size=(60, WIDTH))


def stored(x: Array, folder: Path) -> Array:
    """A memory map of a file."""
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, x)
    found: Array = np.load(path, mmap_mode="r")
    return found


LAYOUTS: Final[dict[str, Callable[[Array, Path], Array]]] = {
    "float64": lambda x, _: x,
    "Fortran order": lambda x, _: np.asfortranarray(x),
    "every second row": lambda x, _: np.repeat(x, 2, 0)[::2],
    "columns of a wider table": lambda x, _: np.concatenate([x, x], 1)[:, :WIDTH],
    "backwards": lambda x, _: np.ascontiguousarray(x[::-1])[::-1],
    "big-endian": lambda x, _: x.astype(">f8"),
    "big-endian float32, strided": lambda x, _: np.repeat(x.astype(">f4"), 2, 0)[::2],
    "a memory map": stored,
    "a part of a memory map": lambda x, folder: stored(np.repeat(x, 2, 0), folder)[::2],
}


@pytest.fixture
def large() -> Iterator[None]:
    """Everything is large."""
    with mock.patch.object(rows, "_SMALL", 1), mock.patch.object(rows, "_BLOCK", 1000):
        yield


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_results_are_those_of_a_small_copy(layout: str, tmp_path: Path) -> None:
    """Bit for bit; the data are left as they are."""
    wanted = predict(NET.apply, PARAMS, SMALL.astype(np.float32), batch_size=16)
    x = LAYOUTS[layout](SMALL, tmp_path)
    kept = x.copy()
    assert np.array_equal(predict(NET.apply, PARAMS, x, batch_size=16), wanted)
    assert np.array_equal(x, kept)
    target = LAYOUTS[layout](wanted.astype(float).repeat(WIDTH // 2, 1) + 1, tmp_path)[:, :2]
    found = evaluate(NET.apply, PARAMS, (x, target), mean_of(squared_error), batch_size=16)
    wide = np.ascontiguousarray(target).astype(float)
    assert found["squared_error"] == pytest.approx(squared_error(wanted.astype(float), wide), rel=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_batch_is_copied_at_a_time(layout: str, tmp_path: Path) -> None:
    """96 megabytes of features: predictions and metrics take a sixth of that at most."""
    x = LAYOUTS[layout](np.random.default_rng(0).standard_normal((ROWS, WIDTH)), tmp_path)
    labels = np.zeros(ROWS, int)
    predict(NET.apply, PARAMS, x[:BATCH])
    with mock.patch.object(rows, "_SMALL", 1 << 24):
        tracemalloc.start()
        predict(NET.apply, PARAMS, x, batch_size=BATCH)
        evaluate(NET.apply, PARAMS, (x, labels), accuracy, batch_size=BATCH)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * ROWS * WIDTH / 6


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_not_finite_is_found(layout: str, tmp_path: Path) -> None:
    """Before anything is computed: how many, the first, in the dtype of the network."""
    for value, name in ((np.nan, "NaN"), (-np.inf, "infinity"), (1e300, "too large")):
        if "float32" in layout and name == "too large":
            continue
        x = SMALL.copy()
        x[17, 5] = x[17, 9] = x[44, 0] = value
        data = LAYOUTS[layout](x, tmp_path)
        said = refusal(lambda data=data: predict(NET.apply, PARAMS, data), NonFiniteError)  # type: ignore[misc]
        assert said.startswith("x has 3 values that are not finite in float32, the first is x[17, 5]; leave such rows")
        said = refusal(lambda data=data: evaluate(NET.apply, PARAMS, (data, np.zeros(60)), r2), NonFiniteError)  # type: ignore[misc]
        assert "x[17, 5]" in said


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("dtype", [complex, object, "U3", "M8[s]"])
def test_other_kinds_are_refused(dtype: Any) -> None:
    """As small ones are."""
    x = np.zeros((60, WIDTH), int).astype(dtype)
    assert "features are real numbers" in refusal(lambda: predict(NET.apply, PARAMS, x), DTypeError)


def test_a_fraction_of_a_large_memory_map(tmp_path: Path) -> None:
    """Is told of: the rows that stay are copied into memory; data of their own leave them on the disk."""
    x, y = stored(SMALL.astype(np.float32), tmp_path), SMALL[:, :1]

    def run(validation: Any) -> Any:
        return train(squared_error, Dense(1), sgd(1e-5), (x, y), epochs=1, validation=validation, quiet=True)

    run(0.5)
    with mock.patch.object(rows, "_SMALL", 1):
        with pytest.warns(FuncnnWarning, match="give validation data, validation="):
            run(0.5)
        run((x[:5], y[:5]))
