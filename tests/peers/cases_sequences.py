"""Recurrent layers and attention beside PyTorch's, whose weights are (outputs, inputs)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.peers.case import Case, Nested, numbers

Peer = Callable[[Any, Mapping[str, Any], Any], Any]

X = numbers(3, 5, 4)
UNEVEN = np.arange(5) < np.array([[5], [2], [3]])
MEMORY = numbers(3, 6, 3, seed=1)
KEYS = np.arange(6) < np.array([[6], [1], [4]])


def cell(torch: Any, name: str, p: Mapping[str, Any], at: str = "") -> Any:
    """Their layer as a function of x and the state, with our params in the places of theirs."""
    w, u, b = p[f"{at}w"], p[f"{at}u"], p.get(f"{at}b")
    made = getattr(torch.nn, name)(w.shape[0], u.shape[0], bias=b is not None, batch_first=True, dtype=w.dtype)
    rows = u.shape[1]
    theirs = {"weight_ih_l0": w.T, "weight_hh_l0": u.T}
    if b is not None:
        theirs |= {"bias_ih_l0": b[:rows], "bias_hh_l0": b[rows:]}
    return lambda *x: torch.func.functional_call(made, theirs, x)


def recurrent(name: str, *, last: bool = False) -> Peer:
    """All outputs, or that of the last step."""

    def f(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        y = cell(torch, name, p)(x)[0]
        return y[:, -1] if last else y

    return f


def packed(name: str, *, last: bool = False) -> Peer:
    """Sequences of uneven lengths, which they pack; the last output is the final state."""

    def f(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        xs, mask = x
        utils = torch.nn.utils.rnn
        lengths = mask.sum(1)
        y, state = cell(torch, name, p)(utils.pack_padded_sequence(xs, lengths, batch_first=True, enforce_sorted=False))
        if last:
            return (state[0] if name == "LSTM" else state)[0]
        return utils.pad_packed_sequence(y, batch_first=True, total_length=xs.shape[1])[0]

    return f


def with_state(name: str) -> Peer:
    """State in and out; theirs has an axis of layers in front."""

    def f(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        xs, state = x
        pair = isinstance(state, tuple)
        y, final = cell(torch, name, p)(xs, tuple(s[None] for s in state) if pair else state[None])
        return y, tuple(s[0] for s in final) if pair else final[0]

    return f


def both_ways(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
    """Their second direction has params of its own, named `_reverse`."""
    back = cell(torch, "LSTM", p, "backward/")(torch.flip(x, (1,)))[0]
    return torch.cat([cell(torch, "LSTM", p, "forward/")(x)[0], torch.flip(back, (1,))], -1)


def attention(heads: int, *, causal: bool = False, cross: bool = False, masked: bool = False, bias: bool = True) -> Peer:
    """Their masks are True where nothing may be looked at; padded steps give 0 with us."""

    def f(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        parts = x if isinstance(x, tuple) else (x,)
        xs, keys, mask = parts[0], parts[1] if cross else parts[0], parts[-1] if masked else None
        time, n = xs.shape[1], xs.shape[2]
        inside = torch.cat([p[f"b{c}"] for c in "qkv"]) if bias else None
        y, _ = torch.nn.functional.multi_head_attention_forward(
            xs.transpose(0, 1), keys.transpose(0, 1), keys.transpose(0, 1), n, heads, None, inside, None, None, False,
            0.0, p["wo"].T, p["bo"] if bias else None, need_weights=False,
            key_padding_mask=None if mask is None else ~mask,
            attn_mask=~torch.ones(time, time, dtype=torch.bool).tril() if causal else None,
            use_separate_proj_weight=True,
            q_proj_weight=p["wq"].T, k_proj_weight=p["wk"].T, v_proj_weight=p["wv"].T,
        )  # fmt: skip
        y = y.transpose(0, 1)
        return y if mask is None or cross else torch.where(mask[..., None], y, torch.zeros((), dtype=y.dtype))

    return f


def encoder_layer(norm_first: bool) -> Peer:
    """Their layer of an encoder, whose projections of q, k and v are one matrix."""

    def f(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        look = "residual_0/serial_0/multi_head_attention_0/"
        feed = "residual_1/serial_0/" if norm_first else "serial_0/residual_0/serial_0/"
        norms = ("residual_0/serial_0/layer_norm_0/", "residual_1/serial_0/layer_norm_0/") if norm_first else (
            "serial_0/layer_norm_0/", "serial_0/layer_norm_1/"
        )  # fmt: skip
        inner = p[f"{feed}dense_0/w"].shape[1]
        made = torch.nn.TransformerEncoderLayer(
            x.shape[2], 2, inner, 0.0, batch_first=True, norm_first=norm_first, dtype=x.dtype
        )
        theirs = {
            "self_attn.in_proj_weight": torch.cat([p[f"{look}w{c}"].T for c in "qkv"]),
            "self_attn.in_proj_bias": torch.cat([p[f"{look}b{c}"] for c in "qkv"]),
            "self_attn.out_proj.weight": p[f"{look}wo"].T, "self_attn.out_proj.bias": p[f"{look}bo"],
            "linear1.weight": p[f"{feed}dense_0/w"].T, "linear1.bias": p[f"{feed}dense_0/b"],
            "linear2.weight": p[f"{feed}dense_1/w"].T, "linear2.bias": p[f"{feed}dense_1/b"],
        }  # fmt: skip
        for i, at in enumerate(norms):
            theirs |= {f"norm{i + 1}.weight": p[f"{at}scale"], f"norm{i + 1}.bias": p[f"{at}offset"]}
        return torch.func.functional_call(made.train(), theirs, (x,))

    return f


def states(*seeds: int) -> Nested:
    """Initial states of two units."""
    parts = tuple(numbers(3, 2, seed=seed) for seed in seeds)
    return parts if len(parts) > 1 else parts[0]


_RECURRENT = tuple(
    case
    for name, seeds in (("RNN", (5,)), ("GRU", (6,)), ("LSTM", (7, 8)))
    for case in (
        Case(f"{name}(3)", X, recurrent(name)),
        Case(f"{name}(2, last=True)", X, recurrent(name, last=True)),
        Case(f"{name}(2, masked=True)", (X, UNEVEN), packed(name)),
        Case(f"{name}(2, last=True, masked=True)", (X, UNEVEN), packed(name, last=True)),
        Case(f"{name}(2, state=True)", (X, states(*seeds)), with_state(name)),
    )
)
_OF_KEYS = ("d bk",)  # a bias of the keys moves all scores of a query alike
_OURS_ZERO = "padded steps give 0, theirs give something"
CASES = (
    *_RECURRENT,
    *(Case(f"{name}(3, bias=False)", X, recurrent(name)) for name in ("RNN", "GRU", "LSTM")),
    Case("bidirectional(LSTM(2))", X, both_ways),
    Case("MultiHeadAttention(2)", X, attention(2), zero=_OF_KEYS),
    Case("MultiHeadAttention(4, causal=True)", X, attention(4, causal=True), zero=_OF_KEYS),
    Case("MultiHeadAttention(2, bias=False)", X, attention(2, bias=False)),
    Case("MultiHeadAttention(2, masked=True)", (X, UNEVEN), attention(2, masked=True), note=_OURS_ZERO, zero=_OF_KEYS),
    Case("MultiHeadAttention(1, causal=True, masked=True)", (X, UNEVEN), attention(1, causal=True, masked=True),
         note=_OURS_ZERO, zero=_OF_KEYS),  # fmt: skip
    Case("MultiHeadAttention(2, cross=True)", (X, MEMORY), attention(2, cross=True), zero=_OF_KEYS),
    Case("MultiHeadAttention(2, cross=True, masked=True)", (X, MEMORY, KEYS), attention(2, cross=True, masked=True), zero=_OF_KEYS),
    Case("TransformerBlock(4, 2, hidden=5, activation=Relu)", X, encoder_layer(norm_first=True),
         zero=("d residual_0/serial_0/multi_head_attention_0/bk",)),  # fmt: skip
    Case("TransformerBlock(4, 2, hidden=5, norm='post', activation=Relu)", X, encoder_layer(norm_first=False),
         zero=("d residual_0/serial_0/multi_head_attention_0/bk",)),  # fmt: skip
)
