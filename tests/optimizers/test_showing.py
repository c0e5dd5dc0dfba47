"""Optimizers in notebooks."""

from __future__ import annotations

from typing import Any

import funcnn

f: Any = funcnn


def test_an_optimizer_shows_its_arguments() -> None:
    """Those that were left out too, and what they are made of; markup is text."""
    shown = f.chain(f.clip_by_global_norm(1.0), f.adam(f.cosine_decay(1e-3, 100)))._repr_html_()
    assert "<caption><code>chain(clip_by_global_norm(1.0), adam(cosine_decay(0.001, 100)))</code></caption>" in shown
    assert "<tr><td>b2</td><td>0.999</td></tr>" in f.adam(1e-3)._repr_html_()
    odd = f.Optimizer(lambda params: 0, lambda grads, state, params: (grads, state))
    assert odd._repr_html_().startswith("<code>Optimizer(init=&lt;function")
    assert "by_label({&#x27;a/&lt;b&gt;&#x27;: set_to_zero()})" in f.by_label({"a/<b>": f.frozen})._repr_html_()
