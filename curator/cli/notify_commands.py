"""The commands about notices: webhooks made, tried, ended, and deliveries seen and sent once more."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curator.cli.commands import Format, ReportFormat, Server, cli

notify = typer.Typer(help="See and try where notices are sent, and send them once more.", no_args_is_help=True)
cli.add_typer(notify, name="notify")

WebhookName = Annotated[str, typer.Argument(help="The webhook, by name or id.", metavar="WEBHOOK")]


class TeamSubject(StrEnum):
    ASKED = "asked"
    DECIDED = "decided"
    REVERSED = "reversed"
    HELD = "held"
    BLOCKED = "blocked"
    RELEASED = "released"


class Rhythm(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"


class Form(StrEnum):
    JSON = "json"
    TEXT = "text"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@notify.command("list", epilog="Example: curator notify list --deliveries --state dead")
def notify_list(
    deliveries: Annotated[bool, typer.Option("--deliveries", help="What was delivered, and not the webhooks.")] = False,
    webhook: Annotated[str | None, typer.Option(help="Only deliveries to this webhook.")] = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Only deliveries in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many deliveries, the newest first.")] = 50,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List webhooks, or what was delivered to them. Ends with 1 if a webhook fails or a delivery was given up."""
    from curator.cli import notify as command

    as_json = report_format is ReportFormat.JSON
    if deliveries or webhook or state:
        command.deliveries(webhook, state.value if state else None, limit, server, as_json=as_json)
    else:
        command.webhooks(server, as_json=as_json)


@notify.command("add", epilog="Example: curator notify add chat https://hooks.example.org/curator --type model.blocked")
def notify_add(
    name: Annotated[str, typer.Argument(help="What it is called here.", metavar="NAME")],
    url: Annotated[str, typer.Argument(help="Where it leads: https://...", metavar="URL")],
    form: Annotated[Form, typer.Option(help="`json`, or `text` for Slack and Teams.")] = Form.JSON,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only notices of this type.")] = None,
    repo: Annotated[list[str] | None, typer.Option(help="Only about this repository, or a glob of them.")] = None,
    team: Annotated[str, typer.Option(help="Only what this team may know.")] = "",
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a webhook, and print its secret, which cannot be had again."""
    from curator.cli import notify as command

    wanted = {
        "name": name,
        "url": url,
        "format": form.value,
        "types": type_ or [],
        "repos": repo or [],
        "team": team,
    }
    command.add(wanted, server, as_json=report_format is ReportFormat.JSON)


@notify.command("show", epilog="Example: curator notify show chat")
def notify_show(webhook: WebhookName, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Show a webhook, without its secret. Ends with 1 if it fails or is switched off."""
    from curator.cli import notify as command

    command.show(webhook, server, as_json=report_format is ReportFormat.JSON)


@notify.command("change", epilog="Example: curator notify change chat --type model.blocked --type model.held")
def notify_change(
    webhook: WebhookName,
    name: Annotated[str | None, typer.Option(help="What it is to be called.")] = None,
    url: Annotated[str | None, typer.Option(help="Where it is to lead: https://...")] = None,
    form: Annotated[Form | None, typer.Option(help="`json`, or `text` for Slack and Teams.")] = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only notices of this type; '': of all.")] = None,
    repo: Annotated[list[str] | None, typer.Option(help="Only about this repository, or a glob; '': all.")] = None,
    team: Annotated[str | None, typer.Option(help="Only what this team may know; '': everything.")] = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Change a webhook; what is left out stays, and so does its secret. One that was switched off is on again."""
    from curator.cli import notify as command

    wanted = {
        "name": name,
        "url": url,
        "format": form.value if form else None,
        "types": [one for one in type_ if one] if type_ is not None else None,
        "repos": [one for one in repo if one] if repo is not None else None,
        "team": team,
    }
    command.change(webhook, wanted, server, as_json=report_format is ReportFormat.JSON)


@notify.command("enable", epilog="Example: curator notify enable chat")
def notify_enable(webhook: WebhookName, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Switch a webhook on again that was switched off because it took nothing."""
    from curator.cli import notify as command

    command.enable(webhook, server, as_json=report_format is ReportFormat.JSON)


@notify.command("secret", epilog="Example: curator notify secret chat")
def notify_secret(webhook: WebhookName, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Make another secret for a webhook, and print it, once. For a day everything is signed with the old one, too."""
    from curator.cli import notify as command

    command.secret(webhook, server, as_json=report_format is ReportFormat.JSON)


@notify.command("end", epilog="Example: curator notify end chat")
def notify_end(webhook: WebhookName, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """End a webhook: nothing is sent to it any more."""
    from curator.cli import notify as command

    command.end(webhook, server, as_json=report_format is ReportFormat.JSON)


@notify.command("test", epilog="Example: curator notify test chat")
def notify_test(
    webhook: WebhookName,
    wait: Annotated[float, typer.Option(min=0, max=300, help="Seconds to wait for what becomes of it.")] = 20.0,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Send a test. Ends with 0 if it was taken, 1 if not, 3 if that is not known yet."""
    from curator.cli import notify as command

    command.test(webhook, wait, server, as_json=report_format is ReportFormat.JSON)


@notify.command("replay", epilog="Example: curator notify replay --webhook chat --since 2026-11-25")
def notify_replay(
    delivery: Annotated[
        str | None, typer.Argument(help="A delivery, as `notify list --deliveries` names it.", metavar="[DELIVERY]")
    ] = None,
    webhook: Annotated[str | None, typer.Option(help="All that was given up for this webhook.")] = None,
    since: Annotated[str | None, typer.Option(help="Made since: 2026-11-25, or a moment, in UTC.")] = None,
    delivered: Annotated[bool, typer.Option("--delivered", help="Also what was delivered.")] = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Send a delivery once more, with the same id, or what a webhook did not get since a day."""
    from curator.cli import notify as command

    as_json = report_format is ReportFormat.JSON
    command.replay(delivery, webhook, since, server, delivered=delivered, as_json=as_json)


@notify.command("mailbox", epilog="Example: curator notify mailbox risk risk-models@bank.example --now reversed")
def notify_mailbox(
    team: Annotated[str, typer.Argument(help="The team.", metavar="TEAM")],
    address: Annotated[
        str | None, typer.Argument(help="Where it is told; nothing: show what is set.", metavar="[ADDRESS]")
    ] = None,
    now: Annotated[list[TeamSubject] | None, typer.Option("--now", help="Told of this at once.")] = None,
    digest: Annotated[list[TeamSubject] | None, typer.Option("--digest", help="Told of this in the digest.")] = None,
    rhythm: Annotated[Rhythm, typer.Option(help="How often the digest comes.")] = Rhythm.DAILY,
    hour: Annotated[int, typer.Option(min=0, max=23, help="At which hour, in UTC.")] = 7,
    test: Annotated[bool, typer.Option("--test", help="Send a test there.")] = False,
    end: Annotated[bool, typer.Option("--end", help="Tell the team by mail no longer.")] = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Show, set, try or end the mailbox of a team. Without --now and --digest it is told what is usual."""
    from curator.cli import mailbox as command

    as_json = report_format is ReportFormat.JSON
    if address is not None:
        ways = {one.value: "digest" for one in digest or ()} | {one.value: "now" for one in now or ()}
        wanted = {"address": address, "ways": ways or None, "rhythm": rhythm.value, "hour": hour}
        command.keep(team, wanted, server, as_json=as_json)
    if end:
        command.end(team, server, as_json=as_json)
    elif test:
        command.test(team, server, as_json=as_json)
    elif address is None:
        command.show(team, server, as_json=as_json)
