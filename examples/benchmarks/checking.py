"""What the plugin costs: mypy over a project of many modules, alone and with the plugin, each time from a cold cache.

    python examples/benchmarks/checking.py                  # 100 modules, three rounds
    python examples/benchmarks/checking.py --modules 10 --rounds 1
    python examples/benchmarks/checking.py --profile        # where the plugin's own time goes

The project is written into a temporary folder. Each of its modules has a factory with a loop, a class, an objective and
a training loop, with sizes of its own, and imports the factory of the module before it. Printed is the time of the
processor (user and system), the smallest of the rounds, which are interleaved. The library is compiled to Python's own
byte code before, as an installed one is.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODULE = '''import numpy as np
from funcnn import (
    Array, Conv, Dense, Flatten, Key, Layer, LayerNorm, MaxPool, Relu, Tanh, adam, fit, residual, serial,
    squared_error, value_and_grad,
)
{imported}

def make(width: int, depth: int = {depth}) -> Layer[Array, Array]:
    layers: list[Layer[Array, Array]] = [Dense(width)]
    for _ in range(depth):
        layers += [residual(serial(Dense({factor} * width), Relu, Dense(width))), LayerNorm()]
    return serial(*layers)


class Model:
    def __init__(self, classes: int) -> None:
        self.net = serial(Conv({channels}, (3, 3)), Relu, MaxPool((2, 2)), Flatten, Dense(classes))
        _, self.params = self.net.init(Key(0), (-1, 28, 28, 1))

    def __call__(self, x: Array) -> Array:
        return self.net.apply(self.params, x)


net = serial({made}, Dense({out}))
_, params = net.init(Key({seed}), (-1, {features}))
step = value_and_grad(squared_error, net.apply)
x, y = np.zeros((16, {features}), np.float32), np.zeros((16, {out}), np.float32)
loss, grads = step(params, x, y)
optimizer = adam(1e-3)
for state, metrics in fit(squared_error, net.apply, optimizer, params, (x, y), epochs=2):
    print(metrics.loss)
model = Model({classes})
serial(make({width}), residual(make({width}, 2)), Tanh, Dense(3)).init(Key(0), (-1, 5))
'''
SETTINGS = "[mypy]\nstrict = True\n{plugin}"
PLUGIN = "plugins = funcnn.mypy_plugin\n"
PROFILE = """
import cProfile, pstats, sys
from mypy.main import main
profile = cProfile.Profile()
profile.enable()
try:
    main(args=sys.argv[1:], clean_exit=True)
except SystemExit:
    pass
profile.disable()
pstats.Stats(profile).sort_stats({by!r}).print_stats(40)
"""


def write(folder: Path, modules: int, seed: int = 0) -> None:
    """The project."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(modules):
        width = draw.choice([8, 16, 24, 32, 48, 64, 96, 128, 256])
        text = MODULE.format(
            imported=f"from m{i - 1:03} import make as before\n" if i else "",
            made=f"before({draw.randint(2, 99)})" if i else "make(8)",
            depth=draw.randint(2, 4), factor=draw.choice([2, 4]), channels=draw.choice([4, 8, 16, 32]), width=width,
            features=draw.randint(3, 200), out=draw.randint(1, 20), classes=draw.randint(2, 50), seed=i,
        )  # fmt: skip
        (folder / f"m{i:03}.py").write_text(text, "utf-8")


def run(folder: Path, *, plugin: bool, by: str = "") -> float:
    """The seconds that mypy takes over the project from a cold cache; it has to find nothing wrong."""
    settings, cache = folder / "settings.ini", folder / "cache"
    settings.write_text(SETTINGS.format(plugin=PLUGIN if plugin else ""), "utf-8")
    shutil.rmtree(cache, ignore_errors=True)
    program = ["-c", PROFILE.format(by=by)] if by else ["-m", "mypy"]
    command = [sys.executable, *program, "--config-file", str(settings), "--cache-dir", str(cache), "."]
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    if not (folder / "compiled").exists():
        subprocess.run([sys.executable, "-c", "import funcnn.mypy_plugin, mypy.main"], cwd=folder, check=True, env=env)
    before = os.times()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)
    after = os.times()
    if by:
        print(done.stdout)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description="What the plugin for mypy costs.")
    parser.add_argument("--modules", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", choices=["cumulative", "tottime"], nargs="?", const="cumulative")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.modules)
        if options.profile:
            run(folder, plugin=True, by=options.profile)
            return
        alone, plugged = list[float](), list[float]()
        for _ in range(options.rounds):
            alone.append(run(folder, plugin=False))
            plugged.append(run(folder, plugin=True))
        ratio = min(plugged) / min(alone)
        print(f"{options.modules} modules: mypy {min(alone):.2f} s, with the plugin {min(plugged):.2f} s: {ratio:.2f}")


if __name__ == "__main__":
    main()
