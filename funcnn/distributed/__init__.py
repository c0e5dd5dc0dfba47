"""Training on several machines, by MPI: `pip install 'funcnn[mpi]'`, and an MPI runtime.

The same program runs as `mpiexec -n N python train.py`, and alone. Every rank computes the gradients of its rows, and
one sum over all ranks makes a step of all rows; see docs/distributed.md.
"""

from funcnn.distributed.communicators import Alone, Communicator, on_first
from funcnn.distributed.cutting import in_step, shard
from funcnn.distributed.evaluating import calibrate, evaluate, predict
from funcnn.distributed.mpi import world
from funcnn.distributed.objectives import objective
from funcnn.distributed.one_call import train
from funcnn.errors import RanksError
from funcnn.training.shards import Shard

__all__ = [
    "Alone", "Communicator", "RanksError", "Shard", "calibrate", "evaluate", "in_step", "objective", "on_first",
    "predict", "shard", "train", "world",
]  # fmt: skip
