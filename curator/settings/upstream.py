"""The Hub that is mirrored, and how it is asked."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from curator.settings.addresses import WebAddress
from curator.settings.measures import Seconds
from curator.types import UpstreamMode


class UpstreamSettings(BaseModel):
    """The Hub that is mirrored, and how it is asked."""

    model_config = ConfigDict(frozen=True)

    upstream: WebAddress = Field("https://huggingface.co", description="The Hub that is mirrored.")
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
    refresh_facts_s: Seconds = Field(
        21_600.0,
        description="Seconds after which the upstream is asked again about what is served and was asked for within 30 "
        "days: whether it is taken down, re-licensed, closed or flagged since.",
    )
