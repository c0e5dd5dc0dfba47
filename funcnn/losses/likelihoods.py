"""Negative log-likelihoods of distributions whose parameters a network predicts, and what parts two of them.

Variances are predicted by their logarithms, so that every number a network may give is one. A logarithm below -87 is a
variance that float32 cannot divide by: the loss overflows there, as the likelihood does.
"""

from __future__ import annotations

from typing import Any, Union

import numpy as np

from funcnn.calculus import Later
from funcnn.errors import LabelError, ShapeError
from funcnn.losses.definition import Terms, loss
from funcnn.losses.targets import class_targets, like
from funcnn.shapes import display
from funcnn.types import Array, Numbers, Tokens, is_tuple


@loss
def poisson_nll(log_rate: Array, counts: Union[Array, Tokens]) -> Terms[Array]:
    """The negative log-likelihood of counts, `exp(x) - t x` for every element, up to `log t!`; x is the log of the rate.

    Shapes
        log_rate, counts   (...), the same
        terms              (...)
    Errors
        LabelError   a count is negative
        ShapeError   the shapes differ, or the batch is empty
    Pullback
        dlog_rate = (exp(x) - t) dterms      dcounts = -x dterms
    Source: McCullagh & Nelder, Generalized Linear Models (1989), section 6.2; the constant is left out as in PyTorch.

    >>> poisson_nll(np.array([0.0, np.log(2.0)]), np.array([1, 2]), reduce="none").round(4)
    array([1.    , 0.6137])
    """
    t = like("poisson_nll", log_rate, counts)
    if t.size and t.real.min() < 0:
        raise LabelError(f"poisson_nll takes counts, which are not negative; the smallest is {t.real.min():g}")
    rate = np.exp(log_rate)

    def pullback(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
        return d * (rate - t), Later(lambda: -d * log_rate)

    return rate - t * log_rate, pullback


@loss
def gaussian_nll(prediction: tuple[Array, Array], target: Numbers) -> Terms[tuple[Array, Array]]:
    """The negative log-likelihood of a normal distribution, `(s + (t - m)^2 exp(-s)) / 2`, up to `log(2 pi) / 2`.

    The prediction is a tuple (m, s), the mean and the logarithm of the variance, such as `parallel` gives.

    Shapes
        m, s, target   (...), the same
        terms          (...)
    Errors
        ShapeError   the prediction is no such tuple, the shapes differ, or the batch is empty
    Pullback, with z = (t - m) exp(-s)
        dm = -z dterms      ds = (1 - (t - m) z) / 2 dterms      dtarget = z dterms
    Source: Nix & Weigend, Estimating the Mean and Variance of the Target Probability Distribution (1994), equation 3.

    >>> gaussian_nll((np.array([0.0, 1.0]), np.array([0.0, 0.0])), np.array([2.0, 1.0]), reduce="none")
    array([2., 0.])
    """
    mean, log_variance = _parts("gaussian_nll", prediction, 2, "(mean, log_variance)")
    t = like("gaussian_nll", mean, target)
    if log_variance.shape != mean.shape:
        raise ShapeError(_unlike("gaussian_nll", mean, log_variance))
    error = t - mean
    z = error * np.exp(-log_variance)

    def pullback(d: Union[Array, float]) -> tuple[tuple[Array, Array], Later[Array]]:
        return (-d * z, d * ((1 - error * z) / 2)), Later(lambda: d * z)

    return (log_variance + error * z) / 2, pullback


@loss(reduce="batch")
def gaussian_kl(prediction: tuple[Array, Array], target: None = None) -> Terms[tuple[Array, Array]]:
    """How far a normal distribution is from the standard one, `(exp(s) + m^2 - 1 - s) / 2` for every number.

    The prediction is a tuple (m, s), the mean and the logarithm of the variance; there is no target: in `joint` and in
    data None stands for it. Summed over outputs and averaged over rows unless `reduce` says otherwise, which is the
    Kullback-Leibler divergence of variational autoencoders.

    Shapes
        m, s    (...), the same
        terms   (...)
    Errors
        ShapeError   the prediction is no such tuple, or the shapes differ
        TypeError    there is a target
    Pullback
        dm = m dterms      ds = (exp(s) - 1) / 2 dterms
    Source: Kingma & Welling, Auto-Encoding Variational Bayes (2014), appendix B.

    >>> gaussian_kl((np.array([[0.0, 1.0]]), np.array([[0.0, 0.0]])), None)
    0.5
    """
    if target is not None:
        raise TypeError(f"gaussian_kl has no target, give None; got {type(target).__name__}")
    mean, log_variance = _parts("gaussian_kl", prediction, 2, "(mean, log_variance)")
    if log_variance.shape != mean.shape:
        raise ShapeError(_unlike("gaussian_kl", mean, log_variance))
    over = np.exp(log_variance) - 1

    def pullback(d: Union[Array, float]) -> tuple[tuple[Array, Array], None]:
        return (d * mean, d * (over / 2)), None

    return (over + mean * mean - log_variance) / 2, pullback


@loss
def mixture_nll(prediction: tuple[Array, Array, Array], target: Numbers) -> Terms[tuple[Array, Array, Array]]:
    """The negative log-likelihood of a mixture of normal distributions, up to `n log(2 pi) / 2`.

    The prediction is a tuple (logits, m, s): how likely each of k components is, its mean and the logarithm of the
    variance of every number, `-log sum_k softmax(logits)_k exp(-sum_n (s + (t - m)^2 exp(-s)) / 2)`.

    Shapes
        logits   (..., k)
        m, s     (..., k, n)
        target   (..., n)
        terms    (...)
    Errors
        ShapeError   the prediction is no such tuple, the shapes do not fit, or the batch is empty
    Pullback, with r the share of each component in the likelihood and z = (t - m) exp(-s)
        dlogits = (softmax(logits) - r) dterms      dm = -r z dterms      ds = r (1 - (t - m) z) / 2 dterms
        dtarget = sum_k r z dterms
    Source: Bishop, Mixture Density Networks (1994), section 3.

    >>> two = (np.zeros((1, 2)), np.array([[[0.0], [4.0]]]), np.zeros((1, 2, 1)))
    >>> round(mixture_nll(two, np.array([[0.0]])), 4)
    0.6928
    """
    logits, mean, log_variance = _parts("mixture_nll", prediction, 3, "(logits, means, log_variances)")
    wanted = (*logits.shape, *mean.shape[-1:]) if mean.ndim else ()
    if not logits.ndim or mean.shape != wanted or log_variance.shape != wanted:
        shapes = ", ".join(display(a.shape) for a in prediction)
        raise ShapeError(f"mixture_nll takes logits (..., k), means and log_variances (..., k, n), got {shapes}")
    one: Array = mean[..., 0, :] if logits.shape[-1] else mean.sum(axis=-2)
    t = like("mixture_nll", one, target)
    error = t[..., None, :] - mean
    z = error * np.exp(-log_variance)
    logs = logits - np.sum(log_variance + error * z, axis=-1) / 2
    total, shares = log_sum_exp(logs)
    norm, prior = log_sum_exp(logits)

    def pullback(d: Union[Array, float]) -> tuple[tuple[Array, Array, Array], Later[Array]]:
        each: Any = d[..., None] if isinstance(d, np.ndarray) else d
        weight = (each * shares)[..., None]
        dz: Array = weight * z
        return (each * (prior - shares), -dz, weight * ((1 - error * z) / 2)), Later(lambda: np.sum(dz, axis=-2))

    return norm - total, pullback


@loss
def kl_divergence(logits: Array, target: Array) -> Terms[Array]:
    """How far the softmax of logits is from a distribution, `sum_k t_k (log t_k - log softmax(x)_k)` for every row.

    The cross-entropy less the entropy of the targets, so that it is zero where both agree. Logarithms of probabilities
    are logits too.

    Shapes
        logits, target   (..., classes), rows of targets sum to 1
        terms            (...)
    Errors
        LabelError   rows of targets that are no distributions
        ShapeError   the shapes differ, or the batch is empty
    Pullback
        dlogits = (softmax(x) - t) dterms      dtarget = (log t - log softmax(x)) dterms, 0 where t is
    Source: Kullback & Leibler, On Information and Sufficiency (1951), equation 2.5.

    >>> kl_divergence(np.log([[0.5, 0.5], [0.9, 0.1]]), np.array([[0.5, 0.5], [0.5, 0.5]]), reduce="none").round(4)
    array([0.    , 0.5108])
    """
    if np.ndim(target) != logits.ndim:
        raise ShapeError(
            f"kl_divergence takes distributions of the shape of the logits, {display(logits.shape)}, got "
            f"{display(np.shape(target))}; for class numbers it is softmax_cross_entropy"
        )
    t: Any = class_targets("kl_divergence", logits, target)
    total, p = log_sum_exp(logits)
    logs = logits - total[..., None]
    some = t != 0
    apart = np.where(some, np.log(np.where(some, t, 1)) - np.where(some, logs, 0), 0).astype(logits.dtype)

    def pullback(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
        each: Any = d[..., None] if isinstance(d, np.ndarray) else d
        mass = np.sum(t, axis=-1, keepdims=True)
        return each * (p * mass - t), Later(lambda: each * apart)

    return np.sum(t * apart, axis=-1), pullback


def log_sum_exp(x: Array) -> tuple[Array, Array]:
    """`log sum_k exp x_k` for every row, and the softmax."""
    top = np.max(x.real, axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0).astype(x.real.dtype)
    exps: Any = np.exp(x - top)
    limits: Any = np.finfo(exps.dtype)
    exps[exps.real < 2 * limits.tiny] = 0  # denormal numbers have no digits to be linear with
    sums = np.sum(exps, axis=-1, keepdims=True)
    total: Array = (np.log(sums) + top)[..., 0]
    return total, exps / sums


def _parts(name: str, prediction: Any, n: int, form: str) -> tuple[Any, ...]:
    if not is_tuple(prediction) or len(prediction) != n:
        got = f"a tuple of {len(prediction)}" if is_tuple(prediction) else f"one {type(prediction).__name__}"
        raise ShapeError(f"{name} takes a prediction {form}, got {got}; parallel gives such tuples")
    return prediction


def _unlike(name: str, mean: Array, other: Array) -> str:
    return f"{name} takes a mean and a log_variance of one shape, got {display(mean.shape)} and {display(other.shape)}"
