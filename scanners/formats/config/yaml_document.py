"""YAML by PyYAML's event stream: nothing is constructed, tags are seen as a loader would resolve them."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.pipelines import judge_pipeline
from scanners.formats.config.reading import Doubled
from scanners.formats.config.walk import judge_document
from scanners.formats.config.yaml_tags import judge_inclusion, judge_raw, judge_tag
from scanners.source import ByteSource

LARGEST_YAML = 8 * 1024 * 1024
MOST_EVENTS = 1_500_000
MOST_EXPANDED = 1_000_000
"""Nodes after every alias is replaced by what it stands for."""
DEEPEST = 2000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def judge_yaml(source: ByteSource, case: Case) -> None:
    data = source.read(0, LARGEST_YAML)
    judge_yaml_text(_decoded(data), case, data=data)
    if source.size > LARGEST_YAML:
        case.leave_open(f"It is YAML of more than {LARGEST_YAML // 1024 // 1024} MiB.")


def judge_yaml_text(text: str, case: Case, *, data: bytes | None = None) -> None:
    """All documents of a stream, up to where it stops being YAML."""
    try:
        for document in _documents(text, case):
            judge_document(document, case)
            if isinstance(document, dict):
                judge_pipeline(document, case)
                _judge_environment(document, case)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        judge_raw(data if data is not None else text.encode("utf-8", "replace"), case)
        case.add(
            "config-ambiguous",
            Severity.LOW,
            "The YAML cannot be read to its end; a loader refuses it, too.",
            line=line,
            evidence={"reason": str(getattr(error, "problem", None) or type(error).__name__)[:120]},
        )


def _judge_environment(document: dict[str, Any], case: Case) -> None:
    if isinstance(document.get("dependencies"), list) or case.name.lower() in (".condarc", "condarc"):
        # Only conda's environments have them in YAML.
        from scanners.formats.requirements.manifests import judge_conda

        judge_conda(document, case)


@dataclass(slots=True)
class _Open:
    """A collection that is being read."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    weight: int = 1
    pairs: list[tuple[str, Any]] = field(default_factory=list)

    def take(self, value: Any, weight: int) -> None:
        self.weight += weight
        if isinstance(self.value, list):
            self.value.append(value)
        elif self.key is None:
            self.key = value if isinstance(value, str) else "\ufffd"
        else:
            self.pairs.append((self.key, value))
            self.key = None

    def closed(self) -> Any:
        if isinstance(self.value, list):
            return self.value
        self.value.update(self.pairs)
        if len(self.value) == len(self.pairs):
            return self.value
        doubled = Doubled(self.pairs)
        doubled.pairs = self.pairs
        return doubled


def _documents(text: str, case: Case) -> Iterator[Any]:
    """Each document as objects, lists and texts; an alias of a collection is only its name."""
    stack: list[_Open] = []
    scalars: dict[str, str] = {}
    weights: dict[str, int] = {}
    root: Any = None
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if count > MOST_EVENTS or len(stack) > DEEPEST:
            raise Unscannable("It is YAML with more or deeper nodes than one scan looks at.")
        if count % 4096 == 0:
            case.meter.check_clock()
        tag = getattr(event, "tag", None)
        if tag:
            judge_tag(tag, _line(event), case)
        value: Any
        weight = 1
        if isinstance(event, yaml.DocumentStartEvent):
            stack, scalars, weights, root = [], {}, {}, None
            continue
        if isinstance(event, yaml.DocumentEndEvent):
            yield root
            continue
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
            continue
        if isinstance(event, yaml.ScalarEvent):
            value = event.value
            if tag == "!include":
                judge_inclusion(value, _line(event), case)
            if event.anchor:
                scalars[event.anchor] = value
                weights[event.anchor] = 1 + len(value) // 64
        elif isinstance(event, yaml.AliasEvent):
            name = str(event.anchor)
            value, weight = scalars.get(name, f"*{name}"), weights.get(name, 1)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            closed = stack.pop()
            value, weight = closed.closed(), closed.weight
            if closed.anchor:
                weights[closed.anchor] = weight
                scalars.pop(closed.anchor, None)
            if weight > MOST_EXPANDED and weight > 20 * count:
                case.add(
                    "yaml-expands",
                    Severity.HIGH,
                    f"The YAML has aliases for more than {MOST_EXPANDED:,} nodes: reading it takes all memory.",
                    line=_line(event),
                    evidence={"nodes": min(weight, 10**12), "events": count},
                )
                return
        else:
            continue
        if stack:
            stack[-1].take(value, weight)
        else:
            root = value


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _decoded(data: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    return data.decode("utf-8", "replace")
