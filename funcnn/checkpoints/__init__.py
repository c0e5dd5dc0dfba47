"""Params on disk: files that are written whole or not at all, and read only if every byte is as it was written."""

from funcnn.checkpoints.saving import load_params, save_params

__all__ = ["load_params", "save_params"]
