"""Neural networks as pairs of pure functions on NumPy.

The public names, in the order a reader meets them. NumPy too has an `astype`, a `ravel` and some more:
`from funcnn import *` leaves those out, and `from funcnn import astype` or `funcnn.astype` means ours.
"""

import typing as _typing
from importlib import import_module as _import_module

from funcnn.late_names import answers_for as _answers_for
from funcnn.version import __version__ as __version__

if _typing.TYPE_CHECKING:
    # the five nouns
    from funcnn.params import Gradients, Params, Updates
    from funcnn.params.leafwise import astype as astype, tree_map
    from funcnn.params.flat import from_flat, to_flat
    from funcnn.params.partitioning import count, partition as partition
    from funcnn.keys import Initializer, Key, Rng
    from funcnn.calculus import Differentiable, Pullback, differentiable
    from funcnn.networks import Apply, Init, Layer, layer
    from funcnn.params.packing import ravel as ravel
    from funcnn.optimizers import Optimizer

    # layers
    from funcnn.layers.dense import Dense
    from funcnn.layers.bilinear import Bilinear
    from funcnn.layers.einsum import EinsumDense
    from funcnn.layers.convolution import Conv, Conv1D, Conv3D
    from funcnn.layers.transposed_convolution import Conv1DTranspose, Conv3DTranspose, ConvTranspose
    from funcnn.layers.pooling import AvgPool, MaxPool, SumPool
    from funcnn.layers.global_pooling import GlobalAvgPool, GlobalMaxPool
    from funcnn.layers.resizing import Pad, Upsample
    from funcnn.layers.embedding import Embedding
    from funcnn.layers.activations import Exp, LogSigmoid, Relu, Sigmoid, Sin, Softplus, Softsign, Square, Tanh
    from funcnn.layers.rectifiers import (
        Celu, Elu, HardSigmoid, HardTanh, LeakyRelu, PRelu, Relu6, Selu, celu, elu, leaky_relu,
    )  # fmt: skip
    from funcnn.layers.gates import GLU, Gelu, HardSwish, Mish, Silu, gelu
    from funcnn.layers.maxout import Maxout
    from funcnn.layers.pointwise import elementwise
    from funcnn.layers.softmax import LogSoftmax, Softmax, Softmin, Sparsemax
    from funcnn.layers.recurrent import GRU, LSTM, RNN
    from funcnn.layers.cells import GRUCell, LSTMCell, RNNCell
    from funcnn.layers.attention import MultiHeadAttention
    from funcnn.layers.positions import PositionalEmbedding, RotaryEmbedding, SinusoidalEncoding
    from funcnn.layers.masks import ZeroMasked
    from funcnn.layers.reductions import MaxOver, MeanOver
    from funcnn.layers.normalization import BatchNorm
    from funcnn.layers.example_norms import GroupNorm, InstanceNorm, LayerNorm, RMSNorm
    from funcnn.layers.dropout import Dropout, GaussianNoise, SpatialDropout
    from funcnn.layers.reshaping import Flatten, Identity, Last, Reshape, Squeeze, Transpose
    from funcnn.blocks.perceptron import mlp
    from funcnn.blocks.transformer import TransformerBlock

    # losses and objectives
    from funcnn.losses import Loss, Reduce, Terms, Weights, joint, loss
    from funcnn.losses import absolute_error, cosine_distance, huber, log_cosh, squared_error, sum_squared_error
    from funcnn.losses import ctc, focal, hinge, on_item, sigmoid_binary_cross_entropy, softmax_cross_entropy
    from funcnn.losses import gaussian_kl, gaussian_nll, kl_divergence, mixture_nll, poisson_nll
    from funcnn.derivatives import Gradient, Objective, accumulate, grad, sam, value_and_grad, vjp
    from funcnn.derivatives import as_scipy, ggn_vp, hvp, jacobian, jvp, linearize, per_example_grads
    from funcnn.derivatives import input_gradient, laplacian, second_tangent, tangent
    from funcnn.losses.penalties import Penalty, elastic_net, l1, l2
    from funcnn.metrics import Metric, accuracy, binary_accuracy, confusion_matrix, f1, precision, recall, top_k_accuracy
    from funcnn.metrics import average_precision, mean_of, metric, perplexity, r2, roc_auc
    from funcnn.metrics import mean_absolute_error, mean_squared_error, root_mean_squared_error

    # combinators
    from funcnn.networks import serial
    from funcnn.combinators import FanInConcat, FanInProduct, FanInSum, FanOut, parallel, residual
    from funcnn.combinators import first, keep, select as select, split as split
    from funcnn.combinators import bidirectional, map_over, scan
    from funcnn.combinators import ensemble, freeze, reparam, repeat as repeat, shape_dependent, thaw, tie, transposed
    from funcnn.combinators import checkpoint, gradient_reversal, inference, stop_gradient, straight_through
    from funcnn.networks import rebuild
    from funcnn.networks.surgery import reinit

    # initializers; zeros, ones, constant, normal and uniform stay in their module: NumPy and the schedules have such names
    from funcnn.initializers import (
        glorot_normal, glorot_uniform, he_normal, he_uniform, lecun_normal, lecun_uniform, orthogonal, truncated_normal,
        variance_scaling,
    )  # fmt: skip

    # optimizers and schedules; the schedule `constant` stays in its module
    from funcnn.optimizers import (
        adabelief, adadelta, adafactor, adagrad, adam, adamax, adamw, amsgrad, apply_updates, averaged, by_label, chain,
        clip_by_global_norm, ema, frozen, lamb, lars, lion, lookahead, masked, momentum, muon, nadam, nesterov, radam,
        reduce_on_plateau, rmsprop, rmsprop_momentum, rprop, sgd, sign_sgd, skip_nonfinite, sm3, sparse_adam,
    )  # fmt: skip
    from funcnn.schedules import Rate, Schedule, as_schedule, cosine_decay, exponential_decay, warmup

    # training
    from funcnn.minimizing import Minimum, minimize
    from funcnn.training import History, StepMetrics, TrainState, Trained, batches, evaluate, fit, predict, progress, train
    from funcnn.checkpoints import load_params, save_params
    from funcnn.files import load_network, save_network
    from funcnn.training import append_row, read_rows
    from funcnn.training import Checkpoint, load_checkpoint, load_notes, load_state, save_checkpoint, save_state

    # working with networks
    from funcnn.training.calibration import calibrate
    from funcnn.inspection import Summary, picture, summary, trace as trace
    from funcnn.decoding import Decoder, Memory, decoder, sample

    # types and errors
    from funcnn.networks.definitions import Spec
    from funcnn.types import Array, Mask, Shape, Tokens, Tree
    from funcnn.errors import (
        CheckpointError,
        DTypeError,
        ExportError,
        FuncnnError,
        FuncnnWarning,
        ImmutableError,
        LabelError,
        MissingExtraError,
        NonFiniteError,
        NotAnalyticError,
        ParamsError,
        ShapeError,
        UndecidedError,
    )

