"""What the tests of scanners share: real files, and pickles written by hand. Nothing here is ever loaded."""

from __future__ import annotations

import struct
from pathlib import Path

from scanners.budget import Budget
from scanners.finding import Finding, Report
from scanners.scan import scan
from scanners.source import MemorySource

MODELS = Path("fixtures/repos/models/acme-research")
TORCH_ZIP = MODELS / "tiny-torch/main/pytorch_model.bin"
TORCH_LEGACY = MODELS / "torch-legacy/main/pytorch_model.bin"
SAFETENSORS = MODELS / "tiny-bert/first/model.safetensors"
POISONED_TORCH_ZIP = Path("fixtures/repos/models/mallory/shell-in-a-pickle/main/pytorch_model.bin")


def judged(content: bytes, name: str = "model.pkl", *, budget: Budget | None = None) -> Report:
    """Our own reading alone."""
    return scan(MemorySource(content), name, engines=False, budget=budget)


def rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def the(report: Report, rule: str) -> Finding:
    """The only finding of this rule."""
    (finding,) = [finding for finding in report.findings if finding.rule == rule]
    return finding


def name(module: str, qualified: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{qualified}\n".encode()


def text(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def octets(value: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(value)) + value


def proto(body: bytes, protocol: int = 4) -> bytes:
    """A whole pickle of these opcodes."""
    return b"\x80" + bytes([protocol]) + body + b"."


def call(module: str, qualified: str, *arguments: bytes) -> bytes:
    """GLOBAL, the arguments as a tuple, REDUCE."""
    return name(module, qualified) + b"(" + b"".join(arguments) + b"tR"


SHELL = call("os", "system", text("id"))
"""Opcodes that call os.system("id")."""
