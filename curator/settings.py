"""Every setting: its type, its default, its unit and what it means.

Read, the first found wins, from the command line, the environment (`CURATOR_*`), `curator.toml` and the default.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from curator.errors import BadSettings
from curator.provenance import Said, said_where
from curator.trust import Group, Issuer, TrustedPipeline, is_loopback
from curator.types import UpstreamMode
from rules import packs

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Bytes = Annotated[int, Field(ge=0)]


class Settings(BaseSettings):
    """What an administrator can decide; `docs/operations.md` has the list."""

    model_config = SettingsConfigDict(env_prefix="CURATOR_", extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    data: Path = Field(Path("data"), description="Folder of the database, the blobs and the working files.")
    public_url: str | None = Field(
        None, description="Address that clients use, where it differs from host and port (behind a reverse proxy)."
    )
    contact: str | None = Field(
        None, description="Where developers ask for an exception: an address of a page or a mailbox, shown in refusals."
    )

    tls_certificate: Path | None = Field(
        None, description="File of the server's certificate and its chain (PEM): the mirror then speaks https itself."
    )
    tls_key: Path | None = Field(None, description="File of the certificate's private key (PEM).")

    upstream: str = Field("https://huggingface.co", description="The Hub that is mirrored.")
    upstream_mode: UpstreamMode = Field(
        UpstreamMode.FALLBACK,
        description="`fallback`: the upstream when it can be reached, the cache otherwise; `strict`: a branch or tag "
        "only as the upstream has just confirmed it; `offline`: the upstream is never asked.",
    )
    upstream_token: SecretStr | None = Field(
        None,
        description="Token of the mirror's own account at the upstream, for what no `curator upstream-token` is for; "
        "never shown, never sent elsewhere.",
    )
    upstream_ca: Path | None = Field(
        None, description="File of certificates (PEM) of authorities that are trusted beside the system's."
    )
    upstream_timeout_s: Seconds = Field(10.0, description="Seconds to wait for the upstream's next bytes.")
    breaker_failures: int = Field(
        5, ge=1, le=1_000, description="Failures in a row after which the upstream is left alone for a while."
    )
    breaker_open_s: Seconds = Field(30.0, description="Seconds for which it is left alone before one request tries it.")
    not_found_ttl_s: Seconds = Field(
        60.0, description="Seconds for which the upstream is believed about what does not exist or is not given to us."
    )
    revision_ttl_s: Seconds = Field(
        30.0, description="Seconds for which the upstream is believed about what a branch or tag points to."
    )

    branch_session_s: float = Field(
        60.0,
        ge=0,
        le=3_600,
        description="Seconds, from the first answer, for which one caller is told of the same commit of a branch, "
        "whatever moves in between; 0: each answer stands for itself.",
    )

    database_url: str | None = Field(None, description="SQLAlchemy URL; default: an SQLite file in the data folder.")
    broker_url: SecretStr | None = Field(
        None, description="Celery broker; default: a Valkey server that `serve` starts, watches and stops."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that the upstream's tokens are sealed with, 32 bytes in URL-safe base64; default: the file "
        "`secret.key` in the data folder, made when first needed.",
    )
    store_url: str | None = Field(None, description="Where blobs are kept, `file:///...`; default: the data folder.")
    store_reserve_bytes: Bytes = Field(
        1 << 28, description="Free space in bytes that a download must leave on the store's disk."
    )

    rules: Path | None = Field(
        None,
        description="File of the organisation's rules, or git folder with it (bare or not), which is watched, or the "
        "name of a pack (starter, strict, finance, air-gap, research); default: what was published, else the starter "
        "pack.",
    )
    rules_path: str = Field("rules.yaml", description="Path of the file of rules inside a folder.")
    rejudge_days: int = Field(
        90, ge=1, le=3_650, description="Days for which a commit that was asked for is judged anew when rules change."
    )
    anonymous: Literal["auto", "yes", "no", "beyond-loopback"] = Field(
        "auto",
        description="Whether one may pull without a token. `auto` and `yes`: where only this machine reaches the "
        "mirror, by `host` and `public_url`; elsewhere `auto` is `no`, and with `yes` no server starts: "
        "`beyond-loopback` is for those who want everybody served whom the network lets through.",
    )
    token_max_days: int = Field(
        365, ge=1, le=36_500, description="Days that a token of a person may last, and lasts where nothing is said."
    )

    waiver_max_days: int = Field(365, ge=1, le=36_500, description="Days that a waiver may last.")
    waiver_without_end: bool = Field(False, description="Whether a waiver may have no end at all.")

    review_hours: int = Field(
        24,
        ge=1,
        le=8_760,
        description="Hours within which what waits for a reviewer is to be decided; then it is overdue.",
    )
    exception_days: int = Field(
        90, ge=1, le=36_500, description="Days that an exception lasts where the reviewer names no end."
    )

    record_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="Days after which rows of the record are deleted that no legal hold is about; default: never.",
    )
    syslog_url: str | None = Field(
        None,
        description="Where each row of the record is sent as syslog (RFC 5424): `tls://host:6514`, `tcp://host:601`, "
        "`udp://host:514` or `unix:///dev/log`.",
    )
    syslog_ca: Path | None = Field(
        None, description="File of certificates (PEM) of the authority that the syslog receiver's is of, for `tls`."
    )

    search: Literal["mark", "hide", "off"] = Field(
        "mark",
        description="What searches show of repositories that were judged and are not allowed: `mark` them by a tag "
        "(`curator:blocked`, `curator:held`), `hide` them, or `off` for no searching at all. What was never "
        "judged is shown as it is.",
    )
    spaces: bool = Field(False, description="Whether Spaces are served, judged as models are; they are code.")

    server_processes: int = Field(1, ge=1, le=256, description="Processes that answer requests, on one socket.")
    worker_threads: int = Field(8, ge=1, le=256, description="Scans that one worker fetches for at the same time.")
    hold_revision_s: Seconds = Field(
        20.0, description="Seconds that a call for a revision waits for a judgement (no client gives up before)."
    )
    hold_head_s: Seconds = Field(
        8.0, description="Seconds that a HEAD waits for a judgement (clients give up after 10)."
    )
    scan_whole_below_bytes: Bytes = Field(
        4 << 20, description="Files up to this size in bytes are fetched whole to be scanned, larger ones in ranges."
    )
    scan_timeout_s: Seconds = Field(120.0, description="Seconds that the scan of one file may take.")
    scan_memory_bytes: int = Field(
        2 << 30, ge=1 << 28, description="Bytes of address space that the scan of one file may use."
    )
    second_opinions: bool = Field(True, description="Whether the other scanners that are installed are asked, too.")
    lease_s: Seconds = Field(
        20.0, description="Seconds after which the work of a worker that died is given to another."
    )
    retry_failed_s: Seconds = Field(
        300.0, description="Seconds after which a commit that could not be judged is tried again when asked for."
    )
    known_names: Path | None = Field(
        None,
        description="Folder with newer lists of publishers and popular repositories, in the form of the shipped ones; "
        "a list that is not in it is the shipped one.",
    )
    refresh_facts_s: Seconds = Field(
        21_600.0,
        description="Seconds after which the upstream is asked again about what is served and was asked for within 30 "
        "days: whether it is taken down, re-licensed, closed or flagged since.",
    )

    smtp_host: str | None = Field(
        None, description="Server that takes mail; without one, people see their notices in the console only."
    )
    smtp_port: int = Field(587, ge=1, le=65_535, description="Its port.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls` (587), `tls` from the first byte (465), or `none`: never with a password."
    )
    smtp_user: str | None = Field(None, description="Name that the mirror signs in with there.")
    smtp_password: SecretStr | None = Field(None, description="Its password; never shown.")
    smtp_from: str | None = Field(None, description="Address that the mirror's mail is from.")
    webhook_allow: str = Field(
        "",
        description="Hosts and networks inside the company that webhooks may be sent to, and in plain http: names, "
        "addresses and CIDRs, comma-separated. Everywhere else it is https to public addresses alone.",
    )
    ending_days: str = Field(
        "14,3", description="How many days before a waiver or an approval ends people are told, comma-separated."
    )
    disk_low_percent: float = Field(
        10.0, ge=0, le=100, description="Free space, in percent of a disk, below which people are told; 0: never."
    )

    session_s: Seconds = Field(43_200.0, description="Seconds after which one must sign in to the console anew.")
    session_idle_s: Seconds = Field(7_200.0, description="Seconds without a page after which one must do so.")
    oidc_issuer: Issuer | None = Field(
        None, description="Identity provider by which people sign in to the console (OpenID Connect): its issuer."
    )
    oidc_client_id: str | None = Field(None, description="What the mirror is called there.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="Its secret there; without one it is a public client, which PKCE protects as well."
    )
    oidc_title: str = Field("single sign-on", description="What the link at the sign-in page calls it.")
    oidc_scopes: str = Field("openid profile email", description="What the mirror asks to know of people there.")
    oidc_name_claim: str = Field("preferred_username", description="The claim with a person's name.")
    oidc_groups_claim: str = Field("groups", description="The claim with the groups that a person is in.")
    oidc_roles: dict[str, Group] = Field(
        {},
        description='What groups make of people, as JSON: `{"ml-leads": {"role": "reviewer", "team": '
        '"search"}}`. Who is in none may not sign in; `*` is everybody.',
    )
    oidc_only: bool = Field(False, description="Whether nobody signs in by a password.")
    pipelines: tuple[TrustedPipeline, ...] = Field(
        (),
        description='Jobs that sign in by the identity token of their build service, as JSON: `[{"issuer": ..., '
        '"audience": ..., "claims": {"repository": "acme/*"}, "team": ..., "project": ..., '
        '"minutes": 60}]`; the first that fits counts.',
    )

    @field_validator("webhook_allow")
    @classmethod
    def _places(cls, value: str) -> str:
        for place in filter(None, (part.strip() for part in value.split(","))):
            if "/" in place:
                try:
                    ipaddress.ip_network(place)
                except ValueError:
                    raise ValueError(f"{place[:80]!a} is not a network: write it as 10.0.0.0/8") from None
            elif not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", place, re.ASCII):
                raise ValueError(f"{place[:80]!a} is not a host's name, without scheme or port")
        return value

    @field_validator("ending_days")
    @classmethod
    def _days(cls, value: str) -> str:
        if not re.fullmatch(r"(\d{1,3}(, ?\d{1,3})*)?", value, re.ASCII):
            raise ValueError("write it as 14,3: whole days, comma-separated")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _a_mailbox(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}", value, re.ASCII):
            raise ValueError("write it as curator@company.example")
        return value

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        if self.smtp_password is not None and self.smtp_tls == "none":
            raise ValueError("smtp_tls is none, and smtp_password would be sent in the clear: choose starttls or tls")
        if self.smtp_host is not None and self.smtp_from is None:
            raise ValueError("smtp_host wants smtp_from beside it: the address that mail is from")
        return self

    @field_validator("upstream", "public_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = urlsplit(value)
        if (
            url.scheme not in {"http", "https"}
            or not url.hostname
            or url.port == 0
            or url.query
            or url.fragment
            or url.username
        ):
            raise ValueError("write it as https://host or http://host:port, without a query, fragment or password")
        return value.rstrip("/")

    @field_validator("rules", mode="before")
    @classmethod
    def _a_place(cls, value: Any) -> Any:
        if value is None:
            return None
        # A folder that is called like a pack is written `./strict`.
        return packs.place(str(value)) if packs.is_pack(str(value)) else re.sub(r"^file:/+", "/", str(value))

    @field_validator("store_url")
    @classmethod
    def _a_folder(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("file:///"):
            raise ValueError("only file:///... is supported")
        return value

    @field_validator("secret_key")
    @classmethod
    def _a_key(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            right = value is None or len(base64.b64decode(value.get_secret_value(), b"-_", validate=True)) == 32
        except ValueError:
            right = False
        if not right:
            raise ValueError(
                "it is not 32 bytes in URL-safe base64: make one with: openssl rand -base64 32 | tr '+/' '-_'"
            )
        return value

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError("CURATOR_OIDC_ISSUER is set and CURATOR_OIDC_CLIENT_ID is not: name both, or neither")
        if self.oidc_issuer and not self.oidc_roles:
            raise ValueError("CURATOR_OIDC_ROLES says of nobody who they are: name groups, or `*`, with a role")
        if self.oidc_only and not self.oidc_issuer:
            raise ValueError("CURATOR_OIDC_ONLY leaves no way to sign in without CURATOR_OIDC_ISSUER: set it")
        return self

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
