"""PyTorch over tokens: eager with its default and its fused Adam, and compiled; the network is written as people do."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from transformer_reading import Piece, pieces
from works import Work

Step = Callable[[], object]


def network(work: Work) -> Any:
    """The same layers as a `Sequential`, with the same params."""
    torch: Any = importlib.import_module("torch")
    nn: Any = torch.nn
    f: Any = torch.nn.functional

    def given(array: Any) -> Any:
        return nn.Parameter(torch.tensor(array))

    def linear(w: Any, b: Any) -> Any:
        made = nn.Linear(*w.shape)
        made.weight, made.bias = given(w.T.copy()), given(b)
        return made

    def norm(scale: Any, offset: Any, kind: Any = nn.LayerNorm) -> Any:
        made = kind(len(scale))
        made.weight, made.bias = given(scale), given(offset)
        return made

    class Attention(nn.Module):  # type: ignore[misc]
        """`cache` holds the keys and values of the steps before."""

        def __init__(self, p: Any, heads: int, causal: bool) -> None:
            super().__init__()
            self.heads, self.causal = heads, causal
            self.qkv, self.o = linear(p["w"], p["b"]), linear(p["wo"], p["bo"])

        def forward(self, x: Any, cache: Any = None) -> Any:
            batch, time, width = x.shape
            qkv = self.qkv(x).view(batch, time, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
            q, k, v = qkv[0], qkv[1], qkv[2]
            if cache is not None:
                keys, values, at, seen = cache
                keys[:, :, at], values[:, :, at] = k[:, :, 0], v[:, :, 0]
                y = f.scaled_dot_product_attention(q, keys[:, :, :seen], values[:, :, :seen])
            else:
                y = f.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
            return self.o(y.transpose(1, 2).reshape(batch, time, width))

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, p: Any, heads: int, causal: bool) -> None:
            super().__init__()
            self.one, self.look = norm(p["g1"], p["b1"]), Attention(p, heads, causal)
            self.two = norm(p["g2"], p["b2"])
            inner, outer = linear(p["w1"], p["c1"]), linear(p["w2"], p["c2"])
            self.think = nn.Sequential(inner, nn.GELU(approximate="tanh"), outer)

        def forward(self, x: Any, cache: Any = None) -> Any:
            x = x + self.look(self.one(x), cache)
            return x + self.think(self.two(x))

    class Position(nn.Module):  # type: ignore[misc]
        def __init__(self, w: Any) -> None:
            super().__init__()
            self.w = given(w)

        def forward(self, x: Any, at: int = 0) -> Any:
            return x + self.w[at : at + x.shape[1]]

    class Mean(nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.mean(1)

    class Images(nn.Module):  # type: ignore[misc]
        """Channels last, in PyTorch's way of saying it."""

        def __init__(self, made: Any) -> None:
            super().__init__()
            self.norm = made.to(memory_format=torch.channels_last)

        def forward(self, x: Any) -> Any:
            return self.norm(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def made(piece: Piece) -> Any:
        p = piece.params
        if piece.name == "Embedding":
            return nn.Embedding(*p["w"].shape, _weight=torch.tensor(p["w"]))
        if piece.name == "TransformerBlock":
            return Block(p, piece.options["args"][1], piece.options.get("causal", False))
        if piece.name == "LayerNorm":
            return norm(**p)
        if piece.name == "BatchNorm":
            return Images(norm(**p, kind=nn.BatchNorm2d))
        others: dict[str, Any] = {"PositionalEmbedding": Position, "MeanOver": Mean, "Dense": linear}
        return others[piece.name](**p)

    return nn.Sequential(*[made(piece) for piece in pieces(work)])


def torch_loss(work: Work) -> Any:
    f: Any = importlib.import_module("torch.nn.functional")
    if not work.classes:
        return f.mse_loss
    return lambda a, b: f.cross_entropy(a.reshape(-1, work.classes), b.reshape(-1))


def torch_step(work: Work, fused: bool = False, compiled: bool = False) -> Step:
    torch: Any = importlib.import_module("torch")
    x, y = (torch.from_numpy(a) for a in work.data())
    net = network(work)
    apply = torch.compile(net) if compiled else net
    if not work.training:
        net.eval()

        def forward() -> None:
            with torch.inference_mode():
                apply(x)

        return forward
    loss = torch_loss(work)
    optimizer: Any = work.optimizer
    adam = torch.optim.Adam(net.parameters(), *optimizer.init.record.args, fused=fused)

    def step() -> None:
        adam.zero_grad()
        loss(apply(x), y).backward()
        adam.step()

    return step


def torch_passes(work: Work, compiled: bool = False) -> Step:
    """The forward pass and the backward one, from a given cotangent."""
    torch: Any = importlib.import_module("torch")
    x, dy = (torch.from_numpy(a) for a in work.data())
    net = network(work)
    apply = torch.compile(net) if compiled else net
    x.requires_grad_()

    def step() -> None:
        net.zero_grad()
        x.grad = None
        apply(x).backward(dy)

    return step


def torch_writing(work: Work, compiled: bool = False) -> Step:
    """Keys and values are written into memory that is there for all of them."""
    torch: Any = importlib.import_module("torch")
    tokens, position, *blocks, norm, dense = network(work).eval()
    heads, time = blocks[0].look.heads, work.shape[1]
    size = blocks[0].look.o.weight.shape[0] // heads
    caches = [[torch.zeros(1, heads, time, size) for _ in range(2)] for _ in blocks]

    def one(token: Any, at: int) -> Any:
        x = position(tokens(token), at)
        for block, (keys, values) in zip(blocks, caches, strict=True):
            x = block(x, (keys, values, at, at + 1))
        return dense(norm(x))[0, -1].argmax()

    step = torch.compile(one, dynamic=True) if compiled else one

    def written() -> list[int]:
        tokens = [1]
        with torch.inference_mode():
            for at in range(time):
                tokens.append(int(step(torch.tensor([tokens[-1:]]), at)))
        return tokens

    return written
