"""The content decides what a file is; what reads as nothing we know is unknown, never text."""

from __future__ import annotations

import json
import random
import struct

import pytest

from scanners.detect import detect
from scanners.kinds import Format
from scanners.scan import scan
from scanners.source import MemorySource


def kind(content: bytes, name: str = "file") -> Format:
    return detect(MemorySource(content), name).format


def piece(text: str, score: float | None, kind: int | None = None) -> bytes:
    raw = text.encode()
    body = b"\x0a" + bytes([len(raw)]) + raw
    if score is not None:
        body += b"\x15" + struct.pack("<f", score)
    if kind is not None:
        body += b"\x18" + bytes([kind])
    return b"\x0a" + bytes([len(body)]) + body


GERMAN = "Für Größe und Übermut: schön, süß und ölig. Das Modell läuft täglich. "


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(bytes(range(128, 256)) * 40, id="every byte beyond ASCII"),
        pytest.param(random.Random(1).randbytes(5000).translate(None, bytes(range(32))), id="noise"),
        pytest.param(b"a readable beginning\n" * 4000 + bytes(range(128, 256)) * 40, id="noise at the end"),
        pytest.param(b"\xff\xfe" + random.Random(2).randbytes(6000), id="noise behind a byte order mark"),
        pytest.param(b"\xff\xfe" + bytes(range(128, 256)) * 40 + b"\x00\xd8", id="broken UTF-16"),
        pytest.param(b"text\0text", id="a zero byte"),
        pytest.param(struct.pack("<5000H", *(number * 7 % 50_257 for number in range(5000))), id="token ids"),
        pytest.param(struct.pack("<500f", *(number * 0.37 for number in range(500))), id="numbers"),
    ],
)
def test_what_does_not_read_as_text_is_unknown(content: bytes) -> None:
    for name in ("train.zzz", "notes.txt"):
        assert kind(content, name) is Format.UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hello\n", id="ASCII"),
        pytest.param((GERMAN * 10).encode(), id="UTF-8"),
        pytest.param("模型说明,这是一个测试。".encode() * 10, id="Chinese"),
        pytest.param(b"\xef\xbb\xbfhello", id="UTF-8 with a byte order mark"),
        pytest.param((GERMAN * 10).encode("latin-1"), id="Latin-1"),
        pytest.param((GERMAN * 10).encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xfe\xff" + (GERMAN * 10).encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param(b"\xff\xfe\0\0" + (GERMAN * 10).encode("utf-32-le"), id="UTF-32"),
        pytest.param(("模型说明" * 20_000 + "\n").encode("utf-16"), id="long Chinese in UTF-16"),
        pytest.param(b"<0x7E>\n\x7f\n<0x80>\n", id="a vocabulary with DEL"),
        pytest.param("#version: 0.2\nĠ t\nĠ a\nh e\ni n\nĠt he\n".encode(), id="merges.txt"),
        pytest.param('[PAD]\n[unused0]\n[UNK]\n[CLS]\n[SEP]\n!\n"\n#\nthe\n##ing\n##语\n'.encode(), id="vocab.txt"),
        pytest.param(b"*.7z filter=lfs diff=lfs merge=lfs -text\n*.arrow filter=lfs -text\n", id=".gitattributes"),
    ],
)
def test_text_is_text_in_the_encodings_people_use(content: bytes) -> None:
    assert scan(MemorySource(content), "notes.txt", engines=False).format == "text"


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("character", ["é", "模", "🤗"])
def test_a_character_cut_at_the_edge_of_what_is_read_is_no_damage(character: str, shift: int) -> None:
    assert kind(("a" * shift + character * 40_000).encode()) is Format.TEXT
    assert kind(("a" * shift + character * 40_000).encode() + b"a") is Format.TEXT


def test_a_large_tokenizer_json_is_json() -> None:
    vocabulary = {f"Ġtöken{number}🤗": number for number in range(50_000)} | {"\x7f": 50_000}
    content = json.dumps({"version": "1.0", "model": {"vocab": vocabulary}}, ensure_ascii=False).encode()
    assert len(content) > 1_000_000
    assert kind(content, "tokenizer.json") is Format.JSON


def test_json_without_a_name_is_known_by_its_brackets() -> None:
    assert kind(b'{"a": 1}\n') is Format.JSON
    assert kind(b"[1]\nand more\n") is Format.TEXT


