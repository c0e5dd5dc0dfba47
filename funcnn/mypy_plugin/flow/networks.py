"""Networks: what a constructor makes, which shapes networks meet, and what they are given."""

from __future__ import annotations

from typing import Any

from funcnn.losses import joint
from funcnn.mypy_plugin.flow.core import Meeting
from funcnn.mypy_plugin.flow.data import Complaint, Data, Made, Step, Trained, applied
from funcnn.mypy_plugin.flow.expressions import Expressions
from funcnn.mypy_plugin.flow.frames import Frame
from funcnn.mypy_plugin.flow.objectives import begun, ran, refused, stepped
from funcnn.mypy_plugin.flow.values import Class, Given, Method, Row, Thing, is_network, listed, node_of
from funcnn.mypy_plugin.recipes import ANY, Argument, Call, Missing, Place, Turned, Value, exact
from funcnn.networks import is_layer

MEETINGS = 24  # of one place that are kept
TRAINING = {"value_and_grad", "vjp", "fit", "train", "evaluate", "predict", "joint", "save_params", "load_params"}


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

    def note(
        self, net: Any, door: str, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame
    ) -> Any:
        """A network meets a shape here; what comes out of it."""
        found = self.met.setdefault((frame.file.path, here), [])
        if len(found) < MEETINGS and not self.quiet:
            found.append(Meeting(node_of(net), door, args, kwargs, dict(self.assumed)))
        if self.quiet:  # nobody looks, and what comes out is hardly ever used by another file
            return ANY
        given = args[0].value if args else kwargs["shape"].value if "shape" in kwargs else ANY
        out = self.runner.verdict(node_of(net), node_of(given), params=False).shape if args else None
        return ANY if out is None else row_of(out)

    def library(
        self, module: str, name: str, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame
    ) -> Any:
        if name == "transposed" and len(args) == 1 and isinstance(args[0].value, Value):
            return Turned(str(args[0].value.value))
        if name in TRAINING:
            return self.training(name, args, kwargs, here, frame)
        if name == "summary" and len(args) >= 2 and is_network(args[0].value):
            self.note(args[0].value, "out_shape", args[1:], {}, here, frame)
            return ANY
        make = self.loader.get(module, name)
        if make is None or is_layer(make):
            return ANY
        given = tuple(self.argument(g.value, g.place, frame) for g in args)
        named = {k: self.argument(g.value, g.place, frame) for k, g in kwargs.items()}
        call = Call(module, name, given, named, frame.file.path, here)
        if self.unpacks and exact(call) and (problem := self.runner.refusal(call)) is not None:
            self.complain(Complaint(problem, here, code="value"), here, frame)
        return self.made(call, frame)

    def trained(self, network: Any, given: tuple[Given, ...], here: Place) -> Any:
        shape = self.runner.plain(node_of(given[0].value)) if given else None
        return ANY if shape is None or not is_network(network) else Trained(network, shape, here)

    def complain(self, problem: Complaint | None, here: Place, frame: Frame) -> None:
        """Note what a call would raise, where no more than one condition decides it."""
        if problem is not None and len(self.assumed) < 2 and not self.quiet:
            self.complaints.setdefault((frame.file.path, here), []).append(problem)

    def training(self, name: str, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
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
                out, problem = applied(self.runner, of, params, x, here)
                self.complain(problem, here, frame)
                return Row((ANY if out is None else out, ANY))
            case "predict", [Method(of, "apply"), params, x]:
                out, problem = applied(self.runner, of, params, x, here)
                self.complain(problem, here, frame)
                return ANY if out is None else out
            case "evaluate", [Method(of, "apply"), params, Row(items), *_] if listed(items) and items:
                self.complain(applied(self.runner, of, params, items[0], here)[1], here, frame)
            case "fit", [loss, Method(of, "apply"), _, _, _, *_]:
                self.complain(ran(self.runner, Step(loss, of), args[3], args[4], here), here, frame)
            case "fit", [Step() as step, _, _, _]:
                self.complain(ran(self.runner, step, args[2], args[3], here), here, frame)
            case "train", [loss, of, _, _]:
                return self.train(Step(loss, of), args[3], kwargs, here, frame)
            case "save_params", [_, Trained() as params, *_]:
                self.saved[self.path_of_call] = params
            case "save_params", _:
                self.saved[self.path_of_call] = ANY
            case "load_params", _:
                return self.saved.get(self.path_of_call, ANY)
            case _:
                pass
        return ANY

    def train(self, step: Step, data: Given, kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What `train` gives: params of this network for this data."""
        self.complain(begun(self.runner, step, kwargs.get("start"), data, here), here, frame)
        items = data.value.items if isinstance(data.value, Row) else ()
        x = items[0] if listed(items) and items else None
        if not isinstance(x, Data) or not is_network(step.network):
            return ANY
        params = Trained(step.network, x.shape, here)
        if "validation" in kwargs:
            again = ran(self.runner, step, Given(params, here), kwargs["validation"], here)
            self.complain(again, here, frame)
        return Thing(Class("Trained", {}), {"params": params})

    def objective(self, f: Any, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        if isinstance(f, Made) and len(args) == 2:
            self.complain(refused(f, args[0].value, args[1].value, here), here, frame)
        if isinstance(f, Step) and not self.quiet:
            self.complain(stepped(self.runner, f, args, kwargs, here), here, frame)
        return ANY


def row_of(out: Any) -> Any:
    """A shape as a value of the program."""
    if listed(out):
        return Row(tuple(map(row_of, out)))
    return Value(int(out)) if int(out) != -1 else Missing("int")
