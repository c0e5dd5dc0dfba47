"""The public surface: what people import, and what that imports."""

from __future__ import annotations

import builtins
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import funcnn

ROOT = Path(funcnn.__file__).parent
# Parts of the standard library that take long to import, and that a function which needs one imports itself.
HEAVY = {"asyncio", "concurrent.futures.process", "html", "http", "multiprocessing.pool", "tkinter", "unittest", "xml"}

PROGRAM = """
import json, sys
import numpy.random
before = set(sys.modules)
import funcnn
print(json.dumps(sorted(set(sys.modules) - before)))
"""


PUBLIC = """
    Apply
    Array
    AvgPool
    BatchNorm
    Bilinear
    Celu
    Checkpoint
    CheckpointError
    Conv
    Conv1D
    Conv1DTranspose
    Conv3D
    Conv3DTranspose
    ConvTranspose
    DTypeError
    Decoder
    Dense
    Differentiable
    Dropout
    EinsumDense
    Elu
    Embedding
    Exp
    ExportError
    FanInConcat
    FanInProduct
    FanInSum
    FanOut
    Flatten
    FuncnnError
    FuncnnWarning
    GLU
    GRU
    GRUCell
    GaussianNoise
    Gelu
    GlobalAvgPool
    GlobalMaxPool
    Gradient
    Gradients
    GroupNorm
    HardSigmoid
    HardSwish
    HardTanh
    History
    Identity
    ImmutableError
    Init
    Initializer
    InstanceNorm
    Key
    LSTM
    LSTMCell
    LabelError
    Last
    Layer
    LayerNorm
    LeakyRelu
    LogSigmoid
    LogSoftmax
    Loss
    Mask
    MaxOver
    MaxPool
    Maxout
    MeanOver
    Memory
    Metric
    Minimum
    Mish
    MissingExtraError
    MultiHeadAttention
    NonFiniteError
    NotAnalyticError
    Objective
    Optimizer
    PRelu
    Pad
    Params
    ParamsError
    Penalty
    PositionalEmbedding
    Pullback
    RMSNorm
    RNN
    RNNCell
    Rate
    Reduce
    Relu
    Relu6
    Reshape
    Rng
    RotaryEmbedding
    Schedule
    Selu
    Shape
    ShapeError
    Sigmoid
    Silu
    Sin
    SinusoidalEncoding
    Softmax
    Softmin
    Softplus
    Softsign
    Sparsemax
    SpatialDropout
    Spec
    Square
    Squeeze
    StepMetrics
    SumPool
    Summary
    Tanh
    Terms
    Tokens
    TrainState
    Trained
    TransformerBlock
    Transpose
    Tree
    UndecidedError
    Updates
    Upsample
    Weights
    ZeroMasked
    absolute_error
    accumulate
    accuracy
    adabelief
    adadelta
    adafactor
    adagrad
    adam
    adamax
    adamw
    amsgrad
    append_row
    apply_updates
    as_schedule
    as_scipy
    astype
    average_precision
    averaged
    batches
    bidirectional
    binary_accuracy
    by_label
    calibrate
    celu
    chain
    checkpoint
    clip_by_global_norm
    confusion_matrix
    cosine_decay
    cosine_distance
    count
    ctc
    decoder
    differentiable
    elastic_net
    elementwise
    elu
    ema
    ensemble
    evaluate
    exponential_decay
    f1
    first
    fit
    focal
    freeze
    from_flat
    frozen
    gaussian_kl
    gaussian_nll
    gelu
    ggn_vp
    glorot_normal
    glorot_uniform
    grad
    gradient_reversal
    he_normal
    he_uniform
    hinge
    huber
    hvp
    inference
    input_gradient
    jacobian
    joint
    jvp
    keep
    kl_divergence
    l1
    l2
    lamb
    laplacian
    lars
    layer
    leaky_relu
    lecun_normal
    lecun_uniform
    linearize
    lion
    load_checkpoint
    load_network
    load_notes
    load_params
    load_state
    log_cosh
    lookahead
    loss
    map_over
    masked
    mean_absolute_error
    mean_of
    mean_squared_error
    metric
    minimize
    mixture_nll
    mlp
    momentum
    muon
    nadam
    nesterov
    on_item
    orthogonal
    parallel
    partition
    per_example_grads
    perplexity
    picture
    poisson_nll
    precision
    predict
    progress
    r2
    radam
    ravel
    read_rows
    rebuild
    recall
    reduce_on_plateau
    reinit
    reparam
    repeat
    residual
    rmsprop
    rmsprop_momentum
    roc_auc
    root_mean_squared_error
    rprop
    sam
    sample
    save_checkpoint
    save_network
    save_params
    save_state
    scan
    second_tangent
    select
    serial
    sgd
    shape_dependent
    sigmoid_binary_cross_entropy
    sign_sgd
    skip_nonfinite
    sm3
    softmax_cross_entropy
    sparse_adam
    split
    squared_error
    stop_gradient
    straight_through
    sum_squared_error
    summary
    tangent
    thaw
    tie
    to_flat
    top_k_accuracy
    trace
    train
    transposed
    tree_map
    truncated_normal
    value_and_grad
    variance_scaling
    vjp
    warmup
"""


