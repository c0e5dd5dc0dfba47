"""Arrays of other libraries, imitated: what is seen of them is the module of their type, and how they convert."""

from __future__ import annotations

from typing import Any

import numpy as np


class _Array:
    """An array that is none of NumPy's, and becomes one."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.dtype, self.shape, self.ndim = self.values.dtype, self.values.shape, self.values.ndim

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.values, dtype)

    def detach(self) -> _Array:
        """As PyTorch has it: without gradients."""
        return type(self).__mro__[1](self.values) if isinstance(self, _Closed) else self

    def cpu(self) -> _Array:
        """As PyTorch has it."""
        return self


class _Closed(_Array):
    """One that does not become NumPy's by itself."""

    why: Exception = RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise self.why


class _Nullable(_Array):
    """A column with missing values, as pandas gives it to NumPy."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.values, object)


def _of(module: str, name: str, base: type[_Array], **more: Any) -> Any:
    return type(name, (base,), {"__module__": module, **more})


Tensor = _of("torch", "Tensor", _Array)
Parameter = _of("torch.nn.parameter", "Parameter", _Closed)
BFloat16 = _of("torch", "Tensor", _Closed, why=TypeError("Got unsupported ScalarType BFloat16"))
ArrayImpl = _of("jaxlib._jax", "ArrayImpl", _Array)
EagerTensor = _of("tensorflow.python.framework.ops", "EagerTensor", _Array)
OnGpu = _of("cupy", "ndarray", _Closed, why=TypeError("Implicit conversion to a NumPy array is not allowed."))
Series = _of("pandas.core.series", "Series", _Nullable)


class bfloat16(np.void):  # type: ignore[misc]  # final for type checkers; the name is that of ml_dtypes
    """The type of a dtype that calls itself structured and is not, as that of ml_dtypes does."""


BFLOAT16 = np.dtype((bfloat16, 2))
