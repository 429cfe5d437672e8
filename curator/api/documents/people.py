"""People, teams, projects and tokens, as the management API shows them, and as it is told of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from curator.people.roles import Role
from curator.web.documents import Answer, Moment, Next
from curator.web.parameters import Name

PersonsRole = Literal["developer", "reviewer", "auditor", "security", "admin"]
TokensRole = Literal["robot", "developer", "reviewer", "auditor", "security", "admin"]
Line = Annotated[str, Field(max_length=200)]
Mail = Annotated[str, Field(max_length=254)]
TokenName = Annotated[str, Field(min_length=1, max_length=100)]
EmptyName = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")]
"""Empty: none."""
End = Annotated[str, Field(min_length=1, max_length=40, examples=["90d"])]
"""`90d`, the end of a day such as `2027-01-31`, or a moment."""
Secret = Annotated[str, Field(description="The token itself, which cannot be had again.")]


class User(Answer):
    """One person."""

    id: str
    login: str
    full_name: str
    email: str
    role: Role
    team: Annotated[str, Field(description="The home team, for which they ask in the console; empty: none.")]
    project: str
    teams: list[str]
    state: Literal["active", "disabled"]
    created_at: Moment
    created_by: str
    disabled_at: Moment | None
    disabled_by: str | None
    last_seen_at: Annotated[Moment | None, Field(description="To the hour.")]
    issuer: str | None
    subject: str | None
    same_as: Annotated[list[str], Field(description="Other accounts that are said to be the same person.")]


class SamePerson(Answer):
    """One person, by one of several accounts."""

    user: User
    resting_on_one: Annotated[
        list[str],
        Field(
            description="What holds now and both accounts stand behind, though it wants several people: end it, or "
            "have it approved anew."
        ),
    ]


class OneUser(Answer):
    """One person."""

    user: User


class Users(Answer):
    """A page of people, by name."""

    users: list[User]
    next: Next


class Team(Answer):
    """One team."""

    name: str
    title: str
    state: Literal["active", "ended"]
    members: int
    projects: int
    tokens: Annotated[int, Field(description="That ask for it and are not revoked.")]
    created_at: Moment
    created_by: str
    ended_at: Moment | None
    ended_by: str | None


class OneTeam(Answer):
    """One team."""

    team: Team


class Teams(Answer):
    """A page of teams, by name."""

    teams: list[Team]
    next: Next


class Project(Answer):
    """One project of a team."""

    team: str
    name: str
    title: str
    state: Literal["active", "ended"]
    created_at: Moment
    created_by: str
    ended_at: Moment | None
    ended_by: str | None


class OneProject(Answer):
    """One project."""

    project: Project


class Projects(Answer):
    """A page of projects, by team and name."""

    projects: list[Project]
    next: Next


class Token(Answer):
    """One token, without its text."""

    id: str
    name: str
    role: Role
    owner: Annotated[str | None, Field(description="Login of the person; null: a service's or a build's.")]
    team: str
    project: str
    description: str
    job: Annotated[str, Field(description="The run of a pipeline that it was made for.")]
    state: Annotated[
        Literal["active", "revoked", "expired", "disabled"], Field(description="`disabled`: its owner is.")
    ]
    created_at: Moment
    created_by: str
    expires_at: Moment | None
    last_used_at: Annotated[Moment | None, Field(description="To the hour.")]
    revoked_at: Moment | None
    revoked_by: str | None


class OneToken(Answer):
    """One token, without its text."""

    token: Token


class MadeToken(Answer):
    """A token that was just made, with its text."""

    token: Token
    secret: Secret


class Tokens(Answer):
    """A page of tokens, the newest first."""

    tokens: list[Token]
    next: Next


class Account(Answer):
    """Whoever asks, and as what."""

    user: User
    role: Annotated[Role, Field(description="That they ask with: a token may be for less than its owner.")]
    team: str
    project: str
    token: Annotated[Token | None, Field(description="That they ask with; null in a session of the console.")]


class Wanted(BaseModel):
    """What is asked for; a field that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid")


class WantedUser(Wanted):
    """A person who is to be made."""

    login: Name
    role: PersonsRole = "developer"
    full_name: Line = ""
    email: Mail = ""
    team: EmptyName = ""
    project: EmptyName = ""
    teams: Annotated[list[Name], Field(max_length=100)] = []


class ChangedUser(Wanted):
    """What is to be otherwise of a person; what is left out stays."""

    role: PersonsRole | None = None
    full_name: Line | None = None
    email: Mail | None = None
    team: EmptyName | None = None
    project: EmptyName | None = None


class WantedTeam(Wanted):
    """A team that is to be made."""

    name: Name
    title: Line = ""


class WantedProject(Wanted):
    """A project that is to be made."""

    team: Name
    name: Name
    title: Line = ""


class WantedToken(Wanted):
    """A token that is to be made."""

    name: TokenName
    owner: Annotated[Name | None, Field(description="Login of the person it is for; null: a service's.")] = None
    role: TokensRole = "developer"
    team: Annotated[EmptyName | None, Field(description="null: that of its owner.")] = None
    project: EmptyName | None = None
    description: Line = ""
    until: End | None = None


class WantedOwnToken(Wanted):
    """A token that somebody wants for their own use."""

    name: TokenName
    role: TokensRole = "developer"
    team: Annotated[EmptyName | None, Field(description="One of your own; null: your home team.")] = None
    project: EmptyName | None = None
    description: Line = ""
    until: End | None = None


class OwnRotation(Wanted):
    """How one's own token is made anew."""

    grace_hours: Annotated[float, Field(ge=0, le=24 * 90, description="Hours that the old one is still valid.")] = 24.0


class Rotation(OwnRotation):
    """How a token is made anew."""

    until: Annotated[End | None, Field(description="null: as long as the old one was to, from now on.")] = None


class ChangedAccount(Wanted):
    """What is to be otherwise of one's own account; what is left out stays."""

    full_name: Line | None = None
    team: EmptyName | None = None
    project: EmptyName | None = None
