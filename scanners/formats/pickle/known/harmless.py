"""Names without an effect outside the value they make, and what pickles may do with each.

Sources: torch/_weights_only_unpickler.py of torch 2.13, numpy 2.4, CPython 3.11 to 3.14.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from types import MappingProxyType

from scanners.formats.pickle.known import names
from scanners.formats.pickle.known.torch_types import (
    DISTRIBUTED,
    DTYPES,
    LAYOUTS,
    REBUILDERS,
    STORAGE_ITEM_BYTES,
    STORAGE_MODULES,
    TENSORS,
    TORCHSCRIPT,
)

CALL, BUILD, FILL = "call", "build", "fill"
"""Called or made; given a state; given items."""
_CALLED = frozenset({CALL})
_BUILT = frozenset({CALL, BUILD})
_FILLED = frozenset({CALL, BUILD, FILL})
_NAMED: frozenset[str] = frozenset()

_NUMPY_SCALARS = names(
    """bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64
    complex128 clongdouble str_ bytes_ void datetime64 timedelta64 intc uintc longlong ulonglong generic number
    float_ complex_ str object_ object float int"""
)
_NUMPY_DTYPES = names(
    """BoolDType Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType UInt32DType UInt64DType
    Float16DType Float32DType Float64DType LongDoubleDType Complex64DType Complex128DType CLongDoubleDType
    ObjectDType StrDType BytesDType VoidDType DateTime64DType TimeDelta64DType StringDType ByteDType UByteDType
    ShortDType UShortDType IntDType UIntDType LongDType ULongDType LongLongDType ULongLongDType"""
)
_BIT_GENERATORS = {"_mt19937": "MT19937", "_pcg64": "PCG64", "_philox": "Philox", "_sfc64": "SFC64"}
_ACTIVATIONS = names("gelu silu relu6 hardtanh leaky_relu elu softplus mish hardswish hardsigmoid log_sigmoid glu")
_UFUNCS = names(
    """log log1p log2 log10 exp expm1 exp2 sqrt cbrt square abs absolute fabs sign negative reciprocal sin cos tan
    arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh add subtract multiply divide true_divide power maximum
    minimum mean median std var sum prod min max amin amax argmin argmax cumsum mod floor ceil rint round around clip
    isnan isfinite nan_to_num ravel reshape asarray array ones zeros empty average percentile quantile ptp nanmean
    nanmedian nansum nanstd nanmin nanmax unique concatenate stack hstack vstack dot matmul logical_not identity"""
)
_PURE_FUNCTIONS = names("hash len abs min max sum round sorted any all isinstance callable repr ord chr divmod pow id")
_ADDRESSES = ("Address", "Network", "Interface")
_TYPE_NAMES = names(
    """Any Union Optional List Dict Tuple Set FrozenSet Callable Literal Sequence Mapping MutableMapping Iterable
    Iterator Type ClassVar Final Generic Annotated DefaultDict Deque Hashable Sized Collection Text AnyStr NoReturn"""
)
_EXCEPTIONS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
) | {"StandardError"}


def _torch() -> dict[tuple[str, str], frozenset[str]]:
    return {
        **{(module, name): _CALLED for module in STORAGE_MODULES for name in STORAGE_ITEM_BYTES},
        ("torch.storage", "TypedStorage"): _BUILT,
        **{
            (module, name): _BUILT
            for module in ("torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse")
            for name in TENSORS
        },
        **{("torch", name): _NAMED for name in DTYPES | LAYOUTS},
        **{("torch._utils", name): _BUILT for name in REBUILDERS},
        **{("torch.jit._pickle", name): _CALLED for name in TORCHSCRIPT},
        **{("torch._C._nn", name): _NAMED for name in _ACTIVATIONS},
        **{(module, name): _BUILT for module, listed in DISTRIBUTED.items() for name in names(listed)},
        ("torch", "Size"): _CALLED,
        ("torch", "device"): _CALLED,
        ("torch", "Tensor"): _BUILT,
        ("torch", "Generator"): _BUILT,
        ("torch._tensor", "Tensor"): _BUILT,
        ("torch.nn.parameter", "Parameter"): _BUILT,
        ("torch.nn.parameter", "Buffer"): _BUILT,
        ("torch.serialization", "_get_layout"): _CALLED,
        ("torch._tensor", "_rebuild_from_type_v2"): _BUILT,
        ("torch._utils", "_rebuild_wrapper_subclass"): _BUILT,
        ("torch.storage", "_load_from_bytes"): _CALLED,
    }


def _numpy() -> dict[tuple[str, str], frozenset[str]]:
    cores = ("numpy.core", "numpy._core")
    return {
        **{
            (f"{core}.{module}", "_reconstruct"): _BUILT
            for core in cores
            for module in ("multiarray", "_multiarray_umath")
        },
        **{(f"{core}.multiarray", "scalar"): _CALLED for core in cores},
        **{(f"{core}.numeric", "_frombuffer"): _BUILT for core in cores},
        **{("numpy", name): _CALLED for name in _NUMPY_SCALARS},
        **{("numpy", name): _NAMED for name in _UFUNCS},
        ("numpy.core", "_ufunc_reconstruct"): _CALLED,
        ("numpy._core", "_ufunc_reconstruct"): _CALLED,
        ("numpy", "dtype"): _BUILT,
        ("numpy", "ndarray"): _BUILT,
        ("numpy", "vectorize"): _BUILT,
        **{("numpy.dtypes", name): _BUILT for name in _NUMPY_DTYPES},
        ("numpy._core._internal", "_convert_to_stringdtype_kwargs"): _CALLED,
        # What joblib writes in the place of an array; its attributes are checked where its bytes are passed over.
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): _BUILT,
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): _BUILT,
        ("numpy.random.bit_generator", "SeedSequence"): _BUILT,
        ("numpy.random", "__RandomState_ctor"): _BUILT,
        ("numpy.random.mtrand", "__RandomState_ctor"): _BUILT,
        ("numpy.random._pickle", "__randomstate_ctor"): _BUILT,
        ("numpy.random._pickle", "__generator_ctor"): _BUILT,
        ("numpy.random._pickle", "__bit_generator_ctor"): _BUILT,
        **{(f"numpy.random.{module}", name): _BUILT for module, name in _BIT_GENERATORS.items()},
    }


def _python() -> dict[tuple[str, str], frozenset[str]]:
    return {
        **{(module, "OrderedDict"): _FILLED for module in ("collections", "typing")},
        **{("collections", name): _FILLED for name in names("Counter deque defaultdict ChainMap UserList UserDict")},
        **{
            ("builtins", name): _CALLED
            for name in names("bytearray bytes complex slice range int float bool str tuple frozenset")
        },
        **{("builtins", name): _FILLED for name in names("list dict set")},
        **{("builtins", name): _BUILT for name in _EXCEPTIONS},
        ("builtins", "object"): _BUILT,
        **{("builtins", name): _NAMED for name in _PURE_FUNCTIONS},
        **{("builtins", name): _NAMED for name in names("NoneType Ellipsis NotImplemented type memoryview")},
        **{("types", name): _NAMED for name in names("NoneType EllipsisType NotImplementedType")},
        ("types", "SimpleNamespace"): _BUILT,
        ("types", "MappingProxyType"): _CALLED,
        ("types", "GenericAlias"): _CALLED,
        **{("typing", name): _NAMED for name in _TYPE_NAMES},
        ("operator", "or_"): _NAMED,
        **{("datetime", name): _CALLED for name in names("datetime date time timedelta timezone")},
        ("zoneinfo", "ZoneInfo._unpickle"): _CALLED,
        ("zoneinfo", "ZoneInfo"): _CALLED,
        ("decimal", "Decimal"): _CALLED,
        ("fractions", "Fraction"): _CALLED,
        ("uuid", "UUID"): _BUILT,
        ("uuid", "SafeUUID"): _CALLED,
        **{("ipaddress", f"IPv{version}{kind}"): _CALLED for version in (4, 6) for kind in _ADDRESSES},
        ("array", "array"): _BUILT,
        ("array", "_array_reconstructor"): _BUILT,
        ("re", "_compile"): _CALLED,
        ("re", "RegexFlag"): _CALLED,
        ("random", "Random"): _BUILT,
        ("string", "Template"): _BUILT,
        **{
            (module, name): _CALLED
            for module in ("pathlib", "pathlib._local")
            for name in names("PosixPath WindowsPath PurePosixPath PureWindowsPath Path PurePath")
        },
        **{(module, name): _BUILT for module in ("io", "_io") for name in ("BytesIO", "StringIO")},
        ("argparse", "Namespace"): _BUILT,
        ("logging", "getLogger"): _CALLED,
        ("_codecs", "encode"): _CALLED,
        ("copyreg", "_reconstructor"): _FILLED,
        ("copyreg", "__newobj__"): _FILLED,
        ("copyreg", "__newobj_ex__"): _FILLED,
        ("functools", "partial"): _BUILT,
    }


HARMLESS: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType({**_torch(), **_numpy(), **_python()})
"""Name to what may be done with it beyond naming it. Those of them that call their arguments are in `calls`."""
