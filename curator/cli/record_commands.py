"""`curator audit`: read, verify, export and seal the record, and put legal holds on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, Quiet, Reason, ReportFormat, Server, cli

__all__ = ["cli"]

audit = typer.Typer(help="Read, verify, export and seal the record, and put legal holds on it.", no_args_is_help=True)
cli.add_typer(audit, name="audit")

Since = Annotated[str, typer.Option(help="From then on: 2026-11-26, 2026-11-26T14:30Z, 12h or 7d.")]
Until = Annotated[str, typer.Option(help="Until then: a day is included.")]
OfAction = Annotated[str, typer.Option("--action", help="Only of this kind: download, refuse, decide, rules, ...")]
OfActor = Annotated[str, typer.Option("--actor", help="Only what this person or token did.")]
OfTeam = Annotated[str, typer.Option("--team", help="Only of this team.")]
OfRepo = Annotated[str, typer.Option("--repo", help="Only about this repository, or 'ORG/*'.")]
Seals = Annotated[list[Path] | None, typer.Option("--seal", help="File with seals that were kept elsewhere.")]
Keys = Annotated[list[str] | None, typer.Option("--key", help="Public key that counts (default: the record's own).")]
HoldId = Annotated[str, typer.Argument(help="The legal hold, as `curator audit holds` names it.", metavar="ID")]


@audit.command(epilog="Examples: curator audit verify   curator audit verify record.jsonl --key 3f1c...")
def verify(
    file: Annotated[Path | None, typer.Argument(help="An exported record (default: the database).")] = None,
    seals: Seals = None,
    keys: Keys = None,
    server: Annotated[str | None, typer.Option(help="Have this mirror do it, from anywhere.")] = None,
    wait: Annotated[float, typer.Option(min=0, max=86_400, help="With --server: seconds to wait for it.")] = 600.0,
    report_format: Format = ReportFormat.TABLE,
    config: Config = None,
    data: Data = None,
    quiet: Quiet = False,
) -> None:
    """Prove that every row is as it was written, and none is missing. Ends with 1 if not. Needs no server."""
    from curator.cli import audit as command
    from curator.errors import BadInput

    as_json = report_format is ReportFormat.JSON
    if server is not None:
        if file or seals or keys:
            raise BadInput(
                "With --server the mirror verifies by its own keys and seals: for yours, take an export and verify that"
            )
        command.verify_there(server, wait, as_json=as_json, quiet=quiet)
    elif file is not None:
        command.verify_export(file, seals or [], keys or [], as_json=as_json, quiet=quiet)
    else:
        command.verify_database(seals or [], keys or [], config, data, as_json=as_json, quiet=quiet)


@audit.command("list", epilog="Example: curator audit list --actor alice --since 7d")
def show(
    action: OfAction = "",
    actor: OfActor = "",
    team: OfTeam = "",
    repo: OfRepo = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many rows, the newest first.")] = 50,
    report_format: Format = ReportFormat.TABLE,
    server: Server = None,
) -> None:
    """Show rows of the record, the newest first."""
    from curator.cli import audit as command

    asked = {"action": action, "actor": actor, "team": team, "repo": repo, "since": since, "until": until}
    command.show(server, asked, limit, as_json=report_format is ReportFormat.JSON)


@audit.command("show", epilog="Example: curator audit show 0199a3c2d1e47abc8def0123456789ab")
def one(
    row_id: Annotated[str, typer.Argument(help="Id of a request (X-Request-Id), as a refusal quotes it.")],
    report_format: Format = ReportFormat.TABLE,
    server: Server = None,
) -> None:
    """Show the row of a request."""
    from curator.cli import audit as command

    command.one(server, row_id, as_json=report_format is ReportFormat.JSON)


@audit.command(epilog="Example: curator audit export --since 2026-11-01 --output november.jsonl")
def export(
    action: OfAction = "",
    actor: OfActor = "",
    team: OfTeam = "",
    repo: OfRepo = "",
    since: Since = "",
    until: Until = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File (default: standard output).")] = None,
    server: Server = None,
) -> None:
    """Export rows as JSON lines, signed, which `curator audit verify FILE` verifies anywhere."""
    from curator.cli import audit as command

    asked = {"action": action, "actor": actor, "team": team, "repo": repo, "since": since, "until": until}
    command.export(server, asked, output)


@audit.command(epilog="Example: curator audit seal > /mnt/elsewhere/seal.json")
def seal(report_format: Format = ReportFormat.JSON, server: Server = None) -> None:
    """Seal the record as it is now, and print the seal: keep it elsewhere, it proves later that nothing was cut."""
    from curator.cli import audit as command

    command.seal(server, as_json=report_format is ReportFormat.JSON)


@audit.command(epilog="Example: curator audit state")
def state(report_format: Format = ReportFormat.TABLE, server: Server = None) -> None:
    """Say how the record stands: rows, keys, the newest seal, the last verification, what was deleted."""
    from curator.cli import audit as command

    command.state(server, as_json=report_format is ReportFormat.JSON)


@audit.command(epilog="Example: curator audit holds")
def holds(report_format: Format = ReportFormat.TABLE, server: Server = None) -> None:
    """List legal holds."""
    from curator.cli import audit as command

    command.holds(server, as_json=report_format is ReportFormat.JSON)


@audit.command(epilog="Example: curator audit hold --repo 'acme/*' --reason 'case 17'")
def hold(
    reason: Reason,
    repo: Annotated[str, typer.Option(help="Glob of repositories (default: all).")] = "",
    actor: Annotated[str, typer.Option(help="Person or token (default: all).")] = "",
    team: Annotated[str, typer.Option(help="Team (default: all).")] = "",
    since: Since = "",
    until: Until = "",
    report_format: Format = ReportFormat.TABLE,
    server: Server = None,
) -> None:
    """Put a legal hold on part of the record: it is not deleted while the hold stands."""
    from curator.cli import audit as command

    wanted = {"reason": reason, "repo": repo, "actor": actor, "team": team, "since": since, "until": until}
    command.hold(server, wanted, as_json=report_format is ReportFormat.JSON)


@audit.command(epilog="Example: curator audit release 0199a3c2d1e47abc8def0123456789ab --reason 'case 17 is closed'")
def release(hold_id: HoldId, reason: Reason, report_format: Format = ReportFormat.TABLE, server: Server = None) -> None:
    """End a legal hold."""
    from curator.cli import audit as command

    command.release(server, hold_id, reason, as_json=report_format is ReportFormat.JSON)


@audit.command(epilog="Example: curator audit rebuild")
def rebuild(report_format: Format = ReportFormat.TABLE, config: Config = None, data: Data = None) -> None:
    """Make the sums of the record (who uses what, traffic) anew from its rows. Needs no server."""
    from curator.cli import audit as command

    command.rebuild(config, data, as_json=report_format is ReportFormat.JSON)
