"""`curator session`: who is signed in to the console, and in which browsers."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.commands import Format, ReportFormat, Server, cli

__all__ = ["cli"]

session = typer.Typer(help="List the sessions of the console, and end them.", no_args_is_help=True)
cli.add_typer(session, name="session")


@session.command("list", epilog="Example: curator session list --user alice")
def session_list(
    user: Annotated[str | None, typer.Option(help="Of this person (default: yours); takes an administrator.")] = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List sessions of the console, the newest first."""
    from curator.cli import sessions as command

    command.show(user, server, as_json=report_format is ReportFormat.JSON)


@session.command("end", epilog="Example: curator session end 019d...")
def session_end(
    session_id: Annotated[str, typer.Argument(help="What `curator session list` names.", metavar="ID")],
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """End a session: whoever has it must sign in anew. Another's takes an administrator."""
    from curator.cli import sessions as command

    command.end(session_id, server, as_json=report_format is ReportFormat.JSON)
