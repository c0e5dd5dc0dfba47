"""Networks: what a constructor makes, which shapes networks meet, and what they are given."""

from __future__ import annotations

import ast
from typing import Any

from funcnn.losses import joint
from funcnn.mypy_plugin.building import Verdict
from funcnn.mypy_plugin.flow.core import Meeting
from funcnn.mypy_plugin.flow.data import Back, Complaint, Data, Made, Step, Steps, Stream, Trained, applied
from funcnn.mypy_plugin.flow.expressions import Expressions
from funcnn.mypy_plugin.flow.frames import Frame
from funcnn.mypy_plugin.flow.objectives import begun, looped, measured, pulled, refused, stepped, unknown_options
from funcnn.mypy_plugin.flow.values import Class, Given, Method, Row, Thing, is_network, listed, node_of
from funcnn.mypy_plugin.recipes import ANY, Argument, Call, Missing, Place, Turned, Value, exact
from funcnn.networks import is_layer

MEETINGS = 24  # of one place that are kept
TRAINING = {"value_and_grad", "vjp", "fit", "train", "evaluate", "predict", "joint", "save_params", "load_params", "decoder", "apply_updates", "calibrate"}


class Networks(Expressions):
    """Reads what makes networks, and what is done with them."""

    def argument(self, value: Any, place: Place, frame: Frame) -> Argument:
        """An argument of a constructor; what was handed in from outside is to blame where it was made."""
        maker = self.makers.get(id(value))
        if maker is not None and maker[1] is not frame and any(f is maker[1] for f in self.stack):
            return Argument(maker[0], maker[0].place, maker[0].path)
        return Argument(node_of(value), place)

    def made(self, call: Call, frame: Frame) -> Any:
        """A network that is made here."""
        self.makers[id(call)] = call, frame
        return call

    def note(self, net: Any, given: Given | None, here: Place, frame: Frame, *, params: bool = False) -> Any:
        """A network meets a shape here; what comes out of it."""
        if self.quiet:  # nobody looks, and what comes out is hardly ever used by another file
            return ANY
        network, shape = node_of(net), ANY if given is None else node_of(given.value)
        found = self.met.setdefault((frame.file.path, here), [])
        if len(found) < MEETINGS:
            source = given.value.source if given is not None and isinstance(given.value, Row) else None
            at = source if source is not None or given is None else given.place
            found.append(Meeting(network, shape, at, dict(self.assumed)))
        verdict = Verdict() if given is None else self.runner.verdict(network, shape, params=params)
        if verdict.error is not None:
            self.failed.add(id(net))
        return ANY if verdict.shape is None else row_of(verdict.shape)

    def library(
        self, module: str, name: str, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame
    ) -> Any:
        """What a function of the library gives."""
        if name == "transposed" and len(args) == 1 and isinstance(args[0].value, Value):
            return Turned(str(args[0].value.value))
        if name in TRAINING:
            return self.training(name, args, kwargs, here, frame)
        if name == "summary" and len(args) >= 2 and is_network(args[0].value):
            self.note(args[0].value, args[1], here, frame)
            return ANY
        make = self.loader.get(module, name)
        if make is None or is_layer(make):
            return ANY
        given = tuple(self.argument(g.value, g.place, frame) for g in args)
        named = {k: self.argument(g.value, g.place, frame) for k, g in kwargs.items()}
        call = Call(module, name, given, named, frame.file.path, here)
        followed = self.unpacks or frame.kind != "module"  # with values that no type of mypy's knows
        if followed and exact(call) and (problem := self.runner.refusal(call)) is not None:
            self.complain(Complaint(problem, here, code="value"), here, frame)
        return self.made(call, frame)

    def trained(self, network: Any, given: Given | None, here: Place) -> Any:
        """The params of a network that meets this shape."""
        shape = None if given is None else self.runner.plain(node_of(given.value))
        return ANY if shape is None or not is_network(network) else Trained(network, shape, here)

    def complain(self, problem: Complaint | None, here: Place, frame: Frame, network: Any = None) -> None:
        """Note what a call would raise, where no more than one condition decides it, once for a network."""
        if problem is not None and len(self.assumed) < 2 and not self.quiet and id(network) not in self.failed:
            if frame.file is self.stack[0].file:
                before = self.spoken.setdefault((id(network), problem.text), here)
                if network is not None and before != here:
                    return
            self.complaints.setdefault((frame.file.path, here), []).append(problem)

    def ran(self, network: Any, params: Any, x: Any, here: Place, frame: Frame) -> Any:
        """What `net.apply(params, x)` gives."""
        handed = any(frame.env.get(name) is network for name in parameters_of(frame.node))  # its type is compared there
        out, problem = applied(self.runner, network, params, x, here, kinds=not handed)
        self.complain(problem, here, frame, network)
        return ANY if out is None else out

    def training(self, name: str, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What a function of the library gives that runs or trains a network."""
        values = [g.value for g in args]
        if self.quiet and name not in ("joint", "value_and_grad"):
            return ANY
        match name, values:
            case "joint", parts if parts and not kwargs:
                losses = [p.loss for p in parts if isinstance(p, Made)]
                return Made(joint(*losses)) if len(losses) == len(parts) else ANY
            case "value_and_grad", [loss, Method(of, "apply"), *_]:
                return Step(loss, of)
            case "vjp", [Method(of, "apply"), params, x]:
                y = self.ran(of, params, x, here, frame)
                return Row((y, Back(y, here, frame.file.path)))
            case "decoder", [of]:
                return Steps(of)
            case "predict", [Method(of, "apply"), params, x]:
                return self.ran(of, params, x, here, frame)
            case "evaluate", [Method(of, "apply"), params, Row(items), *_] if listed(items) and items:
                self.ran(of, params, items[0], here, frame)
                for measure in values[3:]:
                    if isinstance(measure, Made) and len(items) > 1:
                        self.complain(measured(self.runner, measure, of, items, here), here, frame, of)
            case "fit", [loss, Method(of, "apply"), _, start, _, *_]:
                self.complain(looped(self.runner, Step(loss, of), args[3], args[4], here), here, frame, of)
                return _states(start)
            case "fit", [Step() as step, _, start, _]:
                self.complain(looped(self.runner, step, args[2], args[3], here), here, frame, step.network)
                return _states(start)
            case "apply_updates", [Trained() as params, _]:
                return params
            case "calibrate", [_, Trained() as params, *_]:
                return params
            case "train", [loss, of, _, _]:
                return self.train(Step(loss, of), args[3], kwargs, here, frame)
            case "save_params", [_, Trained() as params, *_]:
                self.saved[self._path()] = params
            case "save_params", _:
                self.saved[self._path()] = ANY
            case "load_params", _:
                return self.saved.get(self._path(), ANY)
            case _:
                pass
        return ANY

    def _path(self) -> str:
        """The path that the call that is being read begins with, by what it says."""
        return self.fresh() if self.first_of_call is None else self.name_of(*self.first_of_call)

    def train(self, step: Step, data: Given, kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What `train` gives: params of this network for this data."""
        problem = begun(self.runner, step, kwargs.get("start"), data, here)
        self.complain(problem, here, frame, step.network)
        if problem is not None:
            self.failed.add(id(step.network))
        items = data.value.items if isinstance(data.value, Row) else ()
        x = items[0] if listed(items) and items else None
        if not isinstance(x, Data) or not is_network(step.network):
            return ANY
        params = Trained(step.network, x.shape, here)
        if "validation" in kwargs:
            again = looped(self.runner, step, Given(params, here), kwargs["validation"], here)
            self.complain(again, here, frame, step.network)
        return Thing(Class("Trained", {}), {"params": params})

    def objective(self, f: Any, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What the call of an objective or of a loss gives."""
        if isinstance(f, Made) and len(args) == 2:
            self.complain(unknown_options(f.loss, kwargs, here), here, frame)
            self.complain(refused(f, args[0].value, args[1].value, here), here, frame)
        if isinstance(f, Back) and args and frame.file.path == f.path:
            self.complain(pulled(f, args[0].value, here), f.place, frame)
        if isinstance(f, Steps) and len(args) > 1 and not self.quiet:
            return Row((self.ran(f.network, args[0].value, args[1].value, here, frame), ANY))
        if isinstance(f, Step) and not self.quiet:
            self.complain(stepped(self.runner, f, args, kwargs, here), here, frame, f.network)
        return ANY


def _states(start: Any) -> Stream:
    """What `fit` gives in every step, the params being those of one network all the way."""
    return Stream(lambda: Row((Thing(Class("TrainState", {}), {"params": start}), ANY)))


def parameters_of(function: ast.AST | None) -> list[str]:
    """The names of the parameters of a function; none of anything else."""
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return []
    a = function.args
    return [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]


def row_of(out: Any) -> Any:
    """A shape as a value of the program."""
    if listed(out):
        return Row(tuple(map(row_of, out)))
    return Value(int(out)) if int(out) != -1 else Missing("int")
