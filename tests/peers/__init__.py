"""Agreement with PyTorch and JAX, recorded.

A *case* is a layer of ours as source, an input, and the same function written with a peer. The command
`python -m tests.peers.record` runs the peer and keeps its value and gradients in `recorded/`, in float64; of float32 it
keeps how far the peer's own result is from that. The tests compare ours with what was recorded, so that they need no
peer. See docs/contributing/peers.md for how a family of cases is added.
"""
