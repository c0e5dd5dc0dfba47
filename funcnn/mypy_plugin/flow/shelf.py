"""The files of a program as they are at one moment: each is looked for once while mypy goes over all of them."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from funcnn.mypy_plugin.flow.files import File, parsed
from funcnn.mypy_plugin.flow.imports import imports_of

INSTALLED = {"site-packages", "dist-packages"}
Named = tuple[str, str]  # the path and the module of a file


class Reached(NamedTuple):
    """What is reached from a file, itself too, and whether anything of it names funcnn."""

    digest: bytes
    named: bool


class Shelf:
    """Files, found and parsed, until a daemon looks at the disk again; `folders` are where modules are looked for."""

    def __init__(self, folders: Sequence[str] = ()) -> None:
        self.folders = tuple(folders)
        self.known: dict[str, str] = {}  # paths of modules that mypy asked for, whether it reads them or not
        self._moment: object = None
        self._files: dict[Named, File | None] = {}
        self._sources: dict[str, bytes] = {}
        self._imported: dict[tuple[Named, str], list[Named]] = {}
        self._reached: dict[tuple[Named, str], Reached] = {}
        self._tops: dict[tuple[str, str], bool] = {}
        self._own: dict[str, str] = {}  # the modules of the program so far, in the order in which mypy met them
        self._asked = 0
        self._bound: dict[str, tuple[int, set[str]]] = {}  # by the last word of a name, of how many of these modules

    def turned(self, moment: object) -> bool:
        """Is it another moment than before? Whatever stands for one is kept, so that no other takes its place."""
        if moment is self._moment:
            return False
        self._moment = moment
        self._asked = 0
        for kept in (self._files, self._sources, self._imported, self._reached, self._tops, self._own, self._bound):
            kept.clear()
        return True

    def read(self, path: str, module: str) -> File | None:
        """The file, parsed; None if it cannot be."""
        if (path, module) not in self._files:
            self._files[path, module] = parsed(path, module)
        return self._files[path, module]

    def source(self, path: str) -> bytes:
        """What a file says; nothing, if it cannot be read."""
        if path not in self._sources:
            try:
                self._sources[path] = Path(path).read_bytes()
            except OSError:
                self._sources[path] = b""
        return self._sources[path]

    def find(self, module: str, path: str | None) -> File | None:
        """The file of a module of the program itself; None for what is installed."""
        return self.read(path, module) if path is not None and own(path, module) else None

    def bound(self, name: str, paths: Mapping[str, str]) -> set[str]:
        """The names that end in this word and that some file of the program binds in another module.

        See `File.elsewhere`. Only files in which the word stands behind a dot or a quote are parsed.
        """
        if self._asked != len(paths) + len(self.known):
            self._asked = len(paths) + len(self.known)
            for of in (self.known, paths):
                self._own |= {m: of[m] for m in of if m not in self._own and own(of[m], m)}
        searched, found = self._bound.get(name, (0, set[str]()))
        if searched < len(self._own):
            word = name.encode()
            stands = re.compile(rb"[.\"']\s*" + re.escape(word) + rb"\b").search
            for module in itertools.islice(self._own, searched, None):
                source = self.source(self._own[module])
                if word in source and stands(source) and (file := self.read(self._own[module], module)):
                    found |= {n for n in file.elsewhere if n.rpartition(".")[2] == name}
            self._bound[name] = len(self._own), found
        return found

    def reached(self, path: str, module: str) -> str:
        """A digest of a file with what it imports, and that imports, as far as it lies in folders of the program.

        What a function returns shows in no type: mypy must check again what follows it into another file. It is found
        once for files that import each other; files from which none is reached that names funcnn have none.
        """
        base, start = _base(path, module), (path, module)
        if (start, base) not in self._reached:
            self._reach(start, base)
        found = self._reached[start, base]
        return found.digest.hex() if found.named else ""

    def _reach(self, start: Named, base: str) -> None:
        """Tarjan's strongly connected components."""
        order, low, way = {start: 0}, {start: 0}, [start]
        at = {start: 0}  # of each on the way
        todo = [(start, iter(self._imports(start, base)))]
        while todo:
            file, rest = todo[-1]
            for other in rest:
                if (other, base) in self._reached:
                    continue
                if other not in order:
                    order[other] = low[other] = len(order)
                    at[other] = len(way)
                    way.append(other)
                    todo.append((other, iter(self._imports(other, base))))
                    break
                low[file] = min(low[file], order[other])
            else:
                todo.pop()
                if todo:
                    low[todo[-1][0]] = min(low[todo[-1][0]], low[file])
                if low[file] == order[file]:
                    self._joined(way[at[file] :], base)
                    del way[at[file] :]

    def _joined(self, together: list[Named], base: str) -> None:
        others = {o for f in together for o in self._imports(f, base)} - {*together}
        behind = [self._reached[o, base] for o in others]
        sources = [self.source(path) for path, _ in together]
        parts = sorted(hashlib.sha256(source).digest() for source in sources) + sorted({r.digest for r in behind})
        named = any(r.named for r in behind) or any(b"funcnn" in source for source in sources)
        found = Reached(hashlib.sha256(b"".join(parts)).digest(), named)
        self._reached |= {(file, base): found for file in together}

    def _imports(self, file: Named, base: str) -> list[Named]:
        if (file, base) not in self._imported:
            names = sorted(imports_of(*file, self.source(file[0])))
            self._imported[file, base] = [(path, name) for name in names if (path := self._file_of(name, base))]
        return self._imported[file, base]

    def _file_of(self, module: str, base: str) -> str:
        """The file of a module below this folder, or another one that is searched; nothing where there is none."""
        first = module.partition(".")[0]
        for folder in (base, *self.folders):
            if (folder, first) not in self._tops:
                stem = os.path.join(folder, first)
                self._tops[folder, first] = os.path.isdir(stem) or os.path.isfile(f"{stem}.py")
            if self._tops[folder, first]:
                stem = os.path.join(folder, *module.split("."))
                found = (p for p in (f"{stem}.py", os.path.join(stem, "__init__.py")) if os.path.isfile(p))
                return next(found, "")
        return ""


@functools.lru_cache(100_000)
def own(path: str, module: str) -> bool:
    """Is this a file of the program itself, in Python?"""
    ours = f"{module}.".startswith("funcnn.")
    return not ours and path.endswith(".py") and INSTALLED.isdisjoint(path.split(os.sep))


def _base(path: str, module: str) -> str:
    """The folder that the names of modules start from."""
    up = module.count(".") + (os.path.basename(path) == "__init__.py")
    whole = path if path.count(os.sep) >= up else os.path.abspath(path)  # as mypy writes it, where that is possible
    for _ in range(up + 1):
        whole = os.path.dirname(whole)
    return whole


class Rebound(Container[str]):
    """The names that some file of the program binds in another module, each looked for when it is asked for."""

    def __init__(self, paths: Mapping[str, str], shelf: Shelf) -> None:
        self._paths, self._shelf = paths, shelf

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._shelf.bound(name.rpartition(".")[2], self._paths)


class Files:
    """The files of modules by what mypy knows of them."""

    def __init__(self, paths: Mapping[str, str], shelf: Shelf) -> None:
        self.paths, self.shelf = paths, shelf
        self.read: list[str] = []
        self.rebound = Rebound(paths, shelf)

    def find(self, module: str) -> File | None:
        """The file of a module of the program itself; None for what is installed."""
        file = self.shelf.find(module, self.paths.get(module))
        if file is not None:
            self.read.append(file.path)
        return file
