"""The commands about one's own notices: reading them, and choosing how one is told."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Format, ReportFormat, Server, cli

__all__ = ["cli"]

notices = typer.Typer(help="Read what you were told, and choose how you are told of what.", no_args_is_help=True)
cli.add_typer(notices, name="notices")


class About(StrEnum):
    ALL = "all"
    TEAMS = "teams"
    ASKED = "asked"


class Rhythm(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"


@notices.command("list", epilog="Example: curator notices list --unread")
def notices_list(
    unread: Annotated[bool, typer.Option("--unread", help="Only what was not read.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, the newest first.")] = 20,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List what you were told, the newest first."""
    from curator.cli import notices as command

    command.listed(limit, server, unread=unread, as_json=report_format is ReportFormat.JSON)


@notices.command("read", epilog="Examples: curator notices read 019d...   curator notices read --all")
def notices_read(
    ids: Annotated[list[str] | None, typer.Argument(help="What `curator notices list` names.", metavar="ID...")] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Mark notices as read."""
    from curator.cli import notices as command

    command.read(ids or [], server, every=every, as_json=report_format is ReportFormat.JSON)


@notices.command("choices", epilog="Example: curator notices choices")
def notices_choices(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Show how you are told of what."""
    from curator.cli import notices as command

    command.choices(server, as_json=report_format is ReportFormat.JSON)


@notices.command("choose", epilog="Example: curator notices choose held=now blocked=digest --digest weekly --hour 9")
def notices_choose(
    ways: Annotated[
        list[str] | None,
        typer.Argument(help="What `notices choices` lists, and off, inbox, digest or now.", metavar="SUBJECT=WAY..."),
    ] = None,
    about: Annotated[About | None, typer.Option(help="Of everything, of my teams, or of what I asked for.")] = None,
    repo: Annotated[list[str] | None, typer.Option(help="Only about this repository, or a glob; '': all.")] = None,
    digest: Annotated[Rhythm | None, typer.Option(help="How often the digest comes.")] = None,
    hour: Annotated[int | None, typer.Option(min=0, max=23, help="At which hour.")] = None,
    utc_offset: Annotated[int | None, typer.Option(help="Minutes that your clock is before UTC.")] = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Choose how you are told of what; what is left out stays."""
    from curator.cli import notices as command

    wanted = {
        "about": about.value if about else None,
        "repos": [one for one in repo if one] if repo is not None else None,
        "rhythm": digest.value if digest else None,
        "hour": hour,
        "utc_offset": utc_offset,
    }
    command.choose(ways or [], wanted, server, as_json=report_format is ReportFormat.JSON)


@notices.command("test", epilog="Example: curator notices test")
def notices_test(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Have a mail sent to your own mailbox, to see that it arrives."""
    from curator.cli import notices as command

    command.test(server, as_json=report_format is ReportFormat.JSON)
