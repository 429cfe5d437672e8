"""What a model says it was made from: its card, its tags, and what tools write into its files.

What somebody states comes first, what a tool recorded next, guesses last. A parent that several places name is one
parent, from the surest of them, with the revision and the relation of whichever tells them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from scanners.repository.references import Reference, dataset, revision_in, stated, with_adapter, written_by_a_tool

RELATIONS = ("adapter", "merge", "quantized", "finetune")
"""As the Hub calls them."""
CARD, TAGS, KNOWN = "card", "tags", "known"
DECLARED = frozenset({CARD, TAGS})
"""Sources in which somebody states the parents; the others are files that a tool has written, and our own list."""
MOST_PARENTS = 200
MOST_VALUES = 20_000
"""Of one document that are looked at."""

_SPELLINGS = {
    "adapters": "adapter",
    "lora": "adapter",
    "merged": "merge",
    "merges": "merge",
    "quantised": "quantized",
    "quantization": "quantized",
    "quantisation": "quantized",
    "quant": "quantized",
    "fine-tune": "finetune",
    "fine_tune": "finetune",
    "finetuned": "finetune",
    "fine-tuned": "finetune",
    "finetuning": "finetune",
    "fine-tuning": "finetune",
}
_ADAPTER_FILE = "adapter_config.json"
_ADAPTER_KEYS = ("base_model_name_or_path", "model_name", "model")
"""As PEFT, the adapters library and MLX have it."""
_MERGE_FILES = frozenset(
    f"{name}.{suffix}"
    for name in ("mergekit_config", "merge_config", "mergekit_moe_config", "mergekit-config")
    for suffix in ("yml", "yaml")
)
_QUANTIZED_FILES = frozenset({"quantize_config.json", "quant_config.json"})
_PLAIN_FILES = frozenset({"config.json", "model_index.json"})
_DEEPEST_FOLDER = 1
_MERGE_KEYS = frozenset({"model", "base_model", "source_model", "lora"})
_PART_KEYS = ("_name_or_path", "base_model_name_or_path", "text_model_id", "audio_model_id", "mm_vision_tower")
"""Of a configuration: what it was loaded from, and what a model of several parts took them from."""
_QUANTIZED_TAGS = frozenset(
    {"gguf", "awq", "gptq", "exl2", "exl3", "mlx", "bitsandbytes", "4-bit", "8-bit", "compressed-tensors"}
)
_ADAPTER_TAGS = frozenset({"adapter", "lora", "peft", "qlora"})
_MERGE_TAGS = frozenset({"merge", "mergekit", "moerge"})


@dataclass(frozen=True, slots=True)
class Parent:
    """One repository that another was made from."""

    repository: str
    """`owner/name`, or a name alone for the oldest repositories."""
    relation: str
    """One of `RELATIONS`, or empty if nothing tells."""
    source: str
    """`card`, `tags`, `known` (our own list), or the path of the file that says it."""
    revision: str = ""
    """The branch, tag or commit that was used; empty if that is not said."""


def parents_of(
    card: object,
    documents: Mapping[str, object],
    gguf: Mapping[str, Mapping[str, object]],
    tags: Sequence[str] = (),
    *,
    repository: str = "",
) -> tuple[Parent, ...]:
    """Each parent once, in the order of how sure its source is. Garbage names nobody.

    `documents`: path to parsed content (JSON or YAML) of what `wants` asks for. `gguf`: path to the metadata of the
    report. `repository`: its own name, which files name, too, and which is no parent there; a card that names it as
    its own base is left to the walk, which calls it a cycle.
    """
    fields: dict[Any, Any] = card if isinstance(card, dict) else {}
    tags = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list | tuple) else []
    usual = _usual_relation(fields, documents, gguf, tags)
    found = [
        *_of_card(fields),
        *_of_tags(tags),
        *_of_merges(documents),
        *_of_adapters(documents),
        *_of_list(repository),
        *_of_gguf(gguf),
        *_of_configurations(documents, usual),
    ]
    if not found:
        found = list(_guessed(gguf))
    own = repository.casefold()
    kept = [one for one in found if one.source in DECLARED or one.repository.casefold() != own]
    return tuple(
        replace(one, relation=usual) if one.source in DECLARED and not one.relation else one for one in _joined(kept)
    )[:MOST_PARENTS]


def may_be_a_folder(source: str) -> bool:
    """Whether what stands there, and is no repository, was most likely a folder on the machine of whoever wrote it."""
    return source.rpartition("/")[2] in _PLAIN_FILES | _QUANTIZED_FILES


def datasets_of(card: object, tags: Sequence[str] = ()) -> tuple[str, ...]:
    """The data sets that the card or the tags name, as `owner/name` or a name alone."""
    fields: dict[Any, Any] = card if isinstance(card, dict) else {}
    named = [dataset(value) for value in _values(fields.get("datasets"))]
    if isinstance(tags, list | tuple):
        named += [dataset(tag[8:]) for tag in tags if isinstance(tag, str) and tag.startswith("dataset:")]
    by_name: dict[str, str] = {}
    for name in named:
        if name is not None:
            by_name.setdefault(name.casefold(), name)
    return tuple(by_name.values())[:MOST_PARENTS]


def wants(path: str) -> bool:
    """Whether `parents_of` reads the document at this path: in the repository's root, or one folder below."""
    folders, name = path.count("/"), path.rpartition("/")[2]
    return folders <= _DEEPEST_FOLDER and (name in {_ADAPTER_FILE} | _MERGE_FILES | _QUANTIZED_FILES | _PLAIN_FILES)


