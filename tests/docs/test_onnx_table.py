"""The table of what can be written to ONNX."""

from __future__ import annotations

from tests.catalogue import COMBINATORS, LAYERS
from tests.docs.onnx_table import PAGE, page
from tests.docs.pages import rows


def test_the_table_is_up_to_date() -> None:
    """`python -m tests.docs.onnx_table` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.docs.onnx_table"


def test_what_is_refused_are_derivatives() -> None:
    """And everything else has operators."""
    found = rows(PAGE)
    assert len([row for row in found if row[0] != "layer"]) == len(LAYERS) + len(COMBINATORS)
    refused = {row[0].strip("`").partition("(")[0] for row in found if row[1].startswith("refused")}
    assert refused == {"tangent", "input_gradient", "second_tangent", "laplacian"}
    assert all("complex numbers and power series" in row[1] for row in found if row[1].startswith("refused"))
