"""Planted faults that show rarely, each with the law that names it: at default effort none of them escapes."""

from __future__ import annotations

from typing import Final

import numpy as np

from funcnn import Layer
from tests.testing.faulty_layers import affine, matrix, pointwise, right, with_gradients
from tests.testing.faulty_rarely import (
    ByASet, biased, by_the_clock, clipped, deaf, first_features, half, largest, misled, naive_norm, quickly, random,
    relu, remembering, seeing_others, straight_beyond, wide_key,
)  # fmt: skip
from tests.testing.mutants import Mutant

# fmt: off
ESCAPES: Final = (
    # sizes
    Mutant("half the bias's gradient above 8 rows", "true_pullback", biased(lambda x, dy: len(x) > 8)),
    Mutant("half the bias's gradient above 12 rows", "true_pullback", biased(lambda x, dy: len(x) > 12)),
    Mutant("wrong for 6 features and more", "true_pullback", misled(lambda x, dy: x.shape[-1] >= 6)),
    Mutant("wrong for 9 features and more", "true_pullback", misled(lambda x, dy: x.shape[-1] >= 9)),
    Mutant("another value above 5 rows", "value_of_rule", quickly(lambda x: len(x) > 5)),
    Mutant("another value for wide rows", "value_of_rule", quickly(lambda x: x.shape[-1] > 8)),
    Mutant("rows see each other above 8", "independent_rows", seeing_others(lambda x: len(x) > 8)),
    # sizes of numbers
    Mutant("clips at 30, and the pullback does not", "true_pullback", clipped(30)),
    Mutant("clips at 100, and the pullback does not", "true_pullback", clipped(100)),
    Mutant("another slope beyond 30", "true_pullback", straight_beyond(30)),
    Mutant("another slope beyond 100", "true_pullback", straight_beyond(100)),
    # ties and zeros
    Mutant("max gives every tie the cotangent", "at_ties", largest(shared=True), ("B", range(2, 5))),
    Mutant("relu'(0) = 7", "at_ties", relu(7.0)),
    Mutant("relu'(0) = -1", "at_ties", relu(-1.0)),
    # memory
    Mutant("a cache by the rounded sum", "remembers_nothing", remembering(lambda p, x: round(float(x.sum().real), 2))),
    Mutant("a cache by shape and dtype", "remembers_nothing", remembering(lambda p, x: 0)),
    Mutant("a cache that forgets the params", "remembers_nothing", remembering(lambda p, x: x.tobytes())),
    Mutant("a cache by the identity of x", "remembers_nothing", remembering(lambda p, x: id(x))),
    Mutant("a cache by the first entry", "remembers_nothing", remembering(lambda p, x: x.reshape(-1)[:1].tobytes())),
    # keys
    Mutant("one mask for ever", "keys_differ", random(lambda key, x: half(type(key)(0), x.shape)), ("B", 4)),
    Mutant("one mask for all rows", "rows_differ", random(lambda key, x: half(key, x.shape[1:])), ("B", 4)),
    Mutant(
        "dropout without rescaling", "unbiased", random(lambda key, x: half(key, x.shape) / 2), ("B", 4),
        claims={"also": ["unbiased"]},
    ),
    # shapes
    Mutant("takes the features it has params for", "refuses_wrong_shapes", first_features(4), ("B", 4)),
    # outside
    Mutant("by the clock", "blind_to_the_clock", pointwise(by_the_clock, lambda x, dy: dy * by_the_clock(1))),
    Mutant("by the order of a set", "blind_to_hashes", ByASet(), alone=True),
    # cotangents
    Mutant("deaf below a thousandth", "linear_pullback", deaf(1e-3)),
    Mutant("deaf below a millionth", "linear_pullback", deaf(1e-6)),
    # initial values
    Mutant("initial values in float64", "repeatable_init", affine(right, init=wide_key)),
    # numbers
    Mutant("E[x^2] - E[x]^2", "float32_tracks_float64", Layer.lift(matrix, naive_norm), ("B", range(2, 5))),
    Mutant(
        "off by 1e-9", "exact_pullback",
        affine(with_gradients(lambda dw, db, dx, *_: (dw * (1 + 1e-9), db, dx))), claims={"analytic": True},
    ),
)
# fmt: on
