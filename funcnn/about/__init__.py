"""What is installed here and whether it works: `python -m funcnn`."""
