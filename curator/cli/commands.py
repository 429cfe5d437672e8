"""Every command with its options; what each does is in the module it names."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

cli = typer.Typer(
    help="A curating mirror of the Hugging Face Hub: it serves what was scanned and what your rules allow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
rules = typer.Typer(help="Check, test, explain, publish and try rules.", no_args_is_help=True)
upstream_token = typer.Typer(help="Keep the tokens that the Hub wants for gated models.", no_args_is_help=True)
cli.add_typer(rules, name="rules")
cli.add_typer(upstream_token, name="upstream-token")


class ReportFormat(StrEnum):
    TABLE = "table"
    JSON = "json"


class ScanFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"


class CheckFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


class TestFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"


class FailOn(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RepoType(StrEnum):
    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"


Config = Annotated[Path | None, typer.Option(help="File of settings (default: curator.toml, if there is one).")]
Data = Annotated[Path | None, typer.Option(help="Folder of the database and the blobs (default: ./data).")]
Format = Annotated[ReportFormat, typer.Option("--format", help="How to print it.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")]
UpstreamUrl = Annotated[str | None, typer.Option(help="The Hub to mirror (default: https://huggingface.co).")]
TokenPattern = Annotated[str, typer.Argument(help="Glob of repositories, as 'meta-llama/*'.", metavar="PATTERN")]
OnlyKind = Annotated[RepoType | None, typer.Option("--repo-type", help="Only for this kind (default: for all).")]
Team = Annotated[str | None, typer.Option(help="For this team (default: that of the token; others want an admin's).")]
Project = Annotated[str | None, typer.Option(help="For this project (default: that of the token).")]
Reason = Annotated[str, typer.Option(help="Why, for whoever reads this in a year.")]
There = Annotated[
    str | None, typer.Option("--server", help="Have this mirror do it, from anywhere (default: the database here).")
]
Server = Annotated[str | None, typer.Option(help="The mirror to ask (default: CURATOR_URL, then HF_ENDPOINT).")]


@cli.command(epilog="Example: curator serve --port 8080 --upstream https://huggingface.co")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default: 8080; 0 takes a free one).")] = None,
    data: Data = None,
    upstream: UpstreamUrl = None,
    rules_file: Annotated[
        Path | None,
        typer.Option("--rules", help="File of rules, git folder, or a pack's name (default: starter)."),
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Processes that answer requests (default: 1).")] = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Start the mirror. With a broker and a worker of its own, unless CURATOR_BROKER_URL names a broker."""
    from curator.cli import serve as command

    given = {"host": host, "port": port, "data": data, "upstream": upstream, "rules": rules_file}
    command.run(config, quiet=quiet, server_processes=processes, **given)


@cli.command("serve-beside", hidden=True)
def serve_beside(
    listener: Annotated[int, typer.Option()],
    with_parent: Annotated[int, typer.Option()],
    quiet: Quiet = False,
) -> None:
    """Answer beside the `serve` that started this."""
    from curator.cli.parent import end_with

    # Before all that is loaded, which takes a second or more: the next `serve` waits for the port.
    end_with(with_parent)
    from curator.cli import beside as command

    command.run(listener, quiet=quiet)


@cli.command(epilog="Example: CURATOR_BROKER_URL=redis://queue:6379/0 curator worker")
def worker(
    config: Config = None,
    quiet: Quiet = False,
    with_parent: Annotated[int | None, typer.Option(hidden=True, help="End when this process does.")] = None,
) -> None:
    """Scan and judge for a mirror that runs elsewhere."""
    from curator.cli.parent import end_with

    end_with(with_parent)
    from curator.cli import worker as command

    command.run(config, quiet=quiet)