@pytest.mark.parametrize("name", ["chat_template.jinja", "tool_use.j2", "a.JINJA2"])
def test_a_template_is_known_by_its_name(name: str) -> None:
    assert kind(b"import os\nfrom x import y\n{{ messages }}", name) is Format.TEMPLATE


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("<unk>", 0.0, 2), piece("<s>", 0.0, 3), piece("</s>", 0.0, 3), piece("▁t", -0.0)],
        [piece("<pad>", 0.0, 3), piece("</s>", 0.0, 3), piece("<unk>", 0.0, 2), piece("▁", -2.01)],
        [piece("<unk>", 0.0, 2), piece("<s>", 0.0, 3), piece("</s>", 0.0, 3), piece("<0x00>", 0.0, 6)],
        [piece("▁the", -3.2), piece("s", -3.3), piece("," * 100, -3.4)],
    ],
)
def test_a_sentencepiece_model_is_known(pieces: list[bytes]) -> None:
    trainer = b"\x12\x07\x0a\x05a.txt"
    for name in ("tokenizer.model", "spiece.model", "file"):
        assert kind(b"".join(pieces) + trainer, name) is Format.SENTENCEPIECE


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(piece("<unk>", 0.0, 2) * 2, id="two pieces only"),
        pytest.param(piece("<unk>", None) * 5, id="no scores"),
        pytest.param(b"\x0a\x0e" * 100, id="not pieces"),
    ],
)
def test_what_only_begins_like_a_sentencepiece_model_is_unknown(content: bytes) -> None:
    assert kind(content) is Format.UNKNOWN


def test_flax_weights_are_known_with_their_name() -> None:
    array = b"\xc7\x10\x01" + b"\x93\x91\x02\xa7float32\xc4\x08"[:16].ljust(16, b"\0")
    for size in (b"\x81", b"\x82", b"\x85", b"\x8f", b"\xde\x00\x11"):
        content = size + b"\xa6params\x81\xa5dense\x81\xa6kernel" + array + b"\xa4bias" + array
        assert kind(content, "flax_model.msgpack") is Format.MSGPACK


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x08\x08\x12\x07pytorch\x1a\x052.4.0\x3a\x10" + b"\x0a\x0e" + b"\x01" * 14, Format.ONNX),
        (b"\x08\x07\x3a\x10" + b"\x0a\x0e" + b"\x01" * 14, Format.ONNX),
        (b"\x08\x0a\x22\x08ai.model\x28\x01\x32\x00\x42\x02\x10\x11\x3a\x10" + b"\1" * 16, Format.ONNX),
        (b"\x08\x01\x12\xff\xff\x7f\x0a\x10: a graph of tensorflow" + b"\1" * 99, Format.UNKNOWN),
        (b"\x08\x63\x3a\x10" + b"\1" * 16, Format.UNKNOWN),
    ],
)
def test_onnx_is_known_by_its_first_fields(content: bytes, expected: Format) -> None:
    assert kind(content) is expected


def test_a_saved_model_is_not_taken_for_onnx() -> None:
    content = b"\x08\x01\x12\xff\xff\x7f\x0a\x10: a graph of tensorflow" + b"\1" * 99
    assert kind(content, "saved_model.pb") is Format.SAVED_MODEL


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(struct.pack("<500f", *(number * 0.37 for number in range(500))), id="floats"),
        pytest.param(struct.pack("<500e", *(number % 40 * 0.03 - 0.6 for number in range(500))), id="half floats"),
        pytest.param(struct.pack("<500i", *range(500)), id="indices"),
        pytest.param(bytes(4096), id="zeros"),
        pytest.param(struct.pack("<5000H", *(number * 7 % 50_257 for number in range(5000))), id="token ids"),
    ],
)
def test_numbers_without_a_header_are_known_where_writers_of_them_would_put_them(content: bytes) -> None:
    assert kind(content, "openvino_model.bin") is Format.RAW_TENSORS
    assert kind(content, "model.onnx_data") is Format.RAW_TENSORS
    assert kind(content, "model.exe") is Format.UNKNOWN


def test_noise_is_not_taken_for_numbers() -> None:
    for seed in range(50):
        noise = random.Random(seed).randbytes(40_000)
        assert kind(noise[:1] + noise, "model.bin") in (Format.UNKNOWN, Format.XGBOOST)
