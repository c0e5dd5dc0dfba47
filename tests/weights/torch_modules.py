"""Modules of PyTorch whose weights come over. Needs PyTorch; see the package."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.weights.cases import Recorded, rough

torch: Any = importlib.import_module("torch")
nn: Any = torch.nn
F: Any = torch.nn.functional


class Peer(NamedTuple):
    """A module, and what it makes of inputs in our layout, in our layout."""

    module: Any
    run: Callable[..., Any]
    x: Callable[[np.random.Generator], Any]


def first(x: Any) -> Any:
    """Channels first."""
    return x.movedim(-1, 1)


def last(x: Any) -> Any:
    """Channels last."""
    return x.movedim(1, -1)


def named(**parts: Any) -> Any:
    """Modules by name, in this order."""
    return nn.ModuleDict(parts)


def normal(*shape: int) -> Callable[[np.random.Generator], Any]:
    """An input of these sizes."""
    return lambda rng: rough(rng, shape)


def several(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Any]:
    """Several inputs."""
    return lambda rng: tuple([rough(rng, shape) for shape in shapes])


def words(n: int, *shape: int) -> Callable[[np.random.Generator], Any]:
    """Tokens."""
    return lambda rng: rng.integers(0, n, shape)


def block(old: int, new: int, stride: int) -> Any:
    """A block of a ResNet, its parts in the order in which torchvision makes them."""
    parts = {
        "conv1": nn.Conv2d(old, new, 3, stride, 1, bias=False), "bn1": nn.BatchNorm2d(new),
        "conv2": nn.Conv2d(new, new, 3, 1, 1, bias=False), "bn2": nn.BatchNorm2d(new),
    }  # fmt: skip
    if stride > 1:
        parts["downsample"] = nn.Sequential(nn.Conv2d(old, new, 1, stride, bias=False), nn.BatchNorm2d(new))
    return nn.ModuleDict(parts)


def through(m: Any, x: Any) -> Any:
    """A block's value."""
    y = m["bn2"](m["conv2"](m["bn1"](m["conv1"](x)).relu()))
    return (y + (m["downsample"](x) if "downsample" in m else x)).relu()


def resnet(m: Any, x: Any) -> Any:
    """The value of the ResNet."""
    x = F.max_pool2d(m["bn1"](m["conv1"](first(x))).relu(), 3, 2, 1)
    return m["fc"](through(m["layer2"], through(m["layer1"], x)).mean((2, 3)))


def transformer(m: Any, x: Any) -> Any:
    """A small encoder, which gives logits at every step."""
    h = m["words"](x) + m["places"](torch.arange(x.shape[1]))
    return m["head"](m["norm"](m["blocks"](h)))


def decoder(m: Any, x: Any) -> Any:
    """A map out of a vector."""
    return last(m["up"](m["bn"](m["fc"](x)).relu().view(len(x), 4, 2, 3)))


def looked(m: Any, q: Any, k: Any, **options: Any) -> Any:
    """The value of attention."""
    return m(q, k, k, need_weights=False, **options)[0]