__all__ = [
    # the five nouns
    "Params", "Gradients", "Updates", "tree_map",
    "count", "from_flat", "to_flat",
    "Key",
    "Apply", "Differentiable", "Pullback", "differentiable", "vjp",
    "Init", "Layer", "layer",
    "Optimizer",
    # layers
    "Bilinear", "Dense", "EinsumDense",
    "Conv", "Conv1D", "Conv3D", "Conv1DTranspose", "Conv3DTranspose", "ConvTranspose",
    "AvgPool", "MaxPool", "SumPool", "GlobalAvgPool", "GlobalMaxPool",
    "Pad", "Upsample",
    "Embedding",
    "Celu", "Elu", "Exp", "GLU", "Gelu", "HardSigmoid", "HardSwish", "HardTanh", "LeakyRelu", "LogSigmoid", "Maxout",
    "Mish", "PRelu", "Relu", "Relu6", "Selu", "Sigmoid", "Silu", "Sin", "Softplus", "Softsign", "Square", "Tanh",
    "celu", "elementwise", "elu", "gelu", "leaky_relu",
    "LogSoftmax", "Softmax", "Softmin", "Sparsemax",
    "GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell",
    "BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm", "RMSNorm",
    "Dropout", "GaussianNoise", "SpatialDropout",
    "Flatten", "Identity", "Last", "Reshape", "Squeeze", "Transpose",
    "MultiHeadAttention", "PositionalEmbedding", "RotaryEmbedding", "SinusoidalEncoding",
    "MaxOver", "MeanOver", "ZeroMasked",
    "mlp", "TransformerBlock",
    # losses and objectives
    "Loss", "Reduce", "Terms", "Weights", "joint", "loss", "on_item",
    "absolute_error", "cosine_distance", "huber", "log_cosh", "squared_error", "sum_squared_error",
    "ctc", "focal", "hinge", "sigmoid_binary_cross_entropy", "softmax_cross_entropy",
    "gaussian_kl", "gaussian_nll", "kl_divergence", "mixture_nll", "poisson_nll",
    "Gradient", "Objective", "Penalty", "grad", "value_and_grad", "accumulate", "sam",
    "jvp", "linearize", "jacobian", "hvp", "ggn_vp", "per_example_grads", "as_scipy",
    "tangent", "second_tangent", "input_gradient", "laplacian",
    "elastic_net", "l1", "l2",
    "Metric", "accuracy", "binary_accuracy", "top_k_accuracy", "confusion_matrix", "f1", "precision", "recall",
    "average_precision", "roc_auc", "mean_of", "perplexity", "metric",
    "mean_absolute_error", "mean_squared_error", "r2", "root_mean_squared_error",
    # combinators
    "serial", "parallel", "residual", "FanInConcat", "FanInProduct", "FanInSum", "FanOut",
    "first", "keep",
    "scan", "map_over", "bidirectional",
    "tie", "transposed", "reparam", "freeze", "thaw", "ensemble", "shape_dependent",
    "inference", "checkpoint", "stop_gradient", "straight_through", "gradient_reversal",
    "rebuild", "reinit",
    # initializers
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal",
    "truncated_normal", "variance_scaling",
    # optimizers and schedules
    "adabelief", "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "amsgrad", "apply_updates",
    "averaged", "by_label", "chain", "clip_by_global_norm", "ema", "frozen", "lamb", "lars", "lion", "lookahead",
    "masked", "momentum", "muon", "nadam", "nesterov", "radam", "reduce_on_plateau", "rmsprop",
    "rmsprop_momentum", "rprop", "sgd", "sign_sgd", "skip_nonfinite", "sm3", "sparse_adam",
    "Rate", "Schedule", "as_schedule", "cosine_decay", "exponential_decay", "warmup",
    # training
    "batches", "StepMetrics", "TrainState", "fit", "train", "Trained", "History", "evaluate", "predict", "progress",
    "append_row", "read_rows", "load_params", "save_params",
    "Checkpoint", "load_checkpoint", "load_network", "load_notes", "load_state", "save_checkpoint", "save_network",
    "save_state",
    "Minimum", "minimize",
    # working with networks
    "Summary", "calibrate", "picture", "summary",
    "Decoder", "Memory", "decoder", "sample",
    # types and errors
    "Array", "Initializer", "Mask", "Rng", "Shape", "Spec", "Tokens", "Tree",
    "CheckpointError", "DTypeError", "ExportError", "FuncnnError", "FuncnnWarning", "ImmutableError",
    "LabelError", "MissingExtraError", "NonFiniteError", "NotAnalyticError", "ParamsError", "ShapeError", "UndecidedError",
]  # fmt: skip

