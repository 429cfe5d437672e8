"""Constants that code hides behind harmless calls: `"".join(...)`, `b64decode("...")`, `chr(111)`. Pure and bounded."""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import io
import lzma
import operator
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

LONGEST = 1024 * 1024
"""Weight of one folded value: characters and bytes, and 16 for each item."""
LARGEST_NUMBER_BITS = 4096

_SCALARS = (int, float, bool, type(None))


class NotFoldable(Exception):
    """The value cannot be told, or is too large to be worth it."""


def weight(value: Any) -> int:
    """What a value weighs, its items included; raises NotFoldable when it is more than one may."""
    total, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (str, bytes, bytearray)):
            total += 16 + len(item)
        elif isinstance(item, range):
            total += 16 * len(item)
        elif isinstance(item, (list, tuple, set, frozenset)):
            total += 16 * len(item)
            if total <= LONGEST:
                waiting.extend(item)
        elif isinstance(item, dict):
            total += 32 * len(item)
            if total <= LONGEST:
                waiting.extend(item)
                waiting.extend(item.values())
        elif isinstance(item, _SCALARS) and not (isinstance(item, int) and item.bit_length() > LARGEST_NUMBER_BITS):
            total += 1
        else:
            raise NotFoldable
        if total > LONGEST:
            raise NotFoldable
    return total


def checked(value: Any) -> Any:
    """The value if it is plain and small enough."""
    weight(value)
    return value


def _unpacker(open_file: Callable[[io.BytesIO], Any]) -> Callable[..., bytes]:
    def unpack(data: bytes, *_: Any) -> bytes:
        return bytes(open_file(io.BytesIO(data)).read(LONGEST))

    return unpack


def _inflate(data: bytes, bits: int = zlib.MAX_WBITS, *_: Any) -> bytes:
    return zlib.decompressobj(bits).decompress(data, LONGEST)


_SAFE_CODECS = frozenset(
    {
        "utf8", "utf16", "utf16le", "utf16be", "utf32", "utf7", "ascii", "usascii", "latin1", "iso88591", "cp1252",
        "rot13", "hex", "hexcodec", "base64", "base64codec", "unicodeescape", "rawunicodeescape", "utf8sig", "cp437",
    }
)  # fmt: skip


def _codec(name: Any) -> str:
    key = str(name).lower().replace("-", "").replace("_", "").replace(" ", "")
    if key in ("zlib", "zlibcodec", "zip"):
        return "zlib"
    if key not in _SAFE_CODECS:
        raise NotFoldable
    return str(name)


def _decode(data: Any, encoding: Any = "utf-8", *_: Any) -> Any:
    name = _codec(encoding)
    if name == "zlib":
        return _inflate(bytes(data))
    return codecs.decode(data, name, "replace" if "utf" in name.lower() else "strict")


def _encode(data: Any, encoding: Any = "utf-8", *_: Any) -> Any:
    name = _codec(encoding)
    if name == "zlib":
        raise NotFoldable
    return codecs.encode(data, name)


def _join_path(*parts: str) -> str:
    return "/".join(part.rstrip("/") if index < len(parts) - 1 else part for index, part in enumerate(parts))


def _range(*numbers: int) -> range:
    found = range(*numbers)
    if len(found) > LONGEST:
        raise NotFoldable
    return found


def _bytes(value: Any = b"", *encoding: Any) -> bytes:
    if isinstance(value, int) or encoding:
        if isinstance(value, str):
            return bytes(_encode(value, *encoding))
        if int(value) > LONGEST:
            raise NotFoldable
    return bytes(value)


def _str(value: Any = "", *encoding: Any) -> str:
    return str(_decode(value, *encoding)) if encoding else str(value)


def _split_whole(value: str) -> str:
    return value


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "base64.b64decode": lambda data, *_: base64.b64decode(data),
        "base64.standard_b64decode": base64.standard_b64decode,
        "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
        "base64.decodebytes": base64.decodebytes,
        "base64.b32decode": lambda data, *_: base64.b32decode(data),
        "base64.b16decode": lambda data, *_: base64.b16decode(data, casefold=True),
        "base64.b85decode": base64.b85decode,
        "base64.a85decode": lambda data, *_: base64.a85decode(data),
        "binascii.unhexlify": binascii.unhexlify,
        "binascii.a2b_hex": binascii.a2b_hex,
        "binascii.a2b_base64": lambda data, *_: binascii.a2b_base64(data),
        "bytes.fromhex": bytes.fromhex,
        "bytearray.fromhex": bytes.fromhex,
        "codecs.decode": _decode,
        "codecs.encode": _encode,
        "zlib.decompress": _inflate,
        "gzip.decompress": _unpacker(lambda file: gzip.GzipFile(fileobj=file)),
        "bz2.decompress": _unpacker(bz2.BZ2File),
        "lzma.decompress": _unpacker(lzma.LZMAFile),
        "chr": chr,
        "ord": ord,
        "int": int,
        "str": _str,
        "bytes": _bytes,
        "bytearray": _bytes,
        "list": list,
        "tuple": tuple,
        "reversed": lambda value: list(reversed(value)),
        "sorted": sorted,
        "range": _range,
        "enumerate": lambda value: [list(pair) for pair in enumerate(value)],
        "zip": lambda *values: [list(pair) for pair in zip(*values, strict=False)],
        "len": len,
        "hex": hex,
        "oct": oct,
        "bin": bin,
        "abs": abs,
        "repr": repr,
        "min": min,
        "max": max,
        "os.path.join": _join_path,
        "os.path.expanduser": _split_whole,
        "os.path.expandvars": _split_whole,
        "os.path.abspath": _split_whole,
        "os.path.realpath": _split_whole,
        "os.fspath": _split_whole,
        "shlex.split": lambda value: value.split(),
        "str.maketrans": str.maketrans,
    }
)

