"""The tables of docs/weights.md are those of the code, and name every layer that has a form."""

from __future__ import annotations

import re

import pytest

from funcnn.weights import keras_forms, stax_forms, torch_forms
from tests.weights.cases import FOLDER, LIMIT
from tests.weights.tables import PAGE, TABLES, Table, page


def test_the_page_has_the_tables_of_now() -> None:
    """`python -m tests.weights.tables` writes them."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.library)
def test_every_layer_is_in_its_table(table: Table) -> None:
    """With a row, or named in the note of one; families of one convention by one of them."""
    known = {"PyTorch": torch_forms.FORMS, "Keras": keras_forms.FORMS, "stax": stax_forms.FORMS}[table.library]
    told = " ".join(f"{row.source} {row.theirs} {row.note}" for row in table.rows)
    alike = {"GeneralConvTranspose": "GeneralConv", "ByBatchNorm": "BatchNorm", "EinsumDense": "Dense"}
    stem = {kind: re.sub(r"^(Conv)[13]?D?(Transpose)?$", r"\1\2", alike.get(kind, kind)) for kind in known}
    families = {"InstanceNorm": "LayerNorm", "GroupNorm": "LayerNorm", "PositionalEmbedding": "Embedding"}
    cells = {"RNNCell": "RNN", "GRUCell": "GRU", "LSTMCell": "LSTM"} | families
    missing = {kind for kind, name in stem.items() if name not in told and cells.get(kind, kind) not in told}
    assert missing == set()


def test_recorded_files_are_small() -> None:
    """All of them together."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < LIMIT
