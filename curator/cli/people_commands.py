"""The commands about people; they work on the mirror's own database, or by its API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, ReportFormat, There, cli

user = typer.Typer(help="Make people, change and disable them.", no_args_is_help=True)
cli.add_typer(user, name="user")


class PersonsRole(StrEnum):
    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    SECURITY = "security"
    ADMIN = "admin"


Login = Annotated[str, typer.Argument(help="The person's name here.", metavar="LOGIN")]
FullName = Annotated[str | None, typer.Option("--name", help="The name at length.")]
Email = Annotated[str | None, typer.Option(help="The address of mail.")]
HomeTeam = Annotated[str | None, typer.Option("--team", help="The home team, for which they ask.")]
HomeProject = Annotated[str | None, typer.Option("--project", help="The project of it, if they ask for one alone.")]
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
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a person. How they sign in is said by `curator user invite`, or by your identity provider."""
    from curator.cli import people as command
    from curator.cli.place import Place
    from curator.people.roles import Role
    from curator.people.users import NewUser

    wanted = NewUser(
        login=login,
        role=Role(role.value),
        full_name=name or "",
        email=email or "",
        home=command.home(home_team, home_project),
    )
    command.create_user(wanted, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("list", epilog="Example: curator user list --team search")
def user_list(
    role: Annotated[PersonsRole | None, typer.Option(help="Only those with this role.")] = None,
    only_team: OnlyTeam = None,
    search: Annotated[str, typer.Option(help="Part of a name or address.")] = "",
    every: Every = False,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List people, by name."""
    from curator.cli import people as command
    from curator.cli.place import Place

    command.show_users(
        Place(config, data, server),
        role=role.value if role is not None else None,
        team=only_team,
        search=search,
        every=every,
        as_json=report_format is ReportFormat.JSON,
    )


@user.command("show", epilog="Example: curator user show alice")
def user_show(
    login: Login,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Show a person."""
    from curator.cli import people as command
    from curator.cli.place import Place

    command.show_user(login, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("change", epilog="Example: curator user change alice --role security")
def user_change(
    login: Login,
    role: Annotated[PersonsRole | None, typer.Option(help="What they may from now on.")] = None,
    name: FullName = None,
    email: Email = None,
    home_team: HomeTeam = None,
    home_project: HomeProject = None,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Change a person; what is left out stays, and '' empties it."""
    from curator.cli import people as command
    from curator.cli.place import Place
    from curator.people.roles import Role
    from curator.people.users import UserChange

    change = UserChange(
        role=Role(role.value) if role is not None else None,
        full_name=name,
        email=email,
        team=home_team,
        project=home_project,
    )
    command.change_user(login, change, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("disable", epilog="Example: curator user disable alice")
def user_disable(
    login: Login,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let a person be nobody here from this moment on, with all their tokens. They stay in the record."""
    from curator.cli import people as command
    from curator.cli.place import Place

    command.disable_user(login, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("enable", epilog="Example: curator user enable alice")
def user_enable(
    login: Login,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let a person that was disabled be somebody here again."""
    from curator.cli import people as command
    from curator.cli.place import Place

    command.enable_user(login, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("unlink", epilog="Example: curator user unlink alice")
def user_unlink(
    login: Login,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let whom the identity provider speaks of be this person no longer; their sessions end."""
    from curator.cli import people as command
    from curator.cli.place import Place

    command.unlink_user(login, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("same", epilog="Example: curator user same alice alice-admin")
def user_same(
    login: Login,
    other: Annotated[str, typer.Argument(help="Another account of the same person.", metavar="OTHER")],
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Say that two accounts are one person, who counts once where several people must agree."""
    from curator.cli import people as command
    from curator.cli.place import Place

    command.say_same(login, other, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("apart", epilog="Example: curator user apart alice-admin")
def user_apart(
    login: Login,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Take back that an account is the same person as others."""
    from curator.cli import people as command
    from curator.cli.place import Place

    command.say_apart(login, Place(config, data, server), as_json=report_format is ReportFormat.JSON)