_METHODS = frozenset(
    {
        "join", "replace", "format", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "lower", "upper",
        "title", "swapcase", "capitalize", "translate", "removeprefix", "removesuffix", "decode", "encode", "hex",
        "get", "partition", "rpartition", "zfill", "ljust", "rjust", "center", "casefold", "index", "find", "count",
        "keys",
        "values", "items", "copy", "tolist", "to_bytes", "maketrans", "startswith", "endswith",
    }
)  # fmt: skip

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "Add": operator.add,
        "Sub": operator.sub,
        "BitXor": operator.xor,
        "BitAnd": operator.and_,
        "BitOr": operator.or_,
        "Mod": operator.mod,
        "FloorDiv": operator.floordiv,
        "Div": operator.truediv,
        "RShift": operator.rshift,
    }
)


def fold(compute: Callable[..., Any], *arguments: Any) -> Any:
    """The value, or NotFoldable whatever goes wrong in a function over constants of somebody else's choice."""
    try:
        return checked(compute(*arguments))
    except NotFoldable:
        raise
    except Exception as error:
        raise NotFoldable from error


def fold_operator(name: str, left: Any, right: Any) -> Any:
    """`left <name> right`, by the name of the node in Python's syntax tree."""
    return fold(_operate, name, left, right)


def _operate(name: str, left: Any, right: Any) -> Any:
    if name == "Mult":
        return _multiply(left, right)
    if name == "Pow":
        if not (isinstance(left, int) and isinstance(right, int) and abs(left) < 1 << 64 and 0 <= right < 64):
            raise NotFoldable
        return left**right
    if name == "LShift":
        if not (isinstance(right, int) and 0 <= right < LARGEST_NUMBER_BITS):
            raise NotFoldable
        return left << right
    if name == "Mod" and isinstance(left, (str, bytes)):
        _refuse_wide_fields(left, right)
    compute = OPERATORS.get(name)
    if compute is None:
        raise NotFoldable
    return compute(left, right)


def _multiply(left: Any, right: Any) -> Any:
    for sequence, times in ((left, right), (right, left)):
        if hasattr(sequence, "__len__"):
            if not isinstance(times, int) or len(sequence) * max(times, 0) > LONGEST:
                raise NotFoldable
            break
    return left * right


def fold_method(value: Any, name: str, arguments: list[Any]) -> Any:
    """A method of a string, bytes, number, list or dict."""
    if name not in _METHODS:
        raise NotFoldable
    return fold(_call_method, value, name, arguments)


def _call_method(value: Any, name: str, arguments: list[Any]) -> Any:
    if name in ("decode", "encode"):
        return (_decode if name == "decode" else _encode)(value, *arguments)
    if name == "format":
        _refuse_wide_fields(value, arguments)
    if name in ("zfill", "ljust", "rjust", "center", "to_bytes") and arguments[0] > LONGEST:
        raise NotFoldable
    if name == "join":
        arguments = [list(arguments[0])]
    if name in ("replace", "join", "translate"):
        _refuse_large_product(value, arguments)
    return _listed(getattr(value, name)(*arguments))


def _listed(value: Any) -> Any:
    return list(value) if type(value).__name__ in ("dict_keys", "dict_values", "dict_items") else value


def _refuse_large_product(value: Any, arguments: Any) -> None:
    if len(value) * weight(arguments) > LONGEST * 8:
        raise NotFoldable


def _refuse_wide_fields(text: Any, arguments: Any) -> None:
    """`"%1000000000d"` and `"{:>1000000000}"` make much out of little, and so does one argument named often."""
    _refuse_large_product(text, arguments)
    digits = 0
    for character in text if isinstance(text, str) else text.decode("latin-1"):
        digits = digits + 1 if character.isdigit() else 0
        if digits > 5 or character == "*":
            raise NotFoldable
    # A width can be an argument, too.
    if "{:{" in str(text) or "!s:{" in str(text) or "!r:{" in str(text):
        raise NotFoldable
