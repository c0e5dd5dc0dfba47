"""A folder of checkpoints: the last states of a run, and its best one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, Final, Generic, NamedTuple, TypeVar

from funcnn.arguments import counted, is_number, switch
from funcnn.checkpoints.atomic_writes import sync_folder
from funcnn.checkpoints.leftovers import sweep_all
from funcnn.checkpoints.places import Path, path_of
from funcnn.errors import CheckpointError, brief
from funcnn.foreign.calls import understood
from funcnn.foreign.lookups import answering
from funcnn.optimizers import Optimizer
from funcnn.params import ParamsLike
from funcnn.training.states import checked_state, read_state, save_state
from funcnn.training.steps import TrainState
from funcnn.warned import warn

S = TypeVar("S")

_NAME: Final = re.compile(r"step_(\d{10,})(?:_score_(-?[0-9.]+(?:e[-+]?\d+)?))?\.npz")
_LEFT: Final = r"step_\d{10,}[^/]*"
_LOOKS: Final = 20


@answering
class Checkpoint(NamedTuple, Generic[S]):
    """What a file of a folder of checkpoints holds.

    state   the state of training
    notes   what was saved beside it
    score   how good it is, if that was said
    path    of the file
    """

    state: TrainState[S]
    notes: dict[str, Any]
    score: float | None
    path: str

    def __repr__(self) -> str:
        state, notes = repr(self.state).partition("\n")[0], ", ".join(self.notes) or "none"
        return f"Checkpoint({self.path!r})\n  state  {state}\n  score  {self.score}\n  notes  {notes}"


class _Entry(NamedTuple):
    step: int
    score: float | None
    path: str


@understood
def save_checkpoint(
    folder: Path,
    state: TrainState[Any],
    *,
    score: float | None = None,
    keep: int = 3,
    notes: Mapping[str, object] | None = None,
) -> str:
    """Save a state in a folder of one run, `step_0000001200_score_0.93.npz`, and give the path of the file.

    The last `keep` files stay, and the one with the highest score whatever its age; others are removed, once the new
    one is on the disk. Of losses the score is `-loss`. A score that is not finite is none. The folder is made where it
    is missing. Killed at any moment, the process leaves a folder from which `load_checkpoint` gives a good state.

    A folder is of one run: where a later step was saved already, nothing is. Either that file is gone on from, or
    another run had this folder; two runs that save to one folder at a time are found in this way too.

    Errors
        CheckpointError   the folder has a later step, in a file that can be read
        ValueError        `keep` is less than one
        OSError, TypeError, ParamsError   as `save_state`; no file was removed
    Warnings
        FuncnnWarning     an old file could not be removed

    >>> import tempfile
    >>> net, optimizer = Dense(1), adam(0.1)
    >>> _, params = net.init(0, (-1, 2))
    >>> data = np.ones((4, 2)), np.ones((4, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = load_checkpoint(folder, optimizer, like=params)
    ...     start = found.state if found else params
    ...     for state, metrics in fit(squared_error, net.apply, optimizer, start, data, epochs=9):
    ...         path = save_checkpoint(folder, state, score=-metrics.loss)
    ...     found = load_checkpoint(folder, optimizer, like=params)
    >>> found.state == state
    True
    """
    keep = counted("save_checkpoint", keep=keep)
    if score is not None and not is_number(score):
        raise TypeError(f"save_checkpoint: score must be a number, the higher the better, got {brief(score)}")
    shown = path_of(folder, "save_checkpoint")
    step = checked_state(state, "save_checkpoint").step
    told = float(score) if score is not None and isfinite(score) else None
    path = os.path.join(shown, f"step_{step:010d}{'' if told is None else f'_score_{told!r}'}.npz")
    _make(shown)
    _refuse_later(shown, step)
    save_state(path, state, notes=notes)
    _remove_others(shown, _Entry(step, told, path), keep)
    return path


@understood
def load_checkpoint(
    folder: Path, optimizer: Optimizer[S], *, like: ParamsLike, best: bool = False
) -> Checkpoint[S] | None:
    """The newest checkpoint in a folder, or the best one; None where there is none, or no folder.

    A file that is damaged is passed over for the next one, the newest of those before it, or the next best, with a
    warning that names it.

    Errors
        CheckpointError   there are files, and none can be read; or the best one is wanted, and no file has a score
        ParamsError, TypeError   as `load_state`: a state of another network or optimizer is not passed over
        OSError           the folder cannot be read, or a file may not be
    Warnings
        FuncnnWarning     a file cannot be read, and another one was
    """
    switch("load_checkpoint", best=best)
    shown = path_of(folder, "load_checkpoint")
    for again in reversed(range(_LOOKS)):
        try:
            entries = _entries(shown)
        except FileNotFoundError:
            return None
        if best and entries and all(entry.score is None for entry in entries):
            raise CheckpointError(f"no checkpoint in {shown} has a score; save them by save_checkpoint(..., score=)")
        damaged = list[str]()
        for entry in _ordered(entries, best):
            try:
                state, notes = read_state(entry.path, optimizer, like)
            except FileNotFoundError:  # whoever saves has removed it since we looked: there is a newer or better one
                if again:
                    break
            except PermissionError:
                raise
            except (CheckpointError, OSError) as error:
                damaged.append(str(error))
            else:
                if damaged:
                    fix = "remove the damaged file, or put a good copy in its place"
                    warn(f"{'; '.join(damaged)}; taken instead: {entry.path}; {fix}")
                return Checkpoint(state, notes, entry.score, entry.path)
        else:
            if damaged:
                raise CheckpointError(f"no checkpoint in {shown} can be read: {'; '.join(damaged)}")
            return None
    return None


def _entries(folder: str) -> list[_Entry]:
    """The checkpoints in a folder, by their names, the newest first."""
    found: list[_Entry] = []
    with os.scandir(folder) as files:
        for file in files:
            if match := _NAME.fullmatch(os.fsdecode(file.name)):
                with suppress(ValueError):  # digits and points that are no number
                    found.append(_Entry(int(match[1]), float(match[2]) if match[2] else None, file.path))
    return sorted(found, key=lambda entry: (-entry.step, entry.path))


def _ordered(entries: list[_Entry], best: bool) -> list[_Entry]:
    """In the order in which they are wanted. Of the same score, the earlier is better; those without come last."""
    if not best:
        return entries
    scored = [(-entry.score, entry.step, entry) for entry in entries if entry.score is not None]
    return [entry for *_, entry in sorted(scored)] + [entry for entry in entries if entry.score is None]


def _make(folder: str) -> None:
    """Make the folder, and those it is in, and put their names on the disk."""
    if os.path.isdir(folder):
        return
    above = os.path.dirname(os.path.abspath(folder))
    _make(above)
    with suppress(FileExistsError):  # by another process, in between; a file of this name is an error of who saves
        os.mkdir(folder)
    sync_folder(above)


def _refuse_later(folder: str, step: int) -> None:
    """Refuse a folder that has a later step in a file that can be read.

    Errors
        CheckpointError   it has
    """
    from funcnn.checkpoints import manifests, reading, sealed  # not above: zip files are slow to import, and seldom wanted

    for later in _entries(folder):
        if later.step <= step:
            return
        with suppress(CheckpointError, OSError):
            reading.contents_of(later.path, lambda file: sealed.read(file, manifests.STATE)[0])
            break
    else:
        return
    raise CheckpointError(
        f"{folder} has a checkpoint of step {later.step}, and this state is of step {step}; go on from that one, which "
        "load_checkpoint gives, or take another folder for another run"
    )


def _remove_others(folder: str, new: _Entry, keep: int) -> None:
    """Remove what is neither among the last ones up to the new one nor the best, and what killed writers left."""
    entries = _entries(folder)
    best = _ordered(entries, best=True)[0]
    former = [entry for entry in entries if entry.step < new.step]
    again = [entry for entry in entries if entry.step == new.step and entry.path != new.path]
    for old in [*former[keep - 1 :], *again]:
        if old == best:
            continue
        try:
            os.unlink(old.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            warn(f"an old checkpoint stays: {error}; remove it by hand")
    with suppress(OSError):
        sweep_all(folder, _LEFT, os.stat(new.path).st_mtime)
