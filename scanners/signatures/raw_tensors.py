"""Numbers without a header: what OpenVINO, ONNX and others keep beside the graph that says what they mean.

The weakest of all claims, so it is made last, only for names that such writers use, and only where samples of the
whole file have the shape that weights have. Noise, and what is encrypted or packed, has not: it stays unknown.
"""

from __future__ import annotations

import re
import struct
from collections import Counter

from scanners.source import ByteSource

SAMPLES = 8
SMALLEST = 8
SAMPLE_BYTES = 16 * 1024
LEAST_PLAUSIBLE = 0.97
HEAP = 64
"""A quarter of all bytes: int8 weights keep most of theirs so close together, noise a quarter."""
_NAMES = re.compile(
    r".*\.(?:bin|data|onnx[._]data(?:[._]\d+)?|weights?|bias|gamma|beta|scales?|zeros?|kernel|embedding|params|raw|dat|f16|f32|fp16|fp32|bf16"
    r"|tensors?|ckpt-data|data-\d{5}-of-\d{5}|ggml|bin_\d+|part\d*|idx|emb|vec|ann|annoy|index)"
    r"|[0-9a-f]{32}"
    r"|(?:onnx__|_v_)[\w.-]*|[\w.-]+_(?:weight|bias|scale|zero_point|quantized)"
)


def is_raw_tensors(source: ByteSource, head: bytes, name: str) -> bool:
    if source.size < SMALLEST or _NAMES.fullmatch(name) is None:
        return False
    parts = [head[:SAMPLE_BYTES]]
    for number in range(1, SAMPLES):
        offset = source.size * number // SAMPLES & ~15
        if offset >= SAMPLE_BYTES:
            parts.append(source.read(offset, SAMPLE_BYTES))
    return all(_plausible(part) for part in parts if len(part) >= SMALLEST)


def _plausible(part: bytes) -> bool:
    """Whether a sample reads as numbers of one of the usual types."""
    part = part[: len(part) & ~7]
    if part.count(0) >= len(part) * 0.95:
        return True
    kinds = (_floats, _brain_floats, _halves, _integers, _bytes, _token_ids)
    return any(kind(part) for kind in kinds)


def _floats(part: bytes) -> bool:
    values: tuple[float, ...] = struct.unpack(f"<{len(part) // 4}f", part)
    whole: tuple[int, ...] = struct.unpack(f"<{len(part) // 4}I", part)
    # Among floats stand counts, which as floats would be far too small.
    good = sum(number < 1 << 20 or 1e-20 <= abs(value) <= 1e8 for value, number in zip(values, whole, strict=True))
    return good >= len(values) * LEAST_PLAUSIBLE


def _brain_floats(part: bytes) -> bool:
    """Upper halves of floats: exponents of weights lie close together."""
    values: tuple[int, ...] = struct.unpack(f"<{len(part) // 2}H", part)
    good = sum(value & 0x7FFF == 0 or 90 <= value >> 7 & 0xFF <= 140 for value in values)
    return good >= len(values) * LEAST_PLAUSIBLE


def _halves(part: bytes) -> bool:
    """Half floats below 16 with no more than a few tiny ones; of noise, two in five are outside."""
    values: tuple[int, ...] = struct.unpack(f"<{len(part) // 2}H", part)
    good = sum(value >> 10 & 0x1F <= 18 for value in values)
    return good >= len(values) * 0.99


def _integers(part: bytes) -> bool:
    """Indices and sizes: whole numbers of 4 or 8 bytes, small for their width."""
    wide = struct.unpack(f"<{len(part) // 8}q", part)
    narrow = struct.unpack(f"<{len(part) // 4}i", part)
    return all(abs(value) < 1 << 32 for value in wide) or all(abs(value) < 1 << 22 for value in narrow)


def _token_ids(part: bytes) -> bool:
    """Numbers of 16 bits below the size of a vocabulary: of noise, one in sixteen is above."""
    values: tuple[int, ...] = struct.unpack(f"<{len(part) // 2}H", part)
    return len(values) >= 1024 and max(values) < 0xF000


def _bytes(part: bytes) -> bool:
    """Quantized weights: a heap around one value, or around few, and far from even."""
    if len(part) < 1024:
        return False
    counts = Counter(part)
    if sum(counts[value] for value in range(32, 127)) > len(part) * 0.9:
        return False
    around = [counts[value % 256] for value in range(256 + HEAP)]
    heap = max(sum(around[begin : begin + HEAP]) for begin in range(256))
    nibbles = Counter(value & 15 for value in part) + Counter(value >> 4 for value in part)
    middle = max(nibbles.values()) / (2 * len(part) / 16)
    return heap >= len(part) * 0.6 or (len(part) >= 4096 and middle > 1.3 and len(nibbles) == 16)
