"""Facts of a commit as the catalogue has them: pure."""

from __future__ import annotations

from typing import Any

from rules.facts import Facts, FileFacts, Kind, Role, Severity

SIZES = (
    ("tiny", 100_000_000, "under 100 MB"),
    ("small", 1_000_000_000, "100 MB to 1 GB"),
    ("medium", 10_000_000_000, "1 to 10 GB"),
    ("large", 100_000_000_000, "10 to 100 GB"),
    ("huge", None, "100 GB and more"),
)
"""Name, bytes that it stays below, and words for it."""
SEPARATOR = "\t"
"""Between the parts of `alike`."""
_LONGEST = 200
_MOST_FORMATS = 12
_NO_WEIGHTS = frozenset({"unknown", "text", "json", "yaml", "empty"})


def described(facts: Facts) -> dict[str, Any]:
    """The columns that do not depend on what was decided."""
    weights = _weights(facts)
    size = sum(file.size for file in weights) if weights else facts.total_size
    task, formats = _text(facts.pipeline_tag), _formats(weights)
    return {
        "alike": SEPARATOR.join(
            (facts.kind.value, _plain(task), facts.license.category.value, size_class(size), formats)
        ),
        "publisher": facts.namespace.lower(),
        "task": task,
        "library": _text(facts.library),
        "licence": _text(facts.license.expression or ", ".join(facts.license.declared)),
        "licence_class": facts.license.category.value,
        "size": size,
        "size_class": size_class(size),
        "parameters": facts.parameters,
        "formats": formats,
        "family": _family(facts),
        "downloads": facts.downloads,
        "likes": facts.likes,
        "risk": max((file.severity for file in facts.files), key=list(Severity).index, default=Severity.NONE).value,
    }


def size_class(size: int) -> str:
    """The class of a size in bytes."""
    return next(name for name, below, _ in SIZES if below is None or size < below)


def formats_in(text: str) -> list[str]:
    """The formats that a row's column names."""
    return [one for one in text.split(",") if one]


def _plain(task: str) -> str:
    return task.replace(SEPARATOR, " ")


def _weights(facts: Facts) -> list[FileFacts]:
    if facts.kind is Kind.MODEL:
        return [file for file in facts.files if file.role is Role.WEIGHTS]
    return [file for file in facts.files if file.format not in _NO_WEIGHTS and file.role in {Role.WEIGHTS, Role.OTHER}]


def _formats(weights: list[FileFacts]) -> str:
    names = sorted({file.format for file in weights})[:_MOST_FORMATS]
    return f",{','.join(names)}," if names else ""


def _family(facts: Facts) -> str:
    hops = facts.lineage.hops
    if hops:
        return _text(max(hops, key=lambda hop: hop.depth).parent)
    return _text(facts.base_models[0]) if facts.base_models else ""


def _text(text: str) -> str:
    return text[:_LONGEST]
