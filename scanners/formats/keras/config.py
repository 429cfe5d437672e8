"""The configuration of a Keras model: every dict of it, at any depth, for what loading it would import, call or read.

Forms: keras/src/saving/serialization_lib.py (`module`, `class_name`, `config`, `registered_name`) of version 3, and
keras/saving/legacy/serialization.py (`class_name`, `config`) of version 2 and earlier, which HDF5 files still have.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.keras.lambdas import codes_of, judge_code, says_its_function
from scanners.formats.keras.layout import LARGEST_CONFIG
from scanners.formats.keras.names import (
    READS_A_MODEL,
    Standing,
    class_standing,
    function_standing,
    is_keras,
    is_of_the_system,
)
from scanners.formats.keras.paths import judge_text
from scanners.formats.shared.words import words
from scanners.formats.tensorflow.ops import OpRisk, risk_of
from scanners.formats.tensorflow.symbols import Reach, reach_of
from scanners.source import MemorySource

MOST_VALUES = 2_000_000
_IMPORTANT = words("""class_name module registered_name config function fn""")
_VALUES = words(
    """__keras_tensor__ __tensor__ __numpy__ __bytes__ __ellipsis__ __slice__ __complex__ __tuple__ __typespec__
    __lambda__ __set__ __frozenset__ TensorShape TypeSpec CompositeTensor FrozenSet DtypePolicy"""
)
"""Class names that stand for plain values."""
_FUNCTION_KEYS = words(
    """activation recurrent_activation kernel_initializer recurrent_initializer bias_initializer
    embeddings_initializer gamma_initializer beta_initializer moving_mean_initializer moving_variance_initializer
    initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint loss
    optimizer depthwise_initializer pointwise_initializer alpha_initializer"""
)
_CALLABLE_KEYS = ("function", "fn", "func", "callable", "target", "_target_", "fn_name")
_LEADS_OUTSIDE = re.compile(r"^/|^[A-Za-z]:[\\/]|(?:^|[\\/])\.\.(?:[\\/]|$)")
_NODE_OP = re.compile(r'"op"\s*:\s*"([^"]{1,100})"|\bop:\s*"([^"]{1,100})"')


def judge_config(text: bytes | str, case: Case, *, key: str, is_surely: bool = True) -> bool:
    """Judges a configuration given as JSON. False if it is no configuration of Keras. `key` says which one it is.

    Of what is not surely one, and does not begin as one, only what is dangerous is told.
    """
    if len(text) > LARGEST_CONFIG:
        raise Unscannable(f"Its {key} has more than {LARGEST_CONFIG // 1024 // 1024} MiB.")
    twice: list[tuple[str, Any]] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(pairs)
        if len(whole) != len(pairs):
            # Each of them is a dict of its own here: parsers differ in which one they keep.
            twice.extend((name, {**whole, name: value}) for name, value in pairs if whole[name] is not value)
        return whole

    try:
        document = json.loads(text, object_pairs_hook=collect, parse_int=_number, parse_float=_number)
    except RecursionError as error:
        case.add(
            "keras-malformed",
            Severity.MEDIUM,
            "The configuration is nested deeper than any model: it is made to stop who reads it.",
            evidence={"key": key},
        )
        raise Unscannable(f"Its {key} is JSON nested too deep to be read.") from error
    except ValueError:
        return False
    if not isinstance(document, dict | list):
        return False
    walker = ConfigWalker(case, tells_custom=is_surely or _is_model(document))
    walker.walk(document, key)
    for name, other in twice:
        if name in _IMPORTANT:
            case.add(
                "keras-malformed",
                Severity.HIGH,
                f"The configuration gives {name!r} twice in one object: what a scanner reads is not what Keras loads.",
                evidence={"key": name},
            )
        walker.walk(other, f"{key}/{name} (given twice)")
    return True


def _is_model(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("class_name"), str) and "config" in document


def _number(text: str) -> float:
    """All numbers are one: nothing here depends on them, and a long one must cost nothing."""
    return float(len(text))


@dataclass(slots=True)
class ConfigWalker:
    """Walks a configuration, and says each thing once."""

    case: Case
    tells_custom: bool = True
    values: int = 0
    custom: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)

    def walk(self, document: Any, key: str) -> None:
        stack: list[tuple[Any, str]] = [(document, key)]
        while stack:
            value, where = stack.pop()
            self.values += 1
            if self.values > MOST_VALUES:
                raise Unscannable(f"Its {key} has more than {MOST_VALUES:,} values.")
            if self.values % 10_000 == 0:
                self.case.meter.check_clock()
            if isinstance(value, dict):
                self._object(value, where)
                stack.extend((inner, f"{where}/{part}"[:300]) for part, inner in value.items())
            elif isinstance(value, list):
                stack.extend((inner, where) for inner in value if isinstance(inner, dict | list))

    def _object(self, value: dict[str, Any], where: str) -> None:
        """Judges one dict by itself."""
        class_name, module = value.get("class_name"), value.get("module")
        module = module if isinstance(module, str) else None
        config = value.get("config")
        if isinstance(class_name, str):
            self._named(class_name, module, value, config, where)
        else:
            self._modules(value, where)
        self._name(value.get("name"), where)
        for key, text in _texts(value):
            judge_text(key, text, self.case, where)
            if key in _FUNCTION_KEYS and (text.count(".") or ":" in text) and not _is_plain_reference(text):
                self._function(None, text, where)
        if value.get("safe_mode") is False:
            self.case.add(
                "keras-executes-code",
                Severity.HIGH,
                "The configuration asks to be loaded without the safe mode.",
                evidence={"where": where[:200]},
            )

    def _named(self, name: str, module: str | None, value: dict[str, Any], config: Any, where: str) -> None:
        short = name.rsplit(">", 1)[-1]
        registered = value.get("registered_name")
        if name == "__lambda__":
            code = config.get("code") if isinstance(config, dict) else config
            self._code(code if isinstance(code, str) else "", where)
        elif name == "__typespec__":
            self._type_spec(config, where)
        elif name in _VALUES:
            return
        elif name == "function":
            for function in _function_names(config, registered):
                self._function(module, function, where)
        elif short == "Lambda" and (module is None or is_keras(module)):
            self._lambda(config, where)
        elif short == "TorchModuleWrapper":
            self._torch_module(config, where)
        elif short in READS_A_MODEL:
            self._loads_a_model(short, config, where)
        elif short in ("TFOpLambda", "TensorFlowOpLayer"):
            self._tensorflow(short, config, where)
        else:
            self._class(name, module, registered if isinstance(registered, str) else None, where)

    def _lambda(self, config: Any, where: str) -> None:
        codes = codes_of(config)
        for key, text in codes.items():
            self._code(text, f"{where}/{key}")
        if isinstance(config, dict) and isinstance(config.get("function"), str):
            module = config.get("module")
            self._function(module if isinstance(module, str) else None, config["function"], where)
        elif not codes and not says_its_function(config):
            self.case.add(
                "keras-lambda",
                Severity.MEDIUM,
                f"The Lambda layer at {where[:80]} says nothing of its function that Keras writes.",
                evidence={"where": where[:200]},
            )

    def _code(self, text: str, where: str) -> None:
        """Many layers of a model share their code: it is judged once."""
        if text not in self.codes:
            self.codes.add(text)
            judge_code(text, self.case, where)

    def _class(self, name: str, module: str | None, registered: str | None, where: str) -> None:
        standing = class_standing(module, name, registered)
        self._say(standing, f"{module}.{name}" if module else name, where, is_function=False)

    def _function(self, module: str | None, name: str, where: str) -> None:
        if module is None and "." in name:
            module, _, name = name.rpartition(".")
        self._say(function_standing(module, name), f"{module}.{name}" if module else name, where, is_function=True)

    def _say(self, standing: Standing, name: str, where: str, *, is_function: bool) -> None:
        name = name.removeprefix("builtins.") if standing is Standing.CUSTOM else name
        evidence = {"name": name[:200], "where": where[:200]}
        what = "function" if is_function else "class"
        if standing is Standing.DANGEROUS:
            self.case.add(
                "keras-executes-code",
                Severity.CRITICAL,
                f"The configuration names {name[:80]!r}: a Keras that trusts it calls that when the model is loaded.",
                evidence=evidence,
            )
        elif standing is Standing.FOREIGN:
            self.case.add(
                "keras-executes-code",
                Severity.HIGH,
                f"The configuration names the {what} {name[:80]!r}, which is no part of a model: a Keras that trusts "
                "it imports and calls it.",
                evidence=evidence,
            )
        elif standing is not Standing.KERAS and name not in self.custom and self.tells_custom:
            self.custom.add(name)
            known = standing is Standing.LIBRARY
            self.case.add(
                "keras-custom-object",
                Severity.MEDIUM,
                f"The model needs the {what} {name[:80]!r}, "
                + ("of a library beside Keras." if known else "from code that is not in the file."),
                evidence=evidence,
            )

    def _modules(self, value: dict[str, Any], where: str) -> None:
        """A dict without a class: `{"module": "os", "fn": "system"}`, or the modules of a Lambda's functions."""
        for key, module in _texts(value):
            if key != "module" and not key.endswith("_module"):
                continue
            names = [name for key in _CALLABLE_KEYS if isinstance(name := value.get(key), str)]
            for name in names:
                if function_standing(module, name) in (Standing.DANGEROUS, Standing.FOREIGN):
                    self._function(module, name, where)
            if not names and is_of_the_system(module):
                self._say(Standing.FOREIGN, module, where, is_function=True)

    def _name(self, name: Any, where: str) -> None:
        """Keras makes folders of the names of layers when it saves and loads (CVE-2026-12479)."""
        if isinstance(name, str) and _LEADS_OUTSIDE.search(name):
            self.case.add(
                "keras-reads-file",
                Severity.HIGH,
                f"A layer is called {name[:80]!r}: saving or loading the model reads and writes outside of its folder.",
                evidence={"where": where[:200], "key": "name", "path": name[:200]},
            )

    def _type_spec(self, config: Any, where: str) -> None:
        parts = config if isinstance(config, dict) else {}
        module, name = parts.get("module"), parts.get("name", parts.get("spec_name", ""))
        if isinstance(module, str) and not module.startswith(("tensorflow.", "builtins", "keras.")):
            self._say(Standing.FOREIGN, f"{module}.{name}", where, is_function=False)

    def _loads_a_model(self, name: str, config: Any, where: str) -> None:
        path = config.get("filepath") if isinstance(config, dict) else None
        self.case.add(
            "keras-reads-file",
            Severity.HIGH,
            f"The {name} layer loads another model, from {str(path)[:80]!r}, and runs its graph.",
            evidence={"where": where[:200], "path": str(path)[:200]},
        )

    def _torch_module(self, config: Any, where: str) -> None:
        self.case.add(
            "keras-executes-code",
            Severity.CRITICAL,
            "The TorchModuleWrapper layer carries a pickled PyTorch module: loading the model unpickles it "
            "(CVE-2025-49655).",
            evidence={"where": where[:200]},
        )
        for number, text in enumerate(_payloads(config)):
            content = _bytes_of(text)
            self.case.meter.spend_unpacked(len(content))
            self.case.examine(MemorySource(content), f"{where[-100:]}/module {number}", name="module.pt")

    def _tensorflow(self, kind: str, config: Any, where: str) -> None:
        parts = config if isinstance(config, dict) else {}
        symbol = parts.get("function") if kind == "TFOpLambda" else None
        if isinstance(symbol, str):
            reach = reach_of(symbol)
            if symbol.startswith("raw_ops."):
                reach = Reach.FILES if risk_of(symbol.rsplit(".", 1)[-1]) is not OpRisk.PLAIN else Reach.PLAIN
            if reach is not Reach.PLAIN:
                self.case.add(
                    "keras-executes-code",
                    Severity.HIGH,
                    f"A layer calls TensorFlow's {symbol[:80]!r}, which {reach.value}.",
                    evidence={"where": where[:200], "name": symbol[:200]},
                )
        for match in _NODE_OP.finditer(json.dumps(parts.get("node_def", "")).replace('\\"', '"')):
            operator = match.group(1) or match.group(2)
            if risk_of(operator) not in (OpRisk.PLAIN, OpRisk.UNKNOWN):
                self.case.add(
                    "keras-executes-code",
                    Severity.HIGH,
                    f"A layer is TensorFlow's operator {operator!r}, which reaches outside of the model.",
                    evidence={"where": where[:200], "name": operator},
                )


def _texts(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        if isinstance(inner, str):
            yield key, inner


def _is_plain_reference(text: str) -> bool:
    """A number as text, a name with a package in front, `<function ...>` of old savers."""
    return text.startswith("<") or ">" in text or not re.fullmatch(r"[A-Za-z_][\w.:]*", text)


def _function_names(config: Any, registered: Any) -> list[str]:
    names = [config] if isinstance(config, str) else []
    if isinstance(config, dict):
        names += [inner for key in ("name", "fn", "function") if isinstance(inner := config.get(key), str)]
    if isinstance(registered, str) and registered not in names and ">" not in registered and registered != "function":
        names.append(registered)
    return names


def _payloads(config: Any) -> list[str]:
    """Texts that can be a serialized module, wherever the layer's versions put it."""
    found: list[str] = []
    stack = [config]
    while stack and len(found) < 16:
        value = stack.pop()
        if isinstance(value, str) and len(value) >= 8:
            found.append(value)
        elif isinstance(value, dict):
            stack.extend(inner for key, inner in value.items() if key not in ("name", "dtype", "class_name"))
        elif isinstance(value, list):
            stack.extend(value)
    return found


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("latin-1", "replace")
