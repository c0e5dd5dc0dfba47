"""Training and what comes after it: batches, the loop, progress, predictions, metrics over all the data."""

from funcnn.late_names import answers_for
from funcnn.training.batching import batches
from funcnn.training.evaluation import evaluate, predict
from funcnn.training.fitting import fit
from funcnn.training.folders import Checkpoint, load_checkpoint, save_checkpoint
from funcnn.training.history import History
from funcnn.training.logs import append_row, read_rows
from funcnn.training.one_call import train
from funcnn.training.whole_runs import Trained
from funcnn.training.reporting import progress
from funcnn.training.states import load_notes, load_state, save_state
from funcnn.training.steps import StepMetrics, TrainState

__all__ = [
    "Checkpoint", "History", "StepMetrics", "TrainState", "Trained", "append_row", "batches", "evaluate", "fit",
    "load_checkpoint", "load_notes", "load_state", "predict", "progress", "read_rows",
    "save_checkpoint", "save_state", "train",
]  # fmt: skip

answers_for(__name__)
