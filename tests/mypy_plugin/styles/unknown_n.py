"""A size from the command line."""

import argparse

from funcnn import Dense, Key, Relu, residual, serial


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser()
    p.add_argument("--hidden", type=int, default=4)
    return p.parse_args([])


def main() -> None:
    args = parse()
    hidden = args.hidden
    # wrong: net = serial(Dense(hidden), Relu, residual(Dense(hidden + 1)), Dense(args.hidden))
    net = serial(Dense(hidden), Relu, residual(Dense(hidden)), Dense(args.hidden))  # guilty
    net.init(Key(0), (-1, 3))


main()
