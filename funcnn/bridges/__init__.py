"""Bridges to other libraries: pullbacks derived by them, their functions as layers, and layers as their functions.

A module for each library, imported by its name, for each needs an extra: `funcnn.bridges.autograd`, `.jax`, `.torch`,
`.onnx`, `.safetensors`.
"""
