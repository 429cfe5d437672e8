"""Who else is believed about who somebody is: the form of these settings."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Of a team or project."""


def an_issuer(value: str) -> str:
    """The address of an issuer of identity tokens, to the letter as its tokens have it. Raises `ValueError`."""
    url = urlsplit(value)
    safe = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
    if not safe or not url.hostname or url.query or url.fragment or url.username:
        raise ValueError("write it as its tokens have it, https://host/path: http is for this machine alone")
    return value


def is_loopback(host: str) -> bool:
    """Whether it is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Issuer = Annotated[str, AfterValidator(an_issuer)]


class Group(BaseModel):
    """What being in a group of the identity provider makes of somebody here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["admin", "security", "reviewer", "auditor", "developer"] | None = None
    team: str | None = Field(None, pattern=_NAME)


class TrustedPipeline(BaseModel):
    """Jobs that sign in by the identity token of their build service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Issuer
    audience: str = Field(min_length=1, max_length=400)
    claims: dict[str, str] = Field(min_length=1)
    """Globs by claim, all of which must fit: whoever may get tokens of that issuer is the whole world, often."""
    team: str = Field("", pattern=rf"{_NAME}|^$")
    project: str = Field("", pattern=rf"{_NAME}|^$")
    minutes: int = Field(60, ge=1, le=1_440)

    @field_validator("claims")
    @classmethod
    def _say_something(cls, value: dict[str, str]) -> dict[str, str]:
        if not any(glob.strip("*?") for glob in value.values()):
            raise ValueError("these claims fit every job of the issuer: name a repository, a project or an owner")
        return value
