"""What is known of the names pickles bring in. Plain data: one place to add a name, with why in the heading.

Three tiers, by exact module and name. Harmless names have no effect outside the value they make, whatever their
arguments (sources: torch/_weights_only_unpickler.py of torch 2.13, numpy 2.4, CPython 3.11-3.14). Library classes are
data of a known library: loading needs that library, and it is not proven what all of them do. All else is unknown,
and unknown is not allowed. The list of dangerous names only makes the sentence clearer and the severity higher: a
name missing from it is still unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STORAGES = _names(
    """ByteStorage CharStorage ShortStorage IntStorage LongStorage HalfStorage FloatStorage DoubleStorage BoolStorage
    BFloat16Storage ComplexFloatStorage ComplexDoubleStorage QUInt8Storage QInt8Storage QInt32Storage QUInt4x2Storage
    QUInt2x4Storage UntypedStorage"""
)
_TENSORS = _names(
    """ByteTensor CharTensor ShortTensor IntTensor LongTensor HalfTensor FloatTensor DoubleTensor BoolTensor
    BFloat16Tensor"""
)
_DTYPES = _names(
    """bfloat16 float16 float32 float64 half float double float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz
    float8_e8m0fnu float4_e2m1fn_x2 complex32 complex64 complex128 int8 int16 int32 int64 short int long bool
    uint8 uint16 uint32 uint64 uint1 uint2 uint3 uint4 uint5 uint6 uint7 int1 int2 int3 int4 int5 int6 int7
    qint8 quint8 qint32 quint4x2 quint2x4 bits8 bits16 bits1x8 bits2x4 bits4x2"""
)

STORAGE_ITEM_BYTES: Mapping[str, int] = MappingProxyType(
    {
        "ByteStorage": 1,
        "CharStorage": 1,
        "BoolStorage": 1,
        "QUInt8Storage": 1,
        "QInt8Storage": 1,
        "QUInt4x2Storage": 1,
        "QUInt2x4Storage": 1,
        "UntypedStorage": 1,
        "ShortStorage": 2,
        "HalfStorage": 2,
        "BFloat16Storage": 2,
        "IntStorage": 4,
        "FloatStorage": 4,
        "QInt32Storage": 4,
        "LongStorage": 8,
        "DoubleStorage": 8,
        "ComplexFloatStorage": 8,
        "ComplexDoubleStorage": 16,
    }
)
"""Bytes of one element of each torch storage class."""

STORAGE_DTYPES: Mapping[str, str] = MappingProxyType(
    {
        "ByteStorage": "U8",
        "CharStorage": "I8",
        "BoolStorage": "BOOL",
        "ShortStorage": "I16",
        "HalfStorage": "F16",
        "BFloat16Storage": "BF16",
        "IntStorage": "I32",
        "FloatStorage": "F32",
        "LongStorage": "I64",
        "DoubleStorage": "F64",
        "ComplexFloatStorage": "C64",
        "ComplexDoubleStorage": "C128",
    }
)
"""The safetensors name of each storage's element type."""

STORAGE_MODULES = _names("torch torch.cuda torch.storage")

_NUMPY_SCALARS = _names(
    """bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64
    complex128 str_ bytes_ void datetime64 timedelta64 intc uintc longlong ulonglong generic number"""
)
_REBUILDERS = _names(
    """_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state
    _rebuild_qtensor _rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_meta_tensor_no_storage
    _rebuild_nested_tensor _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor"""
)

CALL, BUILD = "call", "build"
_CALLED = frozenset({CALL})
_BOTH = frozenset({CALL, BUILD})

