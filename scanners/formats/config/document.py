"""JSON files, and texts elsewhere (metadata of tensors) that are one."""

from __future__ import annotations

import re

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.reading import WHOLE_BYTES, NotJson, TooDeep, documents, lines, parse
from scanners.formats.config.walk import judge_document
from scanners.formats.config.yaml_tags import MAY_HAVE_TAGS
from scanners.source import ByteSource

_TARGET_IN_TEXT = re.compile(r"(?:^|[\s{\"',])(?:_target_|class_path)[\"']?\s*[:=]\s*[\"']?([A-Za-z_][\w.]*)")
LONGEST_TEXT = 1024 * 1024
LARGEST_JSON = 16 * 1024 * 1024
TOKENIZER = "tokenizer.json"
FILES_OF_TEMPLATES = frozenset({"tokenizer_config.json", "chat_template.json", "processor_config.json"})


def judge_json(source: ByteSource, case: Case) -> None:
    """By structure, whatever it is called. What does not read as JSON is looked at as YAML, which it then may be."""
    name = case.name.lower()
    if name == TOKENIZER:
        _note_tokenizer(source, case)
    if name in FILES_OF_TEMPLATES and source.size > LARGEST_JSON:
        raise Unscannable(f"It is JSON of more than {LARGEST_JSON // 1024 // 1024} MiB.")
    try:
        for key, document in documents(source, case):
            judge_document(document, case, key=key)
    except NotJson as reason:
        _judge_other(source, name, str(reason), case)
    except TooDeep:
        case.add(
            "config-ambiguous",
            Severity.MEDIUM,
            "The JSON is nested deeper than its readers can follow: they refuse it or break.",
        )
        raise


def judge_text(text: str, case: Case, *, key: str | None = None) -> None:
    """A text that stands for itself somewhere else, such as a value of safetensors' metadata."""
    text = text[:LONGEST_TEXT]
    if text.lstrip()[:1] in ("{", "["):
        try:
            judge_document(parse(text.encode("utf-8", "surrogatepass")), case)
        except NotJson:
            pass
        else:
            return
    judge_document({key or "text": text}, case)
    if MAY_HAVE_TAGS.search(text.encode("utf-8", "replace")) or _TARGET_IN_TEXT.search(text):
        # PyYAML is only loaded for what looks like YAML.
        from scanners.formats.config.yaml_document import judge_yaml_text

        judge_yaml_text(text, case)
    if ("{{" in text or "{%" in text) and "__" in text:
        # Metadata can carry a template, too.
        from scanners.formats.template import judge_template

        judge_template(text, case, key=key)


def _note_tokenizer(source: ByteSource, case: Case) -> None:
    # Loaded for the few files that need it.
    from scanners.formats.shared.vocabulary import of_tokenizer_json

    digest = of_tokenizer_json(source.read(0, WHOLE_BYTES))
    if digest is not None:
        case.fact("vocabulary", digest)


def _judge_other(source: ByteSource, name: str, reason: str, case: Case) -> None:
    data = source.read(0, WHOLE_BYTES)
    if MAY_HAVE_TAGS.search(data) or b"_target_" in data or name.endswith((".yaml", ".yml")):
        # PyYAML is only loaded for what may be YAML.
        from scanners.formats.config.yaml_document import judge_yaml

        judge_yaml(source, case)
        return
    try:
        whole = source.size <= WHOLE_BYTES
        documents_of_lines = lines(data if whole else data[: data.rfind(b"\n") + 1])
    except NotJson:
        if name.endswith(".json"):
            case.add(
                "config-ambiguous",
                Severity.LOW,
                f"The file is called JSON, but does not read as it ({reason}).",
                evidence={"reason": reason},
            )
        return
    for document in documents_of_lines[:1000] if name.endswith(".json") else []:
        judge_document(document, case)
