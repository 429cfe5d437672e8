"""Formats of models and of plain data that say what they are, beyond those in `magic`."""

from __future__ import annotations

import re

from scanners.kinds import Format
from scanners.source import ByteSource

_MARKS: tuple[tuple[bytes, Format], ...] = (
    # tensors and graphs
    (b"CBM1", Format.CATBOOST),
    (b"\xba\x16\x4f\x2f", Format.FASTTEXT),
    (b"mmap lm http://kheafield.com/code", Format.KENLM),
    (b"ftrt", Format.TENSORRT),
    (b"ptrt", Format.TENSORRT),
    (b"\x1bLua", Format.LUA_BYTECODE),
    (b"\x1bLJ", Format.LUA_BYTECODE),
    (b"RKNN", Format.DEVICE_CODE),
    (b"IMOD", Format.DEVICE_CODE),
    (b"\x50\xed\x55\xba", Format.DEVICE_CODE),
    (b"X\n\0\0\0\x02", Format.R_DATA),
    (b"X\n\0\0\0\x03", Format.R_DATA),
    (b"B\n\x02\0\0\0", Format.R_DATA),
    (b"B\n\x03\0\0\0", Format.R_DATA),
    (b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1", Format.TORCH7),
    (b"4\n1\n3\nV 1\n", Format.TORCH7),
    (b"\xac\xed\0\x05", Format.FOREIGN_OBJECTS),
    (b"{L\0\0\0\0\0\0\0", Format.UBJSON),
    (b"\x12\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0", Format.MXNET),
    # pictures, sound, tables and fonts
    (b"8BPS\0\x01", Format.PICTURE),
    (b"8BPS\0\x02", Format.PICTURE),
    (b"v/1\x01", Format.PICTURE),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Format.PICTURE),
    (b"\xff\x0a", Format.PICTURE),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format.PICTURE),
    (b"\xff\x4f\xff\x51", Format.PICTURE),
    (b"DDS |\0\0\0", Format.PICTURE),
    (b"\xabKTX ", Format.PICTURE),
    (b"qoif", Format.PICTURE),
    (b"#?RADIANCE\n", Format.PICTURE),
    (b"\x1a\x45\xdf\xa3", Format.VIDEO),
    (b"FLV\x01", Format.VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Format.VIDEO),
    (b"\0\0\x01\xba", Format.VIDEO),
    (b"\0\0\x01\xb3", Format.VIDEO),
    (b"MThd\0\0\0\x06", Format.SOUND),
    (b".snd\0\0\0", Format.SOUND),
    (b"#!AMR\n", Format.SOUND),
    (b"caff\0\x01", Format.SOUND),
    (b"wvpk", Format.SOUND),
    (b"NIST_1A\n", Format.SOUND),
    (b"BLENDER", Format.BLEND),
    (b"glTF\x01\0\0\0", Format.SHAPE),
    (b"glTF\x02\0\0\0", Format.SHAPE),
    (b"Kaydara FBX Binary  \0", Format.SHAPE),
    (b"LASF", Format.SHAPE),
    (b"ply\n", Format.SHAPE),
    (b"ply\r\n", Format.SHAPE),
    (b"SIMPLE  =", Format.SCAN),
    (b"SQLite format 3\0", Format.SQLITE),
    (b"Obj\x01", Format.AVRO),
    (b"FEA1", Format.ARROW),
    (b"MATLAB 5.0 MAT-file", Format.MATLAB),
    (b"ttcf\0", Format.FONT),
    (b"true\0", Format.FONT),
    (b"PXR-USDC", Format.SHAPE),
    (b"$FL2@(#)", Format.TABLE),
    (b"CDF\x01\0\0", Format.TABLE),
    (b"CDF\x02\0\0", Format.TABLE),
    (b"CDF\x05\0\0", Format.TABLE),
    (b"SR\0\x04", Format.TABLE),
    (b"$FL3@(#)", Format.TABLE),
    (b"<stata_dta>", Format.TABLE),
    (b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60\xb3\x14\x11\xcf", Format.TABLE),
    (b"\0\x05\x16\x07", Format.FOLDER_NOTES),
    (b"\0\0\0\x01Bud1", Format.FOLDER_NOTES),
    (b"MMIDIDX\0\0", Format.DATABASE),
    (b"\x0c\xdb\x3a\x2a", Format.DATABASE),
    (b"\x0c\xdb\x20\xde", Format.DATABASE),
    (b"\x3f\xd7\x6c\x17", Format.DATABASE),
    (b"usearch", Format.DATABASE),
    (b"\0BFM ", Format.KALDI),
    (b"\0BDM ", Format.KALDI),
    (b"\0BCM", Format.KALDI),
    (b"\0B<", Format.KALDI),
    (b"\xd6\xfd\xb2\x7e", Format.KALDI),
    (b"\xde\x12\x04\x95", Format.DATABASE),
    (b"\x95\x04\x12\xde", Format.DATABASE),
)
_GGML_MARKS = (b"lmgg", b"fmgg", b"tjgg", b"algg")
"""`ggml`, `ggmf`, `ggjt` and `ggla` as the little-endian numbers that they are."""
_FAISS = re.compile(
    rb"(?:Ix(?:FI|F2|FT|Fl|HE|He|H[Nn]|PQ|Po|PT|Mp|M2|MM|SQ|Sq|NM|RF|RQ|RP|Tb)|Iw(?:Fl|Fd|FI|PQ|QR|Sq|SQ|SR|SH|Ls|LS|RQ|PR|Pf|Fr)"
    rb"|IH(?:Nf|Np|Ns|N2|NS|fP|Nc|c2|Nf)|I[NSBR](?:[A-Za-z0-9]{2})|IBx[FHM]|IBwF|IBH[fh]|IB(?:Mp|M2)|IV(?:Q[a-z])|Imiq|IPfs|IDMp)"
)
_PCM = (b"WAVE", b"AVI ", b"WEBP", b"RMID", b"sfbk", b"ACON", b"CDDA")
_TAGGED = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"RDB2\n", b"RDB3\n")


