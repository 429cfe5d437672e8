"""The commands by which people decide: waivers, lists, and trying rules on what was asked for before."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import curator.cli.rules_commands  # noqa: F401 - it declares the commands about rules
from curator.cli.commands import Format, OnlyKind, Reason, ReportFormat, RepoType, Server, cli, rules

__all__ = ["cli"]

waivers = typer.Typer(help="List waivers, and take them back.", invoke_without_command=True)
lists = typer.Typer(help="List what is approved and blocked, and take it back.", invoke_without_command=True)
cli.add_typer(waivers, name="waivers")
cli.add_typer(lists, name="lists")

Until = Annotated[str | None, typer.Option(help="When it ends: the end of a day as 2027-01-31, or days as 90d.")]
Teams = Annotated[list[str] | None, typer.Option("--team", help="Only for this team, or a glob of teams.")]
Projects = Annotated[list[str] | None, typer.Option("--project", help="Only for this project, or a glob of them.")]
Targets = Annotated[
    list[str],
    typer.Argument(
        help="ORG/NAME, ORG/NAME@COMMIT, ORG/NAME@A..B (both among them), 'ORG/*' or collection:NAME.",
        metavar="TARGET...",
    ),
]
Every = Annotated[bool, typer.Option("--all", help="Also those that are over.")]
AboutRepo = Annotated[str | None, typer.Option("--repo", help="Only those about this repository.")]
WaiverId = Annotated[str, typer.Argument(help="The waiver, as `curator waivers` names it.", metavar="ID")]
EntryId = Annotated[str, typer.Argument(help="The entry, as `curator lists` names it.", metavar="ID")]


class Effect(StrEnum):
    APPROVE = "approve"
    BLOCK = "block"


@cli.command(epilog="Example: curator waive ORG/NAME --file model.bin --reason 'read by hand, ticket 12' --until 90d")
def waive(
    target: Annotated[str, typer.Argument(help="A repository, with @REVISION if not main.", metavar="REPO[@REV]")],
    reason: Reason,
    until: Until = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only what this rule says, by its id.")] = None,
    finding: Annotated[list[str] | None, typer.Option(help="Only findings of this id.")] = None,
    file: Annotated[list[str] | None, typer.Option(help="Only what is in this file, or in files of a glob.")] = None,
    team: Teams = None,
    project: Projects = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only say what it would cover.")] = False,
    repo_type: Annotated[RepoType, typer.Option("--repo-type", help="What kind of repository.")] = RepoType.MODEL,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Pass over what stands against a commit, until a day. Wherever the same content is found. Ends with 0: the commit
    is allowed with that, 1: it is blocked all the same, 3: it is held all the same."""
    from curator.cli import waive as command

    command.give(
        command.Options(
            target=target,
            kind=repo_type.value,
            rules=rule or [],
            findings=finding or [],
            files=file or [],
            reason=reason,
            until=until,
            teams=team or [],
            projects=project or [],
            preview=preview,
            server=server,
            as_json=report_format is ReportFormat.JSON,
        )
    )


@waivers.callback()
def waivers_list(
    context: typer.Context,
    every: Every = False,
    repo: AboutRepo = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List the waivers in force."""
    from curator.cli import waive as command

    if context.invoked_subcommand is None:
        command.show(server, repo, every=every, as_json=report_format is ReportFormat.JSON)


@waivers.command("show", epilog="Example: curator waivers show 019d...")
def waivers_show(waiver: WaiverId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Show one waiver, and which decisions rest on it."""
    from curator.cli import waive as command

    command.show_one(waiver, server, as_json=report_format is ReportFormat.JSON)


@waivers.command("end", epilog="Example: curator waivers end 019d...")
def waivers_end(waiver: WaiverId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Take a waiver back, from this moment on."""
    from curator.cli import waive as command

    command.end(waiver, server, as_json=report_format is ReportFormat.JSON)


@cli.command(epilog="Example: curator approve collection:llama-4 'Qwen/*' --team research --reason 'ticket 12'")
def approve(
    targets: Targets,
    reason: Reason,
    until: Until = None,
    team: Teams = None,
    project: Projects = None,
    repo_type: OnlyKind = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Approve what waits for a look. Repositories, commits, publishers or collections."""
    _put(Effect.APPROVE, targets, reason, until, team, project, repo_type, server, report_format)


@cli.command(epilog="Example: curator block 'evil-org/*' --reason 'advisory 2026-7'")
def block(
    targets: Targets,
    reason: Reason,
    until: Until = None,
    team: Teams = None,
    project: Projects = None,
    repo_type: OnlyKind = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Block from this moment on. Repositories, commits, publishers or collections."""
    _put(Effect.BLOCK, targets, reason, until, team, project, repo_type, server, report_format)


def _put(
    effect: Effect,
    targets: list[str],
    reason: str,
    until: str | None,
    team: list[str] | None,
    project: list[str] | None,
    repo_type: RepoType | None,
    server: str | None,
    report_format: ReportFormat,
) -> None:
    from curator.cli import lists as command

    command.put(
        command.Options(
            effect=effect.value,
            targets=targets,
            kind=repo_type.value if repo_type else None,
            reason=reason,
            until=until,
            teams=team or [],
            projects=project or [],
            server=server,
            as_json=report_format is ReportFormat.JSON,
        )
    )


@lists.callback()
def lists_list(
    context: typer.Context,
    every: Every = False,
    effect: Annotated[Effect | None, typer.Option(help="Only what is approved, or only what is blocked.")] = None,
    repo: AboutRepo = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List what is approved and what is blocked."""
    from curator.cli import lists as command

    if context.invoked_subcommand is None:
        of = effect.value if effect else None
        command.show(server, of, repo, every=every, as_json=report_format is ReportFormat.JSON)


@lists.command("show", epilog="Example: curator lists show 019d...")
def lists_show(entry: EntryId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Show one entry of a list, of any time."""
    from curator.cli import lists as command

    command.show_one(entry, server, as_json=report_format is ReportFormat.JSON)


@lists.command("end", epilog="Example: curator lists end 019d...")
def lists_end(entry: EntryId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Take an entry of a list back, from this moment on."""
    from curator.cli import lists as command

    command.end(entry, server, as_json=report_format is ReportFormat.JSON)


@cli.command("collections", epilog="Example: curator collections")
def collections_list(report_format: Format = ReportFormat.TABLE) -> None:
    """List the collections that have a name. One may approve or block them by it."""
    from curator.cli import lists as command

    command.show_collections(as_json=report_format is ReportFormat.JSON)


@rules.command("replay", epilog="Example: curator rules replay draft.yaml --days 30")
def rules_replay(
    file: Annotated[Path, typer.Argument(help="A file of rules, which need not be in force, or the name of a pack.")],
    days: Annotated[float, typer.Option(min=0.01, max=3_650, help="Requests of so many days.")] = 30.0,
    catalogue: Annotated[
        bool, typer.Option("--catalogue", help="The newest decision about each commit, instead of requests.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(help="Compare with rules of before, by their digest, not with what was decided."),
    ] = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Say what rules would have done to what was asked for. Nothing is scanned again. Ends with 0: it was replayed,
    1: the rules cannot be used, 3: some of it could not be replayed."""
    from curator.cli import replay as command

    as_json = report_format is ReportFormat.JSON
    command.run(command.Options(file, days, catalogue, against, server, as_json))