def names_parents(path: str) -> bool:
    """Whether a document that `wants` asks for is there to say what the model was made from, and for little else."""
    return wants(path) and path.rpartition("/")[2] not in _PLAIN_FILES


@lru_cache(maxsize=1)
def known_parents() -> dict[str, tuple[Parent, ...]]:
    """By name in lower case: parents of well-known models that neither card nor files name."""
    from scanners.repository.license_list import data

    return {
        name.casefold(): tuple(Parent(one["parent"], one["relation"], KNOWN) for one in parents)
        for name, parents in data("lineages.yaml").items()
    }


def _joined(found: Iterable[Parent]) -> list[Parent]:
    """Each parent once, as the first who names it does, with what later ones know besides."""
    by_name: dict[str, Parent] = {}
    for one in found:
        first = by_name.setdefault(one.repository.casefold(), one)
        by_name[one.repository.casefold()] = replace(
            first, relation=first.relation or one.relation, revision=first.revision or one.revision
        )
    return list(by_name.values())


def _usual_relation(
    fields: Mapping[Any, Any],
    documents: Mapping[str, object],
    gguf: Mapping[str, Mapping[str, object]],
    tags: Sequence[str],
) -> str:
    """How the model relates to its parents where it is not said: what the Hub infers from files and tags."""
    names = {path.rpartition("/")[2] for path in documents}
    words = {tag.casefold() for tag in [*tags, *_texts(fields.get("tags")), *_texts(fields.get("library_name"))]}
    if _ADAPTER_FILE in names or words & _ADAPTER_TAGS:
        return "adapter"
    config = documents.get("config.json")
    packed = bool(gguf or names & _QUANTIZED_FILES or words & _QUANTIZED_TAGS) or (
        isinstance(config, dict) and "quantization_config" in config
    )
    several = len(_values(fields.get("base_model"))) > 1
    if several or (not packed and (names & _MERGE_FILES or words & _MERGE_TAGS)):
        return "merge"  # A quantised copy of a merge has its tags, too.
    return "quantized" if packed else "finetune"


def _relation(text: str) -> str:
    text = text.strip().casefold()
    return text if text in RELATIONS else _SPELLINGS.get(text, "")


def _of_card(fields: Mapping[Any, Any]) -> Iterator[Parent]:
    said = fields.get("base_model_relation")
    relation = _relation(said) if isinstance(said, str) else ""
    for value in _values(fields.get("base_model")):
        yield from _parents([stated(value)], relation, CARD)


def _of_tags(tags: Sequence[str]) -> Iterator[Parent]:
    """`base_model:owner/name` and `base_model:<relation>:owner/name`: the Hub makes both from the card."""
    told: dict[str, str] = {}
    for tag in tags:
        if not tag.startswith("base_model:"):
            continue
        first, colon, rest = tag.removeprefix("base_model:").partition(":")
        relation = _relation(first) if colon else ""
        named = stated(rest if relation else tag.removeprefix("base_model:"))
        if named is not None:
            told[named.repository] = told.get(named.repository) or relation
    for repository, relation in told.items():
        yield Parent(repository, relation, TAGS)


