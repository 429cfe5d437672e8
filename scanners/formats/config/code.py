"""What a configuration brings in by name: objects to call, classes of libraries, code of this or another repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.elsewhere import HUB_ID, OTHER_REPOSITORY, WHOLE_REFERENCE, take_code_from
from scanners.formats.config.reading import pairs_of
from scanners.formats.config.targets import KNOWN_PACKAGES, Danger, danger_of


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DOTTED = re.compile(r"^[A-Za-z_][\w-]*(?:[./][A-Za-z_][\w-]*)*\.[A-Za-z_]\w*$")
LONGEST_NAME = 2000
_NAMES_CODE = re.compile(
    r"(?:class|type|fn|func|function|module|callable|target|handler|entry_?point|import|loader|impl|factory|constructor|"
    r"plugin|hook|callback|activation|initializer)s?$",
    re.IGNORECASE,
)
_IS_CODE = re.compile(
    r"__import__\s*\(|\bos\.(?:system|popen)\s*\(|\bsubprocess\.(?:run|call|Popen|check_\w+)\s*\(|"
    r"\b(?:exec|eval)\s*\(\s*(?:compile|base64|bytes|open|zlib|__)|\bpickle\.loads\s*\("
)
OF_MODELS = _names(
    """config.json tokenizer_config.json generation_config.json preprocessor_config.json processor_config.json
    adapter_config.json model_index.json modules.json special_tokens_map.json scheduler_config.json
    training_args.json trainer_state.json params.json"""
)
_ELSEWHERE = _names(
    "run script cmd command entry chat_template code content text output input instruction prompt description"
)
"""Judged as what they are, or texts for people and models."""
_CALLED = ("_target_", "class_path", "loader_module", "__target__", "_class_", "_name_", "callable", "_function_")
_LOOKS_UP = re.compile(r"hydra\.utils\.get_(?:method|class|object|static_method)")
"""They return what stands beside them as `path`, and call nothing."""
_PICKLED_JSON = re.compile(r"^py/(?:object|reduce|function|type|module|repr|newargs(?:ex)?|state|bytes)$")
_DIFFUSERS_PARTS = _names(
    """diffusers transformers optimum onnxruntime peft stable_diffusion stable_diffusion_safe stable_diffusion_xl
    paint_by_example latent_diffusion audioldm audioldm2 deepfloyd_if kandinsky kandinsky2_2 shap_e unclip
    wuerstchen musicldm spectrogram_diffusion stable_audio unidiffuser blip_diffusion alt_diffusion controlnet
    kolors hunyuandit lumina flux stable_cascade pixart_alpha semantic_stable_diffusion versatile_diffusion
    ip_adapter hidream_image cogvideo ltx wan text_to_video_synthesis onnx_stable_diffusion flax null ace_step bria
    cosmos audio sana visualcloze amused"""
)


def judge_code(value: dict[str, Any], keys: frozenset[str], case: Case) -> None:
    """Looks at one object of a configuration; `keys` are its keys."""
    for key in keys & _KEYS:
        for found in (one for name, one in pairs_of(value) if name == key):
            _RULES[key](found, key, value, case)
    if (
        "target" in keys
        and ("params" in keys or "kwargs" in keys or "args" in keys)
        and isinstance(value["target"], str)
    ):
        _target(value["target"], "target", value, case)
    if any(_PICKLED_JSON.match(key) for key in keys if key.startswith("py/")):
        _pickled(value, case)
    if {"module", "class_name"} <= keys and isinstance(value["module"], str):
        _keras(value, case)
    is_module = keys >= {"type", "path", "name"} or ("type" in keys and case.name.lower() == "modules.json")
    if is_module and isinstance(value["type"], str) and _DOTTED.match(value["type"]):
        _module_of_sentences(value["type"], "type", case)
    if "types" in keys and "structure" in keys and isinstance(value["types"], dict):
        for name in _texts(value["types"]):
            _module_of_sentences(name, "types", case)
    if "lc" in keys and value.get("type") == "constructor" and isinstance(value.get("id"), list):
        _target(".".join(str(part) for part in value["id"]), "id", value, case)


def judge_name(key: str, text: str, case: Case) -> None:
    """Looks at one text of a configuration: the name of something dangerous where a name of code belongs, or code."""
    if len(text) > LONGEST_NAME:
        return
    if "--" in text and key not in _KEYS and case.name.lower() in OF_MODELS and WHOLE_REFERENCE.match(text):
        if not key.startswith("Auto") and key != "impl":
            # Those are judged with the object they stand in.
            repository, _, name = text.partition("--")
            take_code_from(repository, name, key, case)
    elif key in ("activation_function", "activation_fn") and _DOTTED.match(text):
        _module_of_sentences(text, key, case)
    elif _NAMES_CODE.search(key) and key not in _KEYS and "." in text and danger_of(text) is Danger.RUNS:
        case.add(
            "config-names-code",
            Severity.HIGH,
            f"The configuration names {text[:80]!r} where its loader looks for a class or function.",
            evidence={"key": key[:100], "name": text[:200]},
        )
    elif (
        _IS_CODE.search(text)
        and key not in _ELSEWHERE
        and (case.name.lower() in OF_MODELS or case.name.lower().endswith((".yaml", ".yml")))
    ):
        case.add(
            "config-names-code",
            Severity.HIGH if "__import__" in text else Severity.MEDIUM,
            f"The configuration holds a piece of Python ({text[:60]!r}) that runs commands or code if it is evaluated.",
            evidence={"key": key[:100], "code": text[:200]},
        )


def name_target(name: str, case: Case, *, key: str) -> None:
    """Notes what calling this name would do."""
    _target(name, key, {}, case)


def _target(found: Any, key: str, value: dict[str, Any], case: Case) -> None:
    if not isinstance(found, str) or not found.strip():
        return
    if found.startswith(("$", "???")) or ("${" in found and not _DOTTED.match(found)):
        danger = Danger.UNKNOWN if "${" in found else Danger.NONE
    else:
        danger = danger_of(found)
        if danger is Danger.UNKNOWN and key in ("_name_", "callable", "_class_") and "." not in found:
            return
    if _LOOKS_UP.fullmatch(found.strip()) and isinstance(value.get("path"), str):
        danger = danger_of(value["path"])
    shown = found.strip()[:80]
    if danger is Danger.NONE:
        return
    severity, would = {
        Danger.RUNS: (Severity.CRITICAL, "which runs commands or code"),
        Danger.REACHES_OUT: (Severity.HIGH, "which reaches files, the network or other code"),
        Danger.UNKNOWN: (Severity.MEDIUM, "which is of no library known here"),
    }[danger]
    if key == "target" and danger is Danger.UNKNOWN:
        # Of latent diffusion and what came of it: each of their files names classes of the program itself.
        severity = Severity.LOW
    case.add(
        "config-names-code",
        severity,
        f"The configuration has its loader call {shown!r}, {would}.",
        evidence={"key": key, "name": found[:200], "arguments": _short(value)},
    )


def _pickled(value: dict[str, Any], case: Case) -> None:
    texts = [text for key, one in pairs_of(value) if key.startswith("py/") for text in _texts(one)]
    worst = max((danger_of(text) for text in texts), default=Danger.UNKNOWN)
    runs = worst is Danger.RUNS or "py/repr" in value
    called = "py/reduce" in value
    case.add(
        "config-names-code",
        Severity.CRITICAL if runs else Severity.HIGH if called or worst is Danger.REACHES_OUT else Severity.MEDIUM,
        f"The JSON is a pickle in disguise: decoding it makes {', '.join(texts)[:80] or 'Python objects'}.",
        evidence={"names": [text[:100] for text in texts[:10]]},
    )


def _keras(value: dict[str, Any], case: Case) -> None:
    """What a Lambda layer holds is for the judge of Keras."""
    module, name = str(value["module"]), str(value["class_name"])
    first = module.split(".", 1)[0]
    if name in ("Lambda", "__lambda__"):
        return
    if (first not in KNOWN_PACKAGES and first not in ("builtins", "Custom", "")) or danger_of(f"{module}.{name}") in (
        Danger.RUNS,
        Danger.REACHES_OUT,
    ):
        _target(f"{module}.{name}", "module", value, case)


def _module_of_sentences(name: str, key: str, case: Case) -> None:
    """sentence-transformers imports what stands here: parts of the model, activations."""
    danger = danger_of(name)
    if (other := OTHER_REPOSITORY.match(name)) is not None:
        take_code_from(other[1], other[2], key, case)
    elif danger in (Danger.RUNS, Danger.REACHES_OUT):
        _target(name, key, {}, case)
    elif danger is Danger.UNKNOWN:
        case.add(
            "remote-code",
            Severity.MEDIUM,
            f"The model is put together with {name[:80]!r}, code that is in none of the known libraries.",
            evidence={"name": name[:200], "key": key},
        )


def _auto_map(found: Any, key: str, _: dict[str, Any], case: Case) -> None:
    names = list(_texts(found))
    case.fact("auto_map", names[:40])
    for name in names:
        other = OTHER_REPOSITORY.match(name)
        if other is not None and ".." not in name:
            take_code_from(other[1], other[2], key, case)
        elif ".." in name or name.startswith(("/", "\\", "~")) or "://" in name:
            case.add(
                "config-path-escape",
                Severity.HIGH,
                f"The configuration takes its code from {name[:80]!r}, outside the repository.",
                evidence={"key": key, "path": name[:200]},
            )
        elif danger_of(name) is Danger.RUNS and name.count(".") >= 1:
            _target(name, key, {}, case)
        else:
            _own(name, key, case)


def _own(name: str, key: str, case: Case, severity: Severity = Severity.LOW) -> None:
    case.add(
        "remote-code",
        severity,
        f"The model needs Python code of its repository ({name[:80]}), which runs with trust_remote_code.",
        evidence={"name": name[:200], "key": key},
    )


def _trust(found: Any, key: str, _: dict[str, Any], case: Case) -> None:
    if found in (True, "true", "True", "1", "yes"):
        case.fact("trust_remote_code", True)
        # No library writes it into a model's JSON; what trains models keeps it in its YAML.
        case.add(
            "remote-code",
            Severity.MEDIUM if case.name.lower().endswith(".json") else Severity.LOW,
            "The configuration asks for trust_remote_code: its loader runs Python code of the repository.",
            evidence={"key": key},
        )


def _custom_pipelines(found: Any, key: str, _: dict[str, Any], case: Case) -> None:
    implementations = (
        [one.get("impl") for one in found.values() if isinstance(one, dict)] if isinstance(found, dict) else [found]
    )
    for name in (one for one in implementations if isinstance(one, str)):
        _code_by_id(name, key, case)


def _custom_code(found: Any, key: str, _: dict[str, Any], case: Case) -> None:
    for name in _texts(found):
        _code_by_id(name, key, case)


def _code_by_id(name: str, key: str, case: Case) -> None:
    """A file or class of this repository, an id of the Hub, a path or an address."""
    if "://" in name or ".." in name or name.startswith(("/", "\\", "~")):
        case.add(
            "config-path-escape",
            Severity.HIGH,
            f"The configuration takes its code from {name[:80]!r}, outside the repository.",
            evidence={"key": key, "path": name[:200]},
        )
    elif (other := OTHER_REPOSITORY.match(name)) is not None:
        take_code_from(other[1], other[2], key, case)
    elif HUB_ID.match(name) and not name.endswith(".py"):
        take_code_from(name.split("@", 1)[0], "", key, case)
    elif danger_of(name) in (Danger.RUNS, Danger.REACHES_OUT) and "." in name:
        _target(name, key, {}, case)
    else:
        _own(name, key, case, Severity.MEDIUM)


def _attention(found: Any, key: str, _: dict[str, Any], case: Case) -> None:
    for name in _texts(found):
        if "/" in name and not name.startswith("kernels-community/"):
            take_code_from(name.split(":", 1)[0].split("@", 1)[0], "", key, case)


def _class_name(found: Any, key: str, value: dict[str, Any], case: Case) -> None:
    """diffusers' model_index.json: the pipeline's class, and each part as its module and class."""
    if isinstance(found, list) and len(found) == 2 and isinstance(found[0], str):
        _code_by_id(found[0], key, case)
    for part, pair in pairs_of(value):
        if part.startswith("_") or not (isinstance(pair, list) and len(pair) == 2):
            continue
        module, name = pair
        if not isinstance(module, str) or not isinstance(name, str):
            continue
        first = module.split(".", 1)[0]
        danger = danger_of(f"{module}.{name}")
        if danger in (Danger.RUNS, Danger.REACHES_OUT):
            _target(f"{module}.{name}", part[:60], {}, case)
        elif ".." in module or "/" in module:
            _code_by_id(module, part[:60], case)
        elif first not in _DIFFUSERS_PARTS and first not in KNOWN_PACKAGES:
            case.add(
                "remote-code",
                Severity.MEDIUM,
                f"The pipeline's part {part[:40]!r} is a class of {module[:60]!r}, no known library.",
                evidence={"key": part[:60], "name": f"{module}.{name}"[:200]},
            )


def _auto_mapping(found: Any, key: str, _: dict[str, Any], case: Case) -> None:
    """PEFT imports `parent_library`, and takes the class of the base model out of it."""
    for name in (name for name in _texts(found) if "--" in name):
        owner, _dashes, rest = name.partition("--")
        repository = owner if "/" in owner else f"{owner}/{rest.split('--')[0].split('.')[0]}"
        take_code_from(repository, name, key, case)
    library = found.get("parent_library") if isinstance(found, dict) else None
    if not isinstance(library, str) or "--" in library or library.split(".")[0] == "transformers_modules":
        return
    danger = danger_of(library)
    if danger is not Danger.NONE:
        _target(library, f"{key}.parent_library", {}, case)


def _authorized_imports(found: Any, key: str, _: dict[str, Any], case: Case) -> None:
    risky = [
        name
        for name in _texts(found)
        if name == "*" or danger_of(name + ".x") >= Danger.REACHES_OUT or name in ("os", "sys")
    ]
    if risky:
        case.add(
            "config-names-code",
            Severity.HIGH,
            f"The agent may import {', '.join(risky)[:80]}: what the model writes can then run commands.",
            evidence={"key": key, "imports": risky[:20]},
        )


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            stack.extend(reversed([inner for _, inner in pairs_of(one)]))
        elif isinstance(one, list):
            stack.extend(reversed(one))


def _short(value: dict[str, Any]) -> dict[str, str]:
    return {str(key)[:60]: str(one)[:100] for key, one in list(pairs_of(value))[:8] if not str(key).startswith("_")}


_RULES = {
    **dict.fromkeys(_CALLED, _target),
    "auto_map": _auto_map,
    "trust_remote_code": _trust,
    "custom_pipelines": _custom_pipelines,
    "custom_pipeline": _custom_code,
    "custom_generate": _custom_code,
    "_class_name": _class_name,
    "auto_mapping": _auto_mapping,
    "attn_implementation": _attention,
    "_attn_implementation": _attention,
    "authorized_imports": _authorized_imports,
    "additional_authorized_imports": _authorized_imports,
}
_KEYS = frozenset(_RULES)
