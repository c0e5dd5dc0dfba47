"""Training in one call, over ranks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Array, BatchNorm, Dense, Dropout, Key, Relu, accuracy, adam, l2, load_checkpoint, serial, softmax_cross_entropy,
)  # fmt: skip
from funcnn.distributed import Alone, Communicator, train
from funcnn.training import whole_runs
from tests.distributed.threads import on_ranks

SOURCE = np.random.default_rng(0)
X = SOURCE.normal(size=(150, 4)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int64)
NET = serial(Dense(8), BatchNorm(), Relu, Dropout(0.1), Dense(2))
PLAIN = serial(Dense(8), Relu, Dense(2))


def noisy(x: Array, key: Key) -> Array:
    """Augmentation that draws."""
    return x + np.float32(0.1) * key.generator().standard_normal(x.shape, np.float32)


OPTIONS: dict[str, Any] = {
    "validation": 0.2, "metrics": [accuracy], "patience": 6, "batch_size": 32, "penalties": [l2(1e-4)], "rng": 3,
    "augment": noisy, "quiet": True,
}  # fmt: skip


def by_ranks(comm: Communicator, net: Any = NET, *, epochs: int = 8, **more: Any) -> Any:
    """A run."""
    options = {**OPTIONS, **more}
    return train(softmax_cross_entropy, net, adam(1e-2), (X, LABELS), comm=comm, epochs=epochs, **options)


def test_one_rank_is_the_plain_one() -> None:
    """To the bit, the history too."""
    alone = funcnn.train(softmax_cross_entropy, NET, adam(1e-2), (X, LABELS), epochs=8, **OPTIONS)
    found = by_ranks(Alone())
    assert found.params == alone.params and found.state == alone.state and found.history.rows == alone.history.rows


def test_ranks_equal_one() -> None:
    """Where nothing is random, and all ranks have the same bits where something is."""
    alone = funcnn.train(
        softmax_cross_entropy, PLAIN, adam(1e-2), (X, LABELS), epochs=8, **{**OPTIONS, "augment": None}
    )
    for found in on_ranks(2, lambda comm: by_ranks(comm, PLAIN, augment=None)):
        assert abs(found.params.at("dense_0/w") - alone.params.at("dense_0/w")).max() < 1e-5
        assert found.history["loss"] == pytest.approx(alone.history["loss"], rel=1e-4)
    first, second = on_ranks(2, by_ranks)
    assert first.params == second.params and first.state == second.state
    assert first.history["accuracy"][-1] > 0.8


def test_goes_on_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after some epochs, or inside of one, it ends with the same bits; one rank alone writes."""
    monkeypatch.setattr(whole_runs, "_EVERY", 0.0)  # seconds: a checkpoint after every step
    whole, _ = on_ranks(2, lambda comm: by_ranks(comm, folder=tmp_path / "whole"))

    def stopping(x: Array, key: Key) -> Array:
        if len(list((tmp_path / "part").glob("*"))) >= 3:
            raise KeyboardInterrupt
        return noisy(x, key)

    with pytest.raises(KeyboardInterrupt):
        on_ranks(2, lambda comm: by_ranks(comm, folder=tmp_path / "part", augment=stopping))
    found = load_checkpoint(tmp_path / "part", adam(1e-2), like=whole.state.params)
    assert found is not None and 0 < found.state.step < whole.state.step
    first, second = on_ranks(2, lambda comm: by_ranks(comm, folder=tmp_path / "part"))
    assert first.state == second.state == whole.state and first.params == whole.params
    assert first.history.rows == whole.history.rows


def test_the_first_shows_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """And no other."""
    on_ranks(3, lambda comm: by_ranks(comm, epochs=2, quiet=False))
    assert capsys.readouterr().err.count("epoch 1 ") == 1 and sys.stderr is not None


def test_batches_are_refused() -> None:
    """With what to write."""
    with pytest.raises(TypeError, match=r"train over ranks takes arrays, \(x, target\)"):
        train(softmax_cross_entropy, NET, adam(1e-2), [(X, LABELS)], comm=Alone(), epochs=1)  # type: ignore[arg-type]
