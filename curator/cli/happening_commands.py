"""The commands about what happens in a mirror: now, of late, and how much."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Format, ReportFormat, Server, cli

__all__ = ["cli"]


class Window(StrEnum):
    DAY = "day"
    FORTNIGHT = "fortnight"


@cli.command(epilog="Example: curator changes --limit 50")
def changes(
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many, the newest first.")] = 20,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List what is decided otherwise than before; for developers, of what they have pulled."""
    from curator.cli import happening as command

    command.changes(limit, server, as_json=report_format is ReportFormat.JSON)


@cli.command(epilog="Example: curator traffic --window day")
def traffic(
    window: Annotated[Window, typer.Option(help="The last 24 hours, or 14 days.")] = Window.FORTNIGHT,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Show what was asked for of late, by what became of it. It takes a token of somebody who sees all."""
    from curator.cli import happening as command

    command.traffic(window.value, server, as_json=report_format is ReportFormat.JSON)


@cli.command(epilog="Example: curator live")
def live(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Show what is judged and what arrives at this moment. It takes a token of somebody who sees all."""
    from curator.cli import happening as command

    command.live(server, as_json=report_format is ReportFormat.JSON)
