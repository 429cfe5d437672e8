"""What a Keras configuration may name, and where each name stands.

Keras makes an object of every dict with a class name: it looks in its own lists first and, up to version 3.8, then
imports whatever module the dict says (CVE-2025-1550). Of Keras' own functions some are gadgets themselves: one fetches
a file, one turns the safe mode off (CVE-2025-8747, CVE-2025-9906). So: an allow-list.
"""

from __future__ import annotations

from enum import Enum
from importlib.resources import files

from scanners.formats.pickle.imports import Standing as PickleStanding
from scanners.formats.pickle.imports import is_standard_library
from scanners.formats.pickle.imports import standing as pickle_standing
from scanners.formats.shared.words import words
from scanners.formats.tensorflow.symbols import Reach, reach_of


class Standing(Enum):
    """Of one class or function, best first."""

    KERAS = "of Keras"
    LIBRARY = "of a known library"
    CUSTOM = "of the author's own code"
    FOREIGN = "from outside of Keras"
    """A function of some module, or anything of Python itself: no layer is that."""
    DANGEROUS = "dangerous"


def _listed() -> dict[str, frozenset[str]]:
    kinds: dict[str, set[str]] = {"class": set(), "function": set(), "computes": set()}
    for line in files("scanners").joinpath("data", "keras_names.txt").read_text(encoding="utf-8").splitlines():
        kind, _, name = line.partition(" ")
        if kind in kinds:
            kinds[kind].add(name)
    return {kind: frozenset(names) for kind, names in kinds.items()}


_LISTED = _listed()
CLASSES, FUNCTIONS = _LISTED["class"], _LISTED["function"]
COMPUTING = _LISTED["computes"]
"""Functions of TensorFlow that the code of a layer may use; not what a configuration may name."""
OLD_NAMES = words(
    """LogLayer Highway MaxoutDense AtrousConvolution1D AtrousConvolution2D Deconvolution2D SeparableConvolution1D
    SeparableConvolution2D ThresholdedReLU TimeDistributedDense Merge Graph MergeLayer SReLU ParametricSoftplus
    Conv3D AffineCoupling PolicyV1 TensorFlowOpLayer TFOpLambda SlicingOpLambda ClassMethod InstanceMethod
    InstanceProperty SyncBatchNormalization CuDNNGRU CuDNNLSTM StackedRNNCells Wrapper Network Container ModelV2
    SparseTensor AutoCastVariable DistributedVariable CropToBoundingBox PadToBoundingBox ResizeLayer CompositeLoss
    LossScaleOptimizerV3 DynamicLossScale FixedLossScale FocalLoss TensorShape Sum AddV2"""
)
"""Classes that earlier versions had, and those its savers write for values that are no objects."""
OLD_FUNCTIONS = words(
    """linear hard_swish softmax_v2 relu_v2 gelu_v2 swish_v2 sigmoid_v2 tanh_v2 elu_v2 softsign_v2 softplus_v2
    glorot_uniform glorot_normal he_normal he_uniform lecun_normal lecun_uniform zeros ones zero one
    cosine_proximity cosine acc accuracy ce crossentropy binary_focal_crossentropy mean_squared_error logcosh
    categorical_hinge unit_norm max_norm nonneg non_neg min_max_norm maxnorm unitnorm l1 l2 l1l2 l1_l2 unit_norm
    orthogonal constant variance_scaling truncated_normal random_normal random_uniform uniform normal adam sgd
    rmsprop adagrad adadelta adamax nadam ftrl adamw adafactor lion sum concat mul ave dot cos max min
    top_k_categorical_accuracy crossentropy auc precision recall mse mae mape msle kld"""
)
"""Names by which earlier versions know a function."""
READS_A_MODEL = frozenset({"TFSMLayer"})
GADGETS = words(
    """get_file extract_archive enable_unsafe_deserialization disable_safe_mode load_model load_weights load_img
    load_data save_img save_model save_weights model_from_json model_from_yaml model_from_config load_audio
    deserialize deserialize_keras_object func_load func_dump plot_model model_to_dot set_backend
    image_dataset_from_directory text_dataset_from_directory audio_dataset_from_directory export_saved_model
    custom_object_scope register_keras_serializable _deserialize_keras_object"""
)
"""Functions of Keras that read, fetch or write files, load a model, or change how models are loaded."""
KERAS_ROOTS = frozenset({"keras", "tf_keras", "keras_core"})
_KERAS_INSIDE_TENSORFLOW = (
    "tensorflow.keras",
    "tensorflow.python.keras",
    "tensorflow_core.keras",
    "tensorflow_core.python.keras",
)
LIBRARIES = words(
    """keras_hub keras_nlp keras_cv keras_tuner keras_contrib keras_rs kerastuner kerascv tensorflow_addons
    tensorflow_hub tensorflow_text tensorflow_probability tensorflow_model_optimization
    tensorflow_decision_forests tensorflow_recommenders tensorflow_similarity tensorflow_lattice
    tensorflow_ranking tensorflow_gnn tf_agents official qkeras larq spektral tcn transformers autokeras
    segmentation_models efficientnet vit_keras classification_models keras_efficientnet_v2
    keras_cv_attention_models keras_unet_collection keras_bert bert4keras keras_self_attention
    keras_layer_normalization keras_multi_head keras_pos_embd keras_position_wise_feed_forward keras_transformer
    keras_embed_sim keras_radam keras_adamw keras_retinanet keras_resnet deepctr deepxde tfimm hls4ml innvestigate
    bayesflow kgcnn stellargraph mltk nobuco"""
)
LIBRARY_PACKAGES = words(
    """Addons keras_hub keras_nlp keras_cv keras_core Vision Text tensorflow_addons TensorFlowDecisionForests qkeras
    tensorflow_models official"""
)
"""The part before `>` in a registered name, where a library registers its own."""
_BUILTINS = words(
    """exec eval compile open input getattr setattr delattr globals locals vars breakpoint help __import__ memoryview
    type"""
)
_DATA_TYPES = words("bool int float str bytes list tuple dict set frozenset complex slice NoneType")
_NOT_OF_MODELS = words(
    """callbacks saving export utils config datasets trainers backend wrappers visualization applications api
    preprocessing"""
)
"""Parts of Keras whose classes do other things than compute; the few that a model names are listed by name."""


