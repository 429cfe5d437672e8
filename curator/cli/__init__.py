"""The command line: one module per command, imported when the command is run, so that each starts fast."""

from __future__ import annotations

import sys

from curator.errors import CuratorError


def main() -> None:
    """The `curator` command. Ends with 0 as asked, 1 the answer is no, 2 bad usage, 3 not judged, 4 no server."""
    from curator.cli.commands import cli

    try:
        cli(prog_name="curator")
    except CuratorError as error:
        print(f"curator: {error.sentence}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has left, as `head` does: nothing is wrong.
        sys.stderr.close()
        sys.exit(0)
