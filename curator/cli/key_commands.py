"""The commands about the secret key that the database's secrets are sealed with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, ReportFormat, cli

key = typer.Typer(help="See which secret key the database knows, and change it.", no_args_is_help=True)
cli.add_typer(key, name="key")


@key.command("show", epilog="Example: curator key show")
def key_show(data: Data = None, config: Config = None, report_format: Format = ReportFormat.TABLE) -> None:
    """Say whether the key that is set here is the one that the database knows; ends with 1 if it is not."""
    from curator.cli import key as command
    from curator.cli.place import Place

    command.show(Place(config, data), as_json=report_format is ReportFormat.JSON)


@key.command("change", epilog="Example: curator key change --from old.key")
def key_change(
    old: Annotated[
        Path | None, typer.Option("--from", help="File with the key of before, which only you can read.")
    ] = None,
    lost: Annotated[
        bool, typer.Option("--lost", help="The key of before is lost, and with it what was sealed with it.")
    ] = False,
    record_keys: Annotated[
        list[str] | None,
        typer.Option(
            "--record-key", help="With --lost: a public key of the record that you have noted down; may be repeated."
        ),
    ] = None,
    new_record_key: Annotated[
        bool, typer.Option("--new-record-key", help="Sign the record with another key, too, from now on.")
    ] = False,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Seal the database's secrets with the key that is set here (CURATOR_SECRET_KEY, or secret.key) instead of another.

    Stop servers and workers before, and start them with the new key.
    """
    from curator.cli import key as command
    from curator.cli.place import Place

    wanted = command.Change(old, lost=lost, record_keys=tuple(record_keys or ()), new_record_key=new_record_key)
    command.change(wanted, Place(config, data), as_json=report_format is ReportFormat.JSON)
