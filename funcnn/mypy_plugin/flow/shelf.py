"""The files of a program as they are at one moment: each is looked for once while mypy goes over all of them."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from funcnn.mypy_plugin.flow.files import File, parsed

INSTALLED = {"site-packages", "dist-packages"}


class Shelf:
    """Files, found and parsed, until a daemon looks at the disk again."""

    def __init__(self) -> None:
        self._moment: object = None
        self._files: dict[tuple[str, str], File | None] = {}
        self._imported: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._rebound: set[str] = set()
        self._asked: set[str] = set()  # modules whose names are in there

    def turned(self, moment: object) -> bool:
        """Is it another moment than before? Whatever stands for one is kept, so that no other takes its place."""
        if moment is self._moment:
            return False
        self._moment = moment
        for kept in (self._files, self._imported, self._rebound, self._asked):
            kept.clear()
        return True

    def read(self, path: str, module: str) -> File | None:
        """The file, parsed; None if it cannot be."""
        if (path, module) not in self._files:
            self._files[path, module] = parsed(path, module)
        return self._files[path, module]

    def find(self, module: str, path: str | None) -> File | None:
        """The file of a module of the program itself; None for what is installed."""
        return self.read(path, module) if path is not None and own(path, module) else None

    def rebound(self, paths: Mapping[str, str]) -> set[str]:
        """The names that some file of the program binds in another module; see `File.elsewhere`."""
        for module in paths.keys() - self._asked:
            file = self.find(module, paths[module])
            self._rebound |= file.elsewhere if file else frozenset()
            self._asked.add(module)
        return self._rebound

    def reached(self, path: str, module: str) -> str:
        """A digest of the files that a file imports, and those import, as far as they lie in its own folders.

        What a function returns shows in no type: mypy must check again what follows it into another file.
        """
        base = _base(path, module)
        seen, todo = {(path, module)}, [(path, module)]
        while todo:
            for found in self._imports(*todo.pop(), base):
                if found not in seen:
                    seen.add(found)
                    todo.append(found)
        seen.remove((path, module))
        files = (self.read(*found) for found in seen)
        return hashlib.sha256("".join(sorted(f.digest for f in files if f)).encode()).hexdigest()

    def _imports(self, path: str, module: str, base: str) -> list[tuple[str, str]]:
        if (path, base) not in self._imported:
            file = self.read(path, module)
            found = [(_file_of(base, name), name) for name in sorted(file.imports if file else ())]
            self._imported[path, base] = [(p, name) for p, name in found if p]
        return self._imported[path, base]


@functools.lru_cache(100_000)
def own(path: str, module: str) -> bool:
    """Is this a file of the program itself, in Python?"""
    ours = f"{module}.".startswith("funcnn.")
    return not ours and path.endswith(".py") and not INSTALLED & {*Path(path).parts}


def _base(path: str, module: str) -> str:
    """The folder that the names of modules start from."""
    up = module.count(".") + (os.path.basename(path) == "__init__.py")
    whole = path if path.count(os.sep) >= up else os.path.abspath(path)  # as mypy writes it, where that is possible
    for _ in range(up + 1):
        whole = os.path.dirname(whole)
    return whole


def _file_of(base: str, module: str) -> str:
    """The file of a module below this folder; nothing where there is none."""
    stem = os.path.join(base, *module.split("."))
    return next((p for p in (f"{stem}.py", os.path.join(stem, "__init__.py")) if os.path.isfile(p)), "")


class Files:
    """The files of modules by what mypy knows of them."""

    def __init__(self, paths: Mapping[str, str], shelf: Shelf) -> None:
        self.paths, self.shelf = paths, shelf
        self.read: list[str] = []

    @functools.cached_property
    def rebound(self) -> set[str]:
        """The names that some file of the program binds in another module."""
        return self.shelf.rebound(self.paths)

    def find(self, module: str) -> File | None:
        """The file of a module of the program itself; None for what is installed."""
        file = self.shelf.find(module, self.paths.get(module))
        if file is not None:
            self.read.append(file.path)
        return file
