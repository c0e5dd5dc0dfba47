"""The tables of docs/weights.md: what maps to what. `python -m tests.weights.tables` writes them; a test compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import funcnn
from funcnn import stax
from funcnn.weights import keras_forms, stax_forms, torch_forms
from funcnn.weights.parts import Form
from funcnn.weights.places import Place, places_of
from tests.docs.pages import ROOT
from tests.evaluated import public_names

PAGE: Final = ROOT / "docs" / "weights.md"


class Row(NamedTuple):
    """A layer of ours as source, the shape it takes, what it is there, and what happens to the arrays."""

    source: str
    shape: Any
    theirs: str
    note: str = ""
    form: int = 0


class Table(NamedTuple):
    """A library's."""

    library: str
    forms: Callable[[Place], Sequence[Form]]
    rows: tuple[Row, ...]


SEQUENCES: Final = (-1, 7, 5)
IMAGES: Final = (-1, 9, 8, 4)

TABLES: Final = (
    Table("PyTorch", torch_forms.forms, (
        Row("Dense(3)", (-1, 5), "nn.Linear(5, 3)",
            "transposed; behind `Flatten` the features of a map are put in order"),
        Row("Bilinear(3)", ((-1, 5), (-1, 4)), "nn.Bilinear(5, 4, 3)", "axes in another order"),
        Row("Conv1D(6, 3)", SEQUENCES, "nn.Conv1d(5, 6, 3)", "axes in another order"),
        Row("Conv(6, (3, 2), groups=2)", IMAGES, "nn.Conv2d(4, 6, (3, 2), groups=2)", "axes in another order"),
        Row("Conv3D(6, (3, 2, 2))", (-1, 9, 8, 7, 4), "nn.Conv3d(4, 6, (3, 2, 2))", "axes in another order"),
        Row("ConvTranspose(6, (3, 2), groups=2)", IMAGES, "nn.ConvTranspose2d(4, 6, (3, 2), groups=2)",
            "axes in another order, groups apart; `Conv1DTranspose`, `Conv3DTranspose` likewise"),
        Row("BatchNorm()", IMAGES, "nn.BatchNorm2d(4)",
            "`num_batches_tracked` is left out; `nn.InstanceNorm2d(4, affine=True, track_running_stats=True)` after "
            "`.eval()` is one too"),
        Row("LayerNorm()", (-1, 5), "nn.LayerNorm(5)"),
        Row("GroupNorm(2)", IMAGES, "nn.GroupNorm(2, 4)"),
        Row("InstanceNorm()", IMAGES, "nn.InstanceNorm2d(4, affine=True)"),
        Row("RMSNorm()", (-1, 5), "nn.RMSNorm(5, eps=1e-5)"),
        Row("PRelu()", (-1, 5), "nn.PReLU(5)"),
        Row("Embedding(9, 4)", (-1, 7), "nn.Embedding(9, 4)"),
        Row("PositionalEmbedding(7)", SEQUENCES, "nn.Embedding(7, 5)"),
        Row("LSTM(3)", SEQUENCES, "nn.LSTM(5, 3)",
            "transposed; gates in the same order; two biases, one behind the other"),
        Row("GRU(3)", SEQUENCES, "nn.GRU(5, 3)", "the same"),
        Row("RNN(3)", SEQUENCES, "nn.RNN(5, 3)", "the same; biases that are left out are zeros"),
        Row("LSTMCell(3)", ((-1, 5), ((-1, 3), (-1, 3))), "nn.LSTMCell(5, 3)",
            "the same; `GRUCell`, `RNNCell` likewise"),
        Row("MultiHeadAttention(2)", (-1, 7, 4), "nn.MultiheadAttention(4, 2)", "transposed, one below the other"),
        Row("MultiHeadAttention(2, cross=True)", ((-1, 7, 4), (-1, 6, 5)),
            "nn.MultiheadAttention(4, 2, kdim=5, vdim=5)", "transposed"),
    )),
    Table("Keras", keras_forms.forms, (
        Row("Dense(3)", (-1, 5), "Dense(3)"),
        Row("Conv1D(6, 3)", SEQUENCES, "Conv1D(6, 3)", "`Conv2D` and `Conv3D` likewise, with groups too"),
        Row("Conv(8, (3, 2), groups=4)", IMAGES, "DepthwiseConv2D((3, 2), depth_multiplier=2)",
            "in another shape; a separable convolution is this without bias, and `Conv(n, (1, 1))`", 1),
        Row("ConvTranspose(6, (3, 2))", IMAGES, "Conv2DTranspose(6, (3, 2))", "the last two axes exchanged"),
        Row("BatchNorm(eps=1e-3)", IMAGES, "BatchNormalization()"),
        Row("LayerNorm(eps=1e-3)", (-1, 5), "LayerNormalization()", "`GroupNormalization` likewise"),
        Row("RMSNorm(eps=1e-6)", (-1, 5), "RMSNormalization()"),
        Row("PRelu()", (-1, 5), "PReLU()"),
        Row("Embedding(9, 4)", (-1, 7), "Embedding(9, 4)"),
        Row("LSTM(3)", SEQUENCES, "LSTM(3)", "gates in the same order; one bias, ours and a zero; out they are added"),
        Row("GRU(3)", SEQUENCES, "GRU(3)", "blocks z, r, h where ours are r, z, n; `reset_after=True`, their default"),
        Row("RNN(3)", SEQUENCES, "SimpleRNN(3)", "as for LSTM"),
        Row("MultiHeadAttention(2)", (-1, 7, 4), "MultiHeadAttention(2, 2)", "heads on an axis of their own"),
    )),
    Table("stax", stax_forms.forms, (
        Row("Dense(3)", (-1, 5), "Dense(3)"),
        Row("Conv(6, (3, 2))", IMAGES, "Conv(6, (3, 2))", "the bias has axes of one entry there"),
        Row("ConvTranspose(6, (3, 2))", IMAGES, "ConvTranspose(6, (3, 2))", "windows turned round"),
        Row("stax.GeneralConv(('NCHW', 'OIHW', 'NCHW'), 6, (3, 2))", (-1, 4, 9, 8), "GeneralConv(...)",
            "`GeneralConvTranspose` likewise"),
        Row("BatchNorm()", (-1, 5), "BatchNorm(axis=0)", "statistics start as `init` has them, for `calibrate`"),
        Row("stax.BatchNorm(axis=0)", (-1, 5), "BatchNorm(axis=0)"),
    )),
)  # fmt: skip


