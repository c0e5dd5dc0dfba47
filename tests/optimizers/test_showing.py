"""Optimizers and states in notebooks."""

from __future__ import annotations

from typing import Any

import numpy as np

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


def test_a_state_shows_where_it_is() -> None:
    """Step, epoch, the table of params, and the state of the optimizer folded away."""
    net = f.Dense(1)
    _, params = net.init(0, (-1, 2))
    data = np.ones((4, 2)), np.ones((4, 1))
    *_, (state, _) = f.fit(f.squared_error, net.apply, f.adam(0.1), params, data, epochs=3)
    shown = state._repr_html_()
    assert "TrainState: step 3, epoch 3, batch 0" in shown and shown.count("<table>") == 1
    assert "<details><summary>AdamState</summary><pre>AdamState(step=3" in shown and "(2, 1)" in shown
