"""Jobs of build services: who they are by their identity token, and the short-lived token that they get for it.

A job may show its identity token again for as long as that is valid: one that is retried, or whose answer was lost on
the way, shows the same one, and whoever had stolen it gains nothing by a second time that the first has not given him.
What bounds it is its own end, minutes away, its audience, which is this mirror, and the job in the record.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlmodel import Session, col

from curator.database.engine import now
from curator.errors import BadInput, NotAllowed, UnknownToken
from curator.people.by import By
from curator.people.issuers import LEEWAY_S, Http, Issuer
from curator.people.roles import Role
from curator.people.tables import TokenRow
from curator.people.tokens import NewToken, make_token
from curator.trust import TrustedPipeline
from rules.circumstances import Audience

_LONGEST_JOB = 200
_KEPT = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that has said who it is."""

    name: str
    """Such as `github:acme/shop/runs/17`."""
    trusted: TrustedPipeline


@dataclass(frozen=True, slots=True)
class JobToken:
    """What it gets."""

    text: str
    job: str
    team: str
    project: str
    expires_at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "token": self.text,
            "job": self.job,
            "team": self.team,
            "project": self.project,
            "expires_at": self.expires_at.isoformat(timespec="seconds"),
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """An identity token that its issuer has signed; whom it is for, and until when, is not looked at yet."""

    issuer: str
    claims: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Whom the issuer speaks of."""
        return _as_text(self.claims.get("sub", ""))


class Pipelines:
    """Those that are trusted. Belongs to one event loop."""

    def __init__(self, trusted: Sequence[TrustedPipeline], http: Http) -> None:
        self._trusted = trusted
        self._issuers = {one.issuer: Issuer(one.issuer, http) for one in trusted}

    async def verified(self, token: str) -> Shown:
        """What a trusted issuer has signed. Raises `BadInput`, `UnknownToken`, `NotAllowed` and `IssuerAway`."""
        if not self._trusted:
            raise NotAllowed("No pipeline is trusted here: an administrator names them in CURATOR_PIPELINES")
        named = claimed_issuer(token)
        issuer = self._issuers.get(named)
        if issuer is None:
            raise UnknownToken(f"Tokens of the issuer {named[:200]!a} are not trusted here: see CURATOR_PIPELINES")
        return Shown(named, (await issuer.signed(token)).claims)

    def job(self, shown: Shown) -> Job:
        """The job whose identity token this is. Raises `UnknownToken` and `NotAllowed`."""
        claims = shown.claims
        fitting = [one for one in self._trusted if one.issuer == shown.issuer and one.audience in _audiences(claims)]
        if not fitting:
            raise UnknownToken("This identity token is for another audience than this mirror: ask for it by its own")
        _check_time(claims)
        for one in fitting:
            if fits(one.claims, claims):
                return Job(job_name(claims), one)
        wanted = ", ".join(dict.fromkeys(name for one in fitting for name in one.claims))
        raise NotAllowed(f"No pipeline is trusted here that fits the claims of this job: what counts is {wanted[:200]}")


def admit(session: Session, job: Job, by: By) -> JobToken:
    """A token for the job, in the caller's transaction."""
    # Each run has one, and there would be no end of them; what a run did with it stays on the record, by its name.
    oldest = f"{int((now() - _KEPT).timestamp() * 1_000):012x}"
    session.execute(delete(TokenRow).where(col(TokenRow.id) < oldest, col(TokenRow.job) != ""))
    trusted = job.trusted
    expires_at = now() + dt.timedelta(minutes=trusted.minutes)
    wanted = NewToken(
        name=job.name[:100],
        role=Role.ROBOT,
        audience=Audience(trusted.team, trusted.project),
        expires_at=expires_at,
        job=job.name,
    )
    _, text = make_token(session, wanted, by)
    return JobToken(text, job.name, trusted.team, trusted.project, expires_at)


def claimed_issuer(token: str) -> str:
    """Who is said to have made a token, before anything of it is believed. Raises `BadInput`."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.b64decode(middle + "=" * (-len(middle) % 4), b"-_", validate=True))
        issuer = claims["iss"]
    except (ValueError, IndexError, KeyError, TypeError, binascii.Error, RecursionError):
        issuer = None
    if not isinstance(issuer, str):
        raise BadInput("This is no identity token: send the JSON Web Token that the build service gives its jobs")
    return issuer


def fits(globs: Mapping[str, str], claims: Mapping[str, Any]) -> bool:
    """Whether each claim that is named is there and fits its glob, in these capitals, from end to end."""
    return all(name in claims and fnmatchcase(_as_text(claims[name]), glob) for name, glob in globs.items())


def job_name(claims: Mapping[str, Any]) -> str:
    """The run, as the record is to name it."""
    said = {name: _as_text(value) for name, value in claims.items()}
    if "repository" in said and "run_id" in said:
        name = f"github:{said['repository']}/runs/{said['run_id']}"
    elif "project_path" in said and "job_id" in said:
        name = f"gitlab:{said['project_path']}/jobs/{said['job_id']}"
    else:
        name = f"{urlsplit(said['iss']).hostname}:{said.get('sub', '')}"
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:_LONGEST_JOB]


def _audiences(claims: Mapping[str, Any]) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _check_time(claims: Mapping[str, Any]) -> None:
    from joserfc.errors import JoseError
    from joserfc.jwt import JWTClaimsRegistry

    try:
        JWTClaimsRegistry(leeway=LEEWAY_S, exp={"essential": True}).validate(dict(claims))
    except (JoseError, ValueError, TypeError):
        raise UnknownToken("This identity token has ended, or does not hold yet: ask for a new one") from None


def _as_text(value: object) -> str:
    """As a glob is to see it: a list or an object is nothing that one could fit."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
