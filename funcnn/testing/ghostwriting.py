"""Writing the test file of a module of layers: one line for every public layer found in it."""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from textwrap import shorten
from types import ModuleType
from typing import Any, Final, NamedTuple, TypeGuard

from funcnn.networks import Layer
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.drawing.templates import shapes
from funcnn.testing.trials.of_combinators import INSIDE, combinator_trials
from funcnn.testing.trials.reports import Report, holds, report_of

TEMPLATES: Final = (  # from the most general to the most special; the first that fits is written down
    '"B", ..., "D"',
    '"B", "D"',
    '"B", "T", "D"',
    '"B", range(3, 7), "C"',
    '"B", range(3, 7), range(3, 7), "C"',
    '("B", "D"), ("B", "D")',
    '("B", "T", "D"), ("B", "T", "D")',
    '("B", "T", "D"), ("B", "T")',
)
ROOM: Final = 120  # for what a layer answers
_TOKENS: Final = 2  # tokens are below this: whatever the vocabulary is, it is larger
_GUESSES: Final[dict[str, tuple[str, ...]]] = {  # arguments to try, by annotation
    "int": ("4", "2", "1"),
    "float": ("0.5",),
    "bool": ("True",),
    "str": ('"SAME"',),
    "tuple": ("(2, 2)", "(2,)"),
    "": ("4", "(2, 2)", "0.5"),
}


class Guess(NamedTuple):
    """A public layer of a module: its name, the source that makes it, the template it takes, if one was found.

    A combinator is its own source: `combinator_laws` puts layers inside. `why` says what a layer answered that took
    none.
    """

    name: str
    source: str
    template: str | None
    combinator: bool = False
    why: str = ""


