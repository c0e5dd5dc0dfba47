"""Losses: differentiable functions of predictions and targets, of which nothing is broadcast."""

from funcnn.late_names import answers_for
from funcnn.losses.regression import absolute_error, cosine_distance, huber, log_cosh, squared_error, sum_squared_error
from funcnn.losses.classification import softmax_cross_entropy
from funcnn.losses.binary import focal, hinge, sigmoid_binary_cross_entropy
from funcnn.losses.likelihoods import gaussian_kl, gaussian_nll, kl_divergence, mixture_nll, poisson_nll
from funcnn.losses.alignment import ctc
from funcnn.losses.joining import joint, on_item
from funcnn.losses.reductions import Reduce, Weights
from funcnn.losses.definition import Loss, Terms, loss

__all__ = [
    "absolute_error", "cosine_distance", "huber", "log_cosh", "squared_error", "sum_squared_error",
    "softmax_cross_entropy",
    "focal", "hinge", "sigmoid_binary_cross_entropy",
    "gaussian_kl", "gaussian_nll", "kl_divergence", "mixture_nll", "poisson_nll",
    "ctc",
    "joint", "on_item",
    "Loss", "Reduce", "Terms", "Weights", "loss",
]  # fmt: skip

answers_for(__name__)
