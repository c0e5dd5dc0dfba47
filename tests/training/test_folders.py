"""A folder of checkpoints keeps the last ones and the best, and finds them again."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from funcnn import (
    CheckpointError,
    FuncnnWarning,
    ParamsError,
    adam,
    fit,
    load_checkpoint,
    load_state,
    momentum,
    save_checkpoint,
    squared_error,
)
from tests.training.small_folders import PARAMS, SGD, at, damage, found, names
from tests.training.small_runs import PLAIN, X, Y, params_of


# what is kept ---------------------------------------------------------------------------------------------------------
def test_nothing_there(tmp_path: Path) -> None:
    """No folder, or an empty one, has no checkpoint; files of other names are none, and stay."""
    assert load_checkpoint(tmp_path / "no", SGD, like=PARAMS) is None
    (tmp_path / "step_1.npz").write_text("mine")
    (tmp_path / "step_0000000001_score_1.2.3.npz").write_text("mine")
    assert load_checkpoint(tmp_path, SGD, like=PARAMS, best=True) is None
    for step in range(5):
        save_checkpoint(tmp_path, at(step), keep=1)
    assert names(tmp_path) == ["1", "1_score_1.2.3", "4"]


def test_the_last_ones_stay(tmp_path: Path) -> None:
    """`keep` of them, whatever their steps are."""
    for i, step in enumerate((0, 1, 5, 70, 1200, 10**11)):
        path = save_checkpoint(tmp_path / "run" / "a", at(step), keep=3)
        assert path == str(tmp_path / "run" / "a" / f"step_{step:010d}.npz")
        assert len(names(tmp_path / "run" / "a")) == min(i + 1, 3)
        assert found(tmp_path / "run" / "a") == step
        assert load_state(path, SGD, like=PARAMS) == at(step)
    assert names(tmp_path / "run" / "a") == ["100000000000", "1200", "70"]


def test_the_best_one_stays(tmp_path: Path) -> None:
    """The one of the highest score, of equal ones the first, whatever its age."""
    for step, score in enumerate((0.5, 0.9, np.float32(0.25), None, -1, 0.9, float("nan"), float("inf"), 1e-30), 1):
        save_checkpoint(tmp_path, at(step), score=score, keep=2)  # type: ignore[arg-type]
        assert found(tmp_path) == step
        assert found(tmp_path, best=True) == (1 if step == 1 else 2)
    assert names(tmp_path) == ["2_score_0.9", "8", "9_score_1e-30"]
    save_checkpoint(tmp_path, at(10), score=-0.0, keep=1)
    save_checkpoint(tmp_path, at(11), score=1e300, keep=1)
    assert (names(tmp_path), found(tmp_path, best=True)) == (["11_score_1e+300"], 11)


def test_what_comes_back(tmp_path: Path) -> None:
    """The state, the notes, the score to the last bit, and the path."""
    path = save_checkpoint(tmp_path, at(3), score=-1 / 3, notes={"losses": [0.5, 0.25]})
    assert load_checkpoint(tmp_path, SGD, like=PARAMS) == (at(3), {"losses": [0.5, 0.25]}, -1 / 3, path)
    again = load_checkpoint(os.fsencode(tmp_path), SGD, like=PARAMS, best=True)
    assert again == (at(3), {"losses": [0.5, 0.25]}, -1 / 3, path)


def test_a_step_again(tmp_path: Path) -> None:
    """A step that is saved again takes the place of its file, unless that is the best one."""
    for score in (None, 0.5, 0.75, 0.25, None):
        save_checkpoint(tmp_path, at(3), score=score)
    assert names(tmp_path) == ["3", "3_score_0.75"]


def test_best_without_scores(tmp_path: Path) -> None:
    """There is none, and how there is one is said."""
    save_checkpoint(tmp_path, at(3))
    with pytest.raises(CheckpointError, match=r"has a score; save them by save_checkpoint\(..., score=\)"):
        load_checkpoint(tmp_path, SGD, like=PARAMS, best=True)


# one run a folder -----------------------------------------------------------------------------------------------------
def test_another_run(tmp_path: Path) -> None:
    """Where a later step is, nothing is saved: it would take the place of what somebody wants."""
    save_checkpoint(tmp_path, at(50))
    with pytest.raises(CheckpointError, match="has a checkpoint of step 50, and this state is of step 49; go on from"):
        save_checkpoint(tmp_path, at(49))
    assert names(tmp_path) == ["50"]


def test_behind_a_damaged_one(tmp_path: Path) -> None:
    """A damaged file does not stop the run that went back, and goes when it is old."""
    for step in (40, 50):
        save_checkpoint(tmp_path, at(step))
    damage(tmp_path, 50)
    with pytest.warns(FuncnnWarning, match="it is damaged"):
        assert found(tmp_path) == 40
    save_checkpoint(tmp_path, at(45), keep=1)
    assert names(tmp_path) == ["45", "50"]
    save_checkpoint(tmp_path, at(55), keep=1)
    assert names(tmp_path) == ["55"]


# files that are damaged -----------------------------------------------------------------------------------------------
def test_the_newest_is_damaged(tmp_path: Path) -> None:
    """Then the next one is taken, with a warning that names the file."""
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, at(step), score=-step)
    path = damage(tmp_path, 3)
    with pytest.warns(FuncnnWarning) as caught:
        checkpoint = load_checkpoint(tmp_path, SGD, like=PARAMS)
    assert checkpoint is not None and checkpoint.state == at(2)
    (warning,) = caught
    assert str(warning.message) == (
        f"{path} cannot be read as a checkpoint: it is damaged, its SHA-256 digest is not the one it was written with; "
        f"take an older copy; taken instead: {tmp_path}/step_0000000002_score_-2.0.npz; remove the damaged file, or "
        "put a good copy in its place"
    )
    assert warning.filename == __file__
    (tmp_path / "step_0000000002_score_-2.0.npz").unlink()
    (tmp_path / "step_0000000002_score_-2.0.npz").mkdir()
    with pytest.warns(FuncnnWarning, match=r"0003.*damaged.*0002.*not a regular file.*taken instead: .*0001"):
        assert found(tmp_path) == 1
    damage(tmp_path, 1)
    with pytest.raises(CheckpointError, match="no checkpoint in .* can be read: .*0003.*0002.*0001"):
        load_checkpoint(tmp_path, SGD, like=PARAMS)


def test_the_best_is_damaged(tmp_path: Path) -> None:
    """Then the next best is taken."""
    for step, score in ((1, 0.5), (2, 0.9), (3, 0.7)):
        save_checkpoint(tmp_path, at(step), score=score)
    damage(tmp_path, 2)
    with pytest.warns(FuncnnWarning, match="0002.*taken instead: .*0003"):
        assert found(tmp_path, best=True) == 3
    assert found(tmp_path) == 3


def test_the_state_of_another_run_is_not_passed_over(tmp_path: Path) -> None:
    """It is no damage, and an older one would be no better."""
    save_checkpoint(tmp_path, at(1))
    with pytest.raises(ParamsError, match=r"expected AdamState"):
        load_checkpoint(tmp_path, adam(0.1), like=PARAMS)


def test_a_disk_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is passed over as damage is; what may not be read is an error."""
    for step in (1, 2):
        save_checkpoint(tmp_path, at(step))
    number = errno.EIO
    real = os.stat

    def stat(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if "0002" in str(path):
            raise OSError(number, os.strerror(number))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "stat", stat)
    with pytest.warns(FuncnnWarning, match="Input/output error: .*0002.*taken instead"):
        assert found(tmp_path) == 1
    number = errno.EACCES
    with pytest.raises(PermissionError, match="0002"):
        load_checkpoint(tmp_path, SGD, like=PARAMS)
    number = errno.ENOENT  # again and again: what a file system may show for a while
    assert found(tmp_path) == 1


