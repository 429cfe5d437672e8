"""The commands by which developers ask for exceptions, and reviewers answer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from curator.cli.commands import Format, Project, ReportFormat, RepoType, Server, Team, cli

__all__ = ["cli"]


class Asking(TyperGroup):
    """`curator request REPO` is `curator request ask REPO`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["ask", *args]
        return super().parse_args(ctx, args)


request = typer.Typer(
    cls=Asking,
    help="Ask for an exception: curator request REPO[@REV] --reason '...'. See what became of it, or withdraw it.",
    no_args_is_help=True,
)
review = typer.Typer(help="See what waits for a reviewer, and decide about it.", no_args_is_help=True)
cli.add_typer(request, name="request")
cli.add_typer(review, name="review")

RequestId = Annotated[str, typer.Argument(help="The request, as `curator request list` names it.", metavar="ID")]
Items = Annotated[
    list[str],
    typer.Argument(help="What `curator review list` names, or the ids of decisions.", metavar="ID..."),
]
WhyNow = Annotated[str, typer.Option("--reason", help="Why; whoever asked reads it.")]
Until = Annotated[
    str | None, typer.Option(help="When it ends: 90d, a day as 2027-01-31, or never (default: what is usual here).")
]
Teams = Annotated[list[str] | None, typer.Option("--team", help="Only for this team, or a glob of teams.")]
Projects = Annotated[list[str] | None, typer.Option("--project", help="Only for this project, or a glob of them.")]
Preview = Annotated[bool, typer.Option("--preview", help="Only say what it would do.")]


class ReachOf(StrEnum):
    COMMIT = "commit"
    FINDINGS = "findings"
    REPOSITORY = "repository"
    PUBLISHER = "publisher"


class BlockReach(StrEnum):
    COMMIT = "commit"
    REPOSITORY = "repository"
    PUBLISHER = "publisher"


class SortBy(StrEnum):
    SCORE = "score"
    AGE = "age"
    PEOPLE = "people"
    RISK = "risk"
    LAST = "last"


class Only(StrEnum):
    HELD = "held"
    REQUESTS = "requests"


