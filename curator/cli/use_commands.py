"""`curator uses`: who was given a repository, and who asked for it in vain."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.commands import Format, ReportFormat, RepoType, Server, cli

__all__ = ["cli"]


@cli.command(epilog="Example: curator uses acme-research/tiny-bert")
def uses(
    repo: Annotated[str, typer.Argument(help="A repository, with @COMMIT for one commit alone.", metavar="REPO[@SHA]")],
    refused: Annotated[bool, typer.Option("--refused", help="Who asked for this commit and was not given it.")] = False,
    kind: Annotated[RepoType, typer.Option("--repo-type", help="What kind of repository.")] = RepoType.MODEL,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="So many at most.")] = 200,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List who was given files of a repository, the latest first. It takes a token of somebody who sees all."""
    from curator.cli import uses as command

    as_json = report_format is ReportFormat.JSON
    command.show(repo, kind.value, most, server, refused=refused, as_json=as_json)
