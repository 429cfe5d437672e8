"""Unpacks a folder of a 7z archive step by step: no threads, no files, never more than a step in memory."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scanners.budget import Unscannable
from scanners.formats.archives.seven_zip_header import Coder, Folder
from scanners.formats.archives.unpackers import BROKEN, DICTIONARY_BYTES, STEP, UNPACKERS, Inflater, Unpacker, lzma1
from scanners.kinds import Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

AES = b"\x06\xf1\x07\x01"
BRANCH_FILTERS = {
    b"\x04": "BCJDecoder",
    b"\x03\x03\x01\x03": "BCJDecoder",
    b"\x03\x03\x02\x05": "PPCDecoder",
    b"\x03\x03\x05\x01": "ARMDecoder",
    b"\x03\x03\x07\x01": "ARMTDecoder",
    b"\x03\x03\x08\x05": "SparcDecoder",
}
"""Method to the class of pybcj that undoes it."""
OTHERS = {
    b"\x03": "a delta filter",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x03\x04\x01": "PPMd",
    b"\x04\x01\x09": "Deflate64",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x04\xf7\x11\x04": "LZ4",
    b"\x04\xf7\x11\x05": "Lizard",
}


class Opaque(Unscannable):
    """Packed in a way that cannot be undone here; the message is what it is called."""


class Encrypted(Unscannable):
    """Nobody can unpack it without the password."""


@dataclass(slots=True)
class _Copy:
    """The unpacker of what is not packed."""

    left: int
    unused_data: bytes = b""
    needs_input: bool = True

    @property
    def eof(self) -> bool:
        return self.left <= 0

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:  # noqa: ARG002 As the others have it.
        part = data[: self.left]
        self.left -= len(part)
        return part


def unpacked(source: ByteSource, folder: Folder, spend: Callable[[int], None]) -> Iterator[bytes]:
    """The bytes of the folder, in pieces. Raises Opaque and Encrypted before the first, Unscannable where it breaks."""
    if any(coder.method == AES for coder in folder.coders):
        raise Encrypted("What is in the 7z archive is encrypted.")
    if folder.order is None:
        raise Opaque(_called(folder.coders))
    first, *filters = [(folder.coders[at], folder.sizes[at]) for at in folder.order]
    begin = _unpacker(*first)
    undo = [_filter(coder, size) for coder, size in filters]
    packed = SliceSource(source, folder.packed_at, max(0, min(folder.packed_size, source.size - folder.packed_at)))
    for piece in _pieces(packed, begin, first[1], spend):
        data = piece
        for step in undo:
            data = step(data)
        if data:
            yield data


def _pieces(packed: ByteSource, unpacker: Unpacker, size: int, spend: Callable[[int], None]) -> Iterator[bytes]:
    offset, left = 0, size
    try:
        while left > 0 and not unpacker.eof:
            data = b""
            if unpacker.needs_input:
                data = packed.read(offset, STEP)
                offset += len(data)
                if not data:
                    raise EOFError("it ends early")
            part = unpacker.decompress(data, min(STEP, left))
            spend(len(part))
            left -= len(part)
            if part:
                yield part
    except BROKEN as error:
        raise Unscannable(f"What is packed in the 7z archive cannot be unpacked: {error}.") from error
    if left > 0:
        raise Unscannable("What is packed in the 7z archive ends early.")


def _unpacker(coder: Coder, size: int) -> Unpacker:
    match coder.method, coder.properties:
        case b"\x00", _:
            return _Copy(size)
        case b"\x21", properties if len(properties) == 1 and properties[0] <= 40:
            bits = properties[0]
            dictionary = 0xFFFFFFFF if bits == 40 else (2 | (bits & 1)) << (bits // 2 + 11)
            if dictionary <= DICTIONARY_BYTES:
                chosen = {"id": lzma.FILTER_LZMA2, "dict_size": dictionary}
                return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
            raise Opaque(f"LZMA2 with a dictionary of {dictionary:,} bytes")
        case b"\x03\x01\x01", properties:
            alone = lzma1(properties)
            if alone is not None:
                return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[alone])
            raise Opaque("LZMA with properties that are not allowed")
        case b"\x04\x01\x08", _:
            return Inflater(-zlib.MAX_WBITS)
        case b"\x04\x02\x02", _:
            return UNPACKERS[Format.BZIP2]()
        case b"\x04\xf7\x11\x01", _:
            return UNPACKERS[Format.ZSTD]()
    raise Opaque(_called([coder]))


def _filter(coder: Coder, size: int) -> Callable[[bytes], bytes]:
    name = BRANCH_FILTERS.get(coder.method)
    if name is None:
        raise Opaque(_called([coder]))
    import bcj

    decoder = getattr(bcj, name)(size)
    return lambda data: bytes(decoder.decode(data))


def _called(coders: list[Coder]) -> str:
    return ", ".join(OTHERS.get(coder.method, f"method {coder.method.hex()}") for coder in coders)
