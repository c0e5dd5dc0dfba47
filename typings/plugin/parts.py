"""Sizes that do not fit in shapes, norms, products and what changes a part, told at the layer that is to blame."""

from funcnn import (
    GLU, Array, Bilinear, Dense, Dropout, EinsumDense, FanInProduct, GroupNorm, InstanceNorm, Key, Last, Layer,
    Maxout, Relu, Reshape, RMSNorm, Sparsemax, Squeeze, Tanh, Transpose, checkpoint, elu, ensemble, freeze, gelu,
    gradient_reversal, inference, leaky_relu, parallel, repeat, serial, shape_dependent, split, stop_gradient,
    straight_through, tie, transposed,
)  # fmt: skip

key = Key(0)

serial(
    Dense(12),
    Reshape((4, 4)),  # E[funcnn-shape]: Reshape((4, 4)) takes examples of 16 entries, got (?, 12)
).init(key, (-1, 3))
serial(
    Reshape((3, -1)),
    Transpose((0, 2, 1)),
    Squeeze(1),  # E[funcnn-shape]: Squeeze(1) takes one entry along axis 1, got (?, 4, 3)
).init(key, (-1, 12))
serial(
    Dense(5),
    GLU,  # E[funcnn-shape]: GLU takes an even number of features
).init(key, (-1, 3))
serial(Dense(5), Maxout(2)).init(key, (-1, 3))  # E[funcnn-shape]: Maxout(2) takes a multiple of 2 features, got (?, 5)
serial(
    Dense(6),
    GroupNorm(4),  # E[funcnn-shape]: GroupNorm(4) takes a multiple of 4 channels, got (?, 6)
).init(key, (-1, 3))
serial(Dense(6), InstanceNorm()).init(key, (-1, 3))  # E[funcnn-shape]: with places between, got (?, 6)
serial(
    EinsumDense("btd,de->bte", e=4),
    RMSNorm(),
).init(key, (-1, 3))  # E[funcnn-shape]: takes an array of 3 axes, got (?, 3)
serial(
    Dense(7),
    split((3, 5)),  # E[funcnn-shape]: split((3, 5)) takes 8 entries along axis -1, got (?, 7)
).init(key, (-1, 3))
serial(
    split((3, 4)),
    FanInProduct,  # E[funcnn-shape]: FanInProduct multiplies arrays of one shape, got (?, 3) and (?, 4)
).init(key, (-1, 7))
Bilinear(3).init(key, ((2, 3), (4, 3)))  # E[funcnn-shape]: with the same batch axes

# what changes a part adds no level, and is not to blame for what lies within
serial(
    Dense(4),
    checkpoint(
        serial(
            Last,
            Dense(5),
            GLU,  # E[funcnn-shape]: GLU takes an even number of features
        )
    ),
).init(key, (-1, 5, 3))
serial(Dense(4), inference(serial(Dropout(0.5), Reshape((5,))))).init(key, (-1, 3))  # E[funcnn-shape]: 5 entries
serial(
    Dense(4),
    repeat(Dense(3), 2, shared=True),  # E[funcnn-shape]: repeat with shared weights takes and gives arrays of one shape
).init(key, (-1, 3))
straight_through(Dense(3)).init(key, (-1, 4))  # E[funcnn-shape]: straight_through takes and gives arrays of one shape
serial(
    ensemble(Dense(3), 5),
    Squeeze(0),  # E[funcnn-value]: Squeeze: axis must be an integer other than 0
)
reveal_type(ensemble(Dense(3), 5).out_shape((8, 2)))  # N: Literal[5]?, Literal[8]?, Literal[3]?
reveal_type(serial(Dense(8), GLU, split(2)).out_shape((7, 3)))  # N: Literal[7]?, Literal[2]?

# ties
language = serial(Dense(4).named("in"), Tanh, Dense(3).named("out"))
tie(language, {"out/w": transposed("in/w")}).init(key, (-1, 3))
serial(
    Dense(5),
    tie(language, {"out/w": transposed("in/w")}),  # E[funcnn-shape]: tie: out/w has shape (4, 3), 'in/w' turned has
).init(key, (-1, 2))
tie(language, {"out/w": "out/w"})  # E[funcnn-value]: tie: 'out/w' is tied to itself

# numbers
leaky_relu(float("nan"))
elu(0)  # E[funcnn-value]: elu: alpha must be a positive finite number, got 0
gradient_reversal(0.5).out_shape((3,))
EinsumDense("bd,de->b", e=3)  # E[funcnn-value]: every letter must stand in two terms at least
split(0)  # E[funcnn-value]: split: parts must be an integer of at least 1, got 0
repeat(Relu, 0)  # E[funcnn-value]: repeat: n must be an integer of at least 1, got 0
gelu(exact=1.0)  # E[arg-type]

# what is not known is silent; a frozen part has the shapes that it had
serial(Dense(3), shape_dependent(lambda shape: Dense(shape[-1])), GLU).init(key, (-1, 3))
freeze(language, {})  # E[funcnn-value]: freeze: where='**' matches no path of the params: none
_, params = language.init(key, (-1, 3))
frozen = freeze(language, params, "in/**")
serial(frozen, GLU, stop_gradient(Sparsemax)).init(key, (-1, 3))  # E[funcnn-shape]: GLU takes an even number
parallel(frozen, Dense(0))  # E[funcnn-value]: Dense: units must be an integer of at least 1, got 0


def of_width(n: int) -> Layer[Array, Array]:
    """A width that mypy does not know."""
    return serial(Dense(n), GLU, Reshape((n, 2)), GroupNorm(n))
