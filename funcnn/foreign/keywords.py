"""Arguments that other libraries name otherwise.

Every entry says our word for the function of that name, for the functions of that package, or, under "", for all.
`{name}` is the name of the function that was called. Code in an entry runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from funcnn.foreign.training import ARGUMENTS, CLIP, ROWS

_RATE: Final = "the rate comes first, by position: {name}(1e-3)"
_OF_OPTIMIZER: Final = "the rate belongs to the optimizer: adam(1e-3)"
_LINE_SEARCH: Final = "there is no rate, every step is as long as a line search finds; leave it out"
_DECAY: Final = "decay is a penalty, l2(1e-4), or another optimizer, adamw(1e-3, weight_decay=1e-4)"
INPUTS: Final = "the size of the input is seen when params are drawn, net.init(key, shape), and never given"
_UNITS: Final = "units come first: {name}(8)"
_CHANNELS: Final = "channels come first, the shape of the filter next: Conv(8, (3, 3))"
_INITIAL: Final = "initial values are W_init= and b_init=, functions like he_normal"
_LAYER: Final = "an activation is a layer of its own: serial(Dense(8), Relu)"
_SHAPE: Final = "shapes of inputs are given when params are drawn: net.init(key, shape)"
_PENALTY: Final = "penalties belong to the objective: value_and_grad(squared_error, net.apply, l2(1e-4))"
_DTYPE: Final = "the dtype is chosen when params are drawn, net.init(key, shape, dtype=np.float64)"
_DEVICE: Final = "everything is computed by NumPy on this machine; leave it out"
_WEIGHTS: Final = "weights of rows are weights=, those of classes softmax_cross_entropy.bind(class_weights=(1.0, 2.0))"
_PASS: Final = "a call with a key, net.apply(params, x, rng=key), is a training pass; one without is inference"
_LOGITS: Final = "this loss takes logits, and has no other form; leave out the Softmax or Sigmoid of the network"
_REDUCE: Final = 'it is reduce=, "mean", "sum", "batch" or "none"'
_STATISTICS: Final = (
    "no averages are kept while training: "
    "calibrate(net, params, batches) takes them from the data, after it"
)
_NAME: Final = "a name is given with .named: Dense(8).named('head')"

_OF_PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    # optimizers
    "lr": {"optimizers": _RATE, "fit": _OF_OPTIMIZER, "train": _OF_OPTIMIZER, "minimize": _LINE_SEARCH},
    "learning_rate": {"optimizers": _RATE, "fit": _OF_OPTIMIZER, "train": _OF_OPTIMIZER, "minimize": _LINE_SEARCH},
    "step_size": {"optimizers": _RATE},
    "learning_rate_init": {"optimizers": _RATE},
    "lr_schedule": {"optimizers": "a schedule goes where the rate goes: adam(cosine_decay(1e-3, 100))"},
    "betas": {"optimizers": "they are two numbers, b1 and b2: {name}(1e-3, 0.9, 0.99)"},
    "beta_1": {"optimizers": "it is b1=: adam(1e-3, b1=0.9)"},
    "beta_2": {"optimizers": "it is b2=: adam(1e-3, b2=0.99)"},
    "beta1": {"optimizers": "it is b1=: adam(1e-3, b1=0.9)"},
    "beta2": {"optimizers": "it is b2=: adam(1e-3, b2=0.99)"},
    "epsilon": {"": "it is eps="},
    "momentum": {
        "optimizers": "momentum is an optimizer of its own: momentum(1e-2, 0.9), or nesterov(1e-2, 0.9)",
        "layers": _STATISTICS,
    },
    "nesterov": {"optimizers": "it is an optimizer of its own: nesterov(1e-2, 0.9)"},
    "weight_decay": {"optimizers": _DECAY},
    "decay": {"optimizers": "a schedule goes where the rate goes: adam(cosine_decay(1e-3, 100)); " + _DECAY},
    "amsgrad": {"optimizers": "it is an optimizer of its own: amsgrad(1e-3)"},
    "alpha": {"optimizers": "the decay of the mean square is gamma=: rmsprop(1e-3, gamma=0.99)",
              "layers": "it is slope="},
    "clipnorm": {"optimizers": CLIP},
    "clipvalue": {"optimizers": CLIP},
    "global_clipnorm": {"optimizers": CLIP},
    "max_grad_norm": {"optimizers": CLIP},
    "ema_momentum": {"optimizers": "averages of params are an optimizer behind: chain(adam(1e-3), ema(0.99))"},
    "use_ema": {"optimizers": "averages of params are an optimizer behind: chain(adam(1e-3), ema(0.99))"},
    # schedules
    "initial_learning_rate": {"schedules": "the rate comes first: cosine_decay(1e-3, 100)"},
    "init_value": {"schedules": "the rate comes first: cosine_decay(1e-3, 100)"},
    "T_max": {"schedules": "it is decay_steps=: cosine_decay(1e-3, decay_steps=100)"},
    "transition_steps": {"schedules": "it is decay_steps="},
    "warmup_steps": {"schedules": "warmup(100, cosine_decay(1e-3, 1000)) goes before another schedule"},
    # sizes of layers
    "in_features": {"layers": INPUTS},
    "in_channels": {"layers": INPUTS},
    "input_dim": {"Embedding": "the number of tokens comes first: Embedding(1000, 64)", "layers": INPUTS},
    "input_size": {"layers": INPUTS},
    "num_features": {"layers": INPUTS},
    "normalized_shape": {"layers": INPUTS},
    "num_channels": {"layers": INPUTS},
    "input_shape": {"": _SHAPE},
    "batch_input_shape": {"": _SHAPE},
    "out_features": {"layers": _UNITS},
    "features": {"Conv": _CHANNELS, "Conv1D": _CHANNELS, "Conv3D": _CHANNELS, "layers": _UNITS},
    "out_dim": {"layers": _UNITS},
    "hidden_size": {"layers": _UNITS},
    "hidden_features": {"layers": _UNITS},
    "num_units": {"layers": _UNITS},
    "out_channels": {"layers": _CHANNELS},
    "out_chan": {"layers": _CHANNELS},
    "filters": {"layers": _CHANNELS},
    "kernel_size": {"MaxPool": "it is window_shape=: MaxPool((2, 2), (2, 2))", "AvgPool": "it is window_shape=",
                    "SumPool": "it is window_shape=", "layers": "it is filter_shape=: Conv(8, filter_shape=(3, 3))"},
    "pool_size": {"layers": "it is window_shape=: MaxPool((2, 2), (2, 2))"},
    "stride": {"layers": "it is strides=, one for each axis: Conv(8, (3, 3), strides=(2, 2))"},
    "dilation_rate": {"layers": "it is dilation=: Conv(8, (3, 3), dilation=(2, 2))"},
    "kernel_dilation": {"layers": "it is dilation=: Conv(8, (3, 3), dilation=(2, 2))"},
    "feature_group_count": {"layers": "it is groups=: Conv(8, (3, 3), groups=4)"},
    "padding_mode": {"layers": "other values than 0 come from a layer in front: Pad(((1, 1), (1, 1)), 'reflect')"},
    "output_padding": {"layers": "padding says it for both sides: ConvTranspose(8, (3, 3), (2, 2), ((1, 0), (1, 0)))"},
    "data_format": {"layers": "channels are the last axis, always; images.transpose(0, 2, 3, 1) brings them there"},
    "ceil_mode": {"layers": "windows lie within the padded input; padding='SAME' keeps what is left over"},
    "count_include_pad": {"layers": "padding counts nothing in a mean; leave it out"},
    "num_embeddings": {"layers": "the number of tokens comes first: Embedding(1000, 64)"},
    "embedding_dim": {"layers": "the size of a vector comes second: Embedding(1000, 64)"},
    "output_dim": {"layers": "the size of a vector comes second: Embedding(1000, 64)"},
    "padding_idx": {"layers": "it is padding=: Embedding(1000, 64, padding=0)"},
    "mask_zero": {"layers": "a mask goes beside the input, in a tuple: LSTM(8, masked=True)"},
    "target_shape": {"layers": "it is sizes: Reshape((7, 4))"},
    "scale_factor": {"layers": "it is scale: Upsample(2)"},
    # what layers do
    "activation": {"layers": _LAYER},
    "bias_attr": {"layers": "it is bias="},
    "use_bias": {"layers": "it is bias=: Dense(8, bias=False)"},
    "with_bias": {"layers": "it is bias=: Dense(8, bias=False)"},
    "kernel_initializer": {"layers": _INITIAL},
    "bias_initializer": {"layers": _INITIAL},
    "kernel_init": {"layers": _INITIAL},
    "bias_init": {"layers": _INITIAL},
    "w_init": {"layers": _INITIAL},
    "weight_init": {"layers": _INITIAL},
    "kernel_regularizer": {"layers": _PENALTY},
    "bias_regularizer": {"layers": _PENALTY},
    "activity_regularizer": {"layers": _PENALTY},
    "kernel_constraint": {"layers": "params are yours between two steps: project them there, with params.set"},
    "dtype": {"layers": _DTYPE},
    "param_dtype": {"layers": _DTYPE},
    "device": {"": _DEVICE},
    "name": {"layers": _NAME, "combinators": _NAME, "blocks": _NAME},
    "trainable": {"layers": "what is not to be trained is frozen: freeze(net, params, 'dense_0/**')"},
    "inplace": {"layers": "nothing is changed in place; leave it out"},
    "p": {"layers": "the probability of dropping comes first: Dropout(0.5)"},
    "rate": {"layers": "the probability of dropping comes first: Dropout(0.5)"},
    "dropout_rate": {"layers": "it is drop: Dropout(0.5)"},
    "dropout": {"layers": "it is a layer, Dropout(0.5); of attention it is drop=: MultiHeadAttention(8, drop=0.1)",
                "blocks": "it is drop=: TransformerBlock(64, 8, drop=0.1)"},
    "negative_slope": {"layers": "it is slope: leaky_relu(0.2)"},
    "approximate": {"layers": "Gelu is the approximation, gelu(exact=True) the function itself"},
    "dim": {"": "it is axis="},
    "affine": {"layers": "it is center= and scale=: BatchNorm(center=False, scale=False)"},
    "elementwise_affine": {"layers": "it is center= and scale=: LayerNorm(center=False, scale=False)"},
    "track_running_stats": {"layers": _STATISTICS},
    "use_running_average": {"layers": _STATISTICS},
    **dict.fromkeys(("is_training", "mutable"), {"networks": _PASS}),
    "training": {"": _PASS},
    "train": {"": _PASS},
    "deterministic": {"": "a call without a key is inference: net.apply(params, x)"},
    "batch_first": {"layers": "the batch is the first axis and time the second, always; leave it out"},
    "num_layers": {"layers": "layers stand in a row: serial(LSTM(8), LSTM(8))"},
    "bidirectional": {"layers": "it is a layer of a layer: bidirectional(LSTM(8))"},
    "return_sequences": {"layers": "every step is given, the last alone by last=: LSTM(8, last=True)"},
    "return_state": {"layers": "it is state=: LSTM(8, state=True)"},
    "go_backwards": {"layers": "it is an argument of scan: scan(LSTMCell(8), reverse=True)"},
    "recurrent_initializer": {"layers": "it is U_init=: LSTM(8, U_init=glorot_normal)"},
    "embed_dim": {"layers": INPUTS},
    "d_model": {"blocks": "the width comes first: TransformerBlock(64, 8)", "layers": INPUTS},
    "num_heads": {"layers": "heads come first: MultiHeadAttention(8)",
                  "blocks": "it is heads: TransformerBlock(64, 8)"},
    "nhead": {"layers": "heads come first: MultiHeadAttention(8)", "blocks": "it is heads: TransformerBlock(64, 8)"},
    "key_dim": {"layers": "it is the width of the input over the number of heads; leave it out"},
    "is_causal": {"layers": "it is causal=: MultiHeadAttention(8, causal=True)"},
    "dim_feedforward": {"blocks": "it is hidden=: TransformerBlock(64, 8, hidden=256)"},
    "norm_first": {"blocks": "it is norm=: TransformerBlock(64, 8, norm='pre')"},
    "hidden_layer_sizes": {"blocks": "widths come first, that of the output too: mlp([32, 32, 3])"},
    "num_groups": {"layers": "groups come first: GroupNorm(4)"},
    # losses and metrics
    "reduction": {"losses": _REDUCE},
    "size_average": {"losses": _REDUCE},
    "from_logits": {"losses": _LOGITS},
    "sample_weight": {"fit": ROWS, "train": ROWS, "evaluate": ROWS, "": "it is weights="},
    "class_weight": {"training": "classes count by softmax_cross_entropy.bind(class_weights=(1.0, 2.0))", "": _WEIGHTS},
    "weight": {"losses": _WEIGHTS},
    "pos_weight": {"losses": "it is positive_weight=: sigmoid_binary_cross_entropy.bind(positive_weight=2.0)"},
    "ignore_index": {"losses": "it is ignore=: softmax_cross_entropy.bind(ignore=-100)"},
    "beta": {"losses": "it is delta=: huber.bind(delta=2.0)"},
    "y_true": {"losses": "the prediction comes first, the target second", "metrics": "the prediction comes first"},
    "y_pred": {"losses": "the prediction comes first, the target second", "metrics": "the prediction comes first"},
}  # fmt: skip

KEYWORDS: Final[Mapping[str, Mapping[str, str]]] = {
    word: {**ARGUMENTS.get(word, {}), **_OF_PARTS.get(word, {})} for word in (*_OF_PARTS, *ARGUMENTS)
}
"""By the word, and then by the function, or the package, in which it is met."""
