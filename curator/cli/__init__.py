"""The command line: one module per command, imported when the command is run, so that each starts fast."""

from __future__ import annotations

import gc
import sys

_OBJECTS = 50_000
"""So many new ones before Python looks for garbage."""


def main() -> None:
    """The `curator` command. Ends with 0 as asked, 1 the answer is no, 2 bad usage, 3 not judged, 4 no server."""
    # What is imported stays: to look through it for garbage after each 700 objects is a sixth of every start.
    gc.set_threshold(_OBJECTS)
    from curator.cli.careful import be_careful
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
