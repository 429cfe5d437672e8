"""Texts: settings key by key; card, templates, requirements and code line by line. All of it is hostile and bounded."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from curator.admission.difference.said import Change, Line, TextChange, Weight
from curator.admission.difference.side import Side

CARD = "README.md"
SETTINGS = frozenset({"config.json", "model_index.json", "adapter_config.json", "generation_config.json"})
TEMPLATES = frozenset({"chat_template.jinja", "chat_template.json", "tokenizer_config.json", "processor_config.json"})
REQUIREMENTS = frozenset({"requirements.txt", "environment.yml", "pyproject.toml", "setup.py"})
MOST_LETTERS = 64 << 10
"""Of a text that is compared."""
_MOST_LINES = 1_000
"""Of each text: what compares them takes half a second with as many that are made for it."""
_MOST_SHOWN = 400
_LONGEST_LINE = 400
_AROUND = 2
_LONGEST_VALUE = 200
_MOST_KEYS = 500
_DEEPEST = 3
_RUNS_CODE = ("auto_map", "trust_remote_code", "custom_pipelines")
_IS_THE_MODEL = ("architectures", "model_type", "quantization_config", "torch_dtype", "dtype", "_class_name")


def is_read(path: str) -> bool:
    """Whether a file's text is compared."""
    name = path.rpartition("/")[2]
    return path == CARD or name in SETTINGS | TEMPLATES | REQUIREMENTS or name.endswith((".py", ".jinja"))


def settings(before: Side, after: Side) -> Iterator[Change]:
    """Keys of the JSON documents that say what is loaded and how."""
    for path in sorted(before.texts.keys() & after.texts.keys()):
        if path.rpartition("/")[2] not in SETTINGS | TEMPLATES or before.texts[path] == after.texts[path]:
            continue
        old, new = _flat(before.texts[path]), _flat(after.texts[path])
        if old is None or new is None:
            continue
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) == new.get(key) or key.startswith("chat_template"):
                continue
            how = "added" if key not in old else "removed" if key not in new else "changed"
            yield _setting(path, key, how, old.get(key, ""), new.get(key, ""))


def written(before: Side, after: Side) -> tuple[list[Change], list[TextChange], list[str]]:
    """Changes of texts, the texts line by line, and what could not be compared."""
    changes: list[Change] = []
    shown: list[TextChange] = []
    unseen: list[str] = []
    old, new = _texts(before), _texts(after)
    blobs = {file.path: file.blob for file in before.facts.files}
    for file in after.facts.files:
        if not is_read(file.path) or blobs.get(file.path) == file.blob:
            continue
        in_old = file.path in blobs
        if file.path not in after.texts or (in_old and file.path not in before.texts):
            unseen.append(f"The text of {file.path} is not at hand here: it is compared by its content's hash alone.")
    for path in sorted(old.keys() | new.keys(), key=_reading_order):
        was, is_ = old.get(path, ""), new.get(path, "")
        if was == is_:
            continue
        real = path.partition("#")[0]
        if (
            (path in old) != (path in new)
            and real in {**before.texts, **after.texts}
            and _was_unread(path, before, after)
        ):
            continue
        group, weight, title = _kind(path)
        how = "added" if path not in old else "removed" if path not in new else "changed"
        changes.append(Change(group, how, weight, f"{title} {'is new' if how == 'added' else _IS[how]}.", real))
        lines, cut = _lines(was, is_)
        shown.append(TextChange(path, title, tuple(lines), cut))
    return changes, shown, unseen


_IS = {"removed": "is gone", "changed": "was changed"}


def _was_unread(path: str, before: Side, after: Side) -> bool:
    """Whether one side has the file and its text was not at hand, so that nobody knows what was added."""
    real = path.partition("#")[0]
    for side in (before, after):
        if real not in side.texts and any(file.path == real for file in side.facts.files):
            return True
    return False


