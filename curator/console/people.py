"""People, teams and projects: found, made, changed and ended."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session
from starlette.datastructures import FormData

from curator.console.forms import Form
from curator.console.render import done, page
from curator.console.sign_in import browser_of
from curator.errors import BadInput, CuratorError
from curator.notify.mailboxes import mailbox_of
from curator.people import accounts, linking, same, sessions, teams, tokens, users
from curator.people.caller import Caller
from curator.people.roles import MAY, Permission, Role
from curator.people.token import Token
from curator.people.users import ROLES, NewUser, UserChange
from curator.review import apart
from curator.web.by import by
from curator.web.guard import Administrator, SettingsViewer
from curator.web.service import Service
from rules.circumstances import Audience

PAGE = 50
_MEMBERS, _TOKENS = 30, 20
"""Of a team: its page has both, and stays as light as any."""
Search = Annotated[str, Query(max_length=100)]
After = Annotated[str, Query(max_length=200)]
Whether = Literal["active", "ended", "all"]


def said(form: FormData, name: str) -> str:
    """What was written into a field."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def role_of(text: str) -> Role:
    """Raises `BadInput`."""
    try:
        return Role(text)
    except ValueError:
        raise BadInput(f"{text[:40]!a} is no role: choose one of {', '.join(ROLES)}") from None


def next_page(path: str, last: str | None, **asked: str) -> str:
    """The address of the page after this one; empty if this is the last."""
    if last is None:
        return ""
    return f"{path}?{urlencode({name: value for name, value in (asked | {'after': last}).items() if value})}"