def peers() -> dict[str, Peer]:
    """The modules by the names of our networks."""
    lin = nn.Linear
    encoder = nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    future = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    shared = named(words=nn.Embedding(6, 4), mix=lin(4, 4), head=lin(4, 6))
    shared["head"].weight = shared["words"].weight
    return {
        "perceptron": Peer(nn.Sequential(lin(5, 4), nn.Tanh(), lin(4, 3)), lambda m, x: m(x), normal(3, 5)),
        "norms": Peer(
            nn.Sequential(
                lin(4, 6), nn.BatchNorm1d(6), nn.LayerNorm(6), nn.RMSNorm(6, eps=1e-5), nn.PReLU(6),
                lin(6, 2, bias=False),
            ),
            lambda m, x: m(x), normal(3, 4),
        ),
        "images": Peer(
            nn.Sequential(
                nn.Conv2d(3, 6, (3, 2), (2, 1), 1, groups=3), nn.BatchNorm2d(6), nn.GroupNorm(2, 6),
                nn.InstanceNorm2d(6, affine=True), nn.ReLU(), nn.Flatten(), lin(6 * 3 * 6, 4), nn.ReLU(), lin(4, 2),
            ),
            lambda m, x: m(first(x)), normal(2, 6, 5, 3),
        ),
        "sequences": Peer(
            nn.Sequential(nn.Conv1d(3, 4, 3, dilation=2), nn.ReLU(), nn.Flatten(), nn.BatchNorm1d(20), lin(20, 2)),
            lambda m, x: m(first(x)), normal(2, 9, 3),
        ),
        "volumes": Peer(
            nn.Sequential(nn.Conv3d(2, 2, (2, 3, 2)), nn.ReLU(), nn.Flatten(), lin(2 * 3 * 3 * 2, 2)),
            lambda m, x: m(first(x)), normal(2, 4, 5, 3, 2),
        ),
        "running": Peer(
            nn.Sequential(nn.Conv2d(2, 3, 2), nn.InstanceNorm2d(3, affine=True, track_running_stats=True)),
            lambda m, x: last(m(first(x))), normal(2, 4, 4, 2),
        ),
        "transposed": Peer(
            nn.ConvTranspose2d(6, 4, (3, 2), (2, 1), (1, 0), (1, 0), groups=2, bias=False),
            lambda m, x: last(m(first(x)))[:, :, :-1], normal(2, 3, 4, 6),
        ),
        "transposed_1d": Peer(
            nn.ConvTranspose1d(2, 4, 3, 2, dilation=2, groups=2), lambda m, x: last(m(first(x))), normal(2, 5, 2)
        ),
        "transposed_3d": Peer(
            nn.ConvTranspose3d(3, 2, (2, 2, 3)), lambda m, x: last(m(first(x))), normal(2, 2, 3, 2, 3)
        ),
        "decoder": Peer(
            named(fc=lin(3, 24), bn=nn.BatchNorm1d(24), up=nn.ConvTranspose2d(4, 2, 2, 2)), decoder, normal(2, 3)
        ),
        "bilinear": Peer(nn.Bilinear(4, 2, 3), lambda m, u, v: m(u, v), several((3, 4), (3, 2))),
        "lstm_classifier": Peer(
            named(
                words=nn.Embedding(7, 4), lstm=nn.LSTM(4, 3, 2, bidirectional=True, batch_first=True), head=lin(6, 3)
            ),
            lambda m, x: m["head"](m["lstm"](m["words"](x))[0].mean(1)), words(7, 2, 6),
        ),
        "gru": Peer(
            named(first=nn.GRU(4, 3, 3, batch_first=True), second=nn.GRU(3, 2, batch_first=True)),
            lambda m, x: m["second"](m["first"](x)[0])[0], normal(2, 5, 4),
        ),
        "rnn_without_bias": Peer(
            nn.RNN(2, 3, bias=False, batch_first=True), lambda m, x: m(x)[0], normal(2, 5, 2)
        ),
        "lstm_cell": Peer(
            nn.LSTMCell(2, 3), lambda m, x, h, c: m(x, (h, c))[0], several((2, 2), (2, 3), (2, 3))
        ),
        "gru_cell": Peer(nn.GRUCell(2, 3), lambda m, x, h: m(x, h), several((2, 2), (2, 3))),
        "rnn_cell": Peer(nn.RNNCell(2, 3), lambda m, x, h: m(x, h), several((2, 2), (2, 3))),
        "scanned": Peer(
            nn.LSTM(2, 3, batch_first=True), lambda m, x, h, c: m(x, (h[None], c[None]))[0],
            several((2, 4, 2), (2, 3), (2, 3)),
        ),
        "attention": Peer(nn.MultiheadAttention(4, 2, batch_first=True), lambda m, x: looked(m, x, x), normal(2, 5, 4)),
        "attention_without_bias": Peer(
            nn.MultiheadAttention(4, 2, bias=False, batch_first=True),
            lambda m, x: looked(m, x, x, attn_mask=future), normal(2, 5, 4),
        ),
        "cross_attention": Peer(
            nn.MultiheadAttention(4, 2, kdim=6, vdim=6, batch_first=True), looked, several((2, 5, 4), (2, 3, 6))
        ),
        "transformer": Peer(
            named(
                words=nn.Embedding(9, 8), places=nn.Embedding(6, 8),
                blocks=nn.TransformerEncoder(encoder, 2, enable_nested_tensor=False), norm=nn.LayerNorm(8),
                head=lin(8, 9),
            ),
            transformer, words(9, 2, 5),
        ),
        "transformer_norms_last": Peer(
            nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True), lambda m, x: m(x), normal(2, 3, 4)
        ),
        "tied": Peer(shared, lambda m, x: m["head"](m["mix"](m["words"](x))), words(6, 2, 3)),
        "resnet": Peer(
            named(
                conv1=nn.Conv2d(3, 4, 3, 2, 1, bias=False), bn1=nn.BatchNorm2d(4), layer1=block(4, 4, 1),
                layer2=block(4, 6, 2), fc=lin(6, 3),
            ),
            resnet, normal(2, 12, 12, 3),
        ),
    }  # fmt: skip


def made(name: str, dtype: Any = None) -> tuple[Peer, Any]:
    """A peer with weights of few digits, float64 where not said, in inference; and an input."""
    rng = np.random.default_rng(sum(map(ord, name)))
    peer = peers()[name]
    module = peer.module.to(dtype or torch.float64).eval()
    done: set[int] = set()
    for key, a in module.state_dict().items():
        if a.is_floating_point() and a.data_ptr() not in done:
            done.add(a.data_ptr())
            values = np.abs(rough(rng, tuple(a.shape))) + 0.5 if key.endswith("var") else rough(rng, tuple(a.shape))
            a.copy_(torch.tensor(values))
        elif not a.is_floating_point():
            a.fill_(7)
    return peer, peer.x(rng)


def theirs(peer: Peer, x: Any) -> Any:
    """What a peer makes of an input of ours."""
    like = next(peer.module.parameters())
    tensors = [torch.tensor(a) for a in (x if isinstance(x, tuple) else (x,))]
    with torch.no_grad():
        return peer.run(peer.module, *[a.to(like.dtype) if a.is_floating_point() else a for a in tensors]).numpy()


def recording() -> dict[str, Recorded]:
    """All of them."""
    found: dict[str, Recorded] = {}
    for name in peers():
        peer, x = made(name)
        weights = {key: a.numpy() for key, a in peer.module.state_dict().items()}
        found[name] = Recorded(weights, x, theirs(peer, x))
    return found
