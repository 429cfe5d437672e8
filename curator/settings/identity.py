"""Who people and pipelines are."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from curator.settings.measures import Seconds
from curator.trust import Group, Issuer, TrustedPipeline


class IdentitySettings(BaseModel):
    """Who people and pipelines are."""

    model_config = ConfigDict(frozen=True)

    anonymous: Literal["auto", "yes", "no", "beyond-loopback"] = Field(
        "auto",
        description="Whether one may pull without a token. `auto` and `yes`: where only this machine reaches the "
        "mirror, by `host` and `public_url`; elsewhere `auto` is `no`, and with `yes` no server starts: "
        "`beyond-loopback` is for those who want everybody served whom the network lets through.",
    )
    token_max_days: int = Field(
        365, ge=1, le=36_500, description="Days that a token of a person may last, and lasts where nothing is said."
    )
    session_s: Seconds = Field(43_200.0, description="Seconds after which one must sign in to the console anew.")
    session_idle_s: Seconds = Field(7_200.0, description="Seconds without a page after which one must do so.")
    oidc_session_s: Seconds | None = Field(
        None,
        description="Seconds after which who signed in by the identity provider must do so anew; default: as all.",
    )
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

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError("CURATOR_OIDC_ISSUER is set and CURATOR_OIDC_CLIENT_ID is not: name both, or neither")
        if self.oidc_issuer and not self.oidc_roles:
            raise ValueError("CURATOR_OIDC_ROLES says of nobody who they are: name groups, or `*`, with a role")
        if self.oidc_only and not self.oidc_issuer:
            raise ValueError("CURATOR_OIDC_ONLY leaves no way to sign in without CURATOR_OIDC_ISSUER: set it")
        return self
