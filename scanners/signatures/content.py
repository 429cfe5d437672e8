"""All marks in their order: magic numbers, structure, then what is weaker."""

from __future__ import annotations

import re

from scanners.formats.pickle.probe import probe
from scanners.kinds import Format
from scanners.signatures.data import by_own_mark
from scanners.signatures.magic import by_magic, by_structure
from scanners.signatures.models import BINARY_NAMES, by_layout, by_name
from scanners.signatures.tensorflow import by_tensorflow, by_tensorflow_name
from scanners.signatures.text import kind_of_text
from scanners.signatures.weak import by_first_fields
from scanners.source import ByteSource

__all__ = ["kind_of_content", "kind_of_text"]

_INTERPRETER = re.compile(rb"#! ?/[\w./-]+")


def kind_of_content(source: ByteSource, head: bytes, name: str) -> Format:
    """What it is that neither says it is a pickle nor is a zip or safetensors; the name in lower case."""
    kind = by_magic(head) or by_structure(source, head, name) or by_own_mark(source, head, name)
    if kind is not None:
        return kind
    found = probe(source)
    if found is not None:
        return Format.TORCH_LEGACY if found.is_torch_legacy else Format.PICKLE
    text = kind_of_text(source, head, name)
    # Words where a binary format is promised: its judge says what is wrong with them.
    if text is Format.TEXT and name.endswith(BINARY_NAMES):
        text = None
    return (
        text
        # A script with something packed behind it.
        or (Format.SCRIPT if _INTERPRETER.match(head) else None)
        or by_tensorflow(source, head, name)
        or by_layout(source, head, name)
        or by_first_fields(head, name)
        or by_tensorflow_name(source, name)
        or by_name(source, head, name)
        or Format.UNKNOWN
    )