def _texts(side: Side) -> dict[str, str]:
    """What is shown line by line, by path; a template within a JSON document as `path#key`."""
    found: dict[str, str] = {}
    for path, text in side.texts.items():
        name = path.rpartition("/")[2]
        if path == CARD or name in REQUIREMENTS or name.endswith((".py", ".jinja")):
            found[path] = text[:MOST_LETTERS]
        elif name in TEMPLATES:
            found |= {f"{path}#{key}": template for key, template in _templates(text).items()}
    return found


def _templates(text: str) -> dict[str, str]:
    document = _json(text)
    template = document.get("chat_template") if isinstance(document, dict) else None
    if isinstance(template, str):
        return {"chat_template": template[:MOST_LETTERS]}
    named = template if isinstance(template, list) else []
    return {
        f"chat_template.{one['name'][:60]}": one["template"][:MOST_LETTERS]
        for one in named[:20]
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("template"), str)
    }


def _kind(path: str) -> tuple[str, Weight, str]:
    name = path.rpartition("/")[2]
    if path == CARD:
        return "card", Weight.SMALL, "The model card"
    if "#" in name or name.endswith(".jinja"):
        return "template", Weight.NOTABLE, f"The chat template in {path.partition('#')[0]}"
    if name in REQUIREMENTS:
        return "requirements", Weight.NOTABLE, f"What {path} asks to install"
    return "code", Weight.NOTABLE, f"The code {path}"


def _reading_order(path: str) -> tuple[int, str]:
    group = _kind(path)[0]
    return ("code", "template", "requirements", "card").index(group), path


def _setting(path: str, key: str, how: str, old: str, new: str) -> Change:
    top = key.partition(".")[0]
    weight = Weight.GRAVE if top in _RUNS_CODE else Weight.NOTABLE if top in _IS_THE_MODEL else Weight.SMALL
    if how == "removed" and weight is Weight.GRAVE:
        weight = Weight.NOTABLE
    said = {"added": f"sets {key} to {new}", "removed": f"sets {key} no more", "changed": f"sets {key} to {new}"}[how]
    instead = f" instead of {old}" if how == "changed" else ""
    return Change("config", how, weight, f"{path} {said}{instead}.", path, old, new)


def _flat(text: str) -> dict[str, str] | None:
    """Keys by their path with values as short JSON; None for what is no JSON object."""
    document = _json(text)
    if not isinstance(document, dict):
        return None
    found: dict[str, str] = {}
    _walk(document, "", 1, found)
    return found


def _walk(document: Mapping[str, Any], above: str, depth: int, found: dict[str, str]) -> None:
    for key, value in document.items():
        if len(found) >= _MOST_KEYS:
            return
        name = f"{above}{key}"[:_LONGEST_VALUE]
        if isinstance(value, dict) and value and depth < _DEEPEST:
            _walk(value, f"{name}.", depth + 1, found)
        else:
            found[name] = _short(value)


def _short(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _lines(was: str, is_: str) -> tuple[list[Line], bool]:
    """What is otherwise, with two lines around it, and whether there is more."""
    old, new = _cut(was), _cut(is_)
    cut = len(old) > _MOST_LINES or len(new) > _MOST_LINES
    old, new = old[:_MOST_LINES], new[:_MOST_LINES]
    matcher = difflib.SequenceMatcher(None, old, new)
    lines: list[Line] = []
    for group in matcher.get_grouped_opcodes(_AROUND):
        if lines:
            lines.append(Line("gap", ""))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                lines += [Line("same", new[at], at + 1) for at in range(new_from, new_to)]
                continue
            lines += [Line("removed", old[at], at + 1) for at in range(old_from, old_to)]
            lines += [Line("added", new[at], at + 1) for at in range(new_from, new_to)]
        if len(lines) > _MOST_SHOWN:
            return lines[:_MOST_SHOWN], True
    return lines, cut


def _cut(text: str) -> list[str]:
    """Lines by what ends one in a file, and by nothing that Unicode calls so."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in lines]
