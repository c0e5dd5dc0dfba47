"""Networks of every analytic layer, and the same as functions of JAX: `(jax, params by path, x) -> y`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from tests.peers.case import numbers

P: TypeAlias = "Mapping[str, Any]"
Peer: TypeAlias = "Callable[[Any, P, Any], Any]"


class Network(NamedTuple):
    """A network as source, its input, and the peer; `training` is a training pass."""

    source: str
    x: npt.NDArray[Any]
    peer: Peer
    training: bool = False


def sub(p: P, name: str) -> dict[str, Any]:
    """The params below a name."""
    return {path.removeprefix(f"{name}/"): a for path, a in p.items() if path.startswith(f"{name}/")}


def dense(p: P, x: Any, name: str) -> Any:
    """An affine map."""
    return x @ p[f"{name}/w"] + p[f"{name}/b"]


def pointwise(*names: str) -> Peer:
    """Affine maps, and these behind them, by their names in `jax.nn` or `jax.numpy`."""

    def f(jax: Any, p: P, x: Any) -> Any:
        for i, name in enumerate(names):
            options = {"approximate": name.endswith("tanh")} if "gelu" in name else {}
            name = name.removesuffix(" by tanh")
            x = (getattr(jax.nn, name, None) or getattr(jax.numpy, name))(dense(p, x, f"dense_{i}"), **options)
        return dense(p, x, f"dense_{len(names)}")

    return f


def chain(*layers: str) -> str:
    """Affine maps with these behind them, and one more."""
    return f"serial({', '.join(f'Dense(4), {layer}' for layer in layers)}, Dense(1))"


# norms ----------------------------------------------------------------------------------------------------------------
def standard(jax: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """With mean 0 and variance 1 over these axes."""
    h = x - x.mean(axes, keepdims=True)
    return h / jax.numpy.sqrt((h * h).mean(axes, keepdims=True) + 1e-5)


def scaled(p: P, h: Any, name: str) -> Any:
    """Scaled and moved."""
    return h * p[f"{name}/scale"] + p.get(f"{name}/offset", 0)


def norms(jax: Any, p: P, x: Any) -> Any:
    """LayerNorm, RMSNorm and GroupNorm."""
    h = scaled(p, standard(jax, dense(p, x, "dense_0"), (-1,)), "layer_norm_0")
    h = jax.nn.gelu(h)
    h = dense(p, h, "dense_1")
    h = scaled(p, h / jax.numpy.sqrt((h * h).mean(-1, keepdims=True) + 1e-5), "rms_norm_0")
    h = jax.numpy.sin(h)
    groups = dense(p, h, "dense_2").reshape(len(x), 2, 3)
    h = scaled(p, standard(jax, groups, (2,)).reshape(len(x), 6), "group_norm_0")
    return dense(p, jax.numpy.tanh(h), "dense_3")


def instance(jax: Any, p: P, x: Any) -> Any:
    """InstanceNorm over time, and a mean."""
    h = scaled(p, standard(jax, dense(p, x, "dense_0"), (1,)), "instance_norm_0")
    return dense(p, jax.nn.silu(h).mean(1), "dense_1")


def batch_norm(training: bool) -> Peer:
    """By the batch, or by what is stored."""

    def f(jax: Any, p: P, x: Any) -> Any:
        h = dense(p, x, "dense_0")
        if training:
            h = standard(jax, h, (0,))
        else:
            h = (h - p["batch_norm_0/mean"]) / jax.numpy.sqrt(p["batch_norm_0/var"] + 1e-5)
        return dense(p, jax.numpy.tanh(scaled(p, h, "batch_norm_0")), "dense_1")

    return f


# sequences ------------------------------------------------------------------------------------------------------------
def recurrent(jax: Any, p: P, x: Any, kind: str) -> Any:
    """All outputs of a recurrent layer, the gates in PyTorch's order."""
    w, u, b = p["w"], p["u"], p["b"]
    n, rows = u.shape
    sigmoid, tanh = jax.nn.sigmoid, jax.numpy.tanh
    h = c = jax.numpy.zeros((len(x), n))
    out: list[Any] = []
    for t in range(x.shape[1]):
        zx, zh = x[:, t] @ w + b[:rows], h @ u + b[rows:]
        if kind == "rnn":
            h = tanh(zx + zh)
        elif kind == "gru":
            r, z = (sigmoid((zx + zh)[:, i * n : (i + 1) * n]) for i in range(2))
            new = tanh(zx[:, 2 * n :] + r * zh[:, 2 * n :])
            h = (1 - z) * new + z * h
        else:
            i, f, g, o = jax.numpy.split(zx + zh, 4, 1)
            c = sigmoid(f) * c + sigmoid(i) * tanh(g)
            h = sigmoid(o) * tanh(c)
        out.append(h)
    return jax.numpy.stack(out, 1)