HARMLESS: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        **{(module, name): _CALLED for module in ("torch", "torch.cuda", "torch.storage") for name in _STORAGES},
        ("torch.storage", "TypedStorage"): _BOTH,
        **{
            (module, name): _BOTH
            for module in ("torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse")
            for name in _TENSORS
        },
        **{("torch", name): frozenset() for name in _DTYPES},
        **{
            ("torch", name): frozenset()
            for name in _names(
                """per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric
                per_channel_affine_float_qparams strided sparse_coo sparse_csr contiguous_format channels_last"""
            )
        },
        **{("torch._utils", name): _BOTH for name in _REBUILDERS},
        ("torch", "Size"): _CALLED,
        ("torch", "device"): _CALLED,
        ("torch", "Tensor"): _BOTH,
        ("torch", "Generator"): _BOTH,
        ("torch.nn.parameter", "Parameter"): _BOTH,
        ("torch.nn.parameter", "Buffer"): _BOTH,
        ("torch.serialization", "_get_layout"): _CALLED,
        **{
            (module, "_reconstruct"): _BOTH
            for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core._multiarray_umath")
        },
        **{(module, "scalar"): _CALLED for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
        **{(module, "_frombuffer"): _BOTH for module in ("numpy.core.numeric", "numpy._core.numeric")},
        **{("numpy", name): _CALLED for name in _NUMPY_SCALARS},
        ("numpy", "dtype"): _BOTH,
        ("numpy", "ndarray"): _BOTH,
        **{
            ("numpy.dtypes", f"{name}DType"): _BOTH
            for name in _names(
                "Bool Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float16 Float32 Float64 Complex64 Complex128"
            )
        },
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): _BOTH,
        ("numpy.random.bit_generator", "SeedSequence"): _BOTH,
        ("numpy.random._pickle", "__randomstate_ctor"): _BOTH,
        ("numpy.random._pickle", "__generator_ctor"): _BOTH,
        ("numpy.random._pickle", "__bit_generator_ctor"): _BOTH,
        ("numpy.random._mt19937", "MT19937"): _BOTH,
        ("numpy.random._pcg64", "PCG64"): _BOTH,
        **{(module, "OrderedDict"): _BOTH for module in ("collections", "typing")},
        ("collections", "Counter"): _BOTH,
        ("collections", "deque"): _BOTH,
        ("collections", "defaultdict"): _BOTH,
        **{
            ("builtins", name): _CALLED
            for name in _names("set frozenset bytearray bytes complex slice range int float bool str list dict tuple")
        },
        ("builtins", "object"): _BOTH,
        ("builtins", "NoneType"): frozenset(),
        ("builtins", "Ellipsis"): frozenset(),
        ("builtins", "NotImplemented"): frozenset(),
        ("types", "NoneType"): frozenset(),
        **{("datetime", name): _CALLED for name in _names("datetime date time timedelta timezone")},
        ("decimal", "Decimal"): _CALLED,
        ("fractions", "Fraction"): _CALLED,
        ("uuid", "UUID"): _BOTH,
        ("pathlib", "PosixPath"): _CALLED,
        ("pathlib", "WindowsPath"): _CALLED,
        ("pathlib", "PurePosixPath"): _CALLED,
        ("pathlib", "Path"): _CALLED,
        ("pathlib._local", "PosixPath"): _CALLED,
        ("types", "SimpleNamespace"): _BOTH,
        ("argparse", "Namespace"): _BOTH,
        ("_codecs", "encode"): _CALLED,
        ("copyreg", "_reconstructor"): _BOTH,
        ("functools", "partial"): _BOTH,
        ("torch._tensor", "_rebuild_from_type_v2"): _BOTH,
        ("torch._utils", "_rebuild_wrapper_subclass"): _BOTH,
        ("torch.storage", "_load_from_bytes"): _CALLED,
    }
)
"""Name to what may be done with it beyond naming it. Those of them that call their arguments are in CALLS_ARGUMENTS."""

CALLS_ARGUMENTS: Mapping[tuple[str, str], tuple[int, ...]] = MappingProxyType(
    {
        ("copyreg", "_reconstructor"): (0, 1),
        ("functools", "partial"): (0,),
        ("collections", "defaultdict"): (0,),
        ("torch._tensor", "_rebuild_from_type_v2"): (0,),
        ("torch._utils", "_rebuild_wrapper_subclass"): (0,),
        ("numpy.core.multiarray", "_reconstruct"): (0,),
        ("numpy._core.multiarray", "_reconstruct"): (0,),
        ("numpy.random._pickle", "__randomstate_ctor"): (1,),
        ("numpy.random._pickle", "__generator_ctor"): (1,),
        ("numpy.random._pickle", "__bit_generator_ctor"): (0,),
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): (0,),
    }
)
"""Positions of the arguments that are called, or made, in their turn; they are judged as if the pickle did it."""

