"""Formats that say what they are: a number at the beginning, or fields at fixed places."""

from __future__ import annotations

import re

from scanners.kinds import Format
from scanners.source import ByteSource

MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"GGUF", Format.GGUF),
    # .NET's objects begin as a font does, only with more tables than any has.
    (b"\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00", Format.FOREIGN_OBJECTS),
    (b"\x93NUMPY", Format.NUMPY),
    (b"ZF0x", Format.JOBLIB_ZFILE),
    (b"\x89HDF\r\n\x1a\n", Format.HDF5),
    (b"7z\xbc\xaf\x27\x1c", Format.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Format.RAR),
    (b"\xfd7zXZ\x00", Format.XZ),
    (b"\x04\x22\x4d\x18", Format.LZ4),
    (b"\x28\xb5\x2f\xfd", Format.ZSTD),
    (b"\x02\x21\x4c\x18", Format.LZ4),
    (b"!<arch>\n", Format.AR),
    (b"!<thin>\n", Format.AR),
    (b"070701", Format.CPIO),
    (b"070702", Format.CPIO),
    (b"070707", Format.CPIO),
    (b"\xc7\x71", Format.CPIO),
    (b"MSCF\0\0\0\0", Format.CAB),
    (b"ISc(", Format.CAB),
    (b"\xed\xab\xee\xdb", Format.RPM),
    (b"xar!\0", Format.XAR),
    (b"hsqs", Format.SQUASHFS),
    (b"sqsh", Format.SQUASHFS),
    (b"\x60\xea", Format.ARJ),
    (b"\x1f\x9d", Format.COMPRESS),
    (b"\x1f\xa0", Format.COMPRESS),
    (b"LZIP\x01", Format.LZIP),
    (b"\x89LZO\0\r\n\x1a\n", Format.LZOP),
    (b"\xff\x06\0\0sNaPpY", Format.SNAPPY),
    (b"\x7fELF", Format.ELF),
    (b"\xfe\xed\xfa\xce", Format.MACH_O),
    (b"\xfe\xed\xfa\xcf", Format.MACH_O),
    (b"\xce\xfa\xed\xfe", Format.MACH_O),
    (b"\xcf\xfa\xed\xfe", Format.MACH_O),
    (b"\xca\xfe\xba\xbf", Format.MACH_O),
    (b"MZ\x90\x00", Format.PE),
    (b"MZqFpD", Format.PE),
    (b"jartsr", Format.PE),
    (b"\x00asm", Format.WASM),
    (b"dex\n03", Format.DEX),
    (b"\x4c\0\0\0\x01\x14\x02\0", Format.SHORTCUT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format.OLE),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"fLaC", Format.FLAC),
    (b"OggS", Format.OGG),
    (b"ID3", Format.MP3),
    (b"%PDF-", Format.PDF),
    (b"ARROW1\x00\x00", Format.ARROW),
    (b"\x00\x01\x00\x00\x00", Format.FONT),
    (b"OTTO\x00", Format.FONT),
    (b"wOFF", Format.FONT),
    (b"wOF2", Format.FONT),
    (b"\x00\x05\x16\x07", Format.APPLE_METADATA),
    (b"\x00\x05\x16\x00", Format.APPLE_METADATA),
    (b"\x00\x00\x00\x01Bud1", Format.APPLE_METADATA),
)


BITMAP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))
"""What may follow the file header of a bitmap, by its size."""
TAR_BLOCK = 512


def by_magic(head: bytes) -> Format | None:
    """By the first bytes alone."""
    return next((kind for magic, kind in MAGIC if head.startswith(magic)), None)


