"""Record weights of other libraries, see the package: `python -m tests.weights.record [--check] torch keras stax`."""

from __future__ import annotations

import importlib
import sys

import numpy as np

from tests.weights.cases import FOLDER, Recorded, keep, recorded

MODULES = {"torch": "torch_modules", "keras": "keras_models", "stax": "stax_networks"}


def moved(old: Recorded, new: Recorded) -> bool:
    """Is it not what was recorded?"""
    weights = old.weights.keys() == new.weights.keys() and all(
        np.array_equal(a, new.weights[name]) for name, a in old.weights.items()
    )
    return not (weights and np.allclose(old.y, new.y, rtol=1e-12, atol=1e-12))


def main(arguments: list[str]) -> int:
    """Record, or check."""
    check = "--check" in arguments
    failed = 0
    for library in [name for name in arguments if name != "--check"] or list(MODULES):
        found: dict[str, Recorded] = importlib.import_module(f"tests.weights.{MODULES[library]}").recording()
        if check:
            kept = recorded(library)
            wrong = [name for name, one in found.items() if name not in kept or moved(kept[name], one)]
            print(f"{library}: {len(found)} cases, not as recorded: {', '.join(wrong) or 'none'}")
            failed += bool(wrong)
        else:
            keep(library, found)
            print(f"{library}: {len(found)} cases, {(FOLDER / f'{library}.npz').stat().st_size} bytes")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
