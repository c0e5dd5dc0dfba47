"""A plugin for mypy that knows shapes and wiring.

    [tool.mypy]
    plugins = ["funcnn.mypy_plugin"]

    [tool.funcnn.mypy]
    trusted = ["mypackage.layers"]      # optional: modules whose constructors may be called by mypy

Every call of a constructor leaves a *recipe* in the type of the layer it makes: the name of the constructor and its
arguments, as far as mypy knows them. Where a network meets a shape, in `net.init(rng, shape)`, `net.out_shape(shape)`
or `summary(net, shape)`, it is built from its recipe by the library's own constructors, inside mypy, and the library's
own shape rule runs. So what mypy says is what the program would say, and where a value is not known, it says nothing.

    recipes   what is known, as data           scopes, owners   whom a recipe belongs to
    reading   from mypy's types to recipes     building, runs   from recipes to networks and shapes
    flow      from a program's statements      unknowns         what stands for what is not known
    hooks     where mypy asks                  wiring           types of neighbours
    reports   codes and messages               results          where a known shape may be revealed
    trust     whose code may run
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar

from mypy.options import Options
from mypy.plugin import (
    FunctionContext,
    FunctionSigContext,
    MethodContext,
    MethodSigContext,
    Plugin,
    ReportConfigContext,
)
from mypy.types import FunctionLike, Type

import funcnn
from funcnn.metrics import Metric
from funcnn.mypy_plugin.flow.shelf import Shelf, own
from funcnn.mypy_plugin.hooks import Hooks
from funcnn.mypy_plugin.reading import INIT, LAYER
from funcnn.mypy_plugin.runs import Runner
from funcnn.mypy_plugin.trust import Loader, digest, read_trust
from funcnn.params import Params
from funcnn.mypy_plugin.wiring import (
    APPLY,
    LOSS,
    features_signature,
    objective_signature,
    serial_signature,
    shift_signature,
)

C = TypeVar("C", FunctionContext, MethodContext)
S = TypeVar("S", FunctionSigContext, MethodSigContext)
SERIAL = f"{funcnn.serial.__module__}.serial"
SUMMARY = f"{funcnn.summary.__module__}.summary"
SHIFT = f"{LAYER}.__rshift__"
OBJECTIVES = {f"{f.__module__}.{f.__name__}" for f in (funcnn.value_and_grad, funcnn.grad)}
OBJECTIVE = f"{funcnn.Objective.__module__}.{funcnn.Objective.__qualname__}"
DECODER = f"{funcnn.Decoder.__module__}.{funcnn.Decoder.__qualname__}"
TREE = f"{Params.__module__}.{Params.__qualname__}"
METRIC = f"{Metric.__module__}.{Metric.__qualname__}"
CALLED = {f"{of}.__call__" for of in (APPLY, OBJECTIVE, DECODER)}
RUN = (funcnn.vjp, funcnn.fit, funcnn.train, funcnn.evaluate, funcnn.predict)
GIVEN = {f"{f.__module__}.{f.__name__}" for f in RUN}


def _quiet(hook: Callable[[C], Type]) -> Callable[[C], Type]:
    """A mistake of ours must not become an INTERNAL ERROR over a user's program: the type stays what it was."""

    def safe(ctx: C) -> Type:
        try:
            return hook(ctx)
        except Exception:
            if os.environ.get("FUNCNN_MYPY_DEBUG"):
                raise
            return ctx.default_return_type

    return safe


def _quiet_signature(hook: Callable[[S, Options], FunctionLike], options: Options) -> Callable[[S], FunctionLike]:
    def safe(ctx: S) -> FunctionLike:
        try:
            return hook(ctx, options)
        except Exception:
            if os.environ.get("FUNCNN_MYPY_DEBUG"):
                raise
            return ctx.default_signature

    return safe


def _folders(options: Options) -> list[str]:
    """Where modules are looked for, beside the folder of the file that imports them."""
    here = os.getcwd()
    given = [*options.mypy_path, *filter(None, os.environ.get("MYPYPATH", "").split(os.pathsep))]
    return [os.path.join(here, folder) for folder in (*given, "", "src")]


class FuncnnPlugin(Plugin):
    """Which of mypy's questions are answered here."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._trust = read_trust(options)
        self._shelf = Shelf(_folders(options))
        self._hooks = hooks = Hooks(options, Runner(Loader(self._trust)), self._shelf)
        self._functions: dict[str, Callable[[FunctionContext], Type]] = {}
        self._methods: dict[str, Callable[[MethodContext], Type]] = {
            f"{INIT}.__call__": _quiet(hooks.init),
            f"{LAYER}.out_shape": _quiet(hooks.out_shape),
            f"{LAYER}.named": _quiet(hooks.named),
            SHIFT: _quiet(hooks.shifted),
            **{f"{of}.__call__": _quiet(hooks.given) for of in (APPLY, OBJECTIVE, LOSS, METRIC, DECODER)},
            **{name: _quiet(hooks.given) for name in (f"{LOSS}.bind", f"{TREE}.at", f"{TREE}.set")},
        }

        self._signatures: dict[str, Callable[[FunctionSigContext], FunctionLike]] = {
            SERIAL: _quiet_signature(serial_signature, options),
            **dict.fromkeys(OBJECTIVES, _quiet_signature(objective_signature, options)),
        }
        self._method_signatures: dict[str, Callable[[MethodSigContext], FunctionLike]] = {
            SHIFT: _quiet_signature(shift_signature, options),
            **dict.fromkeys(CALLED, _quiet_signature(features_signature, options)),
        }

    def report_config_data(self, ctx: ReportConfigContext) -> Any:
        """Kept by mypy with every module: verdicts of other rules must not survive in its cache."""
        if not own(ctx.path, ctx.id):
            return None  # mypy reports nothing of ours about these, and NumPy takes seconds to check again
        self._shelf.known[ctx.id] = ctx.path
        followed = self._shelf.reached(ctx.path, ctx.id)
        return {"rules": digest(self._trust), "trusted": list(self._trust.modules), "followed": followed}

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        if not self._trust.covers(fullname):
            return None
        if fullname not in self._functions:
            hooks = self._hooks
            made = hooks.summarized if fullname == SUMMARY else functools.partial(hooks.made, fullname)
            self._functions[fullname] = _quiet(hooks.given if fullname in GIVEN else made)
        return self._functions[fullname]

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return self._methods.get(fullname)

    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], FunctionLike] | None:
        return self._signatures.get(fullname)

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        return self._method_signatures.get(fullname)


def plugin(version: str) -> type[Plugin]:
    """What mypy asks for."""
    del version
    return FuncnnPlugin
