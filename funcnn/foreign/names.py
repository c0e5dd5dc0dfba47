"""Names that other libraries export, and ours for the same. Code in an entry runs, single words are names of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FLAT: Final = "everything for users stands in funcnn itself: from funcnn import Dense, adam, fit"
_LOOP: Final = "is what you write in the body of the loop: for state, metrics in fit(...)"
_PARAMS: Final = "params come from net.init(key, shape), and every call is given them"
_CONVOLUTION: Final = "Conv, whose channels of the input are not given: Conv(8, (3, 3))"
_PER_GROUP: Final = "Conv with groups: Conv(3, (3, 3), groups=3)"
_NO_GRADIENT: Final = "not needed: net.apply(params, x) records nothing; within a network it is stop_gradient(Dense(8))"
_NO_COMPILER: Final = "not needed: NumPy computes at once, and nothing is compiled"
_ARRAYS: Final = "NumPy's own array: np.array"
_CLASSES: Final = "softmax_cross_entropy, of logits and labels or distributions"
_TWO_CLASSES: Final = "sigmoid_binary_cross_entropy, of logits"
_LOGITS: Final = "softmax_cross_entropy, of logits: leave out the LogSoftmax"
_SPLIT: Final = "not here: rows of NumPy's arrays are x[:800] and x[800:]"
_GENERATOR: Final = "Key, a value: Key(0), key.fold(step), key.split(2)"
_MODULE: Final = "layer, which makes a function that returns a Layer a constructor"
_SEVERAL: Final = "ensemble for several networks, map_over along an axis; every layer takes a batch"


def _each(names: str, advice: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), advice)


NAMES: Final[Mapping[str, str]] = {
    # layers
    **_each("Linear LazyLinear FullyConnected", "Dense, whose inputs are not given: Dense(8)"),
    **_each("Sequential sequential", "serial: serial(Dense(8), Relu, Dense(3))"),
    **_each("Conv2d Conv2D LazyConv2d Convolution2D", _CONVOLUTION),
    **_each("Conv1d", "Conv1D: Conv1D(8, 3)"),
    **_each("Conv3d", "Conv3D: Conv3D(8, (3, 3, 3))"),
    **_each("ConvTranspose2d Conv2DTranspose Conv2dTranspose Deconv", "ConvTranspose: ConvTranspose(8, (3, 3))"),
    **_each("ConvTranspose1d Conv1dTranspose", "Conv1DTranspose: Conv1DTranspose(8, 3)"),
    **_each("ConvTranspose3d Conv3dTranspose", "Conv3DTranspose: Conv3DTranspose(8, (3, 3, 3))"),
    **_each("DepthwiseConv2D DepthwiseConv2d", _PER_GROUP),
    **_each("SeparableConv2D", "two layers: serial(Conv(3, (3, 3), groups=3, bias=False), Conv(8, (1, 1)))"),
    **_each("GeneralConv GeneralConvTranspose", "in funcnn.stax, with stax's conventions"),
    **_each("MaxPool2d MaxPool1d MaxPool3d MaxPooling2D MaxPooling1D MaxPool2D max_pool",
            "MaxPool, whose strides are 1 by default: MaxPool((2, 2), (2, 2))"),
    **_each("AvgPool2d AvgPool1d AvgPool3d AveragePooling2D AvgPool2D avg_pool",
            "AvgPool, whose strides are 1 by default: AvgPool((2, 2), (2, 2))"),
    **_each("GlobalAveragePooling2D GlobalAveragePooling1D AdaptiveAvgPool2d AdaptiveAvgPool1d", "GlobalAvgPool"),
    **_each("GlobalMaxPooling2D GlobalMaxPooling1D AdaptiveMaxPool2d AdaptiveMaxPool1d", "GlobalMaxPool"),
    **_each("UpSampling2D UpSampling1D UpsamplingNearest2d Resizing", "Upsample: Upsample(2)"),
    **_each("UpsamplingBilinear2d", 'Upsample: Upsample(2, "bilinear")'),
    **_each("ZeroPadding2D ZeroPad2d ConstantPad2d ReflectionPad2d ReplicationPad2d", "Pad: Pad(((1, 1), (1, 1)))"),
    **_each("BatchNorm1d BatchNorm2d BatchNorm3d BatchNormalization batch_norm",
            "BatchNorm, without sizes: BatchNorm()"),
    **_each("LayerNormalization", "LayerNorm: LayerNorm()"),
    **_each("GroupNormalization", "GroupNorm: GroupNorm(4)"),
    **_each("InstanceNorm1d InstanceNorm2d InstanceNorm3d", "InstanceNorm: InstanceNorm()"),
    **_each("RMSNormalization RmsNorm UnitNormalization", "RMSNorm: RMSNorm()"),
    **_each("Dropout1d Dropout2d Dropout3d SpatialDropout1D SpatialDropout2D", "SpatialDropout: SpatialDropout(0.2)"),
    **_each("AlphaDropout", "Dropout: Dropout(0.2)"),
    **_each("Embed", "Embedding: Embedding(1000, 64)"),
    **_each("Flatten2D", "Flatten"),
    **_each("Unflatten", "Reshape: Reshape((7, 4))"),
    **_each("Permute", "Transpose, the batch counts as axis 0: Transpose((0, 2, 1))"),
    **_each("LSTMLayer SimpleRNN SimpleRNNCell", "RNN: RNN(8)"),
    **_each("OptimizedLSTMCell BasicLSTMCell", "LSTMCell: LSTMCell(8)"),
    **_each("Bidirectional", "bidirectional: bidirectional(LSTM(8))"),
    **_each("TimeDistributed", "map_over: map_over(Dense(8))"),
    **_each("MultiheadAttention SelfAttention MultiHeadDotProductAttention",
            "MultiHeadAttention: MultiHeadAttention(8)"),
    **_each("TransformerEncoderLayer TransformerDecoderLayer TransformerEncoder Transformer",
            "TransformerBlock: TransformerBlock(64, 8)"),
    **_each("PositionalEncoding", "SinusoidalEncoding: SinusoidalEncoding()"),
    **_each("MLP Mlp", "mlp: mlp([32, 32, 3])"),
    **_each("Add add", "FanInSum; a branch that is added to its input is residual(Dense(8))"),
    **_each("Multiply", "FanInProduct"),
    **_each("Concatenate Concat", "FanInConcat: FanInConcat()"),
    **_each("Residual SkipConnection", "residual: residual(Dense(8))"),
    **_each("Lambda ElementWise", "elementwise, with the derivative: elementwise(np.sin, np.cos)"),
    **_each("Activation", "the layer of that name, Relu, Tanh, Gelu: serial(Dense(8), Relu)"),
    **_each("Input InputLayer", "not needed: shapes are given when params are drawn, net.init(key, shape)"),
    **_each("Model Module nn_module compact", _MODULE),
    **_each("ModuleList", "serial and parallel: serial(*[Dense(8) for _ in range(3)])"),
    **_each("Parameter Param Variable", _PARAMS),
    # activations
    **_each("ReLU relu", "Relu, a layer: serial(Dense(8), Relu)"),
    **_each("ReLU6 relu6", "Relu6"),
    **_each("LeakyReLU", "LeakyRelu, or leaky_relu(0.2)"),
    **_each("PReLU", "PRelu: PRelu()"),
    **_each("ELU", "Elu, or elu(2.0)"),
    **_each("SELU selu", "Selu"),
    **_each("CELU", "Celu, or celu(2.0)"),
    **_each("GELU", "Gelu, or gelu(exact=True)"),
    **_each("SiLU Swish silu swish", "Silu"),
    **_each("Hardtanh HardTanh_ hard_tanh", "HardTanh"),
    **_each("Hardsigmoid hard_sigmoid", "HardSigmoid"),
    **_each("Hardswish hard_swish", "HardSwish"),
    **_each("softmax", "Softmax, a layer: Softmax.apply({}, logits)"),
    **_each("log_softmax", "LogSoftmax, a layer: LogSoftmax.apply({}, logits)"),
    **_each("sigmoid Logistic", "Sigmoid, a layer: Sigmoid.apply({}, x)"),
    **_each("tanh", "Tanh, a layer: Tanh.apply({}, x)"),
    **_each("softplus SoftPlus", "Softplus"),
    **_each("glu", "GLU"),
    # losses and metrics
    **_each("CrossEntropyLoss cross_entropy SparseCategoricalCrossentropy CategoricalCrossentropy "
            "softmax_cross_entropy_with_integer_labels", _CLASSES),
    **_each("BCEWithLogitsLoss BCELoss BinaryCrossentropy binary_cross_entropy_with_logits binary_cross_entropy",
            _TWO_CLASSES),
    **_each("NLLLoss nll_loss", _LOGITS),
    **_each("MSELoss mse_loss MeanSquaredError mse l2_loss", "squared_error as a loss, mean_squared_error as a metric"),
    **_each("L1Loss l1_loss MeanAbsoluteError mae", "absolute_error as a loss, mean_absolute_error as a metric"),
    **_each("SmoothL1Loss HuberLoss smooth_l1_loss Huber huber_loss", "huber: huber.bind(delta=2.0)"),
    **_each("KLDivLoss KLDivergence kl_div", "kl_divergence"),
    **_each("CTCLoss ctc_loss", "ctc"),
    **_each("GaussianNLLLoss", "gaussian_nll"),
    **_each("PoissonNLLLoss", "poisson_nll"),
    **_each("HingeEmbeddingLoss Hinge MultiMarginLoss", "hinge"),
    **_each("CosineEmbeddingLoss CosineSimilarity cosine_similarity", "cosine_distance"),
    **_each("LogCosh", "log_cosh"),
    **_each("accuracy_score Accuracy CategoricalAccuracy SparseCategoricalAccuracy", "accuracy"),
    **_each("BinaryAccuracy", "binary_accuracy: binary_accuracy()"),
    **_each("f1_score F1Score", "f1: f1()"),
    **_each("precision_score Precision", "precision: precision()"),
    **_each("recall_score Recall", "recall: recall()"),
    **_each("roc_auc_score AUC AUROC", "roc_auc"),
    **_each("average_precision_score", "average_precision"),
    **_each("r2_score R2Score", "r2"),
    **_each("mean_squared_error_loss", "squared_error"),
    **_each("ConfusionMatrix", "confusion_matrix"),
    # optimizers and schedules
    **_each("Adam", "adam: adam(1e-3)"),
    **_each("AdamW", "adamw: adamw(1e-3)"),
    **_each("SGD", "sgd: sgd(1e-2); with momentum it is momentum(1e-2, 0.9)"),
    **_each("RMSprop RMSProp", "rmsprop: rmsprop(1e-3)"),
    **_each("Adagrad", "adagrad: adagrad(1e-2)"),
    **_each("Adadelta", "adadelta: adadelta()"),
    **_each("Adamax", "adamax: adamax(1e-3)"),
    **_each("NAdam Nadam", "nadam: nadam(1e-3)"),
    **_each("RAdam", "radam: radam(1e-3)"),
    **_each("Lion", "lion: lion(1e-4)"),
    **_each("Muon", "muon: muon(1e-2)"),
    **_each("LBFGS lbfgs", "minimize: minimize(objective, params, x, target)"),
    **_each("MultiSteps apply_every", "accumulate: accumulate(objective, 4), an objective for fit"),
    **_each("apply_if_finite", "skip_nonfinite: skip_nonfinite(adam(1e-3))"),
    **_each("SAM", "sam: sam(objective), an objective for fit"),
    **_each("Rprop", "rprop: rprop(1e-2)"),
    **_each("multi_transform", "by_label: by_label({'head/**': adam(1e-3), '**': frozen})"),
    **_each("set_to_zero", "frozen"),
    **_each("add_decayed_weights scale_by_adam", "in funcnn.optimizers"),
    **_each("clip_grad_norm_ clip_grad_norm clip", "clip_by_global_norm: chain(clip_by_global_norm(1.0), adam(1e-3))"),
    **_each("CosineAnnealingLR CosineDecay cosine_decay_schedule",
            "cosine_decay, in place of a rate: cosine_decay(1e-3, 100)"),
    **_each("ExponentialLR ExponentialDecay StepLR",
            "exponential_decay, in place of a rate: exponential_decay(1e-3, 100, 0.5)"),
    **_each("linear_schedule warmup_cosine_decay_schedule",
            "warmup, in place of a rate: warmup(100, cosine_decay(1e-3, 1000))"),
    **_each("ReduceLROnPlateau", "reduce_on_plateau: chain(adam(1e-3), reduce_on_plateau(0.1, patience=10, every=100))"),
    **_each("LearningRateScheduler lr_scheduler",
            "a schedule in place of a rate, adam(cosine_decay(1e-3, 100))"),
    # training
    **_each("DataLoader Dataset TensorDataset",
            "batches((x, target), 32), or fit, which makes batches of arrays by itself"),
    **_each("EarlyStopping ModelCheckpoint Callback TensorBoard", _LOOP),
    **_each("backward autograd GradientTape",
            "value_and_grad: value_and_grad(squared_error, net.apply)(params, x, target)"),
    **_each("jacrev jacfwd", "jacobian: jacobian(net.apply, params, x)"),
    **_each("hessian", "hvp, products with a vector: hvp(objective, params, vector, x, target)"),
    **_each("no_grad inference_mode", _NO_GRADIENT),
    **_each("jit pmap compile_", _NO_COMPILER),
    **_each("vmap", _SEVERAL),
    **_each("remat", "checkpoint: checkpoint(Dense(8))"),
    **_each("while_loop fori_loop", "scan: scan(LSTMCell(8)); in the body of a loop of your own, for"),
    **_each("PRNGKey Generator manual_seed seed set_seed set_random_seed random rngs", _GENERATOR),
    **_each("tensor Tensor asarray array", _ARRAYS),
    **_each("train_test_split", _SPLIT),
    **_each("save save_state_dict save_model dump", "save_params: save_params(path, params)"),
    **_each("load load_state_dict load_model", "load_params: load_params(path)"),
    **_each("MLPClassifier MLPRegressor", "mlp with fit: mlp([32, 32, 3])"),
    **_each("tree_leaves tree_flatten tree_util", "params.paths() with params.at('dense_0/w'), or ravel(params)"),
    **_each("xavier_uniform_ xavier_uniform GlorotUniform", "glorot_uniform: Dense(8, W_init=glorot_uniform)"),
    **_each("xavier_normal_ xavier_normal GlorotNormal", "glorot_normal: Dense(8, W_init=glorot_normal)"),
    **_each("kaiming_uniform_ kaiming_uniform HeUniform", "he_uniform: Dense(8, W_init=he_uniform)"),
    **_each("kaiming_normal_ kaiming_normal HeNormal", "he_normal: Dense(8, W_init=he_normal)"),
    **_each("Orthogonal orthogonal_", "orthogonal: Dense(8, W_init=orthogonal())"),
    # packages
    **_each("nn optim linen keras models functional F nnx", _FLAT),
}  # fmt: skip
