"""The commands about rules: what is wrong with them, what they decide, and which are in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.commands import Format, Project, Quiet, Reason, ReportFormat, RepoType, Server, Team, TestFormat, rules

RulesToCompare = Annotated[
    str,
    typer.Argument(
        help="A file of rules, a pack's name, or digits that `curator rules history` shows.", metavar="FILE|PACK|DIGEST"
    ),
]
PackOrDigest = Annotated[
    str,
    typer.Argument(
        help="A pack's name, or the first digits of rules that `curator rules history` shows.", metavar="PACK|DIGEST"
    ),
]
RuleSetDigest = Annotated[
    str, typer.Argument(help="Rules, by the first digits that `curator rules history` shows.", metavar="DIGEST")
]


@rules.command("check", epilog="Example: curator rules check rules.yaml")
def rules_check(
    file: Annotated[Path, typer.Argument(help="A file of rules, or the name of a pack.")],
    report_format: Format = ReportFormat.TABLE,
    quiet: Quiet = False,
) -> None:
    """Say what is wrong with a file of rules. Each mistake with line and column. Ends with 0: nothing, 1: something.

    Warnings (rules that can never match, say the same twice or decide nothing, words that do not exist) change no exit
    code.
    """
    from curator.cli import rules as command

    command.check(file, as_json=report_format is ReportFormat.JSON, quiet=quiet)


@rules.command("test", epilog="Example: curator rules test rules.yaml --format junit")
def rules_test(
    file: Annotated[Path, typer.Argument(help="A file of rules that has tests under `expect:`.")],
    report_format: Annotated[TestFormat, typer.Option("--format", help="How to print it.")] = TestFormat.TABLE,
    server: Server = None,
    quiet: Quiet = False,
) -> None:
    """Say whether rules do what their file expects. Ends with 0: they do, 1: some do not, 2: the file is bad,
    3: the facts that a test names could not be had from the mirror."""
    from curator.cli import rules_test as command

    command.test(file, command.Style(report_format.value), server, quiet=quiet)


@rules.command("schema", epilog="Example: curator rules schema > rules.schema.json")
def rules_schema() -> None:
    """Print the JSON Schema of a file of rules, for editors."""
    from curator.cli import rules as command

    command.schema()


@rules.command("explain", epilog="Example: curator rules explain meta-llama/Llama-3.2-1B@main")
def rules_explain(
    repo: Annotated[
        str | None, typer.Argument(help="A repository, with @REVISION if not main.", metavar="REPO[@REV]")
    ] = None,
    decision: Annotated[str | None, typer.Option(help="Explain this decision, by its id, whenever it was.")] = None,
    team: Team = None,
    project: Project = None,
    repo_type: Annotated[RepoType, typer.Option("--repo-type", help="What kind of repository.")] = RepoType.MODEL,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Say what is decided about a repository, and why. And what would change it. Ends with 0: allowed, 1: blocked,
    3: held."""
    from curator.cli import rules as command

    audience = {name: value for name, value in (("team", team), ("project", project)) if value is not None}
    command.explain(repo, decision, repo_type.value, server, audience, as_json=report_format is ReportFormat.JSON)


@rules.command("publish", epilog="Example: curator rules publish rules.yaml --reason 'no pickles any more, ticket 12'")
def rules_publish(
    file: Annotated[Path, typer.Argument(help="A file of rules, or the name of a pack.")],
    reason: Reason,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Bring rules into force. It takes an administrator's token. Ends with 0: done, 1: something is wrong with
    them, 2: they cannot be published."""
    from curator.cli import rule_sets as command

    command.publish(file, reason, server, as_json=report_format is ReportFormat.JSON)


@rules.command("rollback", epilog="Example: curator rules rollback 3f2a9c01 --reason 'they block too much'")
def rules_rollback(
    digest: RuleSetDigest, reason: Reason, server: Server = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Bring earlier rules into force again. It takes an administrator's token."""
    from curator.cli import rule_sets as command

    command.rollback(digest, reason, server, as_json=report_format is ReportFormat.JSON)


@rules.command("history", epilog="Example: curator rules history --limit 5")
def rules_history(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 20,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """List which rules came into force when, by whom, and why."""
    from curator.cli import rule_sets as command

    command.history(limit, server, as_json=report_format is ReportFormat.JSON)


@rules.command("packs", epilog="Example: curator rules packs")
def rules_packs(report_format: Format = ReportFormat.TABLE) -> None:
    """List the packs of rules that come with the program. For `curator serve --rules NAME`, or to begin one's own."""
    from curator.cli import packs as command

    command.show(as_json=report_format is ReportFormat.JSON)


@rules.command("show", epilog="Examples: curator rules show strict > rules.yaml   curator rules show 3f2a9c01")
def rules_show(digest: PackOrDigest, server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Print a pack, or rules that are or were in force."""
    from curator.cli import rule_sets as command

    command.show(digest, server, as_json=report_format is ReportFormat.JSON)


@rules.command("diff", epilog="Examples: curator rules diff 3f2a9c01 rules.yaml   curator rules diff starter finance")
def rules_diff(
    one: RulesToCompare, other: RulesToCompare, server: Server = None, report_format: Format = ReportFormat.TABLE
) -> None:
    """Say what differs between two sets of rules. Line by line, and which rules."""
    from curator.cli import rule_sets as command

    command.diff(one, other, server, as_json=report_format is ReportFormat.JSON)


@rules.command("status", epilog="Example: curator rules status")
def rules_status(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Say which rules are in force, and what is wrong. And how far what was decided before is judged anew.
    Ends with 0: all is well, 1: something is wrong."""
    from curator.cli import rule_sets as command

    command.status(server, as_json=report_format is ReportFormat.JSON)