LOADS_BYTES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("torch.storage", "_load_from_bytes"): "storage.pt",
        ("pickle", "loads"): "nested.pkl",
        ("_pickle", "loads"): "nested.pkl",
        ("torch", "load"): "nested.pt",
        ("joblib", "load"): "nested.joblib",
        ("marshal", "loads"): "nested.bin",
    }
)
"""Functions whose first argument is a file in itself, judged as one; with the name it is judged under."""

FOLLOWED: frozenset[tuple[str, str]] = frozenset(LOADS_BYTES) | {
    ("copyreg", "_reconstructor"),
    ("functools", "partial"),
    ("torch._tensor", "_rebuild_from_type_v2"),
}
"""Harmless only when their arguments are seen: never to be handed to another as a callable."""

_CLASS = re.compile(r"_?_?[A-Z][A-Za-z0-9_]*\Z")

LIBRARIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "scikit-learn": ("sklearn",),
        "imbalanced-learn": ("imblearn",),
        "scipy": ("scipy.sparse", "scipy.stats", "scipy.interpolate", "scipy.spatial"),
        "xgboost": ("xgboost.core", "xgboost.sklearn", "xgboost.compat"),
        "lightgbm": ("lightgbm.basic", "lightgbm.sklearn", "lightgbm.compat"),
        "catboost": ("catboost.core",),
        "pandas": ("pandas.core", "pandas._libs", "pandas.arrays"),
        "transformers": (
            "transformers.training_args",
            "transformers.training_args_seq2seq",
            "transformers.trainer_utils",
            "transformers.trainer_pt_utils",
            "transformers.debug_utils",
            "transformers.integrations.deepspeed",
            "transformers.deepspeed",
            "transformers.models",
            "transformers.configuration_utils",
            "transformers.generation.configuration_utils",
            "transformers.tokenization_utils_base",
            "transformers.activations",
        ),
        "accelerate": ("accelerate.state", "accelerate.utils.dataclasses", "accelerate.utils.deepspeed"),
        "trl": ("trl.trainer",),
        "peft": ("peft.peft_model", "peft.tuners", "peft.utils"),
        "sentence-transformers": ("sentence_transformers.training_args", "sentence_transformers.models"),
        "torch": ("torch.nn.modules", "torch.optim", "torch.distributions"),
        "torchvision": ("torchvision.models", "torchvision.ops", "torchvision.transforms"),
        "ultralytics": ("ultralytics.nn", "ultralytics.utils", "ultralytics.yolo"),
        "pytorch-lightning": ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric"),
        "fairseq": ("fairseq.data", "fairseq.dataclass"),
        "omegaconf": ("omegaconf",),
        "easydict": ("easydict",),
        "tokenizers": ("tokenizers",),
        "joblib": ("joblib.numpy_pickle",),
        "numpy": ("numpy.ma", "numpy.random"),
        "spacy": ("spacy.vocab", "spacy.tokens"),
        "gensim": ("gensim.models", "gensim.corpora"),
        "nltk": ("nltk.tokenize", "nltk.tag", "nltk.probability"),
        "statsmodels": ("statsmodels",),
    }
)
"""Library to the modules its data classes live in. Only class-like names count, and they stay a warning."""

LIBRARY_FUNCTIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("sklearn.metrics._dist_metrics", "newObj"): "scikit-learn",
        ("sklearn.neighbors._kd_tree", "newObj"): "scikit-learn",
        ("sklearn.neighbors._ball_tree", "newObj"): "scikit-learn",
        ("sklearn.tree._tree", "Tree"): "scikit-learn",
        ("sklearn._loss.link", "identity"): "scikit-learn",
        ("pandas.core.internals.blocks", "new_block"): "pandas",
        ("pandas._libs.internals", "_unpickle_block"): "pandas",
        ("pandas.core.indexes.base", "_new_Index"): "pandas",
        ("pandas.core.arrays.datetimelike", "_datetimelike_array"): "pandas",
        ("numpy.ma.core", "_mareconstruct"): "numpy",
        ("omegaconf.base", "Metadata"): "omegaconf",
        ("typing", "Any"): "typing",
        ("typing", "Union"): "typing",
        ("typing", "Optional"): "typing",
    }
)
"""Functions of libraries that ordinary pickles of theirs call."""

