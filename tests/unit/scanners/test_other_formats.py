"""The other formats of tensors, graphs and data: what is large is not read, and what hides is found."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fixtures.corpus import msgpack, r_data, safetensors
from fixtures.corpus.building import ELF, SHELL_PICKLE
from scanners.finding import Severity, Verdict
from scanners.formats.shared.outside_path import leads_outside
from scanners.formats.shared.payload_signs import signs_in
from scanners.scan import scan
from tests.scanning import judged, rules, the

GIB = 1 << 30


@dataclass
class Sparse:
    """A head, then so many bytes that are all the same and stand nowhere."""

    head: bytes
    rest: int
    fill: bytes = b"\x3c"

    @property
    def size(self) -> int:
        return len(self.head) + self.rest

    def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        return self.head[offset : offset + length].ljust(length, self.fill)


def of_msgpack() -> tuple[str, Sparse]:
    inner = b"\x93\x91\xce" + struct.pack(">I", GIB // 4) + b"\xa7float32\xc6" + struct.pack(">I", GIB)
    extension = b"\xc9" + struct.pack(">I", len(inner) + GIB) + b"\x01" + inner
    return "flax_model.msgpack", Sparse(b"\x81\xa6kernel" + extension, GIB)


def of_r() -> tuple[str, Sparse]:
    return "data.rds", Sparse(r_data.file(struct.pack(">ii", 14, GIB // 8)), GIB)


def of_numbers() -> tuple[str, Sparse]:
    return "openvino_model.bin", Sparse(b"", GIB, struct.pack("<f", 0.5)[3:])


def of_paddle() -> tuple[str, Sparse]:
    description = b"\x08\x05\x10\x80\x80\x80\x80\x01"
    head = bytes(16) + len(description).to_bytes(4, "little") + description
    return "inference.pdiparams", Sparse(head, (1 << 28) * 4)


@pytest.mark.parametrize("make", [of_msgpack, of_r, of_numbers, of_paddle])
def test_of_a_large_file_little_is_read(make: Callable[[], tuple[str, Sparse]]) -> None:
    name, source = make()
    report = scan(source, name, engines=False)
    assert (report.verdict, report.unscannable) == (Verdict.SAFE, None)
    assert report.bytes_read < 16 * 1024 * 1024


@pytest.mark.parametrize("padding", [0, 1, 100, 70_000, 2_000_000])
def test_a_program_behind_the_tensors_is_found_behind_any_padding(padding: int) -> None:
    content = safetensors.file({"a": safetensors.tensor()}, bytes(8 + padding) + ELF)
    finding = the(judged(content, "model.safetensors"), "hidden-bytes")
    assert finding.severity is Severity.HIGH
    assert finding.evidence["content"] == "elf"


def test_a_pickle_in_metadata_is_judged_as_the_pickle_it_is() -> None:
    content = safetensors.file({"__metadata__": {"a": SHELL_PICKLE.hex()}, "b": safetensors.tensor()}, bytes(8))
    assert {"payload-in-data", "pickle-executes-code"} <= rules(judged(content, "model.safetensors"))


def test_a_pickle_in_the_bytes_of_msgpack_is_judged_as_the_pickle_it_is() -> None:
    report = judged(msgpack.file(state=msgpack.octets(SHELL_PICKLE)), "flax_model.msgpack")
    assert {"payload-in-data", "pickle-executes-code"} <= rules(report)


@pytest.mark.parametrize(
    "text",
    [
        "Trained with kohya_ss; call model.eval() and then pipe(prompt).images[0].",
        "AdamW8bit(weight_decay=0.1, betas=[0.9, 0.999])",
        "https://example.invalid/blob/main/LICENSE",
        "pip install diffusers, then run python generate.py --prompt 'a cat'",
        "<lora:x:1>, {a|b|c} (masterpiece:1.2)",
        "C:\\Users\\me\\models\\sdxl.safetensors",
        "../../vae.pt",
        "an evaluation (loss) of the system (see below) for the operating system",
        "llama-cli -m model.gguf -p 'Hi', or curl http://localhost:8080/v1/chat",
        '{"architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16"}',
        "import the model from the hub and compile it",
    ],
)
def test_ordinary_descriptions_are_left_alone(text: str) -> None:
    assert list(signs_in(text)) == []
    content = safetensors.file({"__metadata__": {"description": text}, "b": safetensors.tensor()}, bytes(8))
    assert judged(content, "model.safetensors").findings == ()


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "~/.ssh/id", "C:x", "a\\b", "https://x/y", "file:///x", "%2e%2e/x", "$HOME/x"],
)
def test_a_path_that_leads_out_is_seen(path: str) -> None:
    assert leads_outside(path)


@pytest.mark.parametrize("path", ["weights.bin", "a/b.bin", "a..b", "..weights", "x@y.bin", "a b", "100%.bin"])
def test_a_path_beside_the_model_is_no_escape(path: str) -> None:
    assert not leads_outside(path)


def test_entities_are_never_expanded() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 50}">' for n in range(1, 12))
    content = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "ha">{levels}]><a>&e11;</a>'.encode()
    report = judged(content, "model.pmml")
    assert report.verdict is Verdict.UNSAFE
    assert rules(report) == {"xml-entity"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html>" + b"<script " * 100_000),
        ("page.html", b"<html>" + b"<script>" * 100_000),
        ("net.prototxt", b"layer {\n" + b"a" * 2_000_000),
        ("notes.txt", b"layer" + b"\n" * 500_000),
        ("model.engine", b"ftrt" + b"a" * 2_000_000 + b".sx" * 300_000),
        ("a.xml", b"<?xml version='1.0'?>" + b"<!--" * 50_000),
        ("words.safetensors", safetensors.file({"__metadata__": {"a": "import " + "\n" * 400_000}})),
        ("words.safetensors", safetensors.file({"__metadata__": {"a": ".c" * 300_000}})),
        ("words.safetensors", safetensors.file({"__metadata__": {"a": "curl " * 100_000 + "wget"}})),
        ("words.safetensors", safetensors.file({"__metadata__": {"a": "_target_ eval os" + " " * 400_000}})),
        ("words.safetensors", safetensors.file({"__metadata__": {"a": "../" * 200_000 + "A" * 300_000}})),
        ("paper.pdf", b"%PDF-1.7\n" + b"/ObjStm" * 200_000),
    ],
)
@pytest.mark.timeout(60)
def test_no_text_keeps_a_pattern_busy(name: str, content: bytes) -> None:
    judged(content, name)


def nested_r(shape: str, depth: int) -> bytes:
    value = r_data.words("a")
    for _ in range(depth):
        if shape == "list":
            value = r_data.items(value)
        elif shape == "call":
            value = r_data.call("f", value)
        elif shape == "function":
            value = r_data.closure(value)
        else:
            value = r_data.environment(r_data.pairs(("x", value)))
    return r_data.file(value)


@pytest.mark.parametrize("shape", ["list", "call", "function", "environment"])
@pytest.mark.parametrize("depth", [40, 199, 5000])
def test_r_data_of_any_depth_ends_in_a_report(shape: str, depth: int) -> None:
    report = judged(nested_r(shape, depth), "data.rds")
    assert "failed" not in (report.unscannable or "")
    if depth == 40 and shape == "list":
        assert report.verdict is Verdict.SAFE


@pytest.mark.parametrize("depth", [199, 5000])
def test_other_formats_of_any_depth_end_in_a_report(depth: int) -> None:
    for name, content in (
        ("model.ubj", b"{L" + struct.pack(">q", 3) + b"abc" + b"[" * depth),
        ("model.msgpack", b"\x91" * depth + b"\x01"),
        ("model.t7", b"\x03\0\0\0" + b"".join(struct.pack("<iiii", n, 1, 0, 3) for n in range(depth))),
        ("a.xml", b"<?xml version='1.0'?>" + b"<a>" * depth),
        ("Manifest.json", b'{"base_code":' + b"[" * depth + b"]" * depth + b"}"),
    ):
        assert "failed" not in (judged(content, name).unscannable or "")
