"""Attention with several heads: within one sequence, or from one to another."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from funcnn.arguments import positive, probability
from funcnn.calculus import Later
from funcnn.errors import ShapeError
from funcnn.initializers import glorot_normal, zeros
from funcnn.inputs import Kind
from funcnn.kernels import attention as kernel
from funcnn.kernels.affine import affine, affine_input, affine_params, product
from funcnn.kernels.attention_blocks import Block, attend_in_blocks, blocks_pullback
from funcnn.kernels.elements import total
from funcnn.kernels.positions import rotated
from funcnn.keys import Initializer, Key
from funcnn.layers.memories import Seen
from funcnn.layers.sequences import expected, items, kinds, masked_steps, sequence
from funcnn.networks import Layer, apart, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import known
from funcnn.types import Array, Mask, Shape, Tree

BASE = 10000.0  # of the wavelengths of rotary positions


# Where the options are not literals, what comes in is not followed.
# fmt: off
@overload
def MultiHeadAttention(heads: int, *, causal: bool = False, masked: Literal[False] = False, cross: Literal[False] = False, rotary: bool = False, drop: float = 0.0, bias: bool = True, W_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Array, Array]: ...
@overload
def MultiHeadAttention(heads: int, *, causal: bool = False, masked: Literal[True], cross: Literal[False] = False, rotary: bool = False, drop: float = 0.0, bias: bool = True, W_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Mask], Array]: ...
@overload
def MultiHeadAttention(heads: int, *, causal: bool = False, masked: Literal[False] = False, cross: Literal[True], rotary: bool = False, drop: float = 0.0, bias: bool = True, W_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Array], Array]: ...
@overload
def MultiHeadAttention(heads: int, *, causal: bool = False, masked: Literal[True], cross: Literal[True], rotary: bool = False, drop: float = 0.0, bias: bool = True, W_init: Initializer = ..., b_init: Initializer = ...) -> Layer[tuple[Array, Array, Mask], Array]: ...
@overload
def MultiHeadAttention(heads: int, *, causal: bool = False, masked: bool = False, cross: bool = False, rotary: bool = False, drop: float = 0.0, bias: bool = True, W_init: Initializer = ..., b_init: Initializer = ...) -> Layer[Any, Array]: ...
# fmt: on
@layer
def MultiHeadAttention(
    heads: int,
    *,
    causal: bool = False,
    masked: bool = False,
    cross: bool = False,
    rotary: bool = False,
    drop: float = 0.0,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    b_init: Initializer = zeros,
) -> Layer[Any, Any]:
    """Every step looks at others, several times at once.

    `y = (h_1 ... h_heads) wo + bo`, with, for the features of each head, `h = softmax(q k^T / sqrt(n / heads)) v`, and
    `q = x wq + bq`, `k = s wk + bk`, `v = s wv + bv`.

    What is looked at, s, is x itself, or with `cross` a memory that comes beside it. With `causal` a step looks at
    itself and what is before it. With `masked` a mask says which steps of s are real: the others are never looked at,
    and what stands there changes nothing. A query that may look at nothing gives 0; so do, within one sequence, the
    steps that are not real. With `rotary` q and k are turned by their positions, see `RotaryEmbedding`. In a training
    pass `drop` is the probability that a weight of the softmax is dropped, the others scaled up.

    Shapes
        input   x, (x, memory), (x, mask) or (x, memory, mask): x (batch, time, n), memory (batch, keys, m), mask
                (batch, time), with `cross` (batch, keys), True is real
        params  {"wq": (n, n), "wk": (m, n), "wv": (m, n), "wo": (n, n)}, and with `bias` {"bq", "bk", "bv", "bo": (n,)}
        y       (batch, time, n)
    Errors
        ValueError   `heads` is less than one; `drop` not in [0, 1); `cross` with `causal` or `rotary`, which compare
                     the positions of one sequence
        ShapeError   the features are no multiple of `heads` (with `rotary`, an even one); or not those shapes, or items
    Pullback, of one head, with a the weights of the softmax
        dv = a^T dh      da = dh v^T      ds = a (da - sum of a da) / sqrt(n / heads)      dq = ds k      dk = ds^T q
        and those of the four affine maps, as for Dense
    Source: Vaswani et al., Attention Is All You Need (2017), section 3.2; rotary positions: Su et al., RoFormer (2021).

    >>> MultiHeadAttention(4, causal=True).out_shape((-1, 20, 64))
    (-1, 20, 64)
    >>> MultiHeadAttention(4, cross=True, masked=True).out_shape(((-1, 20, 64), (-1, 30, 48), (-1, 30)))
    (-1, 20, 64)
    """
    positive("MultiHeadAttention", heads=heads)
    probability("MultiHeadAttention", drop=drop)
    drop = float(drop)
    for option, said in (("causal", causal), ("rotary", rotary)):
        if cross and said:
            problem = f"{option}=True compares positions of one sequence; drop it, or cross=True"
            raise ValueError(f"MultiHeadAttention: {problem}")
    names = ("x", *("memory",) * cross, *("mask",) * masked)

    def meet(shape: Shape) -> tuple[int, int, int, int]:
        options = {"memory": "cross=True", "mask": "masked=True"}
        x, *beside = items("MultiHeadAttention", shape, names, options)
        batch, time, n = sequence("MultiHeadAttention", x)
        keys, m = time, n
        if cross:
            other, keys, m = sequence("MultiHeadAttention", beside[0])
            expected("MultiHeadAttention", (other,), (batch,), "x and the memory are of one batch")
        if masked:
            masked_steps("MultiHeadAttention", beside[-1], batch, keys, "keys" if cross else "time")
        each = 2 * heads if rotary else heads
        if known(n, heads) and n % each:
            pairs = ", in pairs of features" if rotary else ""
            raise ShapeError(f"MultiHeadAttention({heads}) divides the features by its heads{pairs}, got {n} features")
        return batch, time, n, m

    def out_shape(shape: Shape) -> Shape:
        return meet(shape)[:3]

    def spec(shape: Shape) -> Spec:
        *_, n, m = meet(shape)
        wanted: dict[str, Any] = {f"w{c}": (W_init, (m if c in "kv" else n, n)) for c in "qkvo"}
        return wanted | ({f"b{c}": (b_init, (n,)) for c in "qkvo"} if bias else {})

    def multiply_adds(shape: Shape) -> int:
        batch, time, n, m = meet(shape)
        keys = sequence("MultiHeadAttention", items("", shape, names, {})[1])[1] if cross else time
        return batch * (2 * time * n * n + 2 * keys * m * n + 2 * time * keys * n)

    def takes(out: Kind) -> Kind:
        return kinds(names)

    def mapped(params: Tree, name: str, x: Array) -> Array:
        if not bias:
            return product(x, *leaves(params, f"w{name}"))
        w, b = leaves(params, f"w{name}", f"b{name}")
        return affine(x, w, b)

    def given(x: Any) -> tuple[Array, Array, Mask | None]:
        """The queries' sequence, the keys', and what of the latter is real; the rest of it is 0."""
        xs, mask = x[0] if len(names) > 1 else x, x[-1] if masked else None
        looked_at = x[1] if cross else xs
        if cross and mask is None and not looked_at.shape[1]:
            mask = np.ones(looked_at.shape[:2], bool)  # nothing to look at, as where nothing is real
        if mask is not None:
            looked_at = np.where(mask[..., None], looked_at, 0)
        return xs if cross else looked_at, looked_at, mask

    def projected(params: Tree, x: Array, looked_at: Array, start: int) -> tuple[Array, Array, Array]:
        pairs = ("q", x), ("k", looked_at), ("v", looked_at)
        q, k, v = (kernel.heads_apart(mapped(params, name, a), heads) for name, a in pairs)
        return (rotated(q, start, BASE), rotated(k, start, BASE), v) if rotary else (q, k, v)

    def attended(
        q: Array, k: Array, v: Array, mask: Mask | None, kept: Array | None = None, *, keep: bool = False
    ) -> tuple[Array, list[list[Block]]]:
        real = None if mask is None else mask[:, None, None, :]
        return attend_in_blocks(q, k, v, real, kept, causal=causal, keep=keep)

    def alive(mask: Mask | None, queries: int) -> Mask | None:
        """The queries that give something, (batch, 1 or queries, 1)."""
        if mask is None:
            return None
        live: Mask = np.any(mask, axis=1, keepdims=True) if cross else mask[:, mask.shape[1] - queries :]
        return live[..., None]

    def given_out(params: Tree, h: Array, mask: Mask | None) -> tuple[Array, Array]:
        joined = kernel.heads_joined(h)
        y, live = mapped(params, "o", joined), alive(mask, joined.shape[1])
        return joined, y if live is None else np.where(live, y, 0)

    def drawn(rng: Key | None, q: Array, k: Array) -> Array | None:
        """The factors of dropout."""
        if rng is None:
            return None
        draws = rng.generator().random((*q.shape[:3], k.shape[2]), np.float32)
        return np.where(draws >= drop, q.dtype.type(1 / (1 - drop)), q.dtype.type(0))

    def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Any]:
        xs, looked_at, mask = given(x)
        q, k, v = projected(params, xs, looked_at, 0)
        h, blocks = attended(q, k, v, mask, drawn(rng, q, k), keep=True)
        joined, y = given_out(params, h, mask)

        def pullback(dy: Array) -> tuple[Tree, Later[Any]]:
            live = alive(mask, joined.shape[1])
            dy = dy if live is None else np.where(live, dy, 0)
            (wq, wk, wv, wo), grads = leaves(params, "wq", "wk", "wv", "wo"), dict[str, Array]()
            d = blocks_pullback(q, k, v, blocks, kernel.heads_apart(affine_input(dy, wo), heads))
            turned = (rotated(a, 0, BASE, back=True) if rotary else a for a in (d.q, d.k))
            dq, dk, dv = (kernel.heads_joined(a) for a in (*turned, d.v))
            for name, a, da in (("q", xs, dq), ("k", looked_at, dk), ("v", looked_at, dv), ("o", joined, dy)):
                dw, db = affine_params(a, da)
                grads |= {f"w{name}": dw, f"b{name}": db} if bias else {f"w{name}": dw}

            def input_cotangents() -> Any:
                dx, ds = affine_input(dq, wq), total(affine_input(dk, wk), affine_input(dv, wv))
                if mask is not None:
                    ds = np.where(mask[..., None], ds, 0)
                    dx = dx if cross else np.where(mask[..., None], dx, 0)
                arrays = (dx, ds) if cross else (total(dx, ds),)
                if masked and mask is not None:
                    return (*arrays, np.zeros(mask.shape, dx.dtype))
                return arrays if cross else arrays[0]

            return grads, Later(input_cotangents)

        return y, pullback

    def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
        xs, looked_at, mask = given(x)
        q, k, v = projected(params, xs, looked_at, 0)
        return given_out(params, attended(q, k, v, mask, drawn(rng, q, k))[0], mask)[1]

    def step(params: Tree, x: Any, memory: Any) -> tuple[Any, Any]:
        xs, looked_at, mask = given(x)
        if cross:  # the memory of the first call is the one that is looked at
            q = kernel.heads_apart(mapped(params, "q", xs), heads)
            k, v, mask = memory or (*projected(params, xs, looked_at, 0)[1:], mask)
            return given_out(params, attended(q, k, v, mask)[0], mask)[1], (k, v, mask)
        seen = memory or Seen.nothing()
        q, k, v = projected(params, xs, looked_at, seen.count)
        seen = seen.appended(k, v, mask)
        k, v, mask = seen.all()
        return given_out(params, attended(q, k, v, mask)[0], mask)[1], seen

    return Layer.of(
        out_shape, spec, rule if len(names) > 1 else apart(rule), value=value, random=drop > 0, takes=takes,
        multiply_adds=multiply_adds,
        step=step if causal or cross else "it looks at what comes later; give it causal=True",
    )  # fmt: skip
