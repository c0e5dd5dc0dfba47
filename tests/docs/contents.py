"""The page of contents: every public name by topic, with its first sentence. `python -m tests.docs.contents` writes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import funcnn
from funcnn.derivatives.objectives import Required
from tests.docs.pages import ROOT
from tests.docs.test_doctests import attribute_docs

PAGE: Final = ROOT / "docs" / "contents.md"
HEAD: Final = """\
# Contents

Every public name, by topic, with its first sentence; `help(name)` tells the rest: the equation, shapes, errors, the pullback, the source. They come with `from funcnn import *`, but for those of the modules at the end, and for {beside}, which are imported by name because NumPy has such names too. The page is written by `python -m tests.docs.contents`, and a test compares it with the package.
"""
BESIDE: Final = [name for name in dir(funcnn) if name[0] != "_" and name not in funcnn.__all__]
FINE: Final = ("layers", "combinators")  # topics that are large: a table for each family, which is a file
MODULES: Final = {
    "funcnn.initializers": "More initializers",
    "funcnn.optimizers": "What optimizers are made of",
    "funcnn.schedules": "More schedules",
    "funcnn.metrics": "What metrics are made of",
    "funcnn.authoring": "For authors of parts",
    "funcnn.testing": "Laws, and what they are tried on",
    "funcnn.bridges.autograd": "The bridge to Autograd",
    "funcnn.bridges.onnx": "The bridge to ONNX",
    "funcnn.bridges.jax": "The bridge to JAX",
    "funcnn.bridges.torch": "The bridge to PyTorch",
    "funcnn.weights": "Weights of other libraries",
    "funcnn.estimators": "For scikit-learn",
    "funcnn.distributed": "On several machines",
}


def topics() -> dict[str, list[str]]:
    """The public names under the comments that stand between them in the package's `__all__`; those that a star leaves
    out, behind the others of their module, or of its package.
    """
    source = (ROOT / "funcnn" / "__init__.py").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    names: list[str] = []
    listed = source.partition("__all__ = [")[2].partition("\n]")[0]
    for line in listed.splitlines():
        if line.strip().startswith("# "):
            names = found.setdefault(line.strip()[2:], [])
        else:
            names += re.findall(r'"(\w+)"', line)
    where = homes("funcnn")
    for name in BESIDE:
        for near in (where[name], ".".join(where[name].split(".")[:2])):
            homely = [names for names in found.values() if any(f"{where[n]}.".startswith(f"{near}.") for n in names)]
            if homely:
                last = max(i for i, n in enumerate(homely[0]) if f"{where[n]}.".startswith(f"{near}."))
                homely[0].insert(last + 1, name)
                break
    return found


def homes(package: str) -> dict[str, str]:
    """The module in which each name that a package hands on is defined."""
    module = importlib.import_module(package)
    found: dict[str, str] = {}
    body = ast.parse(inspect.getsource(module)).body
    for node in [*body, *(node for block in body if isinstance(block, ast.If) for node in block.body)]:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("funcnn"):
            below = homes(node.module) if hasattr(importlib.import_module(node.module), "__path__") else {}
            found |= {alias.name: below.get(alias.name, node.module) for alias in node.names}
    return found


def sentence(text: str) -> str:
    """The first sentence of a docstring, in one line that a table takes."""
    paragraph = " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
    first = re.split(r"(?<=[\w`)\]])\. (?=[A-Z`])", paragraph)[0].rstrip(".:")
    return first.replace("|", "\\|")


def described(name: str, home: str, value: Any) -> str:
    """The first sentence that stands at a name."""
    module = importlib.import_module(home)
    if name in (noted := attribute_docs(module)):
        return sentence(noted[name][0])
    own = inspect.isfunction(value) or inspect.isclass(value)
    return sentence(value.__doc__ or "") if own or not isinstance(value, funcnn.Layer) else ""


def written(name: str, value: Any) -> str:
    """A name with the arguments that must be given."""
    if not inspect.isfunction(value):
        return f"`{name}`"
    wanted = [
        f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name
        for p in inspect.signature(value).parameters.values()
        if (p.default is p.empty or isinstance(p.default, Required)) and p.kind is not p.VAR_KEYWORD
    ]
    return f"`{name}({', '.join(wanted)})`"


def table(names: list[str], where: dict[str, str], module: ModuleType) -> Iterator[str]:
    """A row for each name."""
    yield "| | |\n|---|---|"
    for name in names:
        value = getattr(module, name)
        yield f"| {written(name, value)} | {described(name, where.get(name, module.__name__), value)} |"


def families(topic: str, names: list[str], where: dict[str, str]) -> dict[str, list[str]]:
    """The names of a topic by family, which is a file, told by its first sentence; of small topics, all in one."""
    found: dict[str, list[str]] = {}
    for name in names:
        home = importlib.import_module(where[name])
        found.setdefault(sentence(home.__doc__ or "") if topic in FINE else "", []).append(name)
    return found


def beside(module: str) -> list[str]:
    """The public names of a module that do not come with the package."""
    return [name for name in importlib.import_module(module).__all__ if name not in funcnn.__all__]


def page() -> str:
    """The whole page."""
    *some, last = (f"`{name}`" for name in BESIDE)
    where, parts = homes("funcnn"), [HEAD.format(beside=f"{', '.join(some)} and {last}")]
    for topic, names in topics().items():
        parts.append(f"## {topic[0].upper()}{topic[1:]}\n")
        for family, members in families(topic, names, where).items():
            parts += [f"### {family}\n"] * bool(family)
            parts += [*table(members, where, funcnn), ""]
    for name, title in MODULES.items():
        module = importlib.import_module(name)
        parts += [f"## {title}, in `{name}`\n", *table(beside(name), homes(name), module), ""]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
