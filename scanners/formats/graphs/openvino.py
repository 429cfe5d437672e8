"""OpenVINO's intermediate representation: layers in XML, weights in a `.bin` beside it.

Layers are of an operator set. One of another set comes from a shared library that must be loaded into the process.
"""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.outside_path import is_library, judge_path, leads_outside

_OPERATOR_SET = re.compile(
    r"opset\d{1,2}|experimental|ie_internal_opset|gpu_opset|cpu_plugin_opset|type_relaxed_opset|\d{1,2}"
)
LARGEST_PLACE = 1 << 42
"""Bytes; more than any file of weights has."""
_TELLING = re.compile(r"python|custom|extension|script|exec|shell|native|plugin|system", re.IGNORECASE)
_PATH_KEYS = re.compile(
    r"(?:^|_)(?:path|file|filename|library|lib|plugin|implementation|location|source|kernel_file|uri|url)$"
)


def judge_layer(element: str, attributes: dict[str, str], case: Case, line: int) -> None:
    """One element of the file with its attributes."""
    if element == "layer":
        _judge_kind(attributes, case, line)
    if element == "data":
        _judge_place(attributes, case, line)
    for key, value in attributes.items():
        if is_library(value):
            case.add(
                "graph-custom-layer",
                Severity.HIGH,
                f"The model names the library {value[:80]!r}: native code that must be loaded with it.",
                line=line,
                evidence={"element": element[:100], "attribute": key[:100], "library": value[:200]},
            )
        elif _PATH_KEYS.search(key.lower()) and (leads_outside(value) or "/" in value):
            judge_path(value, case, f"The attribute {key[:60]!r} of {element[:60]!r} names")


def _judge_place(attributes: dict[str, str], case: Case, line: int) -> None:
    """Where a constant is in the weights: native code reads there."""
    for key in ("offset", "size"):
        value = attributes.get(key)
        if value is not None and (re.fullmatch(r"\d{1,20}", value) is None or int(value) > LARGEST_PLACE):
            case.add(
                "format-malformed",
                Severity.MEDIUM,
                f"The model takes a constant of its weights from the {key} {value[:40]!r}, which no file has.",
                line=line,
                evidence={"format": "openvino", "reason": f"{key} {value[:40]}"},
            )


def _judge_kind(attributes: dict[str, str], case: Case, line: int) -> None:
    kind, of = attributes.get("type", ""), attributes.get("version", "opset1")
    if _OPERATOR_SET.fullmatch(of) is not None and _TELLING.search(kind) is None:
        return
    case.add(
        "graph-custom-layer",
        Severity.MEDIUM,
        f"The model has a layer of the type {kind[:60]!r} from {of[:60]!r}: it comes from a library that is not in it.",
        line=line,
        evidence={"type": kind[:200], "set": of[:200]},
    )
