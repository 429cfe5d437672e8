"""Names that call or load what they are handed: harmless or not, their arguments are judged as if the pickle did it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CALLS_ARGUMENTS: Mapping[tuple[str, str], tuple[int, ...]] = MappingProxyType(
    {
        ("copyreg", "_reconstructor"): (0, 1),
        ("copyreg", "__newobj__"): (0,),
        ("copyreg", "__newobj_ex__"): (0,),
        ("functools", "partial"): (0,),
        ("functools", "reduce"): (0,),
        ("functools", "partialmethod"): (0,),
        ("builtins", "map"): (0,),
        ("builtins", "filter"): (0,),
        ("builtins", "apply"): (0,),
        ("builtins", "iter"): (0,),
        ("itertools", "starmap"): (0,),
        ("itertools", "filterfalse"): (0,),
        ("itertools", "takewhile"): (0,),
        ("itertools", "dropwhile"): (0,),
        ("operator", "call"): (0,),
        ("threading", "Thread"): (1,),
        ("_thread", "start_new_thread"): (0,),
        ("atexit", "register"): (0,),
        ("weakref", "finalize"): (1,),
        ("collections", "defaultdict"): (0,),
        ("torch._tensor", "_rebuild_from_type_v2"): (0,),
        ("torch._utils", "_rebuild_wrapper_subclass"): (0,),
        ("numpy.core.multiarray", "_reconstruct"): (0,),
        ("numpy._core.multiarray", "_reconstruct"): (0,),
        ("numpy.core._multiarray_umath", "_reconstruct"): (0,),
        ("numpy._core._multiarray_umath", "_reconstruct"): (0,),
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
        ("pickle", "_loads"): "nested.pkl",
        ("_pickle", "loads"): "nested.pkl",
        ("dill", "loads"): "nested.pkl",
        ("dill._dill", "loads"): "nested.pkl",
        ("cloudpickle", "loads"): "nested.pkl",
        ("pandas.compat.pickle_compat", "loads"): "nested.pkl",
        ("torch", "load"): "nested.pt",
        ("torch.serialization", "load"): "nested.pt",
        ("joblib", "load"): "nested.joblib",
        ("marshal", "loads"): "nested.bin",
    }
)
"""Functions whose first argument is a file in itself, judged as one; with the name it is judged under."""

FOLLOWED: frozenset[tuple[str, str]] = frozenset(LOADS_BYTES) | {
    ("copyreg", "_reconstructor"),
    ("copyreg", "__newobj__"),
    ("copyreg", "__newobj_ex__"),
    ("functools", "partial"),
    ("torch._tensor", "_rebuild_from_type_v2"),
    ("torch._utils", "_rebuild_wrapper_subclass"),
}
"""Harmless only when their arguments are seen: never to be handed to another as a callable."""