def _of_merges(documents: Mapping[str, object]) -> Iterator[Parent]:
    for path, document in sorted(documents.items()):
        if path.rpartition("/")[2] in _MERGE_FILES:
            for reference in _merged(document):
                yield Parent(reference.repository, "merge", path, reference.revision)


def _merged(document: object) -> Iterator[Reference]:
    """Whatever stands where mergekit wants a model, at any depth."""
    waiting: list[object] = [document]
    left = MOST_VALUES
    while waiting and left > 0:
        value = waiting.pop()
        left -= 1
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key in _MERGE_KEYS and isinstance(inner, str):
                    yield from with_adapter(inner)
                elif key in _MERGE_KEYS and isinstance(inner, dict) and isinstance(inner.get("path"), str):
                    revision = inner.get("revision")
                    yield from with_adapter(
                        f"{inner['path']}@{revision}" if isinstance(revision, str) else inner["path"]
                    )
                elif isinstance(inner, list | dict):
                    waiting.append(inner)


def _of_adapters(documents: Mapping[str, object]) -> Iterator[Parent]:
    for path, document in sorted(documents.items()):
        if path.rpartition("/")[2] != _ADAPTER_FILE or not isinstance(document, dict):
            continue
        for key in _ADAPTER_KEYS:
            reference = written_by_a_tool(document.get(key))
            if reference is not None:
                revision = reference.revision or revision_in(document.get("revision"))
                yield Parent(reference.repository, "adapter", path, revision)
                break


def _of_list(repository: str) -> Iterator[Parent]:
    if repository:
        yield from known_parents().get(repository.casefold(), ())


def _of_gguf(gguf: Mapping[str, Mapping[str, object]]) -> Iterator[Parent]:
    """What the converter read: the model that it converted, and what the card of that one named as its base."""
    for path, metadata in sorted(gguf.items()):
        yield from _parents([stated(metadata.get("source"))], "quantized", path)
    for path, model in _base_models(gguf):
        for key in ("repo_url", "url"):
            yield from _parents([stated(model.get(key)) if "/" in str(model.get(key)) else None], "", path)


def _guessed(gguf: Mapping[str, Mapping[str, object]]) -> Iterator[Parent]:
    """From an owner and a title, where there is no address: converters write spaces for dashes."""
    for path, model in _base_models(gguf):
        owner, name = model.get("organization"), model.get("name")
        if isinstance(owner, str) and isinstance(name, str):
            spelled = f"{'-'.join(owner.split())}/{'-'.join(name.split())}"
            yield from _parents([written_by_a_tool(spelled)], "", path)


def _base_models(gguf: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for path, metadata in sorted(gguf.items()):
        models = metadata.get("base_models")
        for model in models if isinstance(models, list) else []:
            if isinstance(model, Mapping):
                yield path, model


def _of_configurations(documents: Mapping[str, object], usual: str) -> Iterator[Parent]:
    for path, document in sorted(documents.items()):
        name = path.rpartition("/")[2]
        if not isinstance(document, dict):
            continue
        if name in _QUANTIZED_FILES:
            yield from _parents([written_by_a_tool(document.get("model_name_or_path"))], "quantized", path)
        elif name in _PLAIN_FILES:
            # A part in a folder of its own, such as a text encoder, was taken over: how, nothing tells.
            relation = usual if "/" not in path else ""
            yield from _parents([written_by_a_tool(document.get("_name_or_path"))], relation, path)
            yield from _parents((written_by_a_tool(document.get(key)) for key in _PART_KEYS[1:]), "", path)
            quantized = document.get("quantization_config")
            if isinstance(quantized, dict):
                yield from _parents([written_by_a_tool(quantized.get("model_name_or_path"))], "quantized", path)
            for inner in document.values():
                if isinstance(inner, dict):
                    yield from _parents((written_by_a_tool(inner.get(key)) for key in _PART_KEYS), "", path)


def _parents(references: Iterable[Reference | None], relation: str, source: str) -> Iterator[Parent]:
    for one in references:
        if one is not None:
            yield Parent(one.repository, relation, source, one.revision)


def _values(value: object) -> list[object]:
    # As many as a document may have: a parent may stand behind a thousand times the name of another one.
    return list(value[:MOST_VALUES]) if isinstance(value, list | tuple) else [value] if isinstance(value, str) else []


def _texts(value: object) -> list[str]:
    return [one for one in _values(value) if isinstance(one, str)]
