"""The commands about people, teams, projects and tokens; they work on the mirror's own database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, ReportFormat, cli

user = typer.Typer(help="Make people, change and disable them.", no_args_is_help=True)
team = typer.Typer(help="Make teams, and say who is in them.", no_args_is_help=True)
project = typer.Typer(help="Make projects of teams.", no_args_is_help=True)
cli.add_typer(user, name="user")
cli.add_typer(team, name="team")
cli.add_typer(project, name="project")


class PersonsRole(StrEnum):
    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    SECURITY = "security"
    ADMIN = "admin"


Login = Annotated[str, typer.Argument(help="The person's name here.", metavar="LOGIN")]
Logins = Annotated[list[str], typer.Argument(help="The people's names here.", metavar="LOGIN...")]
TeamName = Annotated[str, typer.Argument(help="The team's name.", metavar="TEAM")]
ProjectName = Annotated[str, typer.Argument(help="The project's name.", metavar="PROJECT")]
Title = Annotated[str, typer.Option(help="What it is called at length.")]
FullName = Annotated[str | None, typer.Option("--name", help="The name at length.")]
Email = Annotated[str | None, typer.Option(help="The address of mail.")]
HomeTeam = Annotated[str | None, typer.Option("--team", help="The home team, for which they ask.")]
HomeProject = Annotated[str | None, typer.Option("--project", help="The project of it, if they ask for one alone.")]
OfTeam = Annotated[str, typer.Option("--team", help="The team that it is of.")]
OnlyTeam = Annotated[str | None, typer.Option("--team", help="Only of this team.")]
Every = Annotated[bool, typer.Option("--all", help="Also what has ended or is disabled.")]


@user.command("create", epilog="Example: curator user create alice --role reviewer --team search --email a@example.org")
def user_create(
    login: Login,
    role: Annotated[PersonsRole, typer.Option(help="What they may: see docs/people.md.")] = PersonsRole.DEVELOPER,
    name: FullName = None,
    email: Email = None,
    home_team: HomeTeam = None,
    home_project: HomeProject = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a person. How they sign in is said by `curator user invite`, or by your identity provider."""
    from curator.cli import people as command
    from curator.cli.token import Place
    from curator.people.roles import Role
    from curator.people.users import NewUser

    wanted = NewUser(
        login=login,
        role=Role(role.value),
        full_name=name or "",
        email=email or "",
        home=command.home(home_team, home_project),
    )
    command.create_user(wanted, Place(config, data), as_json=report_format is ReportFormat.JSON)


@user.command("list", epilog="Example: curator user list --team search")
def user_list(
    role: Annotated[PersonsRole | None, typer.Option(help="Only those with this role.")] = None,
    only_team: OnlyTeam = None,
    search: Annotated[str, typer.Option(help="Part of a name or address.")] = "",
    every: Every = False,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List people, by name."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.show_users(
        Place(config, data),
        role=role.value if role is not None else None,
        team=only_team,
        search=search,
        every=every,
        as_json=report_format is ReportFormat.JSON,
    )


@user.command("show", epilog="Example: curator user show alice")
def user_show(
    login: Login, data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Show a person."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.show_user(login, Place(config, data), as_json=report_format is ReportFormat.JSON)


@user.command("change", epilog="Example: curator user change alice --role security")
def user_change(
    login: Login,
    role: Annotated[PersonsRole | None, typer.Option(help="What they may from now on.")] = None,
    name: FullName = None,
    email: Email = None,
    home_team: HomeTeam = None,
    home_project: HomeProject = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Change a person; what is left out stays, and '' empties it."""
    from curator.cli import people as command
    from curator.cli.token import Place
    from curator.people.roles import Role
    from curator.people.users import UserChange

    change = UserChange(
        role=Role(role.value) if role is not None else None,
        full_name=name,
        email=email,
        team=home_team,
        project=home_project,
    )
    command.change_user(login, change, Place(config, data), as_json=report_format is ReportFormat.JSON)


@user.command("disable", epilog="Example: curator user disable alice")
def user_disable(
    login: Login, data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Let a person be nobody here from this moment on, with all their tokens. They stay in the record."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.disable_user(login, Place(config, data), as_json=report_format is ReportFormat.JSON)


@user.command("enable", epilog="Example: curator user enable alice")
def user_enable(
    login: Login, data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Let a person that was disabled be somebody here again."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.enable_user(login, Place(config, data), as_json=report_format is ReportFormat.JSON)


@team.command("create", epilog="Example: curator team create search --title 'Search and ranking'")
def team_create(
    name: TeamName,
    title: Title = "",
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a team. From the first one on, people and tokens are for teams that were made."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.create_team(name, title, Place(config, data), as_json=report_format is ReportFormat.JSON)


@team.command("list", epilog="Example: curator team list")
def team_list(
    every: Every = False, data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """List teams, by name."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.show_teams(Place(config, data), every=every, as_json=report_format is ReportFormat.JSON)


@team.command("show", epilog="Example: curator team show search")
def team_show(
    name: TeamName, data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Show a team with its people and projects."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.show_team(name, Place(config, data), as_json=report_format is ReportFormat.JSON)


@team.command("end", epilog="Example: curator team end search")
def team_end(
    name: TeamName, data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """End a team: everybody leaves it, its projects end, and tokens that ask for it are revoked."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.end_team(name, Place(config, data), as_json=report_format is ReportFormat.JSON)


@team.command("add", epilog="Example: curator team add search alice bob")
def team_add(
    name: TeamName,
    logins: Logins,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Put people into a team."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.add_members(name, logins, Place(config, data), as_json=report_format is ReportFormat.JSON)


@team.command("remove", epilog="Example: curator team remove search alice")
def team_remove(
    name: TeamName,
    logins: Logins,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Take people out of a team; those of their tokens that ask for it are revoked."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.remove_members(name, logins, Place(config, data), as_json=report_format is ReportFormat.JSON)


@project.command("create", epilog="Example: curator project create shop --team search")
def project_create(
    name: ProjectName,
    of: OfTeam,
    title: Title = "",
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a project of a team."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.create_project(of, name, title, Place(config, data), as_json=report_format is ReportFormat.JSON)


@project.command("list", epilog="Example: curator project list --team search")
def project_list(
    of: OnlyTeam = None,
    every: Every = False,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List projects, by team and name."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.show_projects(Place(config, data), team=of, every=every, as_json=report_format is ReportFormat.JSON)


@project.command("end", epilog="Example: curator project end shop --team search")
def project_end(
    name: ProjectName,
    of: OfTeam,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """End a project; tokens that ask for it are revoked."""
    from curator.cli import people as command
    from curator.cli.token import Place

    command.end_project(of, name, Place(config, data), as_json=report_format is ReportFormat.JSON)
