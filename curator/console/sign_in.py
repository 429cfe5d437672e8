"""Sign-in and sign-out, choosing a password, and one's own sessions."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, select
from starlette.datastructures import FormData

from curator.console.forms import FirstForm, Form, attempt_of, hidden
from curator.console.render import HEADERS, done, page, root_of
from curator.errors import BadInput, CuratorError
from curator.people import accounts, sessions
from curator.people.caller import ANONYMOUS, Caller
from curator.people.oidc import Attempt
from curator.people.passwords import SHORTEST, TooMany
from curator.people.roles import Role
from curator.people.sign_in import Began
from curator.people.tables import UserRow
from curator.people.users import NewUser, make_user
from curator.web.by import by as by_of
from curator.web.guard import OPEN, Administrator, Owner, Viewer, session_cookie
from curator.web.service import Service

_ATTEMPT_S = 900
_LINK = "/-/link-account/"
_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
"""In this order: each also calls itself by what stands after it."""
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def sign_in_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    sign_in, database = service.sign_in, service.database

    def card(request: Request, attempt: Attempt, wanted: str, way: str = "", **values: object) -> HTMLResponse:
        ways = ["token"] if service.settings.oidc_only else ["password", "token"]
        error: CuratorError | None = values.pop("error", None)  # type: ignore[assignment]
        response = page(
            request,
            ANONYMOUS,
            "sign_in.html",
            error.status if error is not None else 200,
            way=way if way in ways else ways[0],
            ways=ways,
            wanted=wanted,
            sentence=error.sentence if error is not None else "",
            provider=service.settings.oidc_title if service.settings.oidc_issuer else "",
            first_token=hidden(attempt.form),
            typed=str(values.get("typed", "")),
        )
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.wait_s)
        remember(response, attempt, wanted)
        return response

    def remember(response: Response, attempt: Attempt, wanted: str) -> None:
        cookies = sign_in.cookies
        response.set_cookie(
            cookies.attempt,
            f"{attempt.secret}.{quote(wanted, safe='')}",
            max_age=_ATTEMPT_S,
            path=cookies.path,
            secure=cookies.secure,
            httponly=True,
            samesite="lax",
        )

    def into(request: Request, began: Began, wanted: str) -> RedirectResponse:
        """A new session, of a new id, whatever the browser had before."""
        cookies = sign_in.cookies
        response = RedirectResponse(f"{root_of(request)}{wanted}", 303, HEADERS)
        response.set_cookie(
            cookies.session,
            began.cookie,
            max_age=int(service.settings.session_s),
            path=cookies.path,
            secure=cookies.secure,
            httponly=True,
            samesite="lax",
        )
        forget(response, cookies.attempt)
        return response

    def forget(response: Response, cookie: str) -> None:
        cookies = sign_in.cookies
        response.delete_cookie(cookie, path=cookies.path, secure=cookies.secure, httponly=True, samesite="lax")

    def nobody_yet(session: Session) -> bool:
        return session.exec(select(UserRow.id).limit(1)).first() is None

    @router.get("/-/sign-in", dependencies=[OPEN])
    async def sign_in_page(request: Request, next: str = "", way: str = "") -> Response:  # noqa: A002
        wanted = own_path(next)
        cookie = session_cookie(request)
        if cookie is not None and await asyncio.to_thread(sign_in.caller, cookie) is not None:
            return RedirectResponse(f"{root_of(request)}{wanted}", 303, HEADERS)
        if not way and not service.settings.oidc_issuer and await database.ask(nobody_yet):
            way = "token"
        return card(request, attempt_of(request), wanted, way)

    @router.post("/-/sign-in", dependencies=[OPEN])
    async def sign_in_form(request: Request, form: FirstForm) -> Response:
        wanted, by = own_path(_text(form, "next")), by_of(request, ANONYMOUS)
        way = _text(form, "way")
        try:
            if way == "token":
                began = await sign_in.by_token(_text(form, "token"), by)
            else:
                began = await sign_in.by_password(_text(form, "login"), _text(form, "password"), by)
        except CuratorError as error:
            return card(request, attempt_of(request), wanted, way, error=error, typed=_text(form, "login"))
        if way == "token" and began.caller.role is Role.ADMIN and await database.ask(nobody_yet):
            wanted = "/-/sign-in/first"
        return into(request, began, wanted)

    @router.get("/-/sign-in/oidc", dependencies=[OPEN])
    async def to_the_provider(request: Request, next: str = "") -> Response:  # noqa: A002
        attempt, wanted = Attempt.new(), own_path(next)
        try:
            address = await sign_in.provider_address(attempt)
        except CuratorError as error:
            return card(request, attempt, wanted, error=error)
        response = RedirectResponse(address, 303, HEADERS)
        remember(response, attempt, wanted)
        return response

    @router.get("/-/sign-in/answer", dependencies=[OPEN])
    async def from_the_provider(request: Request) -> Response:
        kept = unquote(request.cookies.get(sign_in.cookies.attempt, "").partition(".")[2])
        wanted, by = own_path(kept), by_of(request, ANONYMOUS)
        attempt, answer = attempt_of(request), dict(request.query_params)
        try:
            if kept.startswith(_LINK):
                began = await sign_in.link(attempt, answer, kept.removeprefix(_LINK), by)
            else:
                began = await sign_in.by_answer(attempt, answer, by)
        except CuratorError as error:
            return card(request, Attempt.new(), wanted, error=error)
        return into(request, began, wanted)

    @router.get("/-/sign-in/first")
    async def first_page(request: Request, caller: Administrator) -> HTMLResponse:
        return page(request, caller, "first_account.html", sentence="", typed="")

    @router.post("/-/sign-in/first")
    async def first_form(request: Request, caller: Administrator, form: Form) -> Response:
        by, login = by_of(request, caller), _text(form, "login").strip()

        def made(session: Session) -> str:
            user = make_user(session, NewUser(login=login, role=Role.ADMIN), by)
            return accounts.invite(session, user.login, by).secret

        try:
            secret = await database.change(made)
        except CuratorError as error:
            return page(request, caller, "first_account.html", error.status, sentence=error.sentence, typed=login)
        return done(request, f"/-/choose-password/{secret}")

    @router.get("/-/choose-password/{secret}", dependencies=[OPEN])
    async def choose_page(request: Request, secret: str) -> HTMLResponse:
        return await choosing(request, secret)

    @router.post("/-/choose-password/{secret}", dependencies=[OPEN])
    async def choose_form(request: Request, secret: str, form: FirstForm) -> Response:
        try:
            _same_twice(form)
            return into(
                request, await sign_in.choose(secret, _text(form, "password"), by_of(request, ANONYMOUS)), "/-/"
            )
        except CuratorError as error:
            return await choosing(request, secret, error)

    async def choosing(request: Request, secret: str, error: CuratorError | None = None) -> HTMLResponse:
        attempt = attempt_of(request)
        try:
            user = await asyncio.to_thread(sign_in.invited, secret)
        except accounts.LinkOver as over:
            return page(request, ANONYMOUS, "link_over.html", over.status, sentence=over.sentence)
        response = page(
            request,
            ANONYMOUS,
            "choose_password.html",
            error.status if error is not None else 200,
            user=user,
            shortest=SHORTEST,
            sentence=error.sentence if error is not None else "",
            first_token=hidden(attempt.form),
        )
        remember(response, attempt, "/-/")
        return response

    @router.get("/-/link-account/{secret}", dependencies=[OPEN])
    async def link_page(request: Request, secret: str) -> HTMLResponse:
        attempt = attempt_of(request)
        try:
            user = await asyncio.to_thread(sign_in.linking, secret)
        except accounts.LinkOver as over:
            return page(request, ANONYMOUS, "link_over.html", over.status, sentence=over.sentence)
        response = page(
            request,
            ANONYMOUS,
            "link_account.html",
            user=user,
            provider=service.settings.oidc_title,
            first_token=hidden(attempt.form),
        )
        remember(response, attempt, "/-/")
        return response

    @router.post("/-/link-account/{secret}", dependencies=[OPEN])
    async def link_form(request: Request, secret: str, form: FirstForm) -> Response:
        del form
        attempt = Attempt.new()
        try:
            await asyncio.to_thread(sign_in.linking, secret)
            address = await sign_in.provider_address(attempt)
        except accounts.LinkOver as over:
            return page(request, ANONYMOUS, "link_over.html", over.status, sentence=over.sentence)
        except CuratorError as error:
            return card(request, attempt, "/-/", error=error)
        response = RedirectResponse(address, 303, HEADERS)
        # Only this form says so: what another site has a browser ask for links nothing (`own_path`).
        remember(response, attempt, f"{_LINK}{secret}")
        return response

    @router.post("/-/sign-out")
    async def sign_out(request: Request, caller: Viewer, form: Form) -> Response:
        del form

        def ended() -> None:
            if caller.session_id is not None:
                with database.write() as session:
                    row = sessions.find(session, caller.session_id)
                    sessions.end(session, row, "left", by_of(request, caller))

        await asyncio.to_thread(ended)
        response = done(request, "/-/signed-out")
        forget(response, sign_in.cookies.session)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    @router.get("/-/signed-out", dependencies=[OPEN])
    async def signed_out(request: Request) -> HTMLResponse:
        return page(request, ANONYMOUS, "signed_out.html")

    @router.get("/-/account/sign-in")
    async def account_page(request: Request, caller: Owner) -> HTMLResponse:
        return await account(request, caller)

    async def account(request: Request, caller: Caller, error: CuratorError | None = None) -> HTMLResponse:
        def read(session: Session) -> tuple[list[sessions.Sitting], bool]:
            mine = sessions.sittings(session, caller)
            user = session.get(UserRow, caller.user_id) if caller.user_id is not None else None
            return mine, user is not None and user.issuer is None and not service.settings.oidc_only

        mine, has_password = await database.ask(read)
        return page(
            request,
            caller,
            "own_sign_in.html",
            error.status if error is not None else 200,
            sittings=[(one, browser_of(one.user_agent)) for one in mine],
            has_password=has_password,
            shortest=SHORTEST,
            sentence=error.sentence if error is not None else "",
        )

    @router.post("/-/account/sign-in/password")
    async def change_password(request: Request, caller: Owner, form: Form) -> Response:
        try:
            _same_twice(form)
            old, new = _text(form, "old"), _text(form, "password")
            await sign_in.change_password(caller, old, new, by_of(request, caller))
        except CuratorError as error:
            return await account(request, caller, error)
        return done(request, "/-/account/sign-in", "Your password was changed, and your other sessions have ended.")

    @router.post("/-/account/sign-in/end")
    async def end_session(request: Request, caller: Owner, form: Form) -> Response:
        def ended(session: Session) -> None:
            row = sessions.find(session, _text(form, "id"))
            if not sessions.is_of(row, caller):
                raise sessions.NoSession("There is no session of yours of that name")
            sessions.end(session, row, "ended", by_of(request, caller))

        await database.change(ended)
        return done(request, "/-/account/sign-in", "The session has ended.")

    @router.post("/-/people/users/{login}/sessions/end")
    async def end_of_another(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        def ended(session: Session) -> None:
            sessions.end(session, sessions.find(session, _text(form, "id")), "ended", by_of(request, caller))

        await database.change(ended)
        return done(request, f"/-/people/users/{login}", f"The session of {login} has ended.")

    return router


def own_path(wanted: str) -> str:
    """A page of the console, whatever somebody may have put into a link: never another host, nor this page again."""
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and len(wanted) <= 2_000
    ours = wanted.startswith("/-/") and "//" not in wanted.partition("?")[0] and ".." not in wanted
    again = wanted.startswith(("/-/sign-in", "/-/sign-out", "/-/signed-out", "/-/choose-password", _LINK))
    return wanted if plain and ours and not again else "/-/"


def browser_of(user_agent: str) -> str:
    """What people call it; the rest of what browsers say of themselves is history."""
    name = next(
        (told for mark, told in _BROWSERS if mark in user_agent), user_agent.partition("/")[0][:40] or "A program"
    )
    system = next((f" on {told}" for mark, told in _SYSTEMS if mark in user_agent), "")
    return f"{name}{system}"


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _same_twice(form: FormData) -> None:
    if _text(form, "password") != _text(form, "again"):
        raise BadInput("The two passwords are not the same: type it twice")