def people_pages(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    database = service.database

    @router.get("/-/people")
    async def people(
        request: Request,
        caller: SettingsViewer,
        search: Search = "",
        state: Literal["active", "disabled", "all"] = "active",
        role: Literal["", "developer", "reviewer", "auditor", "security", "admin"] = "",
        after: After = "",
    ) -> HTMLResponse:
        return await people_page(request, caller, search=search, state=state, role=role, after=after)

    async def people_page(
        request: Request,
        caller: Caller,
        *,
        search: str = "",
        state: str = "active",
        role: str = "",
        after: str = "",
        wrong: CuratorError | None = None,
        typed: FormData | None = None,
    ) -> HTMLResponse:
        only = Role(role) if role else None
        found = await database.ask(
            lambda session: users.list_users(
                session, state=state, role=only, search=search, after=after, limit=PAGE + 1
            )
        )
        shown = found[:PAGE]
        return page(
            request,
            caller,
            "people.html",
            wrong.status if wrong is not None else 200,
            people=shown,
            search=search,
            state=state,
            role=role,
            next=next_page(
                "/-/people", shown[-1].login if len(found) > PAGE else None, search=search, state=state, role=role
            ),
            first=bool(after),
            administers=caller.may(Permission.ADMINISTER),
            wrong=wrong.sentence if wrong is not None else "",
            typed=typed or FormData(),
        )

    @router.post("/-/people/users")
    async def make_user(request: Request, caller: Administrator, form: Form) -> Response:
        try:
            new = NewUser(
                login=said(form, "login"),
                role=role_of(said(form, "role")),
                full_name=said(form, "full_name"),
                email=said(form, "email"),
                home=Audience(said(form, "team"), said(form, "project")),
            )
            made = await database.change(lambda session: users.make_user(session, new, by(request, caller)))
        except CuratorError as error:
            return await people_page(request, caller, wrong=error, typed=form)
        return done(request, f"/-/people/users/{made.login}", f"{made.login} was made. Now let them choose a password.")

    @router.get("/-/people/users/{login}")
    async def person(request: Request, caller: SettingsViewer, login: str) -> HTMLResponse:
        return await person_page(request, caller, login)

    async def person_page(
        request: Request, caller: Caller, login: str, wrong: CuratorError | None = None, link: str = ""
    ) -> HTMLResponse:
        administers = caller.may(Permission.ADMINISTER)

        def verb(session: Session) -> tuple[users.User, list[Token], list[sessions.Sitting]]:
            user = users.find_user(session, login)
            sittings = sessions.sittings(session, caller, user.id) if administers else []
            return user, tokens.list_tokens(session, owner=user.login, limit=PAGE), sittings

        user, found, sittings = await database.ask(verb)
        may = [permission for permission in Permission if permission in MAY[user.role]]
        return page(
            request,
            caller,
            "person.html",
            wrong.status if wrong is not None else 200,
            user=user,
            tokens=found,
            sittings=[(one, browser_of(one.user_agent)) for one in sittings],
            may=may,
            link=link,
            provider=service.settings.oidc_title if service.settings.oidc_issuer else "",
            by_password=user.issuer is None and not service.settings.oidc_only,
            administers=administers,
            reads_record=caller.may(Permission.READ_RECORD),
            wrong=wrong.sentence if wrong is not None else "",
        )

    @router.post("/-/people/users/{login}")
    async def change_user(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        try:
            change = UserChange(
                role=role_of(said(form, "role")),
                full_name=said(form, "full_name"),
                email=said(form, "email"),
                team=said(form, "team"),
                project=said(form, "project"),
            )
            changed = await database.change(
                lambda session: users.change_user(session, login, change, by(request, caller))
            )
        except CuratorError as error:
            return await person_page(request, caller, login, error)
        return done(request, f"/-/people/users/{changed.login}", f"{changed.login} was changed.")

    @router.post("/-/people/users/{login}/disable")
    async def disable_user(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        del form
        try:
            user = await database.change(lambda session: users.disable_user(session, login, by(request, caller)))
        except CuratorError as error:
            return await person_page(request, caller, login, error)
        return done(request, f"/-/people/users/{user.login}", f"{user.login} is nobody here from this moment on.")

    @router.post("/-/people/users/{login}/enable")
    async def enable_user(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        del form
        user = await database.change(lambda session: users.enable_user(session, login, by(request, caller)))
        return done(request, f"/-/people/users/{user.login}", f"{user.login} is {user.role} here again.")

    @router.post("/-/people/users/{login}/invite")
    async def invite(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        del form
        try:
            made = await database.change(lambda session: accounts.invite(session, login, by(request, caller)))
        except CuratorError as error:
            return await person_page(request, caller, login, error)
        link = f"{service.settings.url}/-/choose-password/{made.secret}"
        return await person_page(request, caller, login, link=link)

    @router.post("/-/people/users/{login}/link")
    async def invite_to_link(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        del form
        issuer = service.settings.oidc_issuer
        try:
            made = await database.change(lambda session: linking.invite(session, login, issuer, by(request, caller)))
        except CuratorError as error:
            return await person_page(request, caller, login, error)
        link = f"{service.settings.url}/-/link-account/{made.secret}"
        return await person_page(request, caller, login, link=link)

    @router.post("/-/people/users/{login}/unlink")
    async def unlink(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        del form
        try:
            user = await database.change(lambda session: linking.unlink(session, login, by(request, caller)))
        except CuratorError as error:
            return await person_page(request, caller, login, error)
        return done(request, f"/-/people/users/{user.login}", f"No identity provider speaks of {user.login} any more.")

    @router.post("/-/people/users/{login}/same")
    async def say_same(request: Request, caller: Administrator, login: str, form: Form) -> Response:
        def verb(session: Session) -> str:
            if form.get("apart"):
                user = same.say_apart(session, login, by(request, caller))
                return f"{user.login} is a person of its own again."
            user = same.say_same(session, login, said(form, "other"), by(request, caller))
            told = f"{', '.join((user.login, *user.same_as))} are one person from now on."
            resting = apart.resting_on_one(session, user.login)
            return f"{told} Both stand behind {', '.join(resting)}: look at that anew." if resting else told

        try:
            told = await database.change(verb)
        except CuratorError as error:
            return await person_page(request, caller, login, error)
        return done(request, f"/-/people/users/{login}", told)

    @router.get("/-/people/teams")
    async def all_teams(
        request: Request, caller: SettingsViewer, search: Search = "", state: Whether = "active", after: After = ""
    ) -> HTMLResponse:
        return await teams_page(request, caller, search=search, state=state, after=after)

    async def teams_page(
        request: Request,
        caller: Caller,
        *,
        search: str = "",
        state: str = "active",
        after: str = "",
        wrong: CuratorError | None = None,
        typed: FormData | None = None,
    ) -> HTMLResponse:
        found = await database.ask(
            lambda session: teams.list_teams(session, state=state, search=search, after=after, limit=PAGE + 1)
        )
        shown = found[:PAGE]
        last = shown[-1].name if len(found) > PAGE else None
        return page(
            request,
            caller,
            "teams.html",
            wrong.status if wrong is not None else 200,
            teams=shown,
            search=search,
            state=state,
            next=next_page("/-/people/teams", last, search=search, state=state),
            first=bool(after),
            administers=caller.may(Permission.ADMINISTER),
            wrong=wrong.sentence if wrong is not None else "",
            typed=typed or FormData(),
        )

    @router.post("/-/people/teams")
    async def make_team(request: Request, caller: Administrator, form: Form) -> Response:
        try:
            made = await database.change(
                lambda session: teams.make_team(session, said(form, "name"), said(form, "title"), by(request, caller))
            )
        except CuratorError as error:
            return await teams_page(request, caller, wrong=error, typed=form)
        return done(request, f"/-/people/teams/{made.name}", f"There is a team {made.name} now.")

    @router.get("/-/people/teams/{name}")
    async def team(request: Request, caller: SettingsViewer, name: str, after: After = "") -> HTMLResponse:
        return await team_page(request, caller, name, after)

    async def team_page(
        request: Request, caller: Caller, name: str, after: str = "", wrong: CuratorError | None = None
    ) -> HTMLResponse:
        def verb(session: Session) -> tuple[teams.Team, list[users.User], list[teams.Project], list[Token]]:
            return (
                teams.find_team(session, name),
                users.list_users(session, team=name, after=after, limit=_MEMBERS + 1),
                teams.list_projects(session, team=name, state="all", limit=PAGE),
                tokens.list_tokens(session, state="active", team=name, limit=_TOKENS),
            )

        found, members, projects, of_team = await database.ask(verb)
        mailbox = await database.ask(lambda session: mailbox_of(session, name))
        last = members[_MEMBERS - 1].login if len(members) > _MEMBERS else None
        return page(
            request,
            caller,
            "team.html",
            wrong.status if wrong is not None else 200,
            team=found,
            mailbox=mailbox,
            notifies=caller.may(Permission.NOTIFY),
            members=members[:_MEMBERS],
            projects=projects,
            tokens=of_team,
            next=next_page(f"/-/people/teams/{name}", last),
            first=bool(after),
            administers=caller.may(Permission.ADMINISTER),
            wrong=wrong.sentence if wrong is not None else "",
        )

    @router.post("/-/people/teams/{name}/members")
    async def change_members(request: Request, caller: Administrator, name: str, form: Form) -> Response:
        login, out = said(form, "login"), said(form, "what") == "remove"
        verb = teams.remove_member if out else teams.add_member
        try:
            await database.change(lambda session: verb(session, name, login, by(request, caller)))
        except CuratorError as error:
            return await team_page(request, caller, name, wrong=error)
        told = "is not in the team any more" if out else "is in the team now"
        return done(request, f"/-/people/teams/{name}", f"{login} {told}.")

    @router.post("/-/people/teams/{name}/projects")
    async def change_projects(request: Request, caller: Administrator, name: str, form: Form) -> Response:
        project, out = said(form, "project"), said(form, "what") == "end"

        def verb(session: Session) -> teams.Project:
            if out:
                return teams.end_project(session, name, project, by(request, caller))
            return teams.make_project(session, name, project, said(form, "title"), by(request, caller))

        try:
            await database.change(verb)
        except CuratorError as error:
            return await team_page(request, caller, name, wrong=error)
        told = f"The project {project} has ended." if out else f"There is a project {project} now."
        return done(request, f"/-/people/teams/{name}", told)

    @router.post("/-/people/teams/{name}/end")
    async def end_team(request: Request, caller: Administrator, name: str, form: Form) -> Response:
        del form
        try:
            ended = await database.change(lambda session: teams.end_team(session, name, by(request, caller)))
        except CuratorError as error:
            return await team_page(request, caller, name, wrong=error)
        told = f"The team {name} has ended: {ended.members} people left it, {ended.tokens} tokens were revoked."
        return done(request, "/-/people/teams", told)

    @router.get("/-/people/projects")
    async def all_projects(
        request: Request, caller: SettingsViewer, search: Search = "", state: Whether = "active", after: After = ""
    ) -> HTMLResponse:
        of, _, name = after.partition(":")
        found = await database.ask(
            lambda session: teams.list_projects(session, state=state, search=search, after=(of, name), limit=PAGE + 1)
        )
        shown = found[:PAGE]
        last = f"{shown[-1].team}:{shown[-1].name}" if len(found) > PAGE else None
        return page(
            request,
            caller,
            "projects.html",
            projects=shown,
            search=search,
            state=state,
            next=next_page("/-/people/projects", last, search=search, state=state),
            first=bool(after),
        )

    return router
