"""Every setting, each topic in a module of its own: its type, its default, its unit and what it means.

Read, the first found wins, from the command line, the environment (`CURATOR_*`), `curator.toml` and the default.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from curator.errors import BadSettings
from curator.provenance import Said, said_where
from curator.settings.identity import IdentitySettings
from curator.settings.judgement import JudgementSettings
from curator.settings.notices import NoticeSettings
from curator.settings.review import ReviewSettings
from curator.settings.server import ServerSettings
from curator.settings.storage import StorageSettings
from curator.settings.upstream import UpstreamSettings
from curator.trust import is_loopback

TOPICS: tuple[type[BaseModel], ...] = (
    ServerSettings,
    UpstreamSettings,
    StorageSettings,
    JudgementSettings,
    ReviewSettings,
    IdentitySettings,
    NoticeSettings,
)
"""What settings are about, in the order in which they are shown."""


class Settings(
    NoticeSettings,
    IdentitySettings,
    ReviewSettings,
    JudgementSettings,
    StorageSettings,
    UpstreamSettings,
    ServerSettings,
    BaseSettings,
):
    """What an administrator can decide; `docs/operations.md` has the list."""

    model_config = SettingsConfigDict(env_prefix="CURATOR_", extra="ignore", frozen=True, env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _config_file)

    _said: dict[str, Said] = PrivateAttr(default_factory=dict)

    @property
    def said(self) -> Mapping[str, Said]:
        """Where each was said, by its name; empty if they were not loaded but made."""
        return self._said

    @classmethod
    def load(cls, config: Path | None = None, **given: Any) -> Self:
        """The settings in force; `given` are those of the command line, None where nothing was said."""
        global _config_file  # noqa: PLW0603 - pydantic-settings asks for its sources by class, with no argument
        _config_file = _existing(config)
        named = {name: value for name, value in given.items() if value is not None}
        try:
            made = cls(**named)
            in_file = TomlConfigSettingsSource(cls, _config_file)()
        except ValidationError as error:
            raise BadSettings(_told(error)) from None
        except tomllib.TOMLDecodeError as error:
            raise BadSettings(f"{_config_file}: not TOML: {error}") from None
        made._said = said_where(cls.model_fields, named, os.environ, _config_file, in_file)
        return made

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data.absolute()}/curator.db"

    @property
    def store_folder(self) -> Path:
        return Path(self.store_url.removeprefix("file://")) if self.store_url else self.data.absolute() / "blobs"

    @property
    def beyond_loopback(self) -> bool:
        """Whether others than this machine reach the mirror: by the address it listens on, or that of a proxy."""
        return not is_loopback(self.host) or not is_loopback(urlsplit(self.url).hostname or "")

    @property
    def pulls_without_token(self) -> bool:
        return self.anonymous == "beyond-loopback" or (self.anonymous != "no" and not self.beyond_loopback)

    @property
    def url(self) -> str:
        """The address that clients use."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"{'https' if self.tls_certificate else 'http'}://{host}:{self.port}"

    @property
    def path_prefix(self) -> str:
        """What the path of every address begins with, as in `https://host/hf`; empty at the root of a host."""
        return urlsplit(self.public_url or "").path.rstrip("/")

    def as_environment(self) -> dict[str, str]:
        """The settings as variables that give a child process exactly these."""
        variables: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is None:
                continue
            variables[f"CURATOR_{name.upper()}"] = _written(value)
        return variables


_SECRET = frozenset({"upstream_token", "broker_url", "secret_key", "oidc_client_secret", "smtp_password"})
_config_file: Path | None = None


def _written(value: Any) -> str:
    """As a variable of the environment has it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict | tuple):
        return json.dumps(value, default=lambda one: one.model_dump(mode="json") if isinstance(one, BaseModel) else one)
    return str(value.absolute() if isinstance(value, Path) else value)


def _existing(config: Path | None) -> Path | None:
    if config is None:
        default = Path("curator.toml")
        return default if default.exists() else None
    if not config.is_file():
        raise BadSettings(f"{config}: there is no such file of settings")
    return config


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    if not first["loc"]:
        # Of several settings together, which have secrets among them.
        return str(first["msg"]).removeprefix("Value error, ")
    name = str(first["loc"][0])
    said = str(first["msg"]).removeprefix("Value error, ")
    shown = "" if name in _SECRET else f" is {str(first['input'])!r}"
    inside = ".".join(str(part) for part in first["loc"][1:])
    return f"CURATOR_{name.upper()}{f', {inside},' if inside else ''}{shown}: {said}"
