"""People, teams and projects: listed, made, changed, and ended."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from sqlmodel import Session

from curator.api.documents.people import (
    ChangedUser,
    OneProject,
    OneTeam,
    OneUser,
    Projects,
    SamePerson,
    Teams,
    Users,
    WantedProject,
    WantedTeam,
    WantedUser,
)
from curator.api.words import page_json
from curator.database.engine import Database
from curator.people import same, teams, users
from curator.people.roles import Role
from curator.people.users import NewUser, UserChange
from curator.review import apart
from curator.web.by import by
from curator.web.documents import problems
from curator.web.guard import Administrator, SettingsViewer
from curator.web.parameters import After, PageSize
from rules.circumstances import Audience

Json = dict[str, object]

Login = Annotated[str, Path(min_length=1, max_length=64, description="A person, by login.")]
Other = Annotated[str, Path(min_length=1, max_length=64, description="Another account, by login.")]
TeamName = Annotated[str, Path(min_length=1, max_length=64, description="A team.")]
ProjectName = Annotated[str, Path(min_length=1, max_length=64, description="A project.")]
Search = Annotated[str, Query(max_length=100, description="Part of a name, in whatever capitals.")]
OnlyTeam = Annotated[str | None, Query(min_length=1, max_length=64, description="Only of this team.")]
Whether = Literal["active", "ended", "all"]


def people_routes(database: Database) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1", tags=["people"])

    @router.get("/users", operation_id="list_users", response_model=Users)
    async def list_users(
        caller: SettingsViewer,
        state: Literal["active", "disabled", "all"] = "all",
        role: Role | None = None,
        team: OnlyTeam = None,
        search: Search = "",
        after: After = None,
        limit: PageSize = 50,
    ) -> Json:
        """List people, by name."""
        del caller
        found = await database.ask(
            lambda session: users.list_users(
                session, state=state, role=role, team=team, search=search, after=after or "", limit=limit + 1
            )
        )
        return page_json("users", [one.as_json() for one in found], limit, lambda one: str(one["login"]).lower())

    @router.post("/users", operation_id="create_user", status_code=201, response_model=OneUser, responses=problems(404))
    async def make_user(wanted: WantedUser, caller: Administrator, request: Request) -> Json:
        """Make a person."""
        new = NewUser(
            login=wanted.login,
            role=Role(wanted.role),
            full_name=wanted.full_name,
            email=wanted.email,
            home=Audience(wanted.team, wanted.project),
            teams=wanted.teams,
        )
        made = await database.change(lambda session: users.make_user(session, new, by(request, caller)))
        return {"user": made.as_json()}

    @router.get("/users/{login}", operation_id="get_user", response_model=OneUser)
    async def show_user(login: Login, caller: SettingsViewer) -> Json:
        """Show a person."""
        del caller
        return {"user": (await database.ask(lambda session: users.find_user(session, login))).as_json()}

    @router.patch("/users/{login}", operation_id="change_user", response_model=OneUser)
    async def change_user(login: Login, wanted: ChangedUser, caller: Administrator, request: Request) -> Json:
        """Change a person; what is left out stays."""
        change = UserChange(
            role=Role(wanted.role) if wanted.role is not None else None,
            full_name=wanted.full_name,
            email=wanted.email,
            team=wanted.team,
            project=wanted.project,
        )
        changed = await database.change(lambda session: users.change_user(session, login, change, by(request, caller)))
        return {"user": changed.as_json()}

    @router.post("/users/{login}/disable", operation_id="disable_user", response_model=OneUser)
    async def disable_user(login: Login, caller: Administrator, request: Request) -> Json:
        """Disable a person: all that they sign in or ask with is worth nothing at once. They stay in the record."""
        done = await database.change(lambda session: users.disable_user(session, login, by(request, caller)))
        return {"user": done.as_json()}

    @router.post("/users/{login}/enable", operation_id="enable_user", response_model=OneUser)
    async def enable_user(login: Login, caller: Administrator, request: Request) -> Json:
        """Enable a person again, with those of their tokens that have not ended."""
        done = await database.change(lambda session: users.enable_user(session, login, by(request, caller)))
        return {"user": done.as_json()}

    @router.put("/users/{login}/same/{other}", operation_id="say_same_person", response_model=SamePerson)
    async def say_same(login: Login, other: Other, caller: Administrator, request: Request) -> Json:
        """Say that two accounts are one person, who counts once where several must agree."""

        def verb(session: Session) -> Json:
            user = same.say_same(session, login, other, by(request, caller))
            return {"user": user.as_json(), "resting_on_one": apart.resting_on_one(session, user.login)}

        return await database.change(verb)

    @router.delete("/users/{login}/same", operation_id="say_apart", response_model=OneUser)
    async def say_apart(login: Login, caller: Administrator, request: Request) -> Json:
        """Take back that an account is the same person as others; not of one's own."""
        done = await database.change(lambda session: same.say_apart(session, login, by(request, caller)))
        return {"user": done.as_json()}

    @router.get("/teams", operation_id="list_teams", response_model=Teams)
    async def list_teams(
        caller: SettingsViewer,
        state: Whether = "active",
        search: Search = "",
        after: After = None,
        limit: PageSize = 50,
    ) -> Json:
        """List teams, by name."""
        del caller
        found = await database.ask(
            lambda session: teams.list_teams(session, state=state, search=search, after=after or "", limit=limit + 1)
        )
        return page_json("teams", [one.as_json() for one in found], limit, lambda one: str(one["name"]))

    @router.post("/teams", operation_id="create_team", status_code=201, response_model=OneTeam)
    async def make_team(wanted: WantedTeam, caller: Administrator, request: Request) -> Json:
        """Make a team, or begin one again that has ended."""
        made = await database.change(
            lambda session: teams.make_team(session, wanted.name, wanted.title, by(request, caller))
        )
        return {"team": made.as_json()}

    @router.get("/teams/{team}", operation_id="get_team", response_model=OneTeam)
    async def show_team(team: TeamName, caller: SettingsViewer) -> Json:
        """Show a team; who is in it, `/users?team=` lists."""
        del caller
        return {"team": (await database.ask(lambda session: teams.find_team(session, team))).as_json()}

    @router.delete("/teams/{team}", operation_id="end_team", response_model=OneTeam)
    async def end_team(team: TeamName, caller: Administrator, request: Request) -> Json:
        """End a team: everybody leaves it, its projects end, and tokens that ask for it are revoked.

        The answer is the team as it is then, with what it had."""
        ended = await database.change(lambda session: teams.end_team(session, team, by(request, caller)))
        return {"team": ended.as_json()}

    @router.put("/teams/{team}/members/{login}", operation_id="add_member", response_model=OneUser)
    async def add_member(team: TeamName, login: Login, caller: Administrator, request: Request) -> Json:
        """Put a person into a team; it becomes their home if they have none."""

        def verb(session: Session) -> Json:
            teams.add_member(session, team, login, by(request, caller))
            return {"user": users.find_user(session, login).as_json()}

        return await database.change(verb)

    @router.delete("/teams/{team}/members/{login}", operation_id="remove_member", response_model=OneUser)
    async def remove_member(team: TeamName, login: Login, caller: Administrator, request: Request) -> Json:
        """Take a person out of a team: those of their tokens that ask for it are revoked."""

        def verb(session: Session) -> Json:
            teams.remove_member(session, team, login, by(request, caller))
            return {"user": users.find_user(session, login).as_json()}

        return await database.change(verb)

    @router.get("/projects", operation_id="list_projects", response_model=Projects)
    async def list_projects(
        caller: SettingsViewer,
        team: OnlyTeam = None,
        state: Whether = "active",
        search: Search = "",
        after: After = None,
        limit: PageSize = 50,
    ) -> Json:
        """List projects, by team and name."""
        del caller
        of, _, name = (after or "").partition(":")
        found = await database.ask(
            lambda session: teams.list_projects(
                session, team=team, state=state, search=search, after=(of, name), limit=limit + 1
            )
        )
        documents = [one.as_json() for one in found]
        return page_json("projects", documents, limit, lambda one: f"{one['team']}:{one['name']}")

    @router.post(
        "/projects", operation_id="create_project", status_code=201, response_model=OneProject, responses=problems(404)
    )
    async def make_project(wanted: WantedProject, caller: Administrator, request: Request) -> Json:
        """Make a project of a team, or begin one again that has ended."""
        made = await database.change(
            lambda session: teams.make_project(session, wanted.team, wanted.name, wanted.title, by(request, caller))
        )
        return {"project": made.as_json()}

    @router.delete("/projects/{team}/{project}", operation_id="end_project", response_model=OneProject)
    async def end_project(team: TeamName, project: ProjectName, caller: Administrator, request: Request) -> Json:
        """End a project: tokens that ask for it are revoked."""
        ended = await database.change(lambda session: teams.end_project(session, team, project, by(request, caller)))
        return {"project": ended.as_json()}

    return router
