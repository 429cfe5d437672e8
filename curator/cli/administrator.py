"""Who gives a command that needs no server: whoever may write the database is an administrator."""

from __future__ import annotations

import os
import pwd


def administrator() -> str:
    """As the record names him: the machine knows which one it is."""
    try:
        return f"administrator {pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"administrator {os.getuid()}"