_NAMED_LIKE_NUMPYS = ["astype", "partition", "ravel", "repeat", "select", "split", "trace"]


_HOMES = {
    "params": "Gradients Params Updates",
    "params.leafwise": "astype tree_map",
    "params.flat": "from_flat to_flat",
    "params.partitioning": "count partition",
    "keys": "Initializer Key Rng",
    "calculus": "Differentiable Pullback differentiable",
    "networks": "Apply Init Layer layer serial rebuild",
    "params.packing": "ravel",
    "optimizers": (
        "Optimizer adabelief adadelta adafactor adagrad adam adamax adamw amsgrad apply_updates averaged by_label "
        "chain clip_by_global_norm ema frozen lamb lars lion lookahead masked momentum muon nadam nesterov radam "
        "reduce_on_plateau rmsprop rmsprop_momentum rprop sgd sign_sgd skip_nonfinite sm3 sparse_adam"
    ),
    "layers.dense": "Dense",
    "layers.bilinear": "Bilinear",
    "layers.einsum": "EinsumDense",
    "layers.convolution": "Conv Conv1D Conv3D",
    "layers.transposed_convolution": "Conv1DTranspose Conv3DTranspose ConvTranspose",
    "layers.pooling": "AvgPool MaxPool SumPool",
    "layers.global_pooling": "GlobalAvgPool GlobalMaxPool",
    "layers.resizing": "Pad Upsample",
    "layers.embedding": "Embedding",
    "layers.activations": "Exp LogSigmoid Relu Sigmoid Sin Softplus Softsign Square Tanh",
    "layers.rectifiers": "Celu Elu HardSigmoid HardTanh LeakyRelu PRelu Relu6 Selu celu elu leaky_relu",
    "layers.gates": "GLU Gelu HardSwish Mish Silu gelu",
    "layers.maxout": "Maxout",
    "layers.pointwise": "elementwise",
    "layers.softmax": "LogSoftmax Softmax Softmin Sparsemax",
    "layers.recurrent": "GRU LSTM RNN",
    "layers.cells": "GRUCell LSTMCell RNNCell",
    "layers.attention": "MultiHeadAttention",
    "layers.positions": "PositionalEmbedding RotaryEmbedding SinusoidalEncoding",
    "layers.masks": "ZeroMasked",
    "layers.reductions": "MaxOver MeanOver",
    "layers.normalization": "BatchNorm",
    "layers.example_norms": "GroupNorm InstanceNorm LayerNorm RMSNorm",
    "layers.dropout": "Dropout GaussianNoise SpatialDropout",
    "layers.reshaping": "Flatten Identity Last Reshape Squeeze Transpose",
    "blocks.perceptron": "mlp",
    "blocks.transformer": "TransformerBlock",
    "losses": (
        "Loss Reduce Terms Weights joint loss absolute_error cosine_distance huber log_cosh squared_error "
        "sum_squared_error ctc focal hinge on_item sigmoid_binary_cross_entropy softmax_cross_entropy gaussian_kl "
        "gaussian_nll kl_divergence mixture_nll poisson_nll"
    ),
    "derivatives": (
        "Gradient Objective accumulate grad sam value_and_grad vjp as_scipy ggn_vp hvp jacobian jvp linearize "
        "per_example_grads input_gradient laplacian second_tangent tangent"
    ),
    "losses.penalties": "Penalty elastic_net l1 l2",
    "metrics": (
        "Metric accuracy binary_accuracy confusion_matrix f1 precision recall top_k_accuracy average_precision "
        "mean_of metric perplexity r2 roc_auc mean_absolute_error mean_squared_error root_mean_squared_error"
    ),
    "combinators": (
        "FanInConcat FanInProduct FanInSum FanOut parallel residual first keep select split bidirectional map_over "
        "scan ensemble freeze reparam repeat shape_dependent thaw tie transposed checkpoint gradient_reversal "
        "inference stop_gradient straight_through"
    ),
    "networks.surgery": "reinit",
    "initializers": (
        "glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform orthogonal truncated_normal "
        "variance_scaling"
    ),
    "schedules": "Rate Schedule as_schedule cosine_decay exponential_decay warmup",
    "minimizing": "Minimum minimize",
    "training": (
        "History StepMetrics TrainState Trained batches evaluate fit predict progress train append_row read_rows "
        "Checkpoint load_checkpoint load_notes load_state save_checkpoint save_state"
    ),
    "checkpoints": "load_params save_params",
    "files": "load_network save_network",
    "training.calibration": "calibrate",
    "inspection": "Summary picture summary trace",
    "decoding": "Decoder Memory decoder sample",
    "networks.definitions": "Spec",
    "types": "Array Mask Shape Tokens Tree",
    "errors": (
        "CheckpointError DTypeError ExportError FuncnnError FuncnnWarning ImmutableError LabelError "
        "MissingExtraError NonFiniteError NotAnalyticError ParamsError ShapeError UndecidedError"
    ),
}
"""Where they come from when they are first asked for: what type checkers read above, as Python does it."""

_answers_for(__name__, _HOMES)
_import_module("funcnn.kernels.settings")  # which reads the environment


def __dir__() -> list[str]:
    """What there is for users, and what every module has."""
    return [*__all__, *_NAMED_LIKE_NUMPYS, *(name for name in globals() if name.startswith("__"))]
