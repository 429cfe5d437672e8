"""What the name of an archive's member, or what a link points at, would do where it is unpacked."""

from __future__ import annotations

import posixpath
import re

from scanners.case import Case
from scanners.finding import Severity


def unpacks_outside(name: str) -> bool:
    """Whether unpacking a member of this name without care writes outside of the folder it is unpacked to."""
    parts = re.split(r"[/\\]", name)
    return ".." in parts or name.startswith(("/", "\\")) or "\0" in name or re.match(r"[A-Za-z]:", name) is not None


def way_out(name: str) -> Severity | None:
    """How bad it is to unpack a member of this name without care; None where it stays inside."""
    if unpacks_outside(name):
        return Severity.HIGH
    # `~` is expanded by some, and `....//` is what a careless filter makes `../` of.
    if name.startswith("~") or any(re.fullmatch(r"\.{3,}", part) for part in re.split(r"[/\\]", name)):
        return Severity.MEDIUM
    return None


def note_way_out(name: str, case: Case, *, offset: int | None = None) -> None:
    severity = way_out(name)
    if severity is not None:
        case.add(
            "archive-path-traversal",
            severity,
            f"The member {shown(name)} leads outside the folder it is unpacked to.",
            offset=offset,
            evidence={"member": name[:200].encode("utf-8", "replace").decode()},
        )


def link_leads_outside(name: str, target: str) -> bool:
    """Whether a symbolic link called `name` in the archive points out of it."""
    target = target.replace("\\", "/")
    if target.startswith(("/", "~")) or re.match(r"[A-Za-z]:", target) or "\0" in target:
        return True
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(plain(name)), target))
    return reached == ".." or reached.startswith("../")


def plain(name: str) -> str:
    """The path as an unpacker would write it, for comparing: no `./`, no double or closing slash."""
    return posixpath.normpath(name.replace("\\", "/").lstrip("/")) if name else ""


def shown(name: str) -> str:
    """As it may stand in a message: no surrogates, not endless."""
    return repr(name.encode("utf-8", "replace").decode("utf-8")[:100])
