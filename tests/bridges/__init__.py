"""Bridges to other libraries: Autograd's run with all tests, those of PyTorch, JAX and Thinc by `python -m tests.bridges`."""