# what is refused ------------------------------------------------------------------------------------------------------
def test_arguments(tmp_path: Path) -> None:
    """Are checked before anything is written."""
    state: Any = at(1)
    wrong: Any = "0.5"
    for call, kind, said in (
        (lambda: save_checkpoint(tmp_path / "a", state, keep=0), ValueError, "keep must be an integer of at least 1"),
        (lambda: save_checkpoint(tmp_path / "a", state, score=wrong), TypeError, "score must be a number, the higher"),
        (lambda: save_checkpoint(tmp_path / "a", state, score=True), TypeError, "score must be a number, the higher"),
        (lambda: save_checkpoint(tmp_path / "a", state.params), TypeError, "takes a TrainState, got Params"),
        (lambda: save_checkpoint(cast(str, 3), state), TypeError, "save_checkpoint takes the path"),
        (lambda: load_checkpoint(cast(str, 3), SGD, like=PARAMS), TypeError, "load_checkpoint takes the path"),
    ):
        with pytest.raises(kind, match=said):
            call()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        save_checkpoint(tmp_path / "file", state)
    with pytest.raises(NotADirectoryError):
        load_checkpoint(tmp_path / "file", SGD, like=PARAMS)


def test_what_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a warning: the state is saved."""
    save_checkpoint(tmp_path, at(1))

    def unlink(path: Any) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.warns(FuncnnWarning, match=r"an old checkpoint stays: .*busy: '.*0001.npz'; remove it by hand"):
        save_checkpoint(tmp_path, at(2), keep=1)
    assert found(tmp_path) == 2


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    """Stopped after any step and gone on from the folder, a run ends as the one never stopped."""
    optimizer, params = momentum(0.05, 0.9), params_of(PLAIN)

    def run(start: Any) -> Any:
        return fit(squared_error, PLAIN.apply, optimizer, start, (X, Y), epochs=2, batch_size=4)

    expected = [state for state, _ in run(params)]
    for stop in range(1, 6):
        folder, end = tmp_path / str(stop), None
        while end is None or end.step < len(expected):
            checkpoint = load_checkpoint(folder, optimizer, like=params)
            for i, (end, metrics) in enumerate(run(checkpoint.state if checkpoint else params), 1):
                save_checkpoint(folder, end, score=-metrics.loss)
                if i == stop:
                    break
        assert end == expected[-1]
