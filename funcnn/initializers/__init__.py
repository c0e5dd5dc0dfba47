"""Initial values of params: `(key, shape, dtype) -> array`, pure functions of the key.

| name | variance of the values |
|---|---|
| `glorot_uniform`, `glorot_normal` | 2 / (fan_in + fan_out) |
| `he_uniform`, `he_normal` | 2 / fan_in |
| `lecun_uniform`, `lecun_normal` | 1 / fan_in |

All six are cases of `variance_scaling`. The fans of a shape `(*receptive, n, m)` are `n` and `m` times the size of the
receptive field. A vector of `n` has both fans `n`, a scalar 1.

Values are drawn in float32 for float32 params and in float64 for wider ones, which are two different streams.

`zeros`, `ones`, `identity`, `constant`, `normal` and `uniform` stay in this module, because NumPy and the schedules
have such names too; the others are names of the package. A network that was made with any of them prints as source that
evaluates after `from funcnn import *` and `from funcnn.initializers import *`.
"""

from funcnn.late_names import answers_for
from funcnn.initializers.distributions import (
    constant, identity, normal, ones, orthogonal, truncated_normal, uniform, zeros,
)  # fmt: skip
from funcnn.initializers.scaling import (
    glorot_normal, glorot_uniform, he_normal, he_uniform, lecun_normal, lecun_uniform, variance_scaling,
)  # fmt: skip

__all__ = [
    "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal",
    "lecun_uniform", "normal", "ones", "orthogonal", "truncated_normal", "uniform", "variance_scaling", "zeros",
]  # fmt: skip

answers_for(__name__)
