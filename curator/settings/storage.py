"""Where everything is kept, and for how long."""

from __future__ import annotations

import base64
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from curator.settings.measures import Bytes


class StorageSettings(BaseModel):
    """Where everything is kept, and for how long."""

    model_config = ConfigDict(frozen=True)

    data: Path = Field(Path("data"), description="Folder of the database, the blobs and the working files.")
    database_url: str | None = Field(None, description="SQLAlchemy URL; default: an SQLite file in the data folder.")
    broker_url: SecretStr | None = Field(
        None, description="Celery broker; default: a Valkey server that `serve` starts, watches and stops."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that the database's secrets are sealed with, 32 bytes in URL-safe base64, the same for all "
        "who share the database; default: the file `secret.key` in the data folder, made when first needed.",
    )
    store_url: str | None = Field(None, description="Where blobs are kept, `file:///...`; default: the data folder.")
    store_reserve_bytes: Bytes = Field(
        1 << 28, description="Free space in bytes that a download must leave on the store's disk."
    )
    disk_low_percent: float = Field(
        10.0, ge=0, le=100, description="Free space, in percent of a disk, below which people are told; 0: never."
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
