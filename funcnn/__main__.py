"""`python -m funcnn`: versions, BLAS, threads and extras, and a test of ten seconds that all of it works."""

from __future__ import annotations

import argparse
import sys

from funcnn.about import selftest
from funcnn.about.environment import advice, extras, facts
from funcnn.version import __version__


def main(arguments: list[str] | None = None) -> int:
    """The program. The exit status is 1 where a check fails."""
    parser = argparse.ArgumentParser(prog="python -m funcnn", description=__doc__)
    parser.add_argument("--version", action="version", version=f"funcnn {__version__}")
    parser.add_argument("--no-test", action="store_true", help="only tell what is here")
    chosen = parser.parse_args(arguments)
    for name, fact in facts().items():
        print(f"{name:<12} {fact}")
    if said := advice():
        print(f"\n{said}")
    found = extras()
    print("\nextras" if found else "\nextras       unknown: funcnn was not installed by pip")
    for extra in found:
        print(f"  {extra.name:<12} {extra}")
    if chosen.no_test:
        return 0
    print("\nself-test")
    passed = True
    for result in selftest.run():
        passed &= result.passed
        print(
            f"  {result.name:<12} {'' if result.passed else 'FAILED: '}{result.said} ({result.seconds:.1f} s)",
            flush=True,
        )
    if not passed:
        print(
            "\nSomething here computes wrong numbers. Try FUNCNN_THREADS=1 and FUNCNN_WINOGRAD=0, another NumPy or "
            "BLAS, and report what is printed above.",
            file=sys.stderr,
        )
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
