"""Sign-in to the console: by a password, by a token, by an identity provider; each on the record."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session

from curator.audit.record import Action
from curator.database.engine import Database
from curator.errors import BadInput, NotAllowed, UnknownToken
from curator.people import accounts, attempts, linking, logout, sessions
from curator.people.accounts import Purpose
from curator.people.attempts import Counted
from curator.people.bearer import TokenEnded, caller_of
from curator.people.by import By
from curator.people.caller import ANONYMOUS, Caller
from curator.people.cookies import Cookies
from curator.people.federated import user_of
from curator.people.issuers import Http, IssuerAway
from curator.people.names import Taken
from curator.people.oidc import Attempt, Identity, NoGroup, NotBelieved, Provider
from curator.people.passwords import Passwords, check_good
from curator.people.pipelines import JobToken, Pipelines, admit
from curator.people.recording import record
from curator.people.roles import Permission, Role
from curator.people.sessions import Lasting
from curator.people.users import LastAdmin, User, user_by_id
from curator.settings import Settings

log = logging.getLogger(__name__)


class SignInRefused(UnknownToken):
    """Who tried to sign in could not be told. One sentence for all reasons: it says nobody which names there are."""


_PASSWORD = "The name or the password is wrong, or this account has no password here"  # noqa: S105
_TOKEN = "This token is not valid here, or no longer: copy it anew, or ask an administrator for one"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Began:
    """A session that began."""

    caller: Caller
    cookie: str
    """Shown to the browser alone."""


class SignIn:
    """All ways. Belongs to one event loop."""

    def __init__(self, settings: Settings, database: Database, tls: ssl.SSLContext | None = None) -> None:
        self.cookies = Cookies.of(settings)
        self.settings = settings
        self._database = database
        self._passwords = Passwords()
        self._lasting = Lasting(dt.timedelta(seconds=settings.session_s), dt.timedelta(seconds=settings.session_idle_s))
        longest = min(settings.session_s, settings.oidc_session_s or settings.session_s)
        self._of_provider = replace(self._lasting, whole=dt.timedelta(seconds=longest))
        http = Http(tls)
        self._provider = Provider(settings, http) if settings.oidc_issuer is not None else None
        self._pipelines = Pipelines(settings.pipelines, http)

    def caller(self, cookie: str) -> Caller | None:
        """Whose session it is; None if it is over. Asks the database."""
        return sessions.caller_of(self._database, cookie, self._lasting)

    async def by_password(self, login: str, password: str, by: By) -> Began:
        """Raises `SignInRefused` and `TooMany`; takes as long for whoever is not there as for whoever is."""
        if self.settings.oidc_only:
            raise NotAllowed(f"Nobody signs in by a password here: use {self.settings.oidc_title}")
        account, address = _counted(login, by), Counted.address(by.address)

        def counted(session: Session) -> tuple[User | None, str | None]:
            attempts.count(session, (*account, address))
            return accounts.hashed_of(session, login)

        user, kept = await self._database.change(counted)
        right = await self._passwords.fits(kept, password)
        again = await self._passwords.hashed(password) if right and kept and self._passwords.is_old(kept) else None

        def settled(session: Session) -> Began | None:
            # Looked at anew: meanwhile he may have been disabled, or have chosen another password.
            now_user, now_kept = accounts.hashed_of(session, login)
            if not right or now_user is None or now_kept != kept:
                self._refused(session, user, "password", by)
                return None
            attempts.forgive(session, accounts=account, address=address)
            if again is not None:
                accounts.rehash(session, now_user, again)
            return self._begin(session, _caller(now_user), "password", by)

        began = await self._database.change(settled)
        if began is None:
            raise SignInRefused(_PASSWORD)
        return began

    async def by_token(self, token: str, by: By) -> Began:
        """Raises `SignInRefused`, `NotAllowed` and `TooMany`."""
        address = Counted.address(by.address)

        def tried(session: Session) -> Began | None:
            attempts.count(session, (address,))
            try:
                caller = caller_of(session, token.strip())
            except TokenEnded:
                caller = None
            if caller is None or not caller.may(Permission.OWN_ACCOUNT):
                self._refused(session, None, "token", by, caller)
                return Began(caller, "") if caller is not None else None
            attempts.forgive(session, address=address)
            return self._begin(session, caller, "token", by)

        began = await self._database.change(tried)
        if began is None:
            raise SignInRefused(_TOKEN)
        if not began.cookie:
            raise NotAllowed("This token is a build's, which has nothing to do in the console: use a person's")
        return began

    async def provider_address(self, attempt: Attempt) -> str:
        """Where whoever signs in by the identity provider is to go. Raises `NotAllowed` and `IssuerAway`."""
        return await self._the_provider().address(attempt)

    async def by_answer(self, attempt: Attempt, answer: Mapping[str, str], by: By, secret: str | None = None) -> Began:
        """Whom the identity provider sends back; a link's `secret` has him known here first.

        Raises `NotBelieved`, `NoGroup`, `Taken`, `IssuerAway`, `TooMany`."""
        address = Counted.address(by.address)

        def counted(session: Session) -> None:
            attempts.count(session, (address,))

        await self._database.change(counted)
        try:
            identity = await self._the_provider().answered(attempt, answer)
            return await asyncio.to_thread(self._federated, identity, secret, address, by)
        except (UnknownToken, NoGroup, Taken, accounts.LinkOver, LastAdmin) as refused:
            why = refused.why if isinstance(refused, NotBelieved) else refused.sentence
            log.warning("a sign-in by %s was refused: %s", self.settings.oidc_issuer, why)
            await asyncio.to_thread(self._write_refusal, f"oidc: {why}", by)
            raise
        except IssuerAway:
            await asyncio.to_thread(self._forgive, address)
            raise

    async def link(self, attempt: Attempt, answer: Mapping[str, str], secret: str, by: By) -> Began:
        """Let whom the provider sends back be the account that a link is of, and sign him in.

        Raises `LinkOver` and what `by_answer` does.
        """
        await asyncio.to_thread(self.linking, secret)
        return await self.by_answer(attempt, answer, by, secret)

    def linking(self, secret: str) -> User:
        """Whose account this link would have known to the provider. Raises `LinkOver`. Asks the database."""
        with self._database.read() as session:
            return accounts.invited(session, secret, Purpose.IDENTITY)

    async def logged_out(self, logout_token: str, by: By) -> int:
        """End what the identity provider says has ended there; returns how many sessions.

        Raises `UnknownToken`, `NotAllowed`, `IssuerAway` and `TooMany`.
        """
        provider = self._the_provider()
        try:
            ended = await provider.logged_out(logout_token)

            def end(session: Session) -> int:
                return logout.end(session, ended, replace(by, name="identity provider"))

            return await self._database.change(end)
        except UnknownToken as refused:
            why = refused.why if isinstance(refused, NotBelieved) else refused.sentence
            await self._count_refusal(f"logout: {why}", Counted.unverified(by.address), by)
            raise

    async def job_token(self, identity_token: str, by: By) -> JobToken:
        """A token for a job of a pipeline. Raises what `Pipelines` does, and `TooMany` to whoever has shown too many
        that are worth nothing: one that is good never waits for those, whoever shows them from the same address."""
        try:
            shown = await self._pipelines.verified(identity_token)
        except (UnknownToken, BadInput, NotAllowed) as refused:
            await self._count_refusal(f"pipeline: {refused.sentence}", Counted.unverified(by.address), by)
            raise
        counted = Counted.identity(shown.issuer, shown.subject)
        try:
            job = self._pipelines.job(shown)
        except (UnknownToken, NotAllowed) as refused:
            await self._count_refusal(f"pipeline: {refused.sentence}", counted, by)
            raise

        def admitted(session: Session) -> JobToken:
            name = replace(by, name=job.name, team=job.trusted.team, project=job.trusted.project, job=job.name)
            attempts.forgive(session, accounts=(counted,))
            made = admit(session, job, name)
            record(session, Action.SIGN_IN, name, job.name, "pipeline", f"{job.name} was given a token")
            return made

        return await self._database.change(admitted)

    async def choose(self, secret: str, password: str, by: By) -> Began:
        """Choose a password by a link, and be signed in by it. Raises `LinkOver` and `BadInput`."""
        user = await asyncio.to_thread(self.invited, secret)
        check_good(password, user.login)
        hashed = await self._passwords.hashed(password)

        def kept(session: Session) -> Began:
            chosen = accounts.use_link(session, secret, hashed, replace(by, name=user.login))
            return self._begin(session, _caller(chosen), "password", by)

        return await self._database.change(kept)

    def invited(self, secret: str) -> User:
        """Who may choose a password by this link. Raises `LinkOver`. Asks the database."""
        if self.settings.oidc_only:
            raise accounts.LinkOver
        with self._database.read() as session:
            return accounts.invited(session, secret)

    async def change_password(self, caller: Caller, old: str, new: str, by: By) -> None:
        """Raises `SignInRefused`, `BadInput` and `TooMany`."""
        account = _counted(caller.name, by)

        def counted(session: Session) -> tuple[User | None, str | None]:
            user = user_by_id(session, caller.user_id or "")
            if user is None or user.issuer is not None:
                raise BadInput(f"{caller.name} has no password here, and needs none")
            attempts.count(session, account)
            return accounts.hashed_of(session, user.login)

        user, kept = await self._database.change(counted)
        if not await self._passwords.fits(kept, old) or user is None:
            raise SignInRefused("The old password is wrong: nothing was changed")
        check_good(new, user.login)
        hashed = await self._passwords.hashed(new)

        def changed(session: Session) -> None:
            attempts.forgive(session, accounts=account)
            accounts.change_password(session, user, hashed, caller.session_id, by)

        await self._database.change(changed)

    def _federated(self, identity: Identity, secret: str | None, address: Counted, by: By) -> Began:
        with self._database.write() as session:
            if secret is not None:
                linking.link(session, secret, identity.issuer, identity.subject, by)
            user = user_of(session, identity, self.settings, by)
            attempts.forgive(session, address=address)
            return self._begin(session, _caller(user), "oidc", by, identity.sid)

    def _begin(self, session: Session, caller: Caller, way: str, by: By, sid: str | None = None) -> Began:
        known = replace(by, name=caller.name, team=caller.team, project=caller.project, token_name=caller.token_name)
        lasting = self._of_provider if way == "oidc" else self._lasting
        cookie = sessions.begin(session, caller, way, lasting, known, sid)
        record(session, Action.SIGN_IN, known, caller.name, way, f"{caller.name} signed in to the console by {way}")
        return Began(caller, cookie)

    def _refused(self, session: Session, user: User | None, way: str, by: By, caller: Caller | None = None) -> None:
        """What was typed as a name is not written down unless it is one: it is a password, sometimes."""
        name = user.login if user is not None else caller.name if caller is not None else ANONYMOUS.name
        said = f"An attempt to sign in by {way} was refused"
        record(session, Action.SIGN_IN, replace(by, name=name), name, "refused", said)

    def _forgive(self, address: Counted) -> None:
        with self._database.write() as session:
            attempts.forgive(session, address=address)

    def _write_refusal(self, said: str, by: By) -> None:
        with self._database.write() as session:
            record(session, Action.SIGN_IN, by, "", "refused", f"An attempt to sign in was refused, {said}")

    async def _count_refusal(self, said: str, counted: Counted, by: By) -> None:
        """Raises `TooMany`, and then nothing is written down: strangers do not fill the record."""

        def write(session: Session) -> None:
            attempts.count(session, (counted,))
            record(session, Action.SIGN_IN, by, "", "refused", f"An attempt to sign in was refused, {said}")

        await self._database.change(write)

    def _the_provider(self) -> Provider:
        if self._provider is None:
            raise NotAllowed("No identity provider is set up here: an administrator names it in CURATOR_OIDC_ISSUER")
        return self._provider


def _counted(login: str, by: By) -> tuple[Counted, Counted]:
    return Counted.account(login, by.address), Counted.everywhere(login)


def _caller(user: User) -> Caller:
    return Caller(user.login, Role(user.role), None, user.team, user.project, user.id)