def recurrence(jax: Any, p: P, x: Any) -> Any:
    """The three, one behind the other."""
    for kind in ("lstm", "gru", "rnn"):
        x = recurrent(jax, sub(p, f"{kind}_0"), x, kind)
    return dense(p, x[:, -1], "dense_0")


def both_ways(jax: Any, p: P, x: Any) -> Any:
    """GRU from both ends."""
    y = recurrent(jax, sub(p, "bidirectional_0/forward"), x, "gru")
    z = recurrent(jax, sub(p, "bidirectional_0/backward"), x[:, ::-1], "gru")[:, ::-1]
    return dense(p, jax.numpy.concatenate([y, z], -1).mean(1), "dense_0")


def rotated(jax: Any, x: Any) -> Any:
    """Neighbouring features turned by their positions; x is (batch, heads, steps, size)."""
    steps, size = x.shape[-2:]
    a = np.arange(steps)[:, None] * 10000.0 ** (-np.arange(0, size, 2) / size)
    even, odd = x[..., 0::2], x[..., 1::2]
    pairs = [even * np.cos(a) - odd * np.sin(a), even * np.sin(a) + odd * np.cos(a)]
    return jax.numpy.stack(pairs, -1).reshape(x.shape)


def attention(jax: Any, p: P, x: Any, heads: int, *, causal: bool, rotary: bool = False) -> Any:
    """Several heads within a sequence."""
    batch, time, n = x.shape
    q, k, v = (
        (x @ p[f"w{c}"] + p[f"b{c}"]).reshape(batch, time, heads, n // heads).transpose(0, 2, 1, 3) for c in "qkv"
    )
    if rotary:
        q, k = rotated(jax, q), rotated(jax, k)
    s = q @ k.transpose(0, 1, 3, 2) / np.sqrt(n / heads)
    if causal:
        s = jax.numpy.where(np.tri(time, dtype=bool), s, -np.inf)
    h = (jax.nn.softmax(s, -1) @ v).transpose(0, 2, 1, 3).reshape(batch, time, n)
    return h @ p["wo"] + p["bo"]


def transformer(jax: Any, p: P, x: Any) -> Any:
    """Positions, a block with the norms first, and attention by rotary positions."""
    x = dense(p, x, "dense_0") + p["positional_embedding_0/w"][: x.shape[1]]
    b = sub(p, "transformer_block_0")
    look, think = sub(b, "residual_0/serial_0"), sub(b, "residual_1/serial_0")
    h = scaled(look, standard(jax, x, (-1,)), "layer_norm_0")
    x = x + attention(jax, sub(look, "multi_head_attention_0"), h, 2, causal=True)
    h = scaled(think, standard(jax, x, (-1,)), "layer_norm_0")
    x = x + dense(think, jax.nn.gelu(dense(think, h, "dense_0")), "dense_1")
    x = attention(jax, sub(p, "multi_head_attention_0"), x, 1, causal=False, rotary=True)
    return dense(p, x.mean(1), "dense_1")


# images, and layers around each other ---------------------------------------------------------------------------------
def images(jax: Any, p: P, x: Any) -> Any:
    """Convolutions and pools."""
    lax, numbers = jax.lax, ("NHWC", "HWIO", "NHWC")
    h = lax.conv_general_dilated(x, p["conv_0/w"], (1, 1), "SAME", dimension_numbers=numbers) + p["conv_0/b"]
    h = jax.numpy.tanh(h)
    h = h.reshape(len(h), 2, 2, 2, 2, -1).mean((2, 4))
    w = p["conv_transpose_0/w"]
    h = lax.conv_transpose(h, w, (2, 2), "VALID", dimension_numbers=numbers) + p["conv_transpose_0/b"]
    h = lax.reduce_window(jax.nn.softplus(h), -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return dense(p, h.reshape(len(h), -1), "dense_0")


def branches(jax: Any, p: P, x: Any) -> Any:
    """Sums, products, concatenations, a residual, a bilinear form, shared weights."""
    a = jax.numpy.sin(dense(p, x, "parallel_0/serial_0/dense_0"))
    b = jax.nn.sigmoid(dense(p, x, "parallel_0/serial_1/dense_0"))
    h = jax.numpy.einsum("bi,ijk,bj->bk", a, p["bilinear_0/w"], b) + p["bilinear_0/b"]
    h = h + jax.numpy.tanh(dense(p, h, "residual_0/serial_0/dense_0"))
    for _ in range(2):
        h = jax.numpy.tanh(dense(p, h, "repeat_0/serial_0/dense_0"))
    h = jax.numpy.concatenate([h * h, jax.numpy.exp(h)], -1)
    return dense(p, h, "dense_0")


X: Final = numbers(3, 3)
STEPS: Final = numbers(2, 3, 2)
NETWORKS: Final = {
    "bounded": Network(chain("Tanh", "Sigmoid", "Softsign"), X, pointwise("tanh", "sigmoid", "soft_sign")),
    "positive": Network(chain("Softplus", "LogSigmoid", "Exp"), X, pointwise("softplus", "log_sigmoid", "exp")),
    "periodic": Network(chain("Sin", "Square", "Sin"), X, pointwise("sin", "square", "sin")),
    "gates": Network(chain("Gelu", "Silu", "Mish"), X, pointwise("gelu by tanh", "silu", "mish")),
    "exact gelu": Network(chain("gelu(exact=True)", "Tanh"), X, pointwise("gelu", "tanh")),
    "exponential": Network(chain("Elu", "Selu", "Celu"), X, pointwise("elu", "selu", "celu")),
    "softmax": Network(chain("Softmax", "LogSoftmax"), X, pointwise("softmax", "log_softmax")),
    "norms": Network(
        "serial(Dense(4), LayerNorm(), Gelu, Dense(4), RMSNorm(), Sin, Dense(6), GroupNorm(2), Tanh, Dense(1))", X, norms
    ),
    "instance norm": Network("serial(Dense(3), InstanceNorm(), Silu, MeanOver(1), Dense(1))", STEPS, instance),
    "batch norm": Network("serial(Dense(4), BatchNorm(), Tanh, Dense(1))", numbers(4, 2), batch_norm(False)),
    "batch norm in training": Network(
        "serial(Dense(4), BatchNorm(), Tanh, Dense(1))", numbers(4, 2), batch_norm(True), training=True
    ),
    "recurrence": Network("serial(LSTM(3), GRU(2), RNN(2, last=True), Dense(1))", STEPS, recurrence),
    "both ways": Network("serial(bidirectional(GRU(2)), MeanOver(1), Dense(1))", STEPS, both_ways),
    "attention": Network(
        "serial(Dense(4), PositionalEmbedding(3), TransformerBlock(4, 2, hidden=3, causal=True), "
        "MultiHeadAttention(1, rotary=True), MeanOver(1), Dense(1))", STEPS, transformer,
    ),
    "images": Network(
        "serial(Conv(2, (2, 2), padding='SAME'), Tanh, AvgPool((2, 2), (2, 2)), ConvTranspose(2, (2, 2), (2, 2)), "
        "Softplus, MaxPool((2, 2), (2, 2)), Flatten, Dense(1))", numbers(2, 4, 4, 1), images,
    ),
    "branches": Network(
        "serial(FanOut(2), parallel(serial(Dense(3), Sin), serial(Dense(2), Sigmoid)), Bilinear(3), "
        "residual(serial(Dense(3), Tanh)), repeat(serial(Dense(3), Tanh), 2, shared=True), "
        "FanOut(2), parallel(Square, Exp), FanInConcat(), Dense(1))", X, branches,
    ),
}  # fmt: skip
