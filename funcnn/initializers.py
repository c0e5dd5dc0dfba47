"""placeholder"""
from funcnn.types import Array
from funcnn.keys import Key
import numpy as np
from typing import Any
def glorot_uniform(key: Key, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return (key.generator().random(shape, np.float32)*2-1) * np.float32((6/(shape[0]+shape[-1]))**.5)
def zeros(key: Key, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.zeros(shape, dtype)
