"""Bridges to other libraries: Autograd's run with all tests, those of PyTorch and JAX by `python -m tests.bridges`."""
