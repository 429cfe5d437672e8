"""How people are told."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class NoticeSettings(BaseModel):
    """How people are told."""

    model_config = ConfigDict(frozen=True)

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