# NumPy has such names too: they are there, and a star leaves them out.
BESIDE = ["astype", "partition", "ravel", "repeat", "select", "split", "trace"]

INTERACTIVE = "In = Out = _ = __ = ___ = get_ipython = exit = quit = display = open = object()"


def test_the_public_names_are_these() -> None:
    """A name that comes or goes is a decision: it changes this list and the changelog."""
    assert sorted([*funcnn.__all__, *BESIDE]) == sorted(PUBLIC.split())


def test_no_name_stands_twice() -> None:
    """In the list of public names."""
    assert sorted(set(funcnn.__all__)) == sorted(funcnn.__all__)


@pytest.mark.parametrize("name", [*funcnn.__all__, *BESIDE])
def test_every_public_name_is_there(name: str) -> None:
    """And is no module."""
    assert not isinstance(getattr(funcnn, name), ModuleType)


def test_nothing_else_is_there() -> None:
    """What can be imported from the package is listed, or is a module."""
    found = {name for name, value in vars(funcnn).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert found == {*funcnn.__all__, *BESIDE}


def test_dir_shows_the_public_names() -> None:
    """And what every module has; nothing of how it is made."""
    assert [name for name in dir(funcnn) if not name.startswith("_")] == sorted([*funcnn.__all__, *BESIDE])
    assert {"__all__", "__doc__", "__version__", "__file__"} <= set(dir(funcnn))
    assert all(hasattr(funcnn, name) for name in dir(funcnn))


@pytest.mark.parametrize("before", ["from builtins import *", "from numpy import *", INTERACTIVE])
def test_a_star_shadows_nothing(before: str) -> None:
    """Of Python's, of NumPy's, of an interactive session's. A name that does goes from `__all__` to `_NAMED_LIKE_NUMPYS`."""
    names: dict[str, Any] = {}
    exec(before, names)
    known = dict(names)
    exec("from funcnn import *", names)
    assert {name for name in known if known[name] is not names[name]} == set()
    assert set(BESIDE) <= set(np.__all__) and not set(funcnn.__all__) & set(dir(builtins))


def test_the_version_is_that_of_the_changelog() -> None:
    """And of the package that is built; it is said in one place."""
    log = (ROOT.parent / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## ([^ ,]+)", log, re.M)[0] == funcnn.__version__
    settings = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))
    assert "version" in settings["project"]["dynamic"]
    assert (ROOT.parent / settings["tool"]["hatch"]["version"]["path"]) == ROOT / "version.py"


@pytest.mark.parametrize("package", ["", *(p.name for p in ROOT.iterdir() if (p / "__init__.py").exists())])
def test_no_module_shares_its_name_with_something_exported(package: str) -> None:
    """One would shadow the other, depending on what was imported first."""
    names = {found.name for found in pkgutil.iter_modules([str(ROOT / package)])}
    assert names & set(funcnn.__all__) == set()


@pytest.mark.parametrize("name", [*funcnn.__all__, *BESIDE])
def test_public_functions_and_classes_are_documented(name: str) -> None:
    """With a docstring of their own."""
    value = getattr(funcnn, name)
    if inspect.isfunction(value) or inspect.isclass(value):
        assert value.__doc__ and not value.__doc__.startswith(f"{name}(")


def test_importing_it_imports_numpy_and_nothing_heavy() -> None:
    """Beside NumPy only the standard library, and of that nothing slow."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    found = set(json.loads(done.stdout))
    assert {name.partition(".")[0] for name in found} - sys.stdlib_module_names - {"funcnn", "numpy"} == set()
    assert found & HEAVY == set()


def test_it_is_typed() -> None:
    """Type checkers read its annotations."""
    assert (ROOT / "py.typed").exists()
