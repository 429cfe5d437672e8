"""The commands about teams and projects; they work on the mirror's own database, or by its API."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, ReportFormat, There, cli
from curator.cli.people_commands import Every, OnlyTeam

__all__ = ["cli"]

team = typer.Typer(help="Make teams, and say who is in them.", no_args_is_help=True)
project = typer.Typer(help="Make projects of teams.", no_args_is_help=True)
cli.add_typer(team, name="team")
cli.add_typer(project, name="project")

Logins = Annotated[list[str], typer.Argument(help="The people's names here.", metavar="LOGIN...")]
TeamName = Annotated[str, typer.Argument(help="The team's name.", metavar="TEAM")]
ProjectName = Annotated[str, typer.Argument(help="The project's name.", metavar="PROJECT")]
Title = Annotated[str, typer.Option(help="What it is called at length.")]
OfTeam = Annotated[str, typer.Option("--team", help="The team that it is of.")]


@team.command("create", epilog="Example: curator team create search --title 'Search and ranking'")
def team_create(
    name: TeamName,
    title: Title = "",
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a team. From the first one on, people and tokens are for teams that were made."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.create_team(name, title, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@team.command("list", epilog="Example: curator team list")
def team_list(
    every: Every = False,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List teams, by name."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.show_teams(Place(config, data, server), every=every, as_json=report_format is ReportFormat.JSON)


@team.command("show", epilog="Example: curator team show search")
def team_show(
    name: TeamName,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Show a team with its people and projects."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.show_team(name, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@team.command("end", epilog="Example: curator team end search")
def team_end(
    name: TeamName,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """End a team: everybody leaves it, its projects end, and tokens that ask for it are revoked."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.end_team(name, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@team.command("add", epilog="Example: curator team add search alice bob")
def team_add(
    name: TeamName,
    logins: Logins,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Put people into a team."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.add_members(name, logins, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@team.command("remove", epilog="Example: curator team remove search alice")
def team_remove(
    name: TeamName,
    logins: Logins,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Take people out of a team; those of their tokens that ask for it are revoked."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.remove_members(name, logins, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@project.command("create", epilog="Example: curator project create shop --team search")
def project_create(
    name: ProjectName,
    of: OfTeam,
    title: Title = "",
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a project of a team."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.create_project(of, name, title, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@project.command("list", epilog="Example: curator project list --team search")
def project_list(
    of: OnlyTeam = None,
    every: Every = False,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List projects, by team and name."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.show_projects(Place(config, data, server), team=of, every=every, as_json=report_format is ReportFormat.JSON)


@project.command("end", epilog="Example: curator project end shop --team search")
def project_end(
    name: ProjectName,
    of: OfTeam,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """End a project; tokens that ask for it are revoked."""
    from curator.cli import teams as command
    from curator.cli.place import Place

    command.end_project(of, name, Place(config, data, server), as_json=report_format is ReportFormat.JSON)
