"""Losses: differentiable functions of predictions and targets, of which nothing is broadcast."""

from funcnn.losses.classification import softmax_cross_entropy
from funcnn.losses.joining import joint
from funcnn.losses.reductions import Reduce, Weights
from funcnn.losses.regression import squared_error, sum_squared_error
from funcnn.losses.definition import Loss, Terms, loss

__all__ = [
    "Loss", "Reduce", "Terms", "Weights", "joint", "loss", "softmax_cross_entropy", "squared_error",
    "sum_squared_error",
]  # fmt: skip
