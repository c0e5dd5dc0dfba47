"""Times of this library and of the peers that are installed, on the same work, one after the other in one process.

    python examples/benchmarks/run.py                      xor, mlp, cnn, lstm, resnet and gpt on one core
    python examples/benchmarks/run.py mlp cnn --cores 2
    python examples/benchmarks/run.py --list second        work that nothing was tuned on
    python examples/benchmarks/run.py mlp cnn --memory     and how far memory rises
    python examples/benchmarks/run.py --imports            what `import funcnn` costs
    python examples/benchmarks/run.py --scaling curves.svg
    python examples/benchmarks/run.py xor --quick          this library alone, a few steps

Prints the minimum and the median of a step for everybody, and the ratio to the fastest peer. A training step is forward
pass, loss, pullback and optimizer. `pip install '.[benchmarks]'` installs the peers, except for PyTorch.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Sequence


def pin(cores: int) -> None:
    """Keep to so many cores. It must be said before NumPy is imported; XLA heeds the affinity alone."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "FUNCNN_THREADS"):
        os.environ[name] = str(cores)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    warnings.filterwarnings("ignore")


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", help="by name; all of the list where none is given")
    parser.add_argument("--list", choices=("first", "second"), default="first")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each workload")
    parser.add_argument("--cpu", action="store_true", help="processor time: for one core that others use too")
    parser.add_argument("--inference", action="store_true", help="the forward pass of the same networks")
    parser.add_argument("--without", nargs="*", default=[], help="contestants to leave out")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--imports", action="store_true")
    parser.add_argument("--scaling", metavar="SVG")
    parser.add_argument("--quick", action="store_true", help="this library alone, a few steps")
    parser.add_argument("--rise", nargs=2, metavar=("WORK", "CONTESTANT"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(argv)
    if not given.quick:
        pin(given.cores)
    import memory  # from here on NumPy is there
    from contestants import entries
    from lists import FIRST, SECOND, WORKS
    from racing import race, table

    if given.rise:
        print(memory.rise(*given.rise))
        return
    seconds = 0.0 if given.quick else given.seconds
    if given.imports:
        for program, found in memory.imports(2 if given.quick else 20).items():
            print(f"{found:7.1f} ms  {program}")
        return
    clock = time.process_time if given.cpu else time.perf_counter
    if given.scaling:
        from scaling import plot

        plot(given.scaling, seconds / 10, given.quick, clock)
        return
    listed = FIRST if given.list == "first" else SECOND
    for name in given.works or listed:
        work = WORKS[name]()
        if given.inference:
            work = work._replace(training=False)
        chosen = [e for e in entries(given.quick, work) if e.name not in given.without]
        times, failed = race(work, chosen, seconds, clock)
        print(f"{name}, {'training step' if work.training else 'forward pass'}, {given.cores} core(s)")
        print(table(times), flush=True)
        for peer, why in failed.items():
            print(f"  {peer:20s} did not run: {why}")
        if given.memory:
            for peer, megabytes in memory.rises(name, given.quick).items():
                print(f"  {peer:20s} memory rises by {megabytes:7.1f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
