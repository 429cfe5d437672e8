"""Lambda layers: Python functions that a model file brings along, judged by the names their code uses."""

from __future__ import annotations

from enum import Enum
from typing import Any

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.keras.bytecode import BrokenCode, Code, decode, read_code
from scanners.formats.keras.names import COMPUTING, FUNCTIONS, GADGETS
from scanners.formats.pickle.known.dangerous import MODULES, NAMES
from scanners.formats.shared.words import words
from scanners.formats.tensorflow.symbols import Reach, reach_of

MOST_SHOWN = 20
_WORDS = words(
    """tf tensorflow K keras backend ops math nn np numpy jnp jax layers activations image linalg self x y z a b c
    inputs input len range int float bool str list tuple dict zip enumerate abs min max sum round sorted reversed
    map all any isinstance super shape dtype ndim size T real imag batch_dot batch_flatten batch_get_value
    bias_add cast cast_to_floatx clip categorical_crossentropy concatenate constant conv1d conv2d conv3d cumprod
    cumsum ctc_batch_cost depthwise_conv2d dot dropout elu epsilon equal eval_in expand_dims eye flatten floatx
    foldl foldr gather get_shape as_list greater greater_equal hard_sigmoid identity image_data_format in_top_k
    int_shape is_sparse l2_normalize l2_norm learning_phase less less_equal local_conv1d logsumexp map_fn maximum
    mean minimum moving_average_update not_equal ones ones_like one_hot permute_dimensions placeholder pool2d
    pool3d pow prod random_bernoulli random_binomial random_normal random_uniform relu repeat repeat_elements
    reset_uids reshape resize resize_bilinear resize_images resize_nearest_neighbor resize_volumes reverse rnn
    separable_conv2d set_shape sigmoid sign sin softmax softplus softsign sparse_categorical_crossentropy
    spatial_2d_padding spatial_3d_padding sqrt square squeeze stack std stop_gradient sum switch tanh
    temporal_padding tile to_dense transpose truncated_normal unstack update update_add update_sub var variable
    zeros zeros_like reduce_sum reduce_mean reduce_max reduce_min reduce_prod reduce_any reduce_all reduce_std
    reduce_variance reduce_logsumexp argmax argmin convert_to_tensor float16 float32 float64 int8 int16 int32
    int64 uint8 bfloat16 string boolean_mask where cond while_loop scan unique tensordot matmul einsum norm
    normalize top_k pad slice strided_slice split concat gather_nd scatter_nd sequence_mask broadcast_to range
    linspace fill meshgrid add subtract multiply divide truediv floordiv mod negative exp log log1p expm1 cos tan
    floor ceil rsqrt erf complex angle fft ifft rfft irfft stft inverse_stft signal frame hann_window
    adjust_brightness adjust_contrast per_image_standardization rgb_to_grayscale grayscale_to_rgb central_crop
    crop_and_resize crop_to_bounding_box flip_left_right flip_up_down rot90 extract_patches depth_to_space
    space_to_depth max_pool avg_pool conv2d_transpose leaky_relu gelu swish silu selu relu6 log_softmax moments
    batch_normalization l2_loss sparse to_sparse ragged strings lower regex_replace length axis keepdims name
    astype copy ravel append extend items keys values get ndarray array asarray newaxis pi e inf nan applications
    preprocess_input vgg16 resnet50 inception_v3 mobilenet utils to_categorical compat v1 v2 random uniform normal
    shuffle SparseTensor Tensor RaggedTensor TensorShape experimental numpy_utils dtypes as_dtype is_nan is_finite
    is_inf"""
)
"""Names that functions of layers ordinarily use: they compute with tensors."""
_DANGEROUS = words(
    """os sys subprocess system popen Popen run call check_output check_call spawn exec eval execfile compile open
    __import__ import_module builtins __builtins__ globals locals vars getattr setattr delattr __dict__ __class__
    __subclasses__ __globals__ __mro__ __base__ __bases__ __getattribute__ __reduce__ __code__ socket connect
    urllib urlopen urlretrieve request requests http httplib ftplib smtplib paramiko ctypes CDLL cffi pty platform
    shutil rmtree remove unlink environ getenv putenv base64 b64decode codecs marshal pickle dill cloudpickle
    loads importlib runpy code pdb input breakpoint write_text write_bytes read_text read_bytes Path pathlib
    tempfile threading multiprocessing signal kill fork execv execve startfile webbrowser asyncio fileinput glob
    types FunctionType CodeType exit quit"""
)