def by_structure(source: ByteSource, head: bytes, name: str) -> Format | None:
    """By fields at fixed places, and at the end."""
    size = source.size
    container = _archive(source, head, name)
    if container is not None:
        return container
    if head.startswith(b"\x1f\x8b"):
        return Format.GZIP
    if re.match(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", head):
        return Format.BZIP2
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return Format.WEBP if head[8:12] == b"WEBP" else Format.WAV
    if head[4:8] == b"ftyp":
        return Format.MP4
    if head[4:8] == b"TFL3":
        return Format.TFLITE
    if head[:2] == b"MZ" and size >= 64:
        at = int.from_bytes(head[60:64], "little")
        if (
            source.read(at, 4) == b"PE\0\0"
            or at == 0
            or b"run in DOS mode" in head[:512]
            or name.endswith((".exe", ".dll", ".sys"))
        ):
            return Format.PE
    if head[:4] == b"\xca\xfe\xba\xbe":
        return Format.MACH_O if int.from_bytes(head[4:8], "big") < 40 else Format.JAVA_CLASS
    if _is_bytecode(head, name):
        return Format.PYTHON_BYTECODE
    if head[:4] == b"PAR1" and size >= 12 and source.read(size - 4, 4) == b"PAR1":
        return Format.PARQUET
    if head[:4] == b"\xff\xff\xff\xff" and len(head) > 8 and int.from_bytes(head[4:8], "little") % 8 == 0:
        return Format.ARROW
    if head[:2] == b"BM" and head[14:18] in BITMAP_HEADERS and int.from_bytes(head[2:6], "little") <= size:
        return Format.BMP
    if head[:4] == b"\0\0\1\0" and 0 < int.from_bytes(head[4:6], "little") < 64:
        return Format.ICO
    if head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2") and name.endswith(".mp3"):
        return Format.MP3
    # HDF5 may stand behind a user block of 512 bytes or a power of two more.
    if any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (512, 1024, 2048, 4096, 8192)):
        return Format.HDF5
    return None


def _archive(source: ByteSource, head: bytes, name: str) -> Format | None:
    if is_tar(head):
        return Format.TAR
    if re.match(rb"[\x15-\xff].-lh[0-9adsx]-|[\x15-\xff].-lz[45s]-", head, re.DOTALL):
        return Format.LHA
    if head[7:14] == b"**ACE**":
        return Format.ACE
    if source.size >= 512 and source.read(source.size - 512, 4) == b"koly":
        return Format.DMG
    if source.size > 0x8006 and source.read(0x8001, 5) == b"CD001":
        return Format.ISO
    # A skippable frame of Zstandard, and of LZ4, which has the same: what follows it says which.
    if len(head) > 8 and head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50:
        after = source.read(8 + int.from_bytes(head[4:8], "little"), 4)
        return Format.LZ4 if after == b"\x04\x22\x4d\x18" else Format.ZSTD
    return Format.BROTLI if name.endswith(".br") else None


def is_tar(head: bytes) -> bool:
    """By the magic number, or by the checksum of the first header, which old archives without that number have."""
    looks_like = head[257:262] == b"ustar" and re.match(rb"[0-7 ]{6,7}[\0 ]", head[100:108]) is not None
    return looks_like or has_tar_checksum(head[:TAR_BLOCK])


def has_tar_checksum(block: bytes) -> bool:
    """Whether these 512 bytes are a header of a tar archive that says its own sum."""
    if len(block) < TAR_BLOCK or not any(block[:148]):
        return False
    stated = re.fullmatch(rb"[ \0]*([0-7]{1,7})[ \0]*", block[148:156])
    if stated is None:
        return False
    # Early writers summed signed bytes.
    rest = block[:148] + block[156:]
    unsigned = sum(rest) + 8 * 32
    signed = unsigned - 256 * sum(byte > 127 for byte in rest)
    return int(stated[1], 8) in (unsigned, signed)


def _is_bytecode(head: bytes, name: str) -> bool:
    """A `.pyc` by its magic number (3.0 and later, 2.x), or a marshalled code object alone: all counts are small."""
    if head[2:4] == b"\r\n" and len(head) >= 16:
        magic = int.from_bytes(head[:2], "little")
        if 0x0C00 <= magic < 0x1000 or (magic >= 62_000 and head[8:9] == b"c"):
            return True
        if name.endswith((".pyc", ".pyo")):
            return True
    if head[:1] in (b"\xe3", b"c") and len(head) >= 32:
        return all(int.from_bytes(head[at : at + 4], "little") < 256 for at in (1, 5, 9, 13)) and (
            head[21:22] in (b"s", b"\xf3") or head[25:26] in (b"s", b"\xf3") or head[17:18] in (b"s", b"\xf3")
        )
    return False
