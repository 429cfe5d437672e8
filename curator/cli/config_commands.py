"""`curator config show` and `curator status`: what a mirror runs with, and how it is."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, ReportFormat, Server, cli

__all__ = ["cli"]

config = typer.Typer(help="Show the settings that a mirror runs with.", no_args_is_help=True)
cli.add_typer(config, name="config")


@config.callback()
def _config() -> None:
    """Show the settings that a mirror runs with."""


@config.command("show", epilog="Example: curator config show --changed")
def config_show(
    changed: Annotated[bool, typer.Option("--changed", help="Only those that somebody has said.")] = False,
    running: Annotated[bool, typer.Option("--running", help="Of the mirror that runs, which is asked.")] = False,
    config: Config = None,
    data: Data = None,
    server: Server = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Show each setting as `curator serve` would have it here, or as a running mirror has it, and who said so."""
    from curator.cli import configuration as command

    document = command.running(server) if running or server else command.here(config, data)
    command.show(document, only_changed=changed, as_json=report_format is ReportFormat.JSON)


@cli.command(epilog="Example: curator status --format json")
def status(server: Server = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Say how a mirror is. Ends with 0 if all is well, and with 1 if somebody is to do something."""
    from curator.cli import configuration as command

    command.status(server, as_json=report_format is ReportFormat.JSON)