@cli.command(epilog="Examples: curator scan ./model --fail-on high   curator scan hf://ORG/NAME@main --format json")
def scan(
    targets: Annotated[
        list[str], typer.Argument(help="Files, folders, or hf://ORG/NAME[@REVISION].", metavar="PATH|hf://...")
    ],
    report_format: Annotated[ScanFormat, typer.Option("--format", help="How to print it.")] = ScanFormat.TABLE,
    fail_on: Annotated[FailOn, typer.Option(help="The mildest finding that makes the answer no.")] = FailOn.MEDIUM,
    upstream: UpstreamUrl = None,
    second_opinions: Annotated[bool, typer.Option(help="Ask the other scanners that are installed, too.")] = True,
    hash_all: Annotated[
        bool,
        typer.Option(
            "--hash",
            help="Say the SHA-256 of every file in JSON and SARIF, also of those over 64 MiB without findings.",
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Local files judged at the same time (default: one a processor).")
    ] = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Judge files without a server. Ends with 0: nothing found, 1: found, 2: bad usage, 3: something not judged,
    4: the Hub cannot be reached."""
    from curator.cli import scan as command
    from scanners.command import Options
    from scanners.finding import Severity
    from scanners.output import Style

    options = Options(
        targets=targets,
        style=Style(report_format.value),
        fail_on=Severity(fail_on.value),
        second_opinions=second_opinions,
        quiet=quiet,
        hash_all=hash_all,
        jobs=jobs,
    )
    command.run(options, config, upstream)


@cli.command(
    epilog="Examples: curator check ORG/NAME@main   curator check --file models.txt --format sarif -o models.sarif"
)
def check(
    repos: Annotated[
        list[str] | None,
        typer.Argument(
            help="Repositories: ORG/NAME, datasets/ORG/NAME, hf://..., or the Hub's addresses.", metavar="REPO[@REV]..."
        ),
    ] = None,
    file: Annotated[
        str | None, typer.Option(help="A file with one a line, # before a comment; - reads standard input.")
    ] = None,
    report_format: Annotated[CheckFormat, typer.Option("--format", help="How to print it.")] = CheckFormat.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it there, and print the table for people.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what is still being scanned.")] = 0.0,
    repo_type: Annotated[
        RepoType, typer.Option("--repo-type", help="What kind of repository, for names that do not say.")
    ] = RepoType.MODEL,
    team: Team = None,
    project: Project = None,
    server: Server = None,
    quiet: Quiet = False,
) -> None:
    """Ask the mirror whether a build may pull these. Nothing is downloaded. Ends with 0: all are allowed,
    1: one is blocked or not there, 2: bad usage, 3: one is held or not judged yet, 4: the mirror cannot be reached."""
    from curator.cli import check as command
    from curator.cli.answers import Style
    from curator.types import RepoKind

    command.run(
        command.Options(
            names=repos or [],
            file=file,
            kind=RepoKind(repo_type.value),
            style=Style(report_format.value),
            output=output,
            wait_s=wait,
            audience={name: value for name, value in (("team", team), ("project", project)) if value is not None},
            server=server,
            quiet=quiet,
        )
    )


@cli.command(epilog="Examples: curator pin ORG/NAME@main 0123...cdef   curator pin --list")
def pin(
    branch: Annotated[
        str | None, typer.Argument(help="A repository, with @BRANCH if not main.", metavar="REPO[@BRANCH]")
    ] = None,
    commit: Annotated[str | None, typer.Argument(help="The commit: 40 hex digits.", metavar="COMMIT")] = None,
    show: Annotated[bool, typer.Option("--list", help="List the branches that are pinned.")] = False,
    repo_type: Annotated[RepoType, typer.Option("--repo-type", help="What kind of repository.")] = RepoType.MODEL,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let a branch stay at a commit. The rules must say `branches: pin`."""
    from curator.cli import pin as command
    from curator.errors import BadInput

    if show:
        command.show(config, data, as_json=report_format is ReportFormat.JSON)
    elif branch is None or commit is None:
        raise BadInput("Name a repository and a commit, as in `curator pin ORG/NAME@main COMMIT`, or ask for --list")
    else:
        command.move(branch, repo_type.value, commit, config, data, as_json=report_format is ReportFormat.JSON)


@cli.command(epilog="Example: curator unpin ORG/NAME@main")
def unpin(
    branch: Annotated[str, typer.Argument(help="A repository, with @BRANCH if not main.", metavar="REPO[@BRANCH]")],
    repo_type: Annotated[RepoType, typer.Option("--repo-type", help="What kind of repository.")] = RepoType.MODEL,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Let a pinned branch go. It will stay at the next commit of it that is allowed."""
    from curator.cli import pin as command

    command.let_go(branch, repo_type.value, config, data, as_json=report_format is ReportFormat.JSON)


@upstream_token.command("add", epilog="Example: curator upstream-token add 'meta-llama/*' < token.txt")
def upstream_token_add(
    pattern: TokenPattern,
    repo_type: OnlyKind = None,
    note: Annotated[str | None, typer.Option(help="Whose account it is, or when it runs out.")] = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Ask the Hub for these repositories with a token, which is read from standard input or a prompt and kept sealed.

    Of several patterns that match, the most specific one counts.
    """
    from curator.cli import upstream_token as command

    kind = repo_type.value if repo_type else None
    command.add(pattern, kind, note, config, data, as_json=report_format is ReportFormat.JSON)


@upstream_token.command("list", epilog="Example: curator upstream-token list")
def upstream_token_list(data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE) -> None:
    """List the patterns there are tokens for; the tokens are never shown."""
    from curator.cli import upstream_token as command

    command.show(config, data, as_json=report_format is ReportFormat.JSON)


@upstream_token.command("remove", epilog="Example: curator upstream-token remove 'meta-llama/*'")
def upstream_token_remove(
    pattern: TokenPattern,
    repo_type: OnlyKind = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Forget the token for a pattern."""
    from curator.cli import upstream_token as command

    kind = repo_type.value if repo_type else None
    command.remove(pattern, kind, config, data, as_json=report_format is ReportFormat.JSON)
