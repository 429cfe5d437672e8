"""Where it listens, and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from curator.settings.addresses import WebAddress
from curator.settings.measures import Seconds


class ServerSettings(BaseModel):
    """Where it listens, and what it answers."""

    model_config = ConfigDict(frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    public_url: WebAddress | None = Field(
        None, description="Address that clients use, where it differs from host and port (behind a reverse proxy)."
    )
    contact: str | None = Field(
        None, description="Where developers ask for an exception: an address of a page or a mailbox, shown in refusals."
    )
    tls_certificate: Path | None = Field(
        None, description="File of the server's certificate and its chain (PEM): the mirror then speaks https itself."
    )
    tls_key: Path | None = Field(None, description="File of the certificate's private key (PEM).")
    server_processes: int = Field(1, ge=1, le=256, description="Processes that answer requests, on one socket.")
    hold_revision_s: Seconds = Field(
        20.0, description="Seconds that a call for a revision waits for a judgement (no client gives up before)."
    )
    hold_head_s: Seconds = Field(
        8.0, description="Seconds that a HEAD waits for a judgement (clients give up after 10)."
    )
    branch_session_s: float = Field(
        60.0,
        ge=0,
        le=3_600,
        description="Seconds, from the first answer, for which one caller is told of the same commit of a branch, "
        "whatever moves in between; 0: each answer stands for itself.",
    )
    search: Literal["mark", "hide", "off"] = Field(
        "mark",
        description="What searches show of repositories that were judged and are not allowed: `mark` them by a tag "
        "(`curator:blocked`, `curator:held`), `hide` them, or `off` for no searching at all. What was never "
        "judged is shown as it is.",
    )
    spaces: bool = Field(False, description="Whether Spaces are served, judged as models are; they are code.")
