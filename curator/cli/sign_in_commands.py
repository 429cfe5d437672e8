"""The commands by which people and jobs come to a token, and people to a password."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.commands import Config, Data, Format, ReportFormat, Server, There, cli
from curator.cli.people_commands import Login, user

__all__ = ["cli"]


@cli.command(epilog="Example: curator login --server https://models.bank.example")
def login(server: Server = None) -> None:
    """Be known to a mirror: make a token in its console, paste it, and see what to export."""
    from curator.cli import sign_in as command

    command.login(server)


@cli.command("ci-login", epilog='Examples: eval "$(curator ci-login)"   curator ci-login --github-env')
def ci_login(
    server: Server = None,
    audience: Annotated[
        str | None, typer.Option(help="The audience that the mirror expects; default: its address.")
    ] = None,
    variable: Annotated[
        str, typer.Option(help="The variable that has the job's identity token, where it is not GitHub's.")
    ] = "CURATOR_ID_TOKEN",
    github_env: Annotated[
        bool, typer.Option("--github-env", help="Give it to the later steps of a job of GitHub.")
    ] = False,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Sign a job of GitHub or GitLab in by its identity token, and print what to export. No secret is kept anywhere."""
    from curator.cli import sign_in as command

    as_json = report_format is ReportFormat.JSON
    command.ci_login(server, audience, variable, for_later_steps=github_env, as_json=as_json)


@user.command("invite", epilog="Example: curator user invite alice")
def user_invite(
    login: Login,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a link by which a person chooses a password, their first or another: good once, for a day."""
    from curator.cli import sign_in as command
    from curator.cli.place import Place

    command.invite(login, Place(config, data, server), as_json=report_format is ReportFormat.JSON)


@user.command("link", epilog="Example: curator user link alice")
def user_link(
    login: Login,
    server: There = None,
    data: Data = None,
    config: Config = None,
    report_format: Format = ReportFormat.TABLE,
) -> None:
    """Make a link by which a person who has a password signs in by the identity provider from then on: good once, for a
    day. Who opens it must sign in there."""
    from curator.cli import sign_in as command
    from curator.cli.place import Place

    command.link(login, Place(config, data, server), as_json=report_format is ReportFormat.JSON)
