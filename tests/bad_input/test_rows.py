"""What must happen with bad input, row by row, and the tests that hold it; and rows that no other test has whole."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import ShapeError
from tests.realistic import IMAGES, NESTED, SIDES
from tests.refusals import refusal

f: Any = funcnn
HERE = Path(__file__).parent

ROWS: dict[str, str] = {
    "the last axis is not the width of a Dense": "test_shapes.test_an_input_that_does_not_fit",
    "an image without batch axis": "test_shapes.test_an_input_that_does_not_fit test_rows.test_images",
    "channels first": "test_shapes.test_an_input_that_does_not_fit test_rows.test_images",
    "a kernel larger than the padded input, a pooled size of 0": "test_shapes.test_a_shape_that_does_not_fit",
    "a shape with 0, a negative other than -1, a float, a bool, None": "test_shapes.test_a_shape_that_does_not_fit",
    "a batch of 0 to apply and predict": "test_shapes.test_a_batch_of_nothing test_values.test_no_rows",
    "a batch of 0 to a mean loss, no data to fit": "test_values.test_no_rows",
    "features of integers, booleans, float64": "test_values.test_features_of_other_dtypes",
    "complex, object, text, dates, structured, ragged, masked, sparse": "test_array_kinds.test_other_kinds",
    "other layouts, byte orders, read-only memory, memory maps":
        "test_layouts.test_inputs_and_targets test_layouts.test_params test_layouts.test_memory_maps",
    "features that are NaN or infinite": "test_values.test_features_that_are_not_finite",
    "targets (N,) for predictions (N, 1)": "test_values.test_bad_targets test_rows.test_an_axis_is_missing",
    "other numbers of rows": "test_values.test_bad_targets test_rows.test_rows_are_counted",
    "labels out of range, of other kinds and forms": "test_values.test_bad_labels",
    "logits of 1e4": "test_values.test_large_logits_of_a_network",
    "a loss or gradient that is not finite": "test_values.test_an_overflow_in_a_step",
    "rates, probabilities, sizes out of range": "test_arguments.test_an_argument_out_of_range",
    "None, a float or a RandomState for a key": "test_arguments.test_what_is_no_key",
    "Dropout or BatchNorm without a key": "test_calls.test_a_forgotten_key_names_the_layer",
    "the pair of init for params": "test_words.test_what_is_given_for_params",
    "params missing, extra, renamed, of other shapes and dtypes": "test_shapes.test_params_that_do_not_fit",
    "keys that are no names": "../params/test_params.test_keys_are_names",
    "assigning to params": "test_words.test_changes",
    "no layer in serial, another arity, two of a name": "test_calls.test_a_clumsy_call",
    "a pullback that returns something else": "test_promises.test_faults_are_reported_at_their_own_path",
    "checkpoints that are damaged, foreign, newer, bombs": "../checkpoints/test_saving.test_every_bit_flip_is_found "
        "../checkpoints/test_saving.test_foreign_files ../checkpoints/test_archives.test_bombs",
    "saving into a missing folder, on a full disk": "../checkpoints/test_faults.test_every_system_call_fails "
        "../checkpoints/test_faults.test_no_such_folder ../checkpoints/test_faults.test_a_full_disk",
    "NumPy's scalars as sizes, rates, counts": "test_numbers.test_scalars_make_the_same_layer",
    "a loss of one's own that returns something else": "test_promises_of_parts.test_wrong_terms_are_reported",
    "lists of masked arrays, bfloat16, StringDType, pandas, PyTorch, JAX":
        "test_array_kinds.test_other_kinds test_array_kinds.test_leaves_of_other_kinds",
    "strings as labels or tokens": "test_array_kinds.test_strings_as_labels test_array_kinds.test_strings_as_tokens",
    "a state, a fit, a layer or a pair for params": "test_words.test_what_is_given_for_params",
    "float16 and longdouble where something is computed":
        "test_stored_dtypes.test_params_that_are_stored_are_not_computed_with",
    "NaN predictions in a metric": "../metrics/test_metrics.test_a_broken_classifier_has_no_good_score",
    "kill -9 during a save": "../checkpoints/test_faults.test_kill_minus_9_at_every_system_call",
    "two processes that save to one path": "../checkpoints/test_faults.test_two_processes_save_to_one_path",
    "every truncation of a checkpoint": "../checkpoints/test_saving.test_every_truncation_is_found",
    "an interrupt inside the loop": "../training/test_resuming.test_an_interrupt_in_the_loop",
    "going on from any step": "../training/test_resuming.test_going_on_from_any_state",
    "threads that share params": "test_threads.test_apply test_threads.test_vjp test_threads.test_whole_steps",
    "an interrupt at any instant": "../kernels/test_interrupts.test_interrupts_at_random_instants",
}  # fmt: skip
"""What is given, and `file.test`, from this folder."""


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_held(row: str) -> None:
    """By tests that are there."""
    for test in ROWS[row].split():
        file, name = test.rsplit(".", 1)
        tree = ast.parse((HERE / f"{file}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


# every way in ---------------------------------------------------------------------------------------------------------
SGD, SCORE = f.sgd(0.1), f.mean_of(f.squared_error)
POOLED: Any = f.serial(f.MaxPool((2, 2), (2, 2)), f.Conv(4, (2, 2)), f.Flatten, f.Dense(5))


def ways(net: Any, params: Any, x: Any, target: Any) -> dict[str, Callable[[], Any]]:
    """Everything that takes a network, params and data."""
    return {
        "apply": lambda: net.apply(params, x),
        "vjp": lambda: f.vjp(net.apply, params, x),
        "objective": lambda: f.value_and_grad(f.squared_error, net.apply)(params, x, target, rng=0),
        "predict": lambda: f.predict(net.apply, params, x),
        "fit": lambda: next(f.fit(f.squared_error, net.apply, SGD, params, (x, target), rng=0)),
        "evaluate": lambda: f.evaluate(net.apply, params, (x, target), SCORE),
        "trace": lambda: funcnn.trace(net)(params, x),
    }


@pytest.mark.parametrize("pooled", [False, True], ids=["convolution first", "pool first"])
def test_images(pooled: bool) -> None:
    """Without a batch axis, and with channels first, behind a pool too, which takes any: the place, and what to write."""
    net: Any = POOLED if pooled else IMAGES.net
    params = net.init(0, (-1, 8, 8, 3))[1] if pooled else IMAGES.params
    first = "max_pool_0" if pooled else "conv_0"
    for x, words in (
        (IMAGES.x[0], (f"{first} in serial: ", "(8, 8, 3)", "x[None]")),
        (IMAGES.x.transpose(0, 3, 1, 2), ("conv_0 in serial: ", "here, 3 of them: x.transpose(0, 2, 3, 1)")),
    ):
        for way, call in ways(net, params, x, np.zeros((len(x), 5), np.float32)).items():
            said = refusal(call, ShapeError)
            assert [word for word in words if word not in said] == [], way


def test_an_axis_is_missing() -> None:
    """Of targets, of predictions: nothing is broadcast, and both shapes are shown."""
    net = f.serial(NESTED.net, f.Dense(1))
    params, rows = net.init(0, (-1, 3))[1], np.zeros(4, np.float32)
    for way in ("objective", "fit", "evaluate"):
        said = refusal(ways(net, params, NESTED.x, rows)[way], ShapeError)
        assert "(4, 1), got (4,)" in said and "nothing is broadcast" in said and "target[:, None]" in said
    flat = f.serial(net, f.Reshape(()))
    for way in ("objective", "fit", "evaluate"):
        said = refusal(ways(flat, flat.init(0, (-1, 3))[1], NESTED.x, rows[:, None])[way], ShapeError)
        assert "(4,), got (4, 1)" in said and "target[..., 0]" in said


def test_rows_are_counted() -> None:
    """Of inputs and targets, and of several inputs: all counts are shown."""
    for way, call in ways(NESTED.net, NESTED.params, NESTED.x, np.zeros((5, 2), np.float32)).items():
        if way in ("objective", "fit", "evaluate"):
            said = refusal(call, ShapeError)
            assert "x has 4" in said and "target has 5" in said
    x = (SIDES.x[0], SIDES.x[1][:3])
    for way, call in ways(SIDES.net, SIDES.params, x, np.zeros((4, 2), np.float32)).items():
        assert refusal(call, ShapeError), way