_HARMLESS = _WORDS | FUNCTIONS | COMPUTING


class Weight(Enum):
    """Of what a function does, by the names it uses."""

    COMPUTES = "computes with tensors"
    UNKNOWN = "uses names that are not of tensors"
    DANGEROUS = "reaches for the system"


def codes_of(config: Any) -> dict[str, str]:
    """Marshalled functions in the configuration of a Lambda layer, as text, by the setting they stand in.

    A list of code, defaults and closure; the `__lambda__` of the last versions is an object of its own.
    """
    found: dict[str, str] = {}
    for key in ("function", "output_shape", "mask"):
        value = config.get(key) if isinstance(config, dict) else None
        if isinstance(value, dict) and value.get("class_name") == "__tuple__":
            value = value.get("items")
        if isinstance(value, list) and value and isinstance(value[0], str):
            found[key] = value[0]
    return found


def says_its_function(config: Any) -> bool:
    """Whether a Lambda's function is an object or a name, which are judged where they stand."""
    function = config.get("function") if isinstance(config, dict) else None
    return isinstance(function, str) or (isinstance(function, dict) and "class_name" in function)


def judge_code(text: str, case: Case, where: str) -> None:
    data = decode(text)
    case.meter.spend_unpacked(len(data))
    evidence: dict[str, Any] = {"where": where[:200], "bytes": len(data)}
    try:
        code = read_code(data)
    except BrokenCode as reason:
        case.add(
            "keras-lambda",
            Severity.HIGH,
            f"A Lambda layer at {where[:80]} brings bytecode that cannot be read ({reason}): loading it without the "
            "safe mode runs it.",
            evidence=evidence,
        )
        return
    evidence["names"] = sorted(name[:60] for name in code.names)[:MOST_SHOWN]
    weight, culprits = weigh(code)
    if weight is Weight.DANGEROUS:
        evidence["texts"] = sorted(shown for text in code.texts if (shown := text[:120]))[:MOST_SHOWN]
        case.add(
            "keras-lambda",
            Severity.CRITICAL,
            f"A Lambda layer brings Python code that uses {', '.join(culprits[:5])[:100]}: it runs when the model is "
            "loaded or used.",
            evidence=evidence,
        )
    elif weight is Weight.UNKNOWN:
        case.add(
            "keras-lambda",
            Severity.HIGH,
            "A Lambda layer brings Python code that uses names no layer needs"
            f" ({', '.join(culprits[:5])[:100]}): it runs when the model is used.",
            confidence=Confidence.LIKELY,
            evidence=evidence,
        )
    else:
        case.add(
            "keras-lambda",
            Severity.MEDIUM,
            "A Lambda layer brings Python code as bytecode; by its names it only computes with tensors.",
            confidence=Confidence.LIKELY,
            evidence=evidence,
        )


def weigh(code: Code) -> tuple[Weight, list[str]]:
    """With the names that decide it."""
    dangerous = sorted(name for name in code.names if _is_dangerous(name))
    if dangerous:
        return Weight.DANGEROUS, dangerous
    unknown = sorted(name for name in code.names if name not in _HARMLESS)
    return (Weight.UNKNOWN, unknown) if unknown else (Weight.COMPUTES, [])


def _is_dangerous(name: str) -> bool:
    root = name.split(".", maxsplit=1)[0]
    return (
        name in _DANGEROUS
        or root in _DANGEROUS
        or (root in MODULES and root not in _WORDS)
        or (root in NAMES and root not in _WORDS)
        or name in GADGETS
        or (reach_of(name) is not Reach.PLAIN and name not in _WORDS and name != "print")
    )
