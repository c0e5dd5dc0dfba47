"""Another process, in which strings have other hashes: sets, and all that goes by their order, have another order."""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
from functools import cache
from typing import Any, Final

_PROGRAM: Final = """
import pickle, sys
there, back = sys.stdin.buffer, sys.stdout.buffer
sys.stdout = sys.stderr
sys.path[:] = pickle.load(there)
import warnings
warnings.simplefilter("ignore")
import numpy
numpy.seterr(all="ignore")
while True:
    try:
        function, arguments = pickle.loads(pickle.load(there))
    except EOFError:
        break
    except Exception as error:
        found = None, repr(error)
    else:
        try:
            found = function(*arguments), ""
        except Exception as error:
            found = None, repr(error)
    pickle.dump(found, back)
    back.flush()
"""


@cache
def _process() -> subprocess.Popen[bytes]:
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    quiet = {"PYTHONHASHSEED": seed, "PYTHONWARNINGS": "ignore"}
    started = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, **quiet},
    )  # fmt: skip
    atexit.register(_end, started)
    assert started.stdin is not None
    pickle.dump([path or os.getcwd() for path in sys.path], started.stdin)
    return started


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def elsewhere(function: Any, *arguments: Any) -> Any:
    """`function(*arguments)` in a process where strings have other hashes; None where that process cannot say.

    Errors
        TypeError, PicklingError, AttributeError   the function or an argument is not found by its name
    """
    asked = pickle.dumps((function, arguments))
    there = _process()
    if there.stdin is None or there.stdout is None or there.poll() is not None:
        return None
    pickle.dump(asked, there.stdin)
    there.stdin.flush()
    value, _ = pickle.load(there.stdout)
    return value
