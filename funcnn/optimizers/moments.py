"""Adam's relatives: other moments, other corrections."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from funcnn.arguments import finite_positive, probability
from funcnn.optimizers.adaptive import AdamState
from funcnn.optimizers.definition import Optimizer, optimizer
from funcnn.optimizers.formulas import by_formula, mean, mean_square
from funcnn.params import Params
from funcnn.schedules import Rate
from funcnn.types import Array


class AmsgradState(NamedTuple):
    """`step` updates have been made; running means of gradients and their squares, and the largest corrected one."""

    step: int
    m: Params
    v: Params
    largest: Params


def _checked(name: str, b1: float, b2: float, eps: float) -> tuple[float, float, float]:
    probability(name, b1=b1, b2=b2)
    finite_positive(name, eps=eps)
    return float(b1), float(b2), float(eps)


@optimizer
def adamax(rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer[AdamState]:
    """Adam by the largest gradient: `v' = max(b2 v, |g|)`, `update = -rate m_hat / (v' + eps)`, m_hat as in `adam`.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Kingma & Ba, Adam (ICLR 2015), algorithm 2; `eps` as in `jax.example_libraries.optimizers.adamax`.

    >>> adamax(1e-3)
    adamax(0.001)
    """
    b1, b2, eps = _checked("adamax", b1, b2, eps)

    def formula(t: int, rate: float, g: Array, p: Array, m: Array, v: Array) -> tuple[Array, ...]:
        m, v = mean(m, g, b1), np.maximum(b2 * v, np.abs(g))
        return (-rate / (1 - b1**t)) * (m / (v + eps)), m, v

    return by_formula("adamax", AdamState, rate, formula, fading=(b1, b2))


@optimizer
def nadam(rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer[AdamState]:
    """Adam with Nesterov's momentum: the first moment of the next step, as far as it is known already.

    `update = -rate (b1 m' / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t)) / (sqrt(v_hat) + eps)`, m' and v_hat as in `adam`.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Dozat, Incorporating Nesterov Momentum into Adam (2016), algorithm 2, with a constant b1.

    >>> nadam(1e-3)
    nadam(0.001)
    """
    b1, b2, eps = _checked("nadam", b1, b2, eps)

    def formula(t: int, rate: float, g: Array, p: Array, m: Array, v: Array) -> tuple[Array, ...]:
        m, v = mean(m, g, b1), mean_square(v, g, b2)
        ahead = (b1 / (1 - b1 ** (t + 1))) * m + ((1 - b1) / (1 - b1**t)) * g
        return -rate * (ahead / (np.sqrt(v) / math.sqrt(1 - b2**t) + eps)), m, v

    return by_formula("nadam", AdamState, rate, formula, fading=(b1, b2))


@optimizer
def amsgrad(rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer[AmsgradState]:
    """Adam whose steps never grow again: v_hat is the largest that has been, `update = -rate m_hat / (sqrt(max) + eps)`.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Reddi, Kale & Kumar, On the Convergence of Adam and Beyond (ICLR 2018), algorithm 2; the moments are
    corrected for their start first, as in optax.

    >>> amsgrad(1e-3)
    amsgrad(0.001)
    """
    b1, b2, eps = _checked("amsgrad", b1, b2, eps)

    def formula(t: int, rate: float, g: Array, p: Array, m: Array, v: Array, largest: Array) -> tuple[Array, ...]:
        m, v = mean(m, g, b1), mean_square(v, g, b2)
        largest = np.maximum(largest, v / (1 - b2**t))
        return (-rate / (1 - b1**t)) * (m / (np.sqrt(largest) + eps)), m, v, largest

    return by_formula("amsgrad", AmsgradState, rate, formula, fading=(b1, b2))


@optimizer
def radam(
    rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, *, threshold: float = 5.0
) -> Optimizer[AdamState]:
    """Adam that trusts v only when enough gradients have been seen, and is momentum before.

    With `r = 2 / (1 - b2) - 1` and `r_t = r - 2 t b2^t / (1 - b2^t)`, the length of the mean so far:
    `update = -rate c m_hat / (sqrt(v_hat) + eps)` where `r_t >= threshold`, with
    `c^2 = (r_t - 4) (r_t - 2) r / ((r - 4) (r - 2) r_t)`, else `-rate m_hat`.

    Errors
        ValueError   `rate`, `eps` or `threshold` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond (ICLR 2020), algorithm 2; a threshold of
    5 as in optax and PyTorch.

    >>> radam(1e-3)
    radam(0.001)
    """
    b1, b2, eps = _checked("radam", b1, b2, eps)
    finite_positive("radam", threshold=threshold)
    longest, enough = 2 / (1 - b2) - 1, float(threshold)

    def formula(t: int, rate: float, g: Array, p: Array, m: Array, v: Array) -> tuple[Array, ...]:
        m, v = mean(m, g, b1), mean_square(v, g, b2)
        length = longest - 2 * t * b2**t / (1 - b2**t)
        if length < enough:
            return (-rate / (1 - b1**t)) * m, m, v
        c = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        return (-rate * math.sqrt(c) / (1 - b1**t)) * (m / (np.sqrt(v) / math.sqrt(1 - b2**t) + eps)), m, v

    return by_formula("radam", AdamState, rate, formula, fading=(b1, b2))


@optimizer
def adabelief(rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-16) -> Optimizer[AdamState]:
    """Adam by surprise: v is the running mean of `(g - m')^2 + eps`, so that steps are long where gradients agree.

    `update = -rate m_hat / (sqrt(v_hat) + eps)`.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Zhuang et al., AdaBelief Optimizer (NeurIPS 2020), algorithm 2.

    >>> adabelief(1e-3)
    adabelief(0.001)
    """
    b1, b2, eps = _checked("adabelief", b1, b2, eps)

    def formula(t: int, rate: float, g: Array, p: Array, m: Array, v: Array) -> tuple[Array, ...]:
        m = mean(m, g, b1)
        off = g - m
        v = mean_square(v, off, b2) + eps
        return (-rate / (1 - b1**t)) * (m / (np.sqrt(v) / math.sqrt(1 - b2**t) + eps)), m, v

    return by_formula("adabelief", AdamState, rate, formula, fading=(b1, b2))
