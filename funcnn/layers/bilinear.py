"""Products of two inputs."""

from __future__ import annotations

from math import prod

from funcnn.arguments import positive
from funcnn.calculus import Later, Pullback
from funcnn.errors import ShapeError
from funcnn.initializers import glorot_normal, zeros
from funcnn.kernels import affine as kernel
from funcnn.keys import Initializer
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes, branches, display, known, same
from funcnn.types import Array, Shape, Tree


@layer
def Bilinear(
    units: int, *, bias: bool = True, W_init: Initializer = glorot_normal, b_init: Initializer = zeros
) -> Layer[tuple[Array, Array], Array]:
    """Every output is a bilinear form of two inputs, `y_k = sum over i, j of u_i w_ijk v_j + b_k`, x = (u, v).

    Shapes
        x       ((..., n), (..., m))        with the same batch axes, any number
        params  {"w": (n, m, units), "b": (units,)}; with `bias=False` there is no "b"
        y       (..., units)
    Errors
        ValueError   `units` is less than one
        ShapeError   x is no pair of arrays, the batch axes differ, or the last axes are not n and m
    Pullback, batch axes flattened to rows
        dw_ijk = sum over the rows of u_i v_j dy_k      db = 1^T dy
        du_i = sum over j, k of w_ijk v_j dy_k          dv_j = sum over i, k of w_ijk u_i dy_k
    Source: Tenenbaum & Freeman, Separating Style and Content with Bilinear Models (2000), equation 1.

    >>> Bilinear(3).out_shape(((-1, 5), (-1, 4)))
    (-1, 3)
    """
    positive("Bilinear", units=units)

    def sides(shape: Shape) -> tuple[tuple[int, ...], int, int]:
        u, v = (axes("Bilinear", s, at_least=1, empty=-1) for s in branches("Bilinear", shape, 2))
        if len(u) != len(v) or not all(map(same, u[:-1], v[:-1])):
            raise ShapeError(
                f"Bilinear takes two arrays with the same batch axes, got {display(shape)}; only the last may differ"
            )
        return tuple(a if known(a) else b for a, b in zip(u[:-1], v[:-1], strict=True)), u[-1], v[-1]

    def out_shape(shape: Shape) -> Shape:
        return (*sides(shape)[0], units)

    def spec(shape: Shape) -> Spec:
        _, n, m = sides(shape)
        w = {"w": (W_init, (n, m, units))}
        return {**w, "b": (b_init, (units,))} if bias else w

    def rule(params: Tree, x: tuple[Array, Array]) -> tuple[Array, Pullback[Array, tuple[Array, Array]]]:
        u, v = x
        (w,) = leaves(params, "w")
        n, m = u.shape[-1], v.shape[-1]
        matrix, batch = w.reshape(n * m, units), u.shape[:-1]
        rows = (u[..., :, None] * v[..., None, :]).reshape(prod(batch), n * m)
        y = kernel.product(rows, matrix)
        if bias:
            y += leaves(params, "b")[0]

        def pullback(dy: Array) -> tuple[Tree, Later[tuple[Array, Array]]]:
            flat = dy.reshape(prod(batch), units)

            def input_cotangent() -> tuple[Array, Array]:
                drows = kernel.affine_input(flat, matrix).reshape(*batch, n, m)
                return (drows @ v[..., None])[..., 0], (u[..., None, :] @ drows)[..., 0, :]

            dw, db = kernel.affine_params(rows, flat)
            grads = {"w": dw.reshape(w.shape)}
            return {**grads, "b": db} if bias else grads, Later(input_cotangent)

        return y.reshape(*batch, units), pullback

    def multiply_adds(shape: Shape) -> int:
        batch, n, m = sides(shape)
        return prod(batch) * n * m * units

    return Layer.of(out_shape, spec, rule, multiply_adds=multiply_adds)
