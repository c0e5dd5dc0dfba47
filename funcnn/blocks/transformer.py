"""The block of a transformer: attention and a small network, each with a way around it."""

from __future__ import annotations

from typing import Any, Literal, overload

from funcnn.arguments import positive, probability
from funcnn.combinators.branching import residual
from funcnn.combinators.fans import select
from funcnn.combinators.parts import first, keep
from funcnn.errors import brief
from funcnn.layers.attention import MultiHeadAttention
from funcnn.layers.dense import Dense
from funcnn.layers.dropout import Dropout
from funcnn.layers.gates import Gelu
from funcnn.layers.example_norms import LayerNorm
from funcnn.layers.masks import ZeroMasked
from funcnn.networks import Layer, is_layer, layer, serial
from funcnn.shapes import known
from funcnn.types import Array, Mask


# fmt: off
@overload
def TransformerBlock(width: int, heads: int, *, hidden: int | None = None, causal: bool = False, masked: Literal[False] = False, rotary: bool = False, drop: float = 0.0, norm: Literal["pre", "post"] = "pre", activation: Layer[Array, Array] = ...) -> Layer[Array, Array]: ...
@overload
def TransformerBlock(width: int, heads: int, *, hidden: int | None = None, causal: bool = False, masked: Literal[True], rotary: bool = False, drop: float = 0.0, norm: Literal["pre", "post"] = "pre", activation: Layer[Array, Array] = ...) -> Layer[tuple[Array, Mask], tuple[Array, Mask]]: ...
@overload
def TransformerBlock(width: int, heads: int, *, hidden: int | None = None, causal: bool = False, masked: bool = False, rotary: bool = False, drop: float = 0.0, norm: str = "pre", activation: Layer[Array, Array] = ...) -> Layer[Any, Any]: ...
# fmt: on
@layer
def TransformerBlock(
    width: int,
    heads: int,
    *,
    hidden: int | None = None,
    causal: bool = False,
    masked: bool = False,
    rotary: bool = False,
    drop: float = 0.0,
    norm: str = "pre",
    activation: Layer[Array, Array] = Gelu,
) -> Layer[Any, Any]:
    """Attention within a sequence, then a network of one hidden layer at every step, each with a way around it.

    With `norm="pre"`: `h = x + attention(norm(x))`, `y = h + dense(activation(dense(norm(h))))`; with `norm="post"`:
    `h = norm(x + attention(x))`, `y = norm(h + dense(activation(dense(h))))`. `causal`, `masked`, `rotary` and `drop`
    are those of `MultiHeadAttention`; `drop` is also the rate of dropout before each sum. With `masked` pairs of a
    sequence and its mask come in and go out, so that blocks stand in a row; steps that are not real count as 0 and give
    0, by the way around too, and get no gradient, whatever stands there. `hidden` is 4 times the width where not given.

    Shapes
        x, y    (batch, time, width); with `masked` the pair of that and a mask (batch, time)
        params  those of the body: `residual_0/...`, `residual_1/...`
    Errors
        ValueError   `width`, `heads` or `hidden` is less than one; `heads` does not divide `width`; `norm` is neither
        TypeError    `activation` is no layer
        ShapeError   x has not these axes, or another width
    Pullback
        that of the layers it is made of
    Source: Vaswani et al., Attention Is All You Need (2017), section 3.1; with norms first: Xiong et al., On Layer
    Normalization in the Transformer Architecture (2020).

    >>> net = serial(Embedding(50, 16), PositionalEmbedding(64), TransformerBlock(16, 4, causal=True), Dense(50))
    >>> net.out_shape((-1, 20))
    (-1, 20, 50)
    """
    positive("TransformerBlock", width=width, heads=heads)
    inner = 4 * width if hidden is None else hidden
    positive("TransformerBlock", hidden=inner)
    probability("TransformerBlock", drop=drop)
    if known(width, heads) and width % heads:
        raise ValueError(f"TransformerBlock: heads must divide the width, got {heads} heads and the width {width}")
    if not isinstance(norm, str) or norm not in ("pre", "post"):
        raise ValueError(f'TransformerBlock: norm must be "pre" or "post", got {brief(norm)}')
    if not is_layer(activation):
        raise TypeError(f"TransformerBlock: activation must be a layer, like Gelu, got {brief(activation)}")
    asked: dict[str, Any] = {"causal": causal, "masked": masked, "rotary": rotary, "drop": drop}
    options = {name: value for name, value in asked.items() if value}
    # layers put together from options: their types are not followed
    attention: Any = MultiHeadAttention
    row: Any = serial
    around: Any = residual
    kept: Any = keep
    on_first: Any = first
    dropped: list[Any] = [Dropout(drop)] if drop else []
    look: list[Any] = [attention(heads, **options), *dropped]
    think: list[Any] = [Dense(inner), activation, Dense(width), *dropped]
    if norm == "pre":
        look = [first(LayerNorm()) if masked else LayerNorm(), *look]
        think = [LayerNorm(), *think]
    looked = around(row(*look), *([select(0)] if masked else []))
    thought = around(row(*think))
    if norm == "post":
        thought = row(LayerNorm(), thought, LayerNorm())
    made: Any = row(ZeroMasked, kept(looked), on_first(thought), ZeroMasked) if masked else row(looked, thought)
    return made  # type: ignore[no-any-return]