def public_layers(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The ready-made layers and constructors that a module defines, by `__all__` or by names without an underscore."""
    listed: Any = getattr(module, "__all__", None)
    for name in sorted(vars(module)) if listed is None else listed:
        value: Any = getattr(module, name)
        if is_layer(value):
            record = value.init.record
            if listed is not None or record is None or record.module == module.__name__ or record.make is not None:
                yield name, value
        elif inspect.isfunction(value) and not name.startswith("_") and _makes_layers(value):
            if listed is not None or value.__module__ == module.__name__:
                yield name, value


def _makes_layers(function: Callable[..., Any]) -> bool:
    return _bare(getattr(function, "__annotations__", {}).get("return", "")) == "Layer"


def _bare(annotation: Any) -> str:
    """The name of a type, without its module and its arguments."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return str(text).split("[")[0].strip("'\"").split(".")[-1]


def is_layer(value: object) -> TypeGuard[Layer[Any, Any]]:
    """A layer, of whatever type."""
    return isinstance(value, Layer)


def guess(name: str, value: Any) -> Guess:
    """How to make this layer, and what it takes: arguments are tried by annotation, shapes by running the layer."""
    first = ""
    if wanted := _layers_wanted(value):
        made = _quietly(value, [INSIDE[0]] * wanted)
        found = (template for template in TEMPLATES if made is not None and not _refusal(made, template))
        return Guess(name, name, next(found, None), True)
    refused: list[str] = []
    for source, made in _made(name, value):
        first = first or source
        for template in TEMPLATES:
            why = _refusal(made, template)
            if not why:
                return Guess(name, source, template)
            refused.append(why)
    shapes_aside = [why for why in refused if "ShapeError" not in why]
    return Guess(name, first or f"{name}(...)", None, why=next(iter(shapes_aside or refused), ""))


def _layers_wanted(value: Any) -> int:
    """How many layers a combinator takes; 0 of what takes something else, too, or nothing."""
    if is_layer(value):
        return 0
    required = [p for p in inspect.signature(value).parameters.values() if p.default is p.empty]
    layers = [_bare(p.annotation) == "Layer" and p.kind is not p.KEYWORD_ONLY for p in required]
    return sum(1 + (p.kind is p.VAR_POSITIONAL) for p in required) if all(layers) else 0


def _quietly(make: Callable[..., Any], arguments: list[Any]) -> Layer[Any, Any] | None:
    try:
        made: object = make(*arguments)
    except Exception:  # it does not take these
        return None
    return made if is_layer(made) else None


def _made(name: str, value: Any) -> Iterator[tuple[str, Layer[Any, Any]]]:
    if is_layer(value):
        yield name, value
        return
    required = [
        p for p in inspect.signature(value).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]  # fmt: skip
    choices = [_GUESSES.get(_bare(p.annotation), _GUESSES[""]) for p in required]
    for arguments in itertools.islice(itertools.product(*choices), 30):
        shown = ", ".join(
            f"{p.name}={a}" if p.kind is p.KEYWORD_ONLY else a for p, a in zip(required, arguments, strict=True)
        )
        source = f"{name}({shown})"
        try:
            yield source, eval(source, {name: value})
        except Exception:  # these arguments are not for this layer
            continue


def _refusal(layer: Layer[Any, Any], template: str) -> str:
    """What comes of the layer on shapes of the template: "" where it runs, or the exception, in short."""
    from hypothesis import find, settings

    drawn, few = shapes(*eval(f"({template},)")), settings(max_examples=200, database=None)
    for least, axes in ((1, 0), (3, 0), (1, 3), (1, 4)) if "..." in template else ((1, 0), (3, 0)):
        shape: Any = "any shape"
        try:
            shape = find(drawn, lambda s: _smallest(s) >= least and len(s) >= axes, settings=few)  # noqa: B023
            Case(layer, shape, tokens=_TOKENS).pull()
        except Exception as error:
            return f"on {shape}: {shorten(f'{type(error).__name__}: {error}', ROOM, placeholder=' ...')}"
    return ""


def _smallest(shape: Any) -> int:
    return min(_smallest(d) if isinstance(d, tuple) else d for d in shape)


def _line(one: Guess, value: Any) -> str:
    name = one.name[:1].upper() + one.name[1:]
    if one.combinator and one.template is not None:
        return f"Test{name} = combinator_laws({one.source}, shapes({one.template}))"
    if one.template is None:
        return f"# Test{name} = laws({one.source}, shapes(...))  # say how it is made, and what it takes"
    made: Any = value if is_layer(value) else eval(one.source, {one.name: value})
    tokens = f", tokens={_TOKENS}" if "tokens" in repr(made.definition.takes("any")) else ""
    return f"Test{name} = laws({one.source}, shapes({one.template}){tokens})"


class Checked(NamedTuple):
    """What came of the layers of a module, and the sources of those that were not tried, with what they answered."""

    reports: dict[str, Report]
    untried: list[str]


def check(module_name: str) -> Checked:
    """Hold the layers of a module to all laws without writing a file, but for those whose input cannot be guessed.

    Errors
        as `write_tests`
    """
    module = importlib.import_module(module_name)
    found: dict[str, Report] = {}
    untried: list[str] = []
    for name, value in public_layers(module):
        one = guess(name, value)
        if one.template is None:
            untried.append(f"{one.source} ({one.why})" if one.why else one.source)
            continue
        shape = shapes(*eval(f"({one.template},)"))
        if one.combinator:
            found[one.source] = report_of(combinator_trials(value, shape))
            continue
        made: Any = value if is_layer(value) else eval(one.source, {name: value})
        tokens = _TOKENS if "tokens" in repr(made.definition.takes("any")) else 5
        found[one.source] = holds(made, shape, report=True, tokens=tokens)
    if not found:
        raise ValueError(f"{module_name} has no public layers whose input can be guessed")
    return Checked(found, untried)


def write_tests(module_name: str) -> str:
    """The text of a test file for the layers of a module.

    Errors
        ImportError   there is no such module
        ValueError    it has no public layers
    """
    module = importlib.import_module(module_name)
    found = [(guess(name, value), value) for name, value in public_layers(module)]
    if not found:
        raise ValueError(f"{module_name} has no public layers: layers, or functions annotated to return Layer")
    names = [one.name for one, _ in found]
    any_combinator = any(one.combinator and one.template for one, _ in found)
    needed = "combinator_laws, laws, shapes" if any_combinator else "laws, shapes"
    imported = f"from {module_name} import {', '.join(names)}"
    if len(imported) > 100:
        imported = f"from {module_name} import (\n    " + ",\n    ".join(names) + ",\n)"
    head = [f'"""The laws that the layers of {module_name} obey."""', "", f"from funcnn.testing import {needed}"]
    return "\n".join([*head, imported, "", *(_line(one, value) for one, value in found), ""])
