"""Through a configuration, object by object, by each of its rules."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.code import OF_MODELS, judge_code, judge_name
from scanners.formats.config.commands import judge_commands
from scanners.formats.config.loaders import judge_loaders, judge_resolvers
from scanners.formats.config.paths import judge_paths
from scanners.formats.config.reading import Doubled, pairs_of
from scanners.formats.config.tool_texts import judge_tool
from scanners.formats.template import LARGEST_TEMPLATE, judge_template, judge_words
from scanners.formats.template.tokens import first_reach
from scanners.source import MemorySource

_SYSTEM_PROMPT = re.compile(r"^(?:default_|base_)?system_?(?:prompt|message|instruction)s?$", re.IGNORECASE)
_YAML = (".yaml", ".yml")
MOST_OBJECTS = 1_000_000
MOST_TEMPLATES = 100
_TELLING_TWICE = frozenset(
    {
        "auto_map",
        "_target_",
        "chat_template",
        "weight_map",
        "trust_remote_code",
        "command",
        "scripts",
        "mcpServers",
        "module",
    }
    | {"class_name", "architectures", "model_type", "custom_pipelines", "type", "_class_name"}
)
_BASE64_PICKLE = re.compile(
    r"^(?:gA[IJMNQRSTUVWX]|Y3Bvc2l4|Y29z|Y19f|Y2J1aWx0aW5z|Y3N1YnByb2Nlc3|KGxw|KGRw|KGN|UEsDB)[A-Za-z0-9+/_-]{12,}={0,2}\s*$"
)
"""Base64 that becomes a pickle or a zip: how `\\x80\\x04`, `cposix` or `PK` look in it."""
_OF_MANIFESTS = frozenset({"_meta", "dependencies", "devDependencies", "optionalDependencies"})
_FIRST_OF_BASE64 = frozenset({"gA", "Y3", "Y2", "Y1", "KG", "UE"})
LONGEST_ENCODED = 1024 * 1024


def judge_document(document: Any, case: Case, *, key: str | None = None) -> None:
    """Judges a configuration that has been read, or a part of one under its key."""
    if key is None and isinstance(document, dict) and (document.keys() & _OF_MANIFESTS):
        # The list of packages is only read for what names some.
        from scanners.formats.requirements.manifests import judge_json_manifest

        judge_json_manifest(document, case)
    stack: list[Any] = [document if key is None else {key: document}]
    objects = 0
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            objects += 1
            if objects > MOST_OBJECTS:
                raise Unscannable(f"It has more than {MOST_OBJECTS:,} objects inside one another.")
            if objects % 2048 == 0:
                case.meter.check_clock()
            _judge_object(value, case)
            stack.extend(one for _, one in pairs_of(value) if isinstance(one, dict | list))
            for name, one in pairs_of(value):
                if isinstance(one, str):
                    _judge_value(str(name), one, case)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict | list):
                    stack.append(one)
                elif isinstance(one, str) and "${" in one:
                    judge_resolvers("", one, case)
                elif isinstance(one, str) and "__" in one and "{" in one:
                    _judge_value("", one, case)


def _judge_object(value: dict[str, Any], case: Case) -> None:
    keys = frozenset(value)
    if isinstance(value, Doubled):
        _twice(value, case)
    judge_code(value, keys, case)
    judge_loaders(value, keys, case)
    judge_commands(value, keys, case)
    judge_tool(value, keys, case)
    judge_paths(value, case)
    if "chat_template" in keys or "chat_templates" in keys:
        for name, one in pairs_of(value):
            if name in ("chat_template", "chat_templates"):
                _templates(one, case)


def _templates(found: Any, case: Case) -> None:
    """One template is a string; several are a list of `{"name": ..., "template": ...}` or an object by name."""
    stack, looked_at = [found], 0
    while stack and looked_at < MOST_TEMPLATES:
        part = stack.pop()
        if isinstance(part, dict):
            stack.extend(one for _, one in pairs_of(part))
        elif isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, str):
            looked_at += 1
            judge_template(part, case, key="chat_template")
    if stack:
        case.leave_open(f"It has more than {MOST_TEMPLATES:,} chat templates.")


def _judge_value(name: str, text: str, case: Case) -> None:
    judge_name(name, text, case)
    if "${" in text:
        judge_resolvers(name, text, case)
    if len(text) <= LONGEST_ENCODED and text[:2] in _FIRST_OF_BASE64 and "\n" in text:
        text = "".join(text.split())
    if _BASE64_PICKLE.match(text) and len(text) <= LONGEST_ENCODED:
        try:
            content = base64.b64decode(text.strip().replace("-", "+").replace("_", "/") + "==")
        except (ValueError, binascii.Error):
            return
        case.meter.spend_unpacked(len(content))
        # Detecting it is how we tell whether it was meant as one.
        from scanners.formats.pickle.probe import probe

        if content[:2] == b"PK" or probe(MemorySource(content)) is not None:
            case.examine(MemorySource(content), name[:100], name="encoded")
        return
    if _SYSTEM_PROMPT.search(name) and (case.name.lower() in OF_MODELS or case.name.lower().endswith(_YAML)):
        judge_words(text, case, "system prompt")
    may_reach = "__" in text and ("{{" in text or "{%" in text) and name != "chat_template"
    if may_reach and _is_rendered(name, case) and first_reach(text[:LARGEST_TEMPLATE]) is not None:
        judge_template(text, case, key=name)


def _is_rendered(name: str, case: Case) -> bool:
    """Whether somebody may render it: by its key, or since it stands in a configuration and not among data."""
    file = case.name.lower()
    telling = re.search(r"template|prompt|system|instruction", name, re.IGNORECASE)
    return telling is not None or file in OF_MODELS or file.endswith((".yaml", ".yml", ".toml"))


def _twice(value: Doubled, case: Case) -> None:
    seen: dict[str, Any] = {}
    for key, one in value.pairs:
        if key in seen and seen[key] != one:
            telling = key in _TELLING_TWICE
            case.add(
                "config-ambiguous",
                Severity.MEDIUM if telling else Severity.LOW,
                f"The configuration gives {key[:60]!r} twice with different values: readers differ in what they keep.",
                evidence={"key": key[:100]},
            )
            return
        seen[key] = one
