"""`curator catalog`: what is allowed, held and blocked."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Format, OnlyKind, ReportFormat, Server, cli

__all__ = ["cli"]


class Verdict(StrEnum):
    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"
    AGAIN = "again"


class SortBy(StrEnum):
    NAME = "name"
    NEWEST = "newest"
    USED = "used"


@cli.command(epilog="Example: curator catalog bert --verdict allow --licence permissive")
def catalog(
    search: Annotated[str, typer.Argument(help="Part of a name; none: all.", metavar="[PART]")] = "",
    verdict: Annotated[Verdict | None, typer.Option(help="Only these; again: to be judged when asked for.")] = None,
    kind: OnlyKind = None,
    task: Annotated[str | None, typer.Option(help="Only of this task, such as text-generation.")] = None,
    licence: Annotated[str | None, typer.Option(help="Only of this class of licences, such as permissive.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Only of this publisher.")] = None,
    size: Annotated[str | None, typer.Option(help="Only tiny, small, medium, large or huge ones.")] = None,
    file_format: Annotated[str | None, typer.Option("--weights", help="Only with weights in this format.")] = None,
    sort: Annotated[SortBy, typer.Option(help="By what they are sorted.")] = SortBy.NAME,
    most: Annotated[int, typer.Option("--most", min=1, max=100_000, help="How many, at most.")] = 100,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List what is allowed, held and blocked, for whoever the token is of."""
    from curator.cli import catalog as command

    query = {
        "search": search,
        "verdict": verdict.value if verdict else None,
        "kind": kind.value if kind else None,
        "task": task,
        "licence": licence,
        "publisher": publisher,
        "size": size,
        "format": file_format,
        "sort": sort.value,
    }
    command.show(server, {name: value for name, value in query.items() if value}, most, report_format)
