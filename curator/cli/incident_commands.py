"""The commands by which something is withdrawn after it was served, found on machines, and proved."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curator.cli.commands import Format, Reason, ReportFormat, RepoType, Server, cli

__all__ = ["cli"]

incident = typer.Typer(
    help="Withdraw what turned bad after it was served, see who has it, and find it on this machine.",
    no_args_is_help=True,
)
evidence = typer.Typer(help="Take evidence packs, and prove them anywhere.", no_args_is_help=True)
cli.add_typer(incident, name="incident")
cli.add_typer(evidence, name="evidence")

IncidentId = Annotated[str, typer.Argument(help="The incident, as `curator incident list` names it.", metavar="ID")]
SUBJECT_HELP = "ORG/NAME, ORG/NAME@COMMIT, a commit, 'ORG/*', or a sha256."
OfKind = Annotated[RepoType | None, typer.Option("--repo-type", help="What kind of repository (default: model).")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]


class StateAsked(StrEnum):
    OPEN = "open"
    LIFTED = "lifted"
    ALL = "all"


@incident.command("open", epilog="Example: curator incident open 'acme/*' --reason 'account stolen, advisory 17'")
def incident_open(
    subject: Annotated[str, typer.Argument(help=SUBJECT_HELP, metavar="SUBJECT")],
    reason: Annotated[str, typer.Option(help="Why; everybody who has it reads this.")] = "",
    repo_type: OfKind = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only say who would be hit.")] = False,
    yes: Yes = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Block something retroactively: it is served to nobody any more, and whoever has it is told. Says first who is
    hit, and asks."""
    from curator.cli import incidents as command

    kind = repo_type.value if repo_type else None
    as_json = report_format is ReportFormat.JSON
    command.begin(subject, kind, reason, server, only_preview=preview, yes=yes, as_json=as_json)


@incident.command("list", epilog="Example: curator incident list --state open")
def incident_list(
    state: Annotated[StateAsked, typer.Option(help="Which.")] = StateAsked.ALL,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List incidents, the newest first; developers see those that concern their team."""
    from curator.cli import incidents as command

    command.show(state.value, server, as_json=report_format is ReportFormat.JSON)


@incident.command("show", epilog="Example: curator incident show 019d...")
def incident_show(incident_id: IncidentId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Show who was hit, who asked for it again, and how far the teams are."""
    from curator.cli import incidents as command

    command.show_one(incident_id, server, as_json=report_format is ReportFormat.JSON)


@incident.command("lift", epilog="Example: curator incident lift 019d... --reason 'the advisory was withdrawn'")
def incident_lift(
    incident_id: IncidentId, reason: Reason, server: Server = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Lift an incident: rules and lists decide again, as before."""
    from curator.cli import incidents as command

    command.lift(incident_id, reason, server, as_json=report_format is ReportFormat.JSON)


@incident.command("clean", epilog="Example: curator incident clean 019d... --note 'all laptops and the build farm'")
def incident_clean(
    incident_id: IncidentId,
    acknowledge: Annotated[bool, typer.Option("--acknowledge", help="Only that your team knows of it.")] = False,
    team: Annotated[str | None, typer.Option(help="For this team (default: yours).")] = None,
    note: Annotated[str, typer.Option(help="What was done.")] = "",
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Say that your team has deleted what it had."""
    from curator.cli import incidents as command

    said = "acknowledge" if acknowledge else "clean"
    command.clean(incident_id, said, team, note, server, as_json=report_format is ReportFormat.JSON)


@incident.command("affected", epilog="Example: curator incident affected --purge")
def incident_affected(
    cache: Annotated[
        Path | None, typer.Option(help="The cache of Hugging Face programs (default: that of HF_HUB_CACHE or HF_HOME).")
    ] = None,
    purge: Annotated[bool, typer.Option("--purge", help="Delete it, after asking.")] = False,
    yes: Yes = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Look through this machine's Hugging Face cache for what was withdrawn. Ends with 1 if there is any, and with 0 if
    there is none or it was deleted."""
    from curator.cli import affected as command

    command.affected(cache, server, purge=purge, yes=yes, as_json=report_format is ReportFormat.JSON)


@evidence.command("take", epilog="Example: curator evidence take --incident 019d... --output case-17.tar")
def evidence_take(
    subject: Annotated[str | None, typer.Argument(help=SUBJECT_HELP, metavar="SUBJECT")] = None,
    incident_id: Annotated[str, typer.Option("--incident", help="Of this incident.")] = "",
    request_id: Annotated[str, typer.Option("--request", help="Of what this request is about.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File (default: named by what it is.)")] = None,
    repo_type: OfKind = None,
    server: Server = None,
) -> None:
    """Take all that is known of something as one signed archive. It is on the record that you did."""
    from curator.cli import incidents as command

    about = {"subject": subject or "", "incident": incident_id, "request": request_id}
    command.take({**about, "kind": repo_type.value if repo_type else ""}, output, server)


@evidence.command("verify", epilog="Example: curator evidence verify case-17.tar --key 3f1c...")
def evidence_verify(
    file: Annotated[Path, typer.Argument(help="An evidence pack.")],
    keys: Annotated[list[str] | None, typer.Option("--key", help="Public key that counts.")] = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Prove that every byte of a pack is as it was written. Ends with 1 if not. Needs no server and no network."""
    from curator.cli import incidents as command

    command.verify(file, keys or [], as_json=report_format is ReportFormat.JSON)
