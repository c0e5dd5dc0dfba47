"""stax, with its own names, positions and conventions: a stax program changes its import line and its keys.

    from jax.example_libraries import stax          ->    from funcnn import stax
    jax.random.key(0)                               ->    funcnn.Key(0)

Every function here returns a layer of funcnn, so that laws, `vjp`, `summary`, checkpoints and mypy's plugin serve it
like any other. What remains different stands in docs/coming_from_stax.md: params are named, several arrays are a
tuple, and `elementwise` takes the derivative too.

| here | in funcnn |
|---|---|
| initializers are made, `glorot_normal()`, and take `(key, shape)` | they are functions of `(key, shape, dtype)` |
| `W_init` and `b_init` by position, biases drawn | by name, biases zero |
| `GeneralConv(dimension_numbers, ...)`, pools with `spec` | channels last |
| `Dropout(rate)` keeps with probability `rate` | `Dropout(drop)` drops |
| `BatchNorm` standardizes by the batch, always | by the statistics of `calibrate`, in inference |
| windows of `ConvTranspose` are turned round | they are those of the convolution it transposes |

Source: `jax.example_libraries.stax`, of JAX (Bradbury et al., 2018).
"""

from funcnn.combinators import FanInConcat, FanInSum, FanOut, parallel, shape_dependent
from funcnn.layers.activations import Exp, Relu, Sigmoid, Softplus, Tanh
from funcnn.layers.gates import Gelu
from funcnn.layers.rectifiers import Elu, LeakyRelu, Selu
from funcnn.layers.reshaping import Flatten, Identity
from funcnn.layers.softmax import LogSoftmax, Softmax
from funcnn.networks import serial
from funcnn.stax.convolution import Conv, Conv1DTranspose, ConvTranspose, GeneralConv, GeneralConvTranspose
from funcnn.stax.dense import Dense, Dropout, elementwise
from funcnn.stax.initializers import glorot, glorot_normal, normal, ones, randn, zeros
from funcnn.stax.normalization import BatchNorm
from funcnn.stax.pooling import AvgPool, MaxPool, SumPool

__all__ = [
    "Dense", "GeneralConv", "Conv", "GeneralConvTranspose", "Conv1DTranspose", "ConvTranspose",
    "BatchNorm",
    "elementwise", "Tanh", "Relu", "Exp", "LogSoftmax", "Softmax", "Softplus", "Sigmoid", "Elu", "LeakyRelu", "Selu",
    "Gelu",
    "MaxPool", "SumPool", "AvgPool",
    "Flatten", "Identity", "FanOut", "FanInSum", "FanInConcat", "Dropout",
    "serial", "parallel", "shape_dependent",
    "glorot", "glorot_normal", "normal", "randn", "ones", "zeros",
]  # fmt: skip
