"""Weights of other libraries: our networks, beside theirs as they were recorded.

`python -m tests.weights.record torch keras stax` builds theirs, and keeps weights, inputs and outputs in
`recorded/`; with `--check` it compares them with what was recorded. The tests need none of these libraries.
"""