NEVER_A_DATA_CLASS: frozenset[tuple[str, str]] = frozenset(
    {
        ("sklearn.utils._joblib", "Parallel"),
        ("joblib.numpy_pickle", "NumpyUnpickler"),
        ("joblib.numpy_pickle", "BinaryZlibFile"),
    }
)


def library_of(module: str, name: str) -> str | None:
    """The known library this class or function belongs to."""
    listed = LIBRARY_FUNCTIONS.get((module, name))
    if listed is not None:
        return listed
    if (module, name) in NEVER_A_DATA_CLASS or not _CLASS.match(name):
        return None
    for library, modules in LIBRARIES.items():
        if any(module == prefix or module.startswith(prefix + ".") for prefix in modules):
            return library
    return None


DANGEROUS_MODULES: frozenset[str] = _names(
    """os posix nt subprocess pty commands popen2 platform sys socket ssl select asyncio multiprocessing threading
    _thread signal ctypes _ctypes cffi importlib _frozen_importlib imp pkgutil zipimport runpy code codeop bdb pdb
    cProfile profile trace timeit doctest unittest shutil tempfile fileinput glob pickle _pickle cPickle dill
    cloudpickle marshal shelve dbm sqlite3 http httplib urllib urllib2 urllib3 requests aiohttp httpx ftplib smtplib
    poplib imaplib nntplib telnetlib xmlrpc socketserver webbrowser antigravity pip ensurepip venv setuptools distutils
    pkg_resources site sitecustomize idlelib lib2to3 pydoc inspect gc weakref atexit builtins __builtin__ types operator
    functools itertools linecache logging.config readline rlcompleter test ast compileall py_compile concurrent queue
    _xxsubinterpreters _interpreters _posixsubprocess _osx_support _aix_support uuid turtle tkinter cgi cgitb
    torch.hub torch.utils.cpp_extension torch.utils.bottleneck torch.utils.collect_env torch.utils._config_module
    torch.utils.data.datapipes torch.jit torch.package torch.serialization torch._inductor torch._dynamo torch.fx
    torch.distributed torch.multiprocessing torch.onnx torch.testing numpy.testing numpy.f2py numpy.distutils
    numpy.ctypeslib numpy.lib.npyio numpy.compat numpy.core._multiarray_tests pandas.io pandas.eval joblib.memory
    joblib.parallel sklearn.utils._testing tensorflow.io keras.utils IPython jupyter fabric paramiko winreg msvcrt
    _winapi _bootlocale mailcap crypt resource faulthandler curses"""
)
"""Modules of which some name runs commands, imports code, reads or writes files, or reaches out."""

DANGEROUS_NAMES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "builtins": _names(
            """eval exec execfile compile open getattr setattr delattr __import__ globals locals vars breakpoint input
            apply map filter type super property staticmethod classmethod help memoryview iter next sorted min max"""
        ),
        "operator": _names("attrgetter itemgetter methodcaller call"),
        "functools": _names("reduce singledispatch cached_property partialmethod lru_cache cache"),
        "itertools": _names("starmap accumulate groupby takewhile dropwhile filterfalse"),
        "types": _names("CodeType FunctionType LambdaType MethodType ModuleType new_class resolve_bases coroutine"),
        "collections": _names("UserDict"),
        "numpy": _names("load fromfile loadtxt genfromtxt savetxt save memmap DataSource"),
        "torch": _names("load compile save"),
        "joblib": _names("load dump Parallel"),
        "pandas": _names("read_pickle eval read_csv read_json"),
    }
)
"""Dangerous names of modules that also have harmless ones."""


def is_dangerous(module: str, name: str) -> bool:
    """Whether `module.name` is known to run commands or code, or to reach files or the network.

    A dotted name (`posixpath` with `os.system`) walks through attributes: every step of the walk counts.
    """
    parts = name.split(".")
    if any(part.startswith("__") and part.endswith("__") for part in parts[1:]):
        return True
    if any(part in DANGEROUS_MODULES for part in parts[:-1]):
        return True
    some = DANGEROUS_NAMES.get(module)
    if some is not None:
        return parts[0] in some or parts[-1] in some
    steps = module.split(".")
    return any(".".join(steps[:depth]) in DANGEROUS_MODULES for depth in range(1, len(steps) + 1))