def is_keras(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in KERAS_ROOTS or module.startswith(_KERAS_INSIDE_TENSORFLOW)


def class_standing(module: str | None, name: str, registered: str | None) -> Standing:
    """Of the class a dict names; `module` is None as early versions write it."""
    short = name.rsplit(">", 1)[-1]
    if module is None or module == "" or is_keras(module):
        if short in GADGETS or any(part in GADGETS for part in (module or "").split(".")):
            return Standing.DANGEROUS
        # Without a module, the registered name is what is looked up first: of a class that shares Keras' own name, too.
        if not module and _package(registered) not in ("", "keras", *LIBRARY_PACKAGES):
            return Standing.CUSTOM
        # Keras registers its own later classes as `Custom>Adam`.
        if name in (short, f"Custom>{short}") and (
            short in CLASSES or short in OLD_NAMES or short.removesuffix("V1") in CLASSES
        ):
            return Standing.KERAS
        if name.partition(">")[0] in LIBRARY_PACKAGES or _package(registered) in LIBRARY_PACKAGES:
            return Standing.LIBRARY
        # Early versions write a function as a class name, too.
        if module is None and _is_function(name):
            return Standing.KERAS
        is_of_a_model = short[:1].isupper() and _NOT_OF_MODELS.isdisjoint((module or "").split("."))
        return Standing.CUSTOM if is_of_a_model or module is None else Standing.FOREIGN
    outside = _outside(module, name)
    return Standing.CUSTOM if outside is None else outside


def function_standing(module: str | None, name: str) -> Standing:
    """Of the function a dict names. Keras calls all that are not its own, and early versions' own, `builtins`."""
    if name in GADGETS:
        return Standing.DANGEROUS
    if module in (None, "", "builtins") or is_keras(module or ""):
        if module == "builtins" and name in _BUILTINS:
            return Standing.DANGEROUS
        if _is_function(name) or name in CLASSES:
            return Standing.KERAS
        # `package>name` is a key of what the loading program registered itself.
        is_elsewhere = is_keras(module or "") or ("." in name and ">" not in name)
        return Standing.FOREIGN if is_elsewhere else Standing.CUSTOM
    outside = _outside(module or "", name)
    return Standing.FOREIGN if outside is None and module != "__main__" else outside or Standing.CUSTOM


def is_of_the_system(module: str) -> bool:
    """A module that no layer comes from: of Python itself, or one that runs commands."""
    return module not in ("builtins", "__main__") and (
        is_standard_library(module) or pickle_standing(module, "x") is PickleStanding.DANGEROUS
    )


def _is_function(name: str) -> bool:
    return name in FUNCTIONS or name in OLD_FUNCTIONS


def _outside(module: str, name: str) -> Standing | None:
    """Of what is in no module of Keras; None for a module nobody knows."""
    if pickle_standing(module, name) is PickleStanding.DANGEROUS:
        return Standing.DANGEROUS
    root = module.split(".", maxsplit=1)[0]
    if root in LIBRARIES:
        return Standing.LIBRARY
    if module == "__main__":
        return Standing.CUSTOM
    if module == "builtins" and name in _BUILTINS | _DATA_TYPES:
        return Standing.KERAS if name in _DATA_TYPES else Standing.DANGEROUS
    if is_standard_library(module):
        return Standing.FOREIGN
    if root in ("tensorflow", "numpy", "torch", "jax", "ml_dtypes"):
        if reach_of(name) is not Reach.PLAIN:
            return Standing.DANGEROUS
        return Standing.CUSTOM if name in COMPUTING or _is_function(name) else Standing.FOREIGN
    return None


def _package(registered: str | None) -> str:
    return registered.partition(">")[0] if registered and ">" in registered else ""
