"""The exported types are values too: annotations made of them may be evaluated."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from funcnn import Array, Key, Layer, Loss, Mask, Penalty, Pullback, Rng, Shape, Spec, Terms, Tokens, Tree
from funcnn.authoring import Later

def rule(params: Tree, x: tuple[Array, Mask]) -> tuple[Array, Pullback[Array, tuple[Array, Mask]]]: ...
def terms(prediction: Array, target: Tokens, weights: Array | None = None) -> Terms[Array]: ...
def shape(
    shape: Shape | None, spec: Spec | None, penalty: Penalty | None, rng: Rng | None
) -> Shape | Layer[Array, Array]: ...
def others(loss: Loss[Array, Tokens] | None, later: Later[Array] | None, pullback: Pullback | None) -> Key | None: ...
print("evaluated")
"""


def test_annotations_may_be_evaluated() -> None:
    """A program without `from __future__ import annotations` runs."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("evaluated\n", "")