@request.command("ask", epilog="Example: curator request ask ORG/NAME@main --reason 'for the shop' --until 90d")
def request_ask(
    target: Annotated[
        str | None, typer.Argument(help="A repository, with @REVISION if not main.", metavar="REPO[@REV]|ID")
    ] = None,
    reason: Annotated[str, typer.Option(help="What it is wanted for; reviewers read it.")] = "",
    file: Annotated[list[str] | None, typer.Option(help="Only this file, or files of a glob.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only an exception from this rule, by its id.")] = None,
    until: Annotated[str | None, typer.Option(help="The longest it is wanted: 90d, or a day as 2027-01-31.")] = None,
    team: Team = None,
    project: Project = None,
    repo_type: Annotated[RepoType, typer.Option("--repo-type", help="What kind of repository.")] = RepoType.MODEL,
    decision: Annotated[str | None, typer.Option(help="The decision that the refusal names, instead of REPO.")] = None,
    status: Annotated[
        bool, typer.Option("--status", help="Say how the request ID stands, or your newest one.")
    ] = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Ask for an exception, or say how one stands. `curator request REPO` is the same. Ends with 0: it is approved or
    allowed by now, 1: it was rejected or has ended otherwise, 3: it waits."""
    from curator.cli import requesting as command

    as_json = report_format is ReportFormat.JSON
    if status:
        command.status(target, server, as_json=as_json)
        return
    command.ask(
        command.Options(
            target=target,
            decision=decision,
            kind=repo_type.value,
            reason=reason,
            rules=rule or [],
            files=file or [],
            until=until,
            team=team,
            project=project,
            server=server,
            as_json=as_json,
        )
    )


@request.command("list", epilog="Example: curator request list")
def request_list(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    others: Annotated[bool, typer.Option("--others", help="Those of everybody; reviewers may.")] = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List the exceptions that you have asked for and that wait, the newest first."""
    from curator.cli import requesting as command

    command.show(server, every=every, mine=not others, as_json=report_format is ReportFormat.JSON)


@request.command("reply", epilog="Example: curator request reply 019d... 'the till of the shop'")
def request_reply(
    request_id: RequestId,
    said: Annotated[str, typer.Argument(help="What you say.", metavar="TEXT")],
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Answer a reviewer's question. The request waits for the reviewer again."""
    from curator.cli import requesting as command

    command.reply(request_id, said, server, as_json=report_format is ReportFormat.JSON)


@request.command("withdraw", epilog="Example: curator request withdraw 019d...")
def request_withdraw(request_id: RequestId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Want an exception no longer."""
    from curator.cli import requesting as command

    command.withdraw(request_id, server, as_json=report_format is ReportFormat.JSON)


class GroupedBy(StrEnum):
    PUBLISHER = "publisher"
    FAMILY = "family"


@review.command("list", epilog="Example: curator review list --owner model-risk --sort age")
def review_list(
    sort: Annotated[SortBy, typer.Option(help="What comes first.")] = SortBy.SCORE,
    only: Annotated[Only | None, typer.Option(help="Only what is held, or only what somebody has asked for.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what a team of yours answers for.")] = False,
    owner: Annotated[str | None, typer.Option(help="Only what this group answers for.")] = None,
    team: Annotated[str | None, typer.Option(help="Only what somebody of this team waits for.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Only what this publisher has.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what has waited too long.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many at most.")] = 50,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List what waits for a reviewer: held commits and requests. Sorted by hours x people x risk."""
    from curator.cli import reviewing as command

    query = {
        "sort": sort.value,
        "kind": only.value if only else "",
        "mine": str(mine).lower(),
        "owner": owner or "",
        "team": team or "",
        "publisher": publisher or "",
        "overdue": str(overdue).lower(),
        "limit": str(limit),
    }
    command.show(query, server, as_json=report_format is ReportFormat.JSON)


@review.command("groups", epilog="Example: curator review groups --by family")
def review_groups(
    by: Annotated[GroupedBy, typer.Option(help="What makes a group.")] = GroupedBy.PUBLISHER,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Say which publishers, or families of models, have the most that waits."""
    from curator.cli import reviewing as command

    command.groups(by.value, server, as_json=report_format is ReportFormat.JSON)


@review.command("show", epilog="Example: curator review show 019d...")
def review_show(
    item: Annotated[str, typer.Argument(help="What `curator review list` names.", metavar="ID")],
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Show why something is held or blocked, who wants it and what for."""
    from curator.cli import reviewing as command

    command.show_one(item, server, as_json=report_format is ReportFormat.JSON)


@review.command("approve", epilog="Example: curator review approve 019d... --reason 'read, ticket 12' --until 90d")
def review_approve(
    items: Items,
    reason: WhyNow,
    reach: Annotated[
        ReachOf | None, typer.Option(help="What it is about; with --rule the findings, else this commit.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only what this rule says, by its id.")] = None,
    until: Until = None,
    team: Teams = None,
    project: Projects = None,
    partly: Annotated[bool, typer.Option("--partly", help="Also if something else stands against it.")] = False,
    preview: Preview = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let it be had. Where a rule wants several people, it is a proposal. Ends with 0: done, 1: it would be refused all
    the same, and nothing was done, 3: another person must agree."""
    from curator.cli import reviewing as command

    command.answer(
        command.Options(
            answer="approve",
            items=items,
            reason=reason,
            reach=reach.value if reach else None,
            rules=rule or [],
            until=until,
            teams=team or [],
            projects=project or [],
            partly=partly,
            preview=preview,
            server=server,
            as_json=report_format is ReportFormat.JSON,
        )
    )


@review.command("block", epilog="Example: curator review block 019d... --reach publisher --reason 'advisory 7'")
def review_block(
    items: Items,
    reason: WhyNow,
    reach: Annotated[BlockReach, typer.Option(help="What it is about.")] = BlockReach.COMMIT,
    until: Until = "never",
    preview: Preview = False,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Block it for everybody. Whoever has asked for it is told why."""
    from curator.cli import reviewing as command

    options = command.Options("block", items, reason, reach.value, until=until, preview=preview, server=server)
    command.answer(options.shown_as(as_json=report_format is ReportFormat.JSON))


@review.command("reject", epilog="Example: curator review reject 019d... --reason 'take ORG/OTHER instead'")
def review_reject(
    items: Items, reason: WhyNow, server: Server = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Leave it as it is. Whoever has asked for it is told why."""
    from curator.cli import reviewing as command

    options = command.Options("reject", items, reason, server=server)
    command.answer(options.shown_as(as_json=report_format is ReportFormat.JSON))


@review.command("ask", epilog="Example: curator review ask 019d... --reason 'for which project?'")
def review_ask(items: Items, reason: WhyNow, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Ask back. The request waits until whoever asked has answered."""
    from curator.cli import reviewing as command

    options = command.Options("ask", items, reason, server=server)
    command.answer(options.shown_as(as_json=report_format is ReportFormat.JSON))


@review.command("second", epilog="Example: curator review second 019d... --agree")
def review_second(
    proposal: Annotated[
        str | None, typer.Argument(help="The proposal; without one, those that wait are listed.", metavar="ID")
    ] = None,
    agree: Annotated[bool, typer.Option("--agree/--reject", help="Whether you agree.")] = True,
    reason: Annotated[str, typer.Option(help="Why, if you do not.")] = "",
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Agree to what another reviewer has approved, or reject it."""
    from curator.cli import reviewing as command

    command.second(proposal, reason, server, agrees=agree, as_json=report_format is ReportFormat.JSON)
