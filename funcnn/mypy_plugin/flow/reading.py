"""A whole file: every place where a network meets a shape, and what is known of both there."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mypy.checker import TypeChecker
from mypy.nodes import MypyFile
from mypy.options import Options

from funcnn.mypy_plugin.flow.core import Library, Meeting
from funcnn.mypy_plugin.flow.data import Complaint
from funcnn.mypy_plugin.flow.files import File, local_names
from funcnn.mypy_plugin.flow.frames import Frame, Stop
from funcnn.mypy_plugin.flow.machine import Machine
from funcnn.mypy_plugin.flow.shelf import Files, Shelf, own
from funcnn.mypy_plugin.flow.values import Class, Row, Table, Thing
from funcnn.mypy_plugin.recipes import ANY, Place
from funcnn.mypy_plugin.runs import Runner


class Found(NamedTuple):
    """What was found at the places of a file: networks that meet shapes, and calls that would raise."""

    met: Mapping[Place, Sequence[Meeting]]
    complaints: Mapping[Place, Sequence[Complaint]]


NOTHING = Found({}, {})


class Paths(Mapping[str, str]):
    """The paths of modules, as mypy comes to know them."""

    def __init__(self, modules: Mapping[str, MypyFile]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> str:
        return self._modules[name].path

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


class _Kept(NamedTuple):
    times: Mapping[str, int]  # of the files that were read for it
    generation: int
    found: Found


class Readings:
    """The files that were read, each once as long as nothing changes."""

    def __init__(self, runner: Runner, shelf: Shelf) -> None:
        self.runner, self.shelf = runner, shelf
        self._kept: dict[str, _Kept] = {}
        self._checked: set[str] = set()  # what is kept of these holds, as long as nobody looks at the disk again
        self._library, self._library_times = Library({}, {}), dict[str, int]()
        self._files: tuple[object, Files] = None, Files({}, shelf)

    def turned(self, moment: object) -> bool:
        """Is it another moment than before? What was read may have changed since."""
        if not self.shelf.turned(moment):
            return False
        self._checked.clear()
        self._files = None, self._files[1]
        if self._library_times != _times(self._library_times):
            self._library, self._library_times = Library({}, {}), {}
        return True

    def file(self, api: object, options: Options) -> File | None:
        """The file that is being checked; None if it cannot be read, or is installed: mypy reports nothing of it."""
        if not isinstance(api, TypeChecker):
            return None
        given = api.tree.path
        path = next((new for old, new in options.shadow_file or [] if old == given), given)
        return self.shelf.read(path, api.tree.fullname) if own(path, api.tree.fullname) else None

    def of(self, api: object, options: Options) -> Found:
        """What the file says that is being checked; nothing, if it cannot be read."""
        file = self.file(api, options)
        if file is None:
            return NOTHING
        kept, generation = self._kept.get(file.path), self.runner.loader.refresh()
        if kept is not None and kept.generation == generation:
            if file.path in self._checked or kept.times == _times(kept.times):
                self._checked.add(file.path)
                return kept.found
        if kept is not None:
            self._library, self._library_times = Library({}, {}), {}
        files = Files(self.files(api).paths, self.shelf)
        found = meetings(file, files, self.runner, self._library)
        self._library_times |= _times([path for path in (file.path, *files.read) if path not in self._library_times])
        self._kept[file.path] = _Kept({**self._library_times}, generation, found)
        self._checked.add(file.path)
        return found

    def files(self, api: object) -> Files:
        """The files of the program."""
        if self._files[0] is not api and isinstance(api, TypeChecker):
            self._files = api, Files(Paths(api.modules), self.shelf)
        return self._files[1]


def _times(paths: Mapping[str, int] | list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in paths:
        try:
            found[path] = os.stat(path).st_mtime_ns
        except OSError:
            found[path] = 0
    return found


def meetings(file: File, files: Files, runner: Runner, library: Library) -> Found:
    """Every place of a file where a network meets a shape."""
    path, module = file.path, file.module
    machine = Machine(files, runner, library)
    try:
        top = machine.run(file)
        if top.env and module not in library.modules:  # others that import it need not read it again
            library.modules[module], library.pristine[module] = top, machine.keep([top])
            machine.used.add(module)
        _alone(machine, file, top)
        top.finished = True
    except (Stop, RecursionError):
        pass
    except Exception:  # a mistake of ours: what was found before holds
        if os.environ.get("FUNCNN_MYPY_DEBUG"):
            raise
    finally:
        for name in machine.used & library.pristine.keys():
            machine.restore(library.pristine[name])
    met = {place: found for (where, place), found in machine.met.items() if where == path}
    complaints = {place: found for (where, place), found in machine.complaints.items() if where == path}
    return Found(met, complaints)


def _alone(machine: Machine, file: File, top: Frame) -> None:
    """The functions that nobody called, with what their annotations say of their arguments."""
    machine.alone = True
    for node in file.tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _on_its_own(machine, node, top, None)
        elif isinstance(node, ast.ClassDef):
            kind = top.env.get(node.name)
            if not isinstance(kind, Class):
                continue
            thing = Thing(kind, {})
            methods = [m for m in node.body if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef))]
            for m in sorted(methods, key=lambda m: m.name != "__init__"):
                _on_its_own(machine, m, top, thing)


def _on_its_own(
    machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, top: Frame, thing: Thing | None
) -> None:
    begins = thing is not None and node.name == "__init__"
    if node in machine.entered and not begins:
        return
    frame = Frame(top.file, {}, top, local_names(node), kind="function", node=node)
    a = node.args
    for i, x in enumerate((*a.posonlyargs, *a.args, *a.kwonlyargs)):
        first = i == 0 and thing is not None
        frame.bind(x.arg, thing if first else machine.hinted(ANY, x.annotation, top))
    if a.vararg is not None:
        frame.bind(a.vararg.arg, Row(ANY))
    if a.kwarg is not None:
        frame.bind(a.kwarg.arg, Table(ANY))
    machine.stack[:] = [frame]
    machine.quiet = begins and node in machine.entered
    machine.block(node.body, frame)
    machine.stack.clear()
    machine.quiet = False
