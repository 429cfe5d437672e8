"""The commands about oneself: who one is to a mirror, and one's own tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.commands import Format, ReportFormat, Server, cli
from curator.cli.people_commands import FullName, HomeProject, HomeTeam
from curator.cli.token_commands import Every, TokenRole, Until

__all__ = ["cli"]

account = typer.Typer(help="See who you are to a mirror, and keep your own tokens.", no_args_is_help=True)
cli.add_typer(account, name="account")

OwnToken = Annotated[str, typer.Argument(help="Your token, by name or id.", metavar="NAME")]


@account.command("show", epilog="Example: curator account show")
def account_show(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Say who you are to the mirror, and as what you ask."""
    from curator.cli import account as command

    command.show(server, as_json=report_format is ReportFormat.JSON)


@account.command("change", epilog="Example: curator account change --team search")
def account_change(
    name: FullName = None,
    home_team: HomeTeam = None,
    home_project: HomeProject = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Change your name, or the team that you ask for; what is left out stays, and '' empties it."""
    from curator.cli import account as command

    wanted = {"full_name": name, "team": home_team, "project": home_project}
    command.change(wanted, server, as_json=report_format is ReportFormat.JSON)


@account.command("tokens", epilog="Example: curator account tokens")
def account_tokens(every: Every = False, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """List your tokens, the newest first; never their text."""
    from curator.cli import account as command

    command.tokens(server, every=every, as_json=report_format is ReportFormat.JSON)


@account.command("create-token", epilog="Example: curator account create-token laptop --until 90d")
def account_create_token(
    name: Annotated[str, typer.Argument(help="What it is called.", metavar="NAME")],
    role: Annotated[TokenRole, typer.Option(help="What it may: no more than you.")] = TokenRole.DEVELOPER,
    of_team: Annotated[str | None, typer.Option("--team", help="The team that it asks for (default: yours).")] = None,
    of_project: Annotated[str | None, typer.Option("--project", help="The project that it asks for.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    until: Until = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a token for yourself and print it, once. It lasts no longer than the one that you ask with."""
    from curator.cli import account as command

    wanted = {
        "name": name,
        "role": role.value,
        "team": of_team,
        "project": of_project,
        "description": description,
        "until": until,
    }
    command.create(wanted, server, as_json=report_format is ReportFormat.JSON)


@account.command("rotate-token", epilog="Example: curator account rotate-token laptop --grace 7d")
def account_rotate_token(
    name: OwnToken,
    grace: Annotated[str, typer.Option(help="How long the old one is still valid: 24h, or 7d.")] = "24h",
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a token of yours anew and print it, once; the old one ends after the grace."""
    from curator.cli import account as command

    command.rotate(name, grace, server, as_json=report_format is ReportFormat.JSON)


@account.command("revoke-token", epilog="Example: curator account revoke-token laptop")
def account_revoke_token(name: OwnToken, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Let a token of yours be valid no longer, from this moment on."""
    from curator.cli import account as command

    command.revoke(name, server, as_json=report_format is ReportFormat.JSON)
