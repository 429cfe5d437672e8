"""`curator catalog`: what is allowed, held and blocked."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Format, OnlyKind, ReportFormat, RepoType, Server, cli

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
    counts: Annotated[
        bool, typer.Option("--counts", help="Only how many there are, by task, licence and so on.")
    ] = False,
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
    }
    asked = {name: value for name, value in query.items() if value}
    if counts:
        command.count(server, asked, report_format)
    else:
        command.show(server, asked | {"sort": sort.value}, most, report_format)


@cli.command("show", epilog="Example: curator show acme-research/tiny-bert")
def show_commit(
    repo: Annotated[
        str, typer.Argument(help="A repository; with @COMMIT, not the commit of main.", metavar="REPO[@COMMIT]")
    ],
    kind: Annotated[RepoType, typer.Option("--repo-type", help="What kind of repository.")] = RepoType.MODEL,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="So many of each at most; JSON has all.")] = 10,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Show all that is known of a commit. Decision, difference, findings, files, lineage, use and history."""
    from curator.cli import dossier as command

    command.show(repo, kind.value, most, server, as_json=report_format is ReportFormat.JSON)