def by_own_mark(source: ByteSource, head: bytes, name: str) -> Format | None:
    for mark, kind in _MARKS:
        if head.startswith(mark):
            return kind
    if head.startswith(_TAGGED) or re.match(rb"A\n[23]\n\d{1,7}\n\d{1,7}\n", head):
        return Format.R_DATA
    if head[:4] in _GGML_MARKS or (head[:4] in (b"ggml", b"ggjt", b"ggla", b"ggmf") and b"\0" in head[4:12]):
        return Format.GGML
    if re.match(rb"[\x06-\x08]\0\0\0.{8}\x1b(?:Lua|LJ)", head, re.DOTALL):
        return Format.TORCH7
    if head[4:8] == b"ORTM":
        return Format.ONNX_RUNTIME
    if re.match(rb"ET\d\d", head[4:8]):
        return Format.EXECUTORCH
    if re.match(rb"MSL\d", head[4:8]):
        return Format.MINDSPORE
    # A count of dimensions follows, in eight bytes with the upper ones empty.
    if _FAISS.match(head) is not None and head[6:8] == b"\0\0" and len(head) >= 32:
        return Format.FAISS
    if _is_bson(source, head):
        return Format.BSON
    return _media(head, name) or _tables(source, head)


def _is_bson(source: ByteSource, head: bytes) -> bool:
    """The size of the first document, a type that exists, a name that ends, and the zero that ends a document."""
    size = int.from_bytes(head[:4], "little")
    if not 12 <= size <= source.size or re.match(rb".{4}[\x01-\x13][\w.$-]{1,200}\0", head, re.DOTALL) is None:
        return False
    return source.read(size - 1, 1) == b"\0"


def _media(head: bytes, name: str) -> Format | None:
    if head[:4] == b"RIFF" and head[8:12] in _PCM:
        return Format.VIDEO if head[8:12] == b"AVI " else Format.SOUND
    if head[:4] in (b"RF64", b"RIFX", b"BW64") and head[8:12] == b"WAVE":
        return Format.WAV
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Format.SOUND
    if head[:2] in (b"\xff\xf1", b"\xff\xf9") and name.endswith((".aac", ".m4a")):
        return Format.SOUND
    if head[:2] in (b"\xff\xfa", b"\xff\xfb", b"\xff\xf2", b"\xff\xf3", b"\xff\xe3") and _is_mp3_frame(head):
        return Format.MP3
    if head[128:132] == b"DICM" or (head[:4] == b"\x5c\x01\0\0" and head[344:347] in (b"n+1", b"ni1")):
        return Format.SCAN
    if head[:4] in (b"II+\0", b"MM\0+"):
        return Format.TIFF
    if head[:1] == b"G" and head[188:189] == b"G" and head[376:377] == b"G":
        return Format.VIDEO
    if head[:2] in (b"P4", b"P5", b"P6", b"PF", b"Pf") and re.match(rb"P\w\s+(?:#.*\n)*[\d\s.-]{3,40}\n", head):
        return Format.PICTURE
    if name.endswith(".tga") and head[1:2] in (b"\0", b"\1") and head[2:3] in (b"\1", b"\2", b"\3", b"\x09", b"\x0a"):
        return Format.PICTURE
    if head[:4] == b"\0\0\2\0" and 0 < int.from_bytes(head[4:6], "little") < 64:
        return Format.ICO
    return None


def _is_mp3_frame(head: bytes) -> bool:
    """Bit rate and sampling rate that exist, and another frame where this one ends (MPEG 1 and 2, layer III)."""
    if len(head) < 4:
        return False
    version_1 = bool(head[1] & 0x08)
    rates = (
        (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
        if version_1
        else (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
    )
    rate, sampling = rates[head[2] >> 4], (head[2] >> 2) & 3
    if not rate or sampling == 3:
        return False
    hertz = (44_100, 48_000, 32_000)[sampling] // (1 if version_1 else 2)
    length = (144 if version_1 else 72) * rate * 1000 // hertz + ((head[2] >> 1) & 1)
    return head[length : length + 1] == b"\xff" or len(head) <= length


def _tables(source: ByteSource, head: bytes) -> Format | None:
    if head[:3] == b"ORC" and source.size > 16 and b"ORC" in source.read(source.size - 16, 16):
        return Format.ORC
    if head[16:20] == b"\xde\xc0\xef\xbe":
        return Format.LMDB
    if head[4:8] == b"\x02\0\0\0" and head[64:68] == b"\xef\xbe\xad\xde":
        return Format.COREML_WEIGHTS
    return None
