"""What scanners are timed with: files that are large, many or tiny, made without the libraries that write such files.

The large ones are sparse: their weights are zeros that no disk holds.
"""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from pathlib import Path

MIB = 1 << 20
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_ALIGNMENT = 64


def checkpoint(path: Path, total: int, storages: int = 256) -> None:
    """A PyTorch archive of so many float32 tensors, laid out as `torch.save` does: stored and aligned."""
    each = total // storages
    zeros = zlib.crc32(bytes(each))
    entries: list[tuple[bytes, int, int, int]] = []
    with path.open("wb") as file:

        def member(name: str, size: int, crc: int, content: bytes | None) -> None:
            start, raw = file.tell(), f"archive/{name}".encode()
            padding = -(start + _LOCAL.size + len(raw) + 4) % _ALIGNMENT
            extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
            file.write(_LOCAL.pack(b"PK\x03\x04", 0, 0, 0, 0, 0, crc, size, size, len(raw), len(extra)) + raw + extra)
            if content is None:
                file.seek(size, 1)
            else:
                file.write(content)
            entries.append((raw, crc, size, start))

        body = _state_dict(storages, each // 4)
        for name, content in (("data.pkl", body), ("byteorder", b"little")):
            member(name, len(content), zlib.crc32(content), content)
        for number in range(storages):
            member(f"data/{number}", each, zeros, None)
        member("version", 2, zlib.crc32(b"3\n"), b"3\n")
        start = file.tell()
        for raw, crc, size, at in entries:
            file.write(_ENTRY.pack(b"PK\x01\x02", 0, 0, 0, 0, 0, 0, crc, size, size, len(raw), 0, 0, 0, 0, 0, at) + raw)
        length = file.tell() - start
        file.write(_END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), length, start, 0))


def _state_dict(storages: int, numbers: int) -> bytes:
    """The pickle of a state dict whose tensors are one storage each, at protocol 2."""

    def text(value: str) -> bytes:
        raw = value.encode()
        return b"X" + struct.pack("<I", len(raw)) + raw

    ordered = b"ccollections\nOrderedDict\n)R"
    tensors = b"".join(
        text(f"model.layers.{number}.weight")
        + b"ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage")
        + b"ctorch\nFloatStorage\n"
        + text(str(number))
        + text("cpu")
        + b"J" + struct.pack("<i", numbers)
        + b"tQK\x00(J" + struct.pack("<i", numbers) + b"t(K\x01t\x89" + ordered + b"tR"
        for number in range(storages)
    )  # fmt: skip
    return b"\x80\x02" + ordered + b"(" + tensors + b"u."


def safetensors(path: Path, total: int, tensors: int = 400) -> None:
    """A sparse safetensors file of bfloat16."""
    each = total // tensors // 2 * 2
    header = {
        f"model.layers.{number}.weight": {
            "dtype": "BF16", "shape": [each // 2], "data_offsets": [number * each, (number + 1) * each],
        }
        for number in range(tensors)
    }  # fmt: skip
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        file.truncate(8 + len(raw) + each * tensors)


def small_pickles(folder: Path, count: int) -> None:
    """Settings and metrics, a few hundred bytes each, as experiments leave them behind."""
    folder.mkdir()
    for number in range(count):
        content = {
            "epoch": number,
            "learning_rate": 0.001 / (1 + number),
            "metrics": {name: [number + place / 8 for place in range(6)] for name in ("loss", "accuracy", "f1")},
            "labels": [f"class_{place}" for place in range(10)],
            "notes": f"run {number}",
        }
        (folder / f"run-{number:04}.pkl").write_bytes(pickle.dumps(content, 4))


def tiny(path: Path) -> None:
    path.write_bytes(pickle.dumps({"epoch": 3, "loss": [0.5, 0.25]}, 4))
