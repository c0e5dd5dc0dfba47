"""Networks in files: as calls of public names, with their params."""

from funcnn.files.networks import load_network, save_network

__all__ = ["load_network", "save_network"]
