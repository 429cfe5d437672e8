"""The command line: one module per command, imported when the command is run, so that each starts fast."""

from __future__ import annotations

import sys


def main() -> None:
    """The `curator` command. Ends with 0 as asked, 1 the answer is no, 2 bad usage, 3 not judged, 4 no server."""
    from curator.cli.careful import be_careful
    from curator.cli.garbage import loading

    loading(sys.argv[1] if len(sys.argv) > 1 else None)
    from curator.errors import CuratorError

    be_careful()

    try:
        if sys.argv[1:2] == ["scan"]:
            from curator.cli.quick import attempt

            code = attempt(sys.argv[2:])
            if code is not None:
                sys.exit(code)
        from curator.cli.all_commands import cli

        cli(prog_name="curator")
    except CuratorError as error:
        print(f"curator: {error.sentence}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has left, as `head` does: nothing is wrong.
        sys.stderr.close()
        sys.exit(0)
