"""The settings as they are in force, with what each means and where it was said; secrets are told to be set or not."""

from __future__ import annotations

import inspect
import json
import platform
import re
from dataclasses import asdict, dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from curator.provenance import Origin, Said
from curator.settings import TOPICS, Settings
from scanners.finding import SCANNER_VERSION
from scanners.repository.data_version import data_version

_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^@/\s]*@")
_PROGRAM = "model-curator"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting."""

    name: str
    """As a file of settings calls it."""
    variable: str
    value: str
    """As it would be written; empty for none. Of a secret, whether it is `set`."""
    default: str
    meaning: str
    topic: str
    """What it is about, with others: the first line of a class of `curator.settings`."""
    origin: str
    """An `Origin`."""
    where: str
    """The option, the variable or the file that says it; empty for the default."""
    secret: bool

    @property
    def changed(self) -> bool:
        return self.origin != Origin.DEFAULT

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of them, and which program it is."""

    settings: tuple[Setting, ...]
    versions: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"settings": [one.as_json() for one in self.settings], "versions": self.versions}


def configuration(settings: Settings) -> Configuration:
    """What is in force in this process."""
    return Configuration(
        tuple(_setting(settings, name) for name in type(settings).model_fields),
        {
            "curator": program_version(),
            "scanners": SCANNER_VERSION,
            "scanner_data": data_version(),
            "python": platform.python_version(),
        },
    )


def program_version() -> str:
    """Of the program that runs; `unknown` where it was not installed but copied."""
    try:
        return version(_PROGRAM)
    except PackageNotFoundError:
        return "unknown"


def _setting(settings: Settings, name: str) -> Setting:
    field, value = type(settings).model_fields[name], getattr(settings, name)
    said = settings.said.get(name, Said(Origin.DEFAULT))
    secret = "SecretStr" in str(field.annotation)
    default = None if field.default is PydanticUndefined else field.default
    return Setting(
        name=name,
        variable=f"CURATOR_{name.upper()}",
        value=("set" if value is not None else "not set") if secret else written(value),
        default="" if secret else written(default),
        meaning=str(field.description or ""),
        topic=topic_of(name),
        origin=said.origin.value,
        where=said.where,
        secret=secret,
    )


def topic_of(name: str) -> str:
    """What a setting is about."""
    topic = next(one for one in TOPICS if name in one.model_fields)
    return inspect.cleandoc(topic.__doc__ or "").rstrip(".")


def written(value: Any) -> str:
    """As one would write it in the environment, without the password of an address."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "set"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, (str, Path)):
        return _PASSWORD.sub(r"\1:…@", str(value))
    return _PASSWORD.sub(r"\1:…@", json.dumps(value, default=_plain, ensure_ascii=False))


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)
