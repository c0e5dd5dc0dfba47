"""Convolutions and transposed ones beside PyTorch's and JAX's.

PyTorch has channels first, and weights (outputs, inputs of a group, ...); of transposed ones, (inputs, outputs of a
group, ...). It knows "same" for stride 1 alone, so that strides with "SAME" stand beside JAX. JAX turns the windows of
a transposed convolution round; its padding belongs to the input that is spread out by the stride.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.peers.case import Case, numbers

Peer = Any


def first(x: Any) -> Any:
    """Channels first."""
    return x.moveaxis(-1, 1)


def last(x: Any) -> Any:
    """Channels last again."""
    return x.moveaxis(1, -1)


def conv(**options: Any) -> Peer:
    """PyTorch's convolution of one, two or three axes."""

    def peer(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        f = getattr(torch.nn.functional, f"conv{x.ndim - 2}d")
        return last(f(first(x), p["w"].moveaxis(-1, 0).moveaxis(-1, 1), p.get("b"), **options))

    return peer


def conv_transpose(groups: int = 1, **options: Any) -> Peer:
    """PyTorch's transposed convolution."""

    def peer(torch: Any, p: Mapping[str, Any], x: Any) -> Any:
        f = getattr(torch.nn.functional, f"conv_transpose{x.ndim - 2}d")
        w = p["w"]  # (..., inputs of a group, groups x outputs of a group)
        w = w.unflatten(-1, (groups, w.shape[-1] // groups)).movedim(-2, 0).movedim(-2, 1).movedim(-1, 2).flatten(0, 1)
        return last(f(first(x), w, p.get("b"), groups=groups, **options))

    return peer


def lax_conv(strides: tuple[int, ...], padding: Any, dilation: tuple[int, ...] | None = None, groups: int = 1) -> Peer:
    """JAX's convolution."""

    def peer(jax: Any, p: Mapping[str, Any], x: Any) -> Any:
        y = jax.lax.conv_general_dilated(
            x, p["w"], strides, padding, rhs_dilation=dilation, feature_group_count=groups,
            dimension_numbers=_numbers(x.ndim),
        )  # fmt: skip
        return y + p["b"] if "b" in p else y

    return peer


def lax_conv_transpose(strides: tuple[int, ...], padding: str, dilation: tuple[int, ...] | None = None) -> Peer:
    """JAX's transposed convolution, its windows turned round."""

    def peer(jax: Any, p: Mapping[str, Any], x: Any) -> Any:
        w = p["w"][(slice(None, None, -1),) * (x.ndim - 2)]
        options = {"rhs_dilation": dilation, "dimension_numbers": _numbers(x.ndim)}
        return jax.lax.conv_transpose(x, w, strides, padding, **options) + p["b"]

    return peer


def _numbers(ndim: int) -> tuple[str, str, str]:
    axes = "DHW"[5 - ndim :]
    return f"N{axes}C", f"{axes}IO", f"N{axes}C"


SERIES, IMAGES, VOLUMES = numbers(2, 8, 4), numbers(2, 7, 6, 4), numbers(1, 4, 5, 3, 2)
TURNED = "JAX correlates: its windows are ours turned round"

CASES = (
    # sequences
    Case("Conv1D(3, 3)", SERIES, conv()),
    Case("Conv1D(3, 3, 2, (1, 2))", SERIES, lax_conv((2,), [(1, 2)]), "jax"),
    Case("Conv1D(3, 2, dilation=3, bias=False)", SERIES, conv(dilation=3)),
    Case("Conv1D(4, 3, padding='SAME', groups=2)", SERIES, conv(padding="same", groups=2)),
    Case("Conv1D(3, 4, 3, 'SAME')", SERIES, lax_conv((3,), "SAME"), "jax"),
    Case("Conv1D(3, 3, padding='CAUSAL', dilation=2)", SERIES, lax_conv((1,), [(4, 0)], (2,)), "jax"),
    Case("Conv1D(8, 3, padding=(2, 2), groups=4)", SERIES, conv(padding=2, groups=4)),
    # images
    Case("Conv(4, (3, 3))", numbers(2, 7, 6, 3), conv()),
    Case("Conv(4, (2, 3), (2, 1))", numbers(2, 7, 6, 3), conv(stride=(2, 1))),
    Case("Conv(2, (3, 3), padding='SAME')", IMAGES, conv(padding="same")),
    Case("Conv(2, (2, 4), padding='SAME', dilation=(2, 1))", IMAGES, conv(padding="same", dilation=(2, 1))),
    Case("Conv(3, (3, 2), (2, 3), 'SAME')", IMAGES, lax_conv((2, 3), "SAME"), "jax"),
    Case("Conv(3, (3, 2), (2, 3), 'SAME', dilation=(1, 2))", IMAGES, lax_conv((2, 3), "SAME", (1, 2)), "jax"),
    Case("Conv(4, (3, 3), padding=((1, 1), (2, 2)), groups=2)", IMAGES, conv(padding=(1, 2), groups=2)),
    Case("Conv(8, (3, 3), (2, 2), groups=4, bias=False)", IMAGES, conv(stride=2, groups=4)),
    Case("Conv(4, (2, 2), padding=((1, 0), (0, 2)), groups=4)", IMAGES,
         lax_conv((1, 1), [(1, 0), (0, 2)], None, 4), "jax"),
    Case("Conv(6, (3, 3), dilation=(2, 2), groups=2)", IMAGES, conv(dilation=2, groups=2)),
    # volumes
    Case("Conv3D(3, (2, 3, 2))", VOLUMES, conv()),
    Case("Conv3D(2, (2, 2, 2), (2, 1, 2), 'SAME')", VOLUMES, lax_conv((2, 1, 2), "SAME"), "jax"),
    Case(
        "Conv3D(4, (2, 2, 2), padding=((1, 1), (0, 0), (1, 1)), dilation=(1, 2, 1), groups=2)", VOLUMES,
        conv(padding=(1, 0, 1), dilation=(1, 2, 1), groups=2),
    ),
    # transposed
    Case("Conv1DTranspose(3, 3, 2, (0, 0))", SERIES, conv_transpose(stride=2)),
    Case("Conv1DTranspose(3, 3, 2, (1, 0))", SERIES, conv_transpose(stride=2, padding=1, output_padding=1)),
    Case("Conv1DTranspose(4, 3, 3, (2, 0), groups=2)", SERIES,
         conv_transpose(2, stride=3, padding=2, output_padding=2)),
    Case("Conv1DTranspose(3, 3, 2)", SERIES, lax_conv_transpose((2,), "VALID"), "jax", TURNED),
    Case("Conv1DTranspose(3, 2, 3)", SERIES, lax_conv_transpose((3,), "VALID"), "jax", TURNED),
    Case("Conv1DTranspose(3, 4, 2, 'SAME')", SERIES, lax_conv_transpose((2,), "SAME"), "jax", TURNED),
    Case("ConvTranspose(3, (3, 2), (2, 2), 'SAME')", IMAGES, lax_conv_transpose((2, 2), "SAME"), "jax", TURNED),
    Case("ConvTranspose(3, (3, 2), (1, 3), 'SAME', dilation=(2, 1))", IMAGES,
         lax_conv_transpose((1, 3), "SAME", (2, 1)), "jax", TURNED),
    Case("ConvTranspose(3, (3, 2), (2, 1), 'VALID', dilation=(1, 2))", IMAGES,
         lax_conv_transpose((2, 1), "VALID", (1, 2)), "jax", TURNED),
    Case("ConvTranspose(4, (3, 3), (2, 1), ((1, 1), (1, 1)), groups=2, bias=False)", IMAGES,
         conv_transpose(2, stride=(2, 1), padding=1)),
    Case("ConvTranspose(8, (2, 2), (2, 2), ((0, 0), (0, 0)), dilation=(2, 2), groups=4)", IMAGES,
         conv_transpose(4, stride=2, dilation=2)),
    Case("Conv3DTranspose(2, (2, 2, 3), (2, 2, 1), ((0, 0), (0, 0), (1, 1)))", VOLUMES,
         conv_transpose(stride=(2, 2, 1), padding=(0, 0, 1))),
)  # fmt: skip
