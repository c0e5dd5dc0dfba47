"""Whose code runs inside mypy: funcnn's own, and that of the modules the user's project declares trusted."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import io
import os
import signal
import sys
import threading
import tomllib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from mypy.options import Options

import funcnn
from funcnn import stax
from funcnn.losses.definition import Loss
from funcnn.metrics.definition import Metric
from funcnn.networks import is_layer

LIBRARY = Path(funcnn.__file__).parent
SECONDS = float(os.environ.get("FUNCNN_MYPY_SECONDS", "10"))  # that trusted code may take at once
STAX = f"{stax.__name__}."
CONSTRUCTOR = funcnn.serial.__code__  # whatever records its calls is a closure of one function, and shares its code


class Trust(NamedTuple):
    """The modules whose functions may be called, and the folders they are looked for in."""

    modules: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("funcnn.",)

    def covers(self, fullname: str) -> bool:
        """Does this name belong to funcnn or to a trusted module?"""
        return fullname.startswith(self.prefixes)

    def files(self) -> list[Path]:
        """The source files of the trusted modules."""
        found: list[Path] = []
        for module in self.modules:
            for folder in (*self.folders, *sys.path):
                stem = Path(folder, *module.split("."))
                if stem.with_suffix(".py").is_file():
                    found.append(stem.with_suffix(".py"))
                elif (stem / "__init__.py").is_file():
                    found += sorted(stem.rglob("*.py"))
                else:
                    continue
                break
        return found


def read_trust(options: Options) -> Trust:
    """`[tool.funcnn.mypy] trusted = ["package.layers"]` of the pyproject.toml beside mypy's configuration file."""
    root = Path(options.config_file).parent if options.config_file else Path.cwd()
    try:
        settings: Any = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
        trusted = settings.get("tool", {}).get("funcnn", {}).get("mypy", {}).get("trusted", [])
    except (OSError, ValueError, AttributeError):
        return Trust()
    listed = cast("list[object]", [trusted] if isinstance(trusted, str) else trusted)
    names = [name for name in listed if isinstance(name, str) and name] if isinstance(trusted, (str, list)) else []
    return trusting(*names, folders=(root, root / "src", *options.mypy_path))


def trusting(*modules: str, folders: Sequence[str | Path]) -> Trust:
    """Trust in these modules."""
    prefixes = ("funcnn.", *(f"{m}." for m in modules))
    return Trust(modules, tuple(str(Path(f).resolve()) for f in folders), prefixes) if modules else Trust()


@functools.lru_cache(1)
def _library_digest() -> bytes:
    digest = hashlib.sha256()
    for file in sorted(LIBRARY.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.digest()


def digest(trust: Trust) -> str:
    """A digest of every rule that can run: another one must not leave its verdicts behind in mypy's cache."""
    total = hashlib.sha256(_library_digest())
    for file in trust.files():
        total.update(file.read_bytes())
    return total.hexdigest()


class Loader:
    """Imports what may run. Trusted modules that changed on disk, under a daemon, are imported again."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.faults: list[str] = []  # of trusted code that nobody was told of yet
        self._told: set[str] = set()
        self._inside = False
        self._seen: dict[Path, float] = {}
        self.generation = 0

    def refresh(self) -> int:
        """A number that grows whenever trusted code has changed."""
        if self.trust.modules:
            now = {file: file.stat().st_mtime for file in self.trust.files()}
            if now != self._seen:
                for name in [n for n in sys.modules if self.trust.covers(f"{n}.")]:
                    if not f"{name}.".startswith("funcnn."):
                        del sys.modules[name]
                self._seen, self.generation = now, self.generation + 1
        return self.generation

    def public(self, module: str, name: str) -> bool:
        """Does `from module import *` bring this name?"""
        return f"{module}.".startswith("funcnn.") and name in public_names(module)

    def loss(self, module: str, name: str) -> Any:
        """A loss or a metric of the library, or None."""
        return _loss_of_ours(module, name) if f"{module}.".startswith("funcnn.") else None

    def get(self, module: str, name: str) -> Any:
        """A function or a ready-made value, or None if it must not or cannot be had."""
        if f"{module}.".startswith("funcnn."):
            return _of_ours(module, name)
        if not self.trust.covers(f"{module}."):
            return None
        try:
            with self.running():
                value = getattr(importlib.import_module(module), name)
        except Exception as error:
            if not isinstance(error, (AttributeError, Misbehaved)):
                self.fault(f"the trusted module {module} cannot be imported: {type(error).__name__}: {error}")
            return None
        return value

    def fault(self, text: str) -> None:
        """Note a fault, each once."""
        if text not in self._told:
            self._told.add(text)
            self.faults.append(text)

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Trusted code runs in here: it prints nothing into mypy's output, cannot end mypy, and has its time.

        Errors
            Misbehaved   it tried to end the program, or did not come to an end
        """
        if not self.trust.modules or self._inside:
            yield
            return
        self._inside = True
        try:
            with _visitor(self.trust), _limited(SECONDS):
                yield
        except KeyboardInterrupt:
            raise
        except Exception:
            raise
        except BaseException as error:
            what = f"took more than {SECONDS} s" if isinstance(error, Overtime) else f"raised {error!r}"
            self.fault(f"code of the trusted modules {', '.join(self.trust.modules)} {what}, it is not checked")
            raise Misbehaved(what) from error
        finally:
            self._inside = False


@functools.lru_cache(64)
def public_names(module: str) -> frozenset[str]:
    """The names that `from module import *` brings."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        return frozenset()
    return frozenset(found.__all__ if hasattr(found, "__all__") else dir(found))


@functools.lru_cache(2048)
def _of_ours(module: str, name: str) -> Any:
    """A constructor or a ready-made layer of the library, or None."""
    try:
        value = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None
    return value if is_layer(value) or _is_constructor(value) else None


@functools.lru_cache(2048)
def _loss_of_ours(module: str, name: str) -> Any:
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None
    return cast("Any", found) if isinstance(found, (Loss, Metric)) else None


def _is_constructor(value: object) -> bool:
    """Does it record its calls, and make layers? Makers of initializers, schedules and optimizers record theirs too.

    stax's names need not record: many of them are other arguments for a constructor that does.
    """
    made = str(getattr(value, "__annotations__", {}).get("return", ""))
    known = getattr(value, "__code__", None) is CONSTRUCTOR or str(getattr(value, "__module__", "")).startswith(STAX)
    return known and made.startswith("Layer[")


class Misbehaved(Exception):
    """Trusted code tried to end the program, or did not come to an end."""


class Overtime(BaseException):
    """Trusted code took too long; no handler of errors of its own should catch this."""


@contextlib.contextmanager
def _limited(seconds: float) -> Generator[None]:
    """A limit of time, where there are signals; and no way to end the process at once."""

    def stop(number: int, frame: object) -> None:
        raise Overtime

    def leave(status: int) -> None:
        raise SystemExit(status)

    timed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    ends, before = os._exit, signal.signal(signal.SIGALRM, stop) if timed else None
    os._exit = leave  # type: ignore[assignment]
    if timed:
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        os._exit = ends
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _visitor(trust: Trust) -> Generator[None]:
    """Users' code finds its project, and prints nothing into mypy's output."""
    before = list(sys.path)
    sys.path += trust.folders
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        sys.path[:] = before
