"""The commands about drafts of rules, and about trying them; nothing comes into force by them but by `publish`."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.commands import Format, Reason, ReportFormat, Server, rules

draft = typer.Typer(help="Write rules with the mirror: your draft, the same as in its console.", no_args_is_help=True)
trial = typer.Typer(
    help="Try rules in the background, on what was asked for or on the catalogue.", no_args_is_help=True
)
rules.add_typer(draft, name="draft")
rules.add_typer(trial, name="trial")

DraftFile = Annotated[
    str | None, typer.Argument(help="A file of rules, a pack's name, - for standard input (default: your draft).")
]
TrialId = Annotated[str, typer.Argument(help="The trial, as `curator rules trial list` names it.", metavar="ID")]


@rules.command("list", epilog="Example: curator rules list")
def rules_list(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """List the rules in force one by one, and how often each refused something of late."""
    from curator.cli import drafts as command

    command.in_force(server, as_json=report_format is ReportFormat.JSON)


@draft.command("show", epilog="Example: curator rules draft show > draft.yaml")
def draft_show(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Print your draft."""
    from curator.cli import drafts as command

    command.show(server, as_json=report_format is ReportFormat.JSON)


@draft.command("save", epilog="Example: curator rules draft save draft.yaml")
def draft_save(
    file: Annotated[str, typer.Argument(help="A file of rules, a pack's name, or - for standard input.")],
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Keep this as your draft, in place of what it was. It need not be right yet."""
    from curator.cli import drafts as command

    command.save(file, server, as_json=report_format is ReportFormat.JSON)


@draft.command("check", epilog="Example: curator rules draft check draft.yaml")
def draft_check(file: DraftFile = None, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Say what is wrong with a draft, for the mirror. With line and column. Ends with 0: nothing, 1: something."""
    from curator.cli import drafts as command

    command.check(file, server, as_json=report_format is ReportFormat.JSON)


@draft.command("test", epilog="Example: curator rules draft test")
def draft_test(file: DraftFile = None, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Run the tests of a draft, with the facts that the mirror has. Ends with 0: as expected, 1: not."""
    from curator.cli import drafts as command

    command.test(file, server, as_json=report_format is ReportFormat.JSON)


@draft.command("preview", epilog="Example: curator rules draft preview")
def draft_preview(file: DraftFile = None, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Say what would change if a draft were published. Lines, rules, tests, and what trials of it have shown."""
    from curator.cli import drafts as command

    command.preview(file, server, as_json=report_format is ReportFormat.JSON)


@draft.command("dry-run", epilog="Example: curator rules draft dry-run no-pickles")
def draft_dry_run(
    rule: Annotated[str, typer.Argument(help="The rule, by its id.", metavar="RULE")],
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it is tried only, or enforced.")] = True,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let a rule of your draft be tried only, or be enforced. Nothing else in its text changes."""
    from curator.cli import drafts as command

    command.dry_run(rule, server, on=on, as_json=report_format is ReportFormat.JSON)


@draft.command("publish", epilog="Example: curator rules draft publish --reason 'no pickles any more, ticket 12'")
def draft_publish(reason: Reason, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Bring your draft into force, unless other rules have come into force since you began it."""
    from curator.cli import drafts as command

    command.publish(reason, server, as_json=report_format is ReportFormat.JSON)


@draft.command("discard", epilog="Example: curator rules draft discard")
def draft_discard(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Forget your draft. The rules in force stay as they are."""
    from curator.cli import drafts as command

    command.discard(server, as_json=report_format is ReportFormat.JSON)


@trial.command("begin", epilog="Example: curator rules trial begin draft.yaml --days 90 --wait 300")
def trial_begin(
    file: DraftFile = None,
    days: Annotated[float, typer.Option(min=0.01, max=3_650, help="On the requests of so many days.")] = 90.0,
    catalogue: Annotated[
        bool, typer.Option("--catalogue", help="On the newest decision about each commit, instead of requests.")
    ] = False,
    against: Annotated[
        str | None, typer.Option(help="Compare with rules of before, by their digest, not with what was decided.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, max=3_600, help="Wait so many seconds for what comes of it.")] = 0.0,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Begin to try rules. Ends with 0: begun, or tried; 1: it failed; 3: it was waited for, and goes on."""
    from curator.cli import trials as command

    wanted = command.Wanted(file, days, catalogue, against, wait)
    command.begin(wanted, server, as_json=report_format is ReportFormat.JSON)


@trial.command("list", epilog="Example: curator rules trial list")
def trial_list(
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, the newest first.")] = 20,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List what is tried or was, the newest first."""
    from curator.cli import trials as command

    command.listed(limit, server, as_json=report_format is ReportFormat.JSON)


@trial.command("show", epilog="Example: curator rules trial show 019d...")
def trial_show(trial_id: TrialId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Say how far a trial is, and what came of it. Ends with 0: done, 1: it failed or was ended, 3: it goes on."""
    from curator.cli import trials as command

    command.show(trial_id, server, as_json=report_format is ReportFormat.JSON)


@trial.command("cancel", epilog="Example: curator rules trial cancel 019d...")
def trial_cancel(trial_id: TrialId, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """End a trial that is not wanted any more."""
    from curator.cli import trials as command

    command.cancel(trial_id, server, as_json=report_format is ReportFormat.JSON)
