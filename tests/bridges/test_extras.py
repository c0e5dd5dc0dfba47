"""Without the packages that bridges lead to: everything is imported, and what is missing is said when it is wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Dense, MissingExtraError
from funcnn.bridges import autograd, jax, onnx, torch
from funcnn.bridges.extras import needed

NET = Dense(2)
_, PARAMS = NET.init(0, (-1, 3))


def plain(params: Any, x: Any) -> Any:
    """Of whatever library."""
    return x


CALLS: list[tuple[str, Callable[[], object]]] = [
    ("autograd", lambda: autograd.derive(plain)),
    ("autograd", lambda: autograd.derive_loss(plain)),
    ("jax", lambda: jax.derive(plain)),
    ("jax", lambda: jax.derive_loss(plain)),
    ("jax", lambda: jax.from_jax(plain, {"w": np.ones(2)})),
    ("jax", lambda: jax.to_jax(NET)),
    ("onnx", lambda: onnx.to_onnx(NET, PARAMS, (-1, 3))),
    ("onnx", lambda: onnx.save_onnx("net.onnx", NET, PARAMS, (-1, 3))),
    ("torch", lambda: torch.derive(plain)),
    ("torch", lambda: torch.derive_loss(plain)),
    ("torch", lambda: torch.from_torch(NET)),  # type: ignore[arg-type]
    ("torch", lambda: torch.params_of(NET)),  # type: ignore[arg-type]
    ("torch", lambda: torch.to_torch(NET, PARAMS)),
]


@pytest.mark.parametrize(("package", "call"), CALLS)
def test_what_is_missing_is_said(package: str, call: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    wanted = rf"^funcnn\.bridges\.{package} needs {package}: pip install 'funcnn\[{package}\]'$"
    with pytest.raises(MissingExtraError, match=wanted) as caught:
        call()
    assert isinstance(caught.value, ImportError)


def test_a_package_that_lacks_something_itself_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """That is no missing extra: its own error comes through."""
    (tmp_path / "broken_package.py").write_text("import what_it_lacks\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_lacks") as caught:
        needed("broken_package", "a test")
    assert not isinstance(caught.value, MissingExtraError)


def test_nothing_is_imported_before_it_is_wanted() -> None:
    """Neither by funcnn, which does not know the bridges, nor by them."""
    program = (
        "import sys, funcnn; assert not [n for n in sys.modules if n.startswith('funcnn.bridges')]\n"
        "import funcnn.bridges.autograd, funcnn.bridges.jax, funcnn.bridges.torch\n"
        "assert not {'autograd', 'jax', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_extras_are_declared() -> None:
    """Under the names that the messages say."""
    import tomllib
    from pathlib import Path

    import funcnn

    extras = tomllib.loads((Path(funcnn.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert {"autograd", "jax", "torch"} <= extras["optional-dependencies"].keys()
