"""The commands about tokens of the mirror; they work on the mirror's own database, or by its API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, ReportFormat, There, cli

__all__ = ["cli"]

token = typer.Typer(help="Make, list, renew and revoke the tokens of this mirror.", no_args_is_help=True)
cli.add_typer(token, name="token")


class TokenRole(StrEnum):
    ADMIN = "admin"
    SECURITY = "security"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    DEVELOPER = "developer"
    ROBOT = "robot"


TokenName = Annotated[str, typer.Argument(help="The token's name.", metavar="NAME")]
OfUser = Annotated[str | None, typer.Option("--user", help="The person it belongs to (default: a service's).")]
Every = Annotated[bool, typer.Option("--all", help="Also what has ended or is disabled.")]
Until = Annotated[str | None, typer.Option(help="When it ends: the end of a day as 2027-01-31, or days as 90d.")]


@token.command("create", epilog="Example: curator token create laptop --user alice")
def token_create(
    name: TokenName,
    owner: OfUser = None,
    role: Annotated[TokenRole, typer.Option(help="What it may: see docs/people.md.")] = TokenRole.DEVELOPER,
    of_team: Annotated[str | None, typer.Option("--team", help="The team that it asks for.")] = None,
    of_project: Annotated[str | None, typer.Option("--project", help="The project that it asks for.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    until: Until = None,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a token and print it, once. A person's has an end: CURATOR_TOKEN_MAX_DAYS from now, if you name none."""
    from curator.cli import token as command
    from curator.cli.place import Place

    wanted = command.Wanted(name, owner, role.value, of_team, of_project, description, until)
    command.create(wanted, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@token.command("list", epilog="Example: curator token list --user alice")
def token_list(
    owner: Annotated[str | None, typer.Option("--user", help="Only those of this person.")] = None,
    every: Every = False,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List the tokens there are, the newest first; never their text."""
    from curator.cli import token as command
    from curator.cli.place import Place

    command.show(owner, Place(config, data, server), every=every, as_json=report_format is ReportFormat.JSON)


@token.command("revoke", epilog="Example: curator token revoke laptop --user alice")
def token_revoke(
    name: TokenName,
    owner: OfUser = None,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let a token be valid no longer, from this moment on."""
    from curator.cli import token as command
    from curator.cli.place import Place

    command.revoke(name, owner, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@token.command("rotate", epilog="Example: curator token rotate ci --grace 7d")
def token_rotate(
    name: TokenName,
    owner: OfUser = None,
    grace: Annotated[str, typer.Option(help="How long the old one is still valid: 24h, or 7d.")] = "24h",
    until: Until = None,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a token anew and print it, once; the old one ends after the grace."""
    from curator.cli import token as command
    from curator.cli.place import Place

    place = Place(config, data, server)
    command.rotate(name, owner, grace, until, place, as_json=report_format is ReportFormat.JSON)