def written(table: Table) -> str:
    """The lines of a table."""
    lines = [f"| funcnn | its leaves | {table.library} | its arrays | |", "|---|---|---|---|---|"]
    for row in table.rows:
        net = eval(row.source, {**public_names(), "stax": stax})
        (place,) = places_of("tables", net, row.shape).layers
        form = table.forms(place)[row.form]
        ours = [f"`{leaf}` {shown(place.shapes[leaf])}" for part in form.parts for leaf in part.ours]
        theirs = [
            f"`{name.replace('_l', '_l0') if name.endswith('_l') else name}` {shown(sizes)}"
            for part in form.parts
            for name, sizes in zip(part.theirs, part.theirs_for(place.shapes), strict=True)
        ]
        lines.append(f"| `{row.source}` | {', '.join(ours)} | `{row.theirs}` | {', '.join(theirs)} | {row.note} |")
    return "\n".join(lines)


def shown(sizes: tuple[int, ...]) -> str:
    """A shape as text."""
    return "x".join(map(str, sizes)) or "one number"


def page(text: str) -> str:
    """The page with the tables of now."""
    for table in TABLES:
        start = text.index(f"| funcnn | its leaves | {table.library} |")
        end = text.index("\n\n", start)
        text = text[:start] + written(table) + text[end:]
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
