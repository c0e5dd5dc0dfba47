"""What is known of a run so far, beside its state: in memory while it runs, in the notes of its checkpoints after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from funcnn.errors import CheckpointError
from funcnn.params import Params
from funcnn.training.cells import as_value
from funcnn.training.history import History
from funcnn.training.steps import StepMetrics
from funcnn.training.watching import Watch
from funcnn.types import is_mapping


_SHOWN: Final = 60  # letters of a setting
_ADDRESS: Final = re.compile(r" at 0x[0-9a-f]+")


class Course:
    """The epochs that are over, the best of them with its params, and what is known of the one that is not.

    settings   what the run was asked for, as far as another answer would make it another run
    """

    def __init__(self, watch: Watch | None, settings: Mapping[str, Any]) -> None:
        self.watch, self.settings = watch, dict(settings)
        self.rows: list[dict[str, Any]] = []
        self.best: int | None = None
        self.params: Params | None = None
        self.loss: float = 0.0  # in this epoch
        self.examples: int = 0

    def add(self, metrics: StepMetrics) -> None:
        """One more step."""
        self.loss += metrics.loss * metrics.examples
        self.examples += metrics.examples

    def end(self, metrics: StepMetrics, params: Params, found: Mapping[str, Any]) -> float | None:
        """The end of an epoch, with its params and what validation found; how good it is."""
        row = {"epoch": metrics.epoch + 1, "step": metrics.step, "train_loss": self.loss / max(1, self.examples)}
        self.rows.append({name: as_value(value) for name, value in {**row, **found}.items()})
        self.loss, self.examples = 0.0, 0
        score = None if self.watch is None else self.watch.score(self.rows[-1])
        if self._is_best(score):
            self.best = len(self.rows) - 1
        if self.best in (None, len(self.rows) - 1):
            self.params = params
        return score

    def _is_best(self, score: float | None) -> bool:
        if score is None or self.watch is None:
            return False
        best = None if self.best is None else self.watch.score(self.rows[self.best])
        return best is None or score > best

    def over(self, patience: int | None) -> bool:
        """Have so many epochs brought nothing better?"""
        since = len(self.rows) - (0 if self.best is None else self.best + 1)
        return patience is not None and since >= patience

    def beside(self) -> dict[str, object]:
        """What validation found last, for the line of progress, and whether it was the best."""
        if not self.rows or self.watch is None:
            return {}
        found = {name: v for name, v in self.rows[-1].items() if name not in ("epoch", "step", "train_loss")}
        told = {f"validation {name}": v for name, v in found.items() if isinstance(v, (int, float))}
        return {**told, "best": self.best == len(self.rows) - 1}

    @property
    def history(self) -> History:
        """As a table."""
        return History(self.rows, self.best)

    # in checkpoints ---------------------------------------------------------------------------------------------------
    def notes(self) -> dict[str, Any]:
        """All of it, as notes of a checkpoint."""
        return {"train": {
            "settings": self.settings, "rows": self.rows, "best": self.best, "params": self.params,
            "loss": self.loss, "examples": self.examples,
        }}  # fmt: skip

    def resume(self, notes: Mapping[str, Any], path: str) -> None:
        """Go on from the notes of a checkpoint.

        Errors
            CheckpointError   it was not saved by `train`
            ValueError        it is of a run that was asked for something else
        """
        found = notes.get("train")
        kept: Mapping[str, Any] = found if is_mapping(found) else {}
        if kept.keys() != self.notes()["train"].keys():
            raise CheckpointError(f"{path} was not saved by train; take another folder, or load_state and fit")
        for name, value in self.settings.items():
            if (before := kept["settings"].get(name)) != value:
                was, now = _where_they_differ(before, value)
                raise ValueError(
                    f"train: {path} is of a run with {name}={was}, and {name} is {now}; take another folder for "
                    f"another run, which may go on from this one: start=load_checkpoint(folder, optimizer, like=params).state"
                )
        self.rows, self.best, self.params = kept["rows"], kept["best"], kept["params"]
        self.loss, self.examples = kept["loss"], kept["examples"]


def printed(value: object) -> str:
    """What a part of a run prints as, the same in every process: functions without names print their addresses."""
    return _ADDRESS.sub("", repr(value))


def _where_they_differ(before: object, now: object) -> tuple[str, str]:
    """Both settings as they are shown: of long ones the part that is not the same."""
    first, second = repr(before), repr(now)
    if max(len(first), len(second)) <= _SHOWN:
        return first, second
    same = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), 0)
    begin = max(0, same - _SHOWN // 3)

    def part(text: str) -> str:
        return f"{'...' * bool(begin)}{text[begin : begin + _SHOWN]}{'...' * (len(text) > begin + _SHOWN)}"

    return part(first), part(second)
