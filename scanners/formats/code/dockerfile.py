"""Dockerfiles as the lines of a shell that they come to: what is ordinary in a container, and what its own words do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

NAME = re.compile(r"^(?:docker|container)file(?:[._-].*)?$|\.(?:docker|container)file$", re.IGNORECASE)
_USERS = re.compile(r"\b(?:useradd|adduser|groupadd|addgroup|usermod|chpasswd)\b[^&;|\n$`()<>]{0,300}|\bNOPASSWD\b")
"""A container begins with no user but root: making another, who may do what root may, is what is advised."""
_RUN = re.compile(r"^\s*RUN\s+(?:--\S+\s+)*", re.IGNORECASE)
_ADD = re.compile(r"^\s*ADD\s+(?:--\S+\s+)*(https?://\S+)\s+(\S+)", re.IGNORECASE)


def as_shell(lines: Iterable[str]) -> Iterator[str]:
    """Line for line: `ADD` of an address is a download like any other."""
    for line in lines:
        added = _ADD.match(line)
        if added is not None:
            address, place = added[1], added[2]
            place = place + address.rsplit("/", 1)[-1] if place.endswith("/") else place
            yield f"curl -o {place} {address}"
        else:
            yield _USERS.sub("true ", _RUN.sub("", line))
