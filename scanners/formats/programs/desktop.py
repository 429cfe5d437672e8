"""Files that start something when they are opened on a desktop: shortcuts, installers, documents with macros."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.programs.native import PACKAGE
from scanners.source import ByteSource

LARGEST_SEARCH = 16 * 1024 * 1024
STEP = 1024 * 1024
_MACROS = [name.encode("utf-16-le") for name in ("_VBA_PROJECT", "VBA\0", "Macros\0", "PROJECTwm")]
_COMMAND = re.compile(
    r"(?i)[\w\\/:. -]*(?:powershell|cmd\.exe|mshta|rundll32|wscript|cscript|regsvr32|bitsadmin|curl)[^\0]{0,120}"
)
_LAUNCHES = re.compile(
    rb"(?im)^[ \t]*(Exec|URL|IconFile|Command|open|shellexecute)\s*=\s*(.{1,200})|<hta:application|<script[^>]*>|"
    rb"<(?:job|package)\b|^\[HKEY_|<jnlp\b"
)


def judge_shortcut(source: ByteSource, case: Case) -> None:
    data = source.read(0, 65536)
    texts = data.decode("utf-16-le", "replace") + "\0" + data[1:].decode("utf-16-le", "replace")
    found = _COMMAND.search(texts) or _COMMAND.search(data.decode("latin-1"))
    case.add(
        "desktop-launcher",
        Severity.HIGH,
        "The file is a shortcut of Windows: opening it starts a program of its maker's choice.",
        evidence={"command": "".join(filter(str.isprintable, found.group()))[:200]} if found else {},
    )


def judge_compound(source: ByteSource, case: Case) -> None:
    """OLE compound files: old Office documents, and Windows installers."""
    names = _find(source, _MACROS)
    is_installer = case.name.lower().endswith((".msi", ".msp", ".mst"))
    if names:
        case.add(
            "active-content",
            Severity.HIGH,
            "The document carries macros, which can run commands when it is opened.",
            confidence=Confidence.LIKELY,
        )
    elif is_installer or _find(source, ["Installation Database".encode("utf-16-le"), b"Installation Database"]):
        case.add(
            "native-executable",
            Severity.MEDIUM if is_installer and not case.depth else Severity.HIGH,
            "The file is a Windows installer: opening it installs and runs programs.",
            evidence={"kind": "msi"},
        )
    else:
        case.add(
            "active-content",
            Severity.MEDIUM,
            "The file is an OLE compound document (old Office and others), which can carry programs; "
            "none was found in it.",
        )


def judge_launcher(source: ByteSource, case: Case) -> None:
    text = source.read(0, STEP)
    found = _LAUNCHES.search(text)
    # A package of programs brings its entry for the desktop's menu.
    is_menu = case.depth > 0 and case.name.endswith(".desktop") and PACKAGE.search(case.container) is not None
    is_link_only = b"[InternetShortcut]" in text and b"http" in text[found.start() : found.end()] if found else False
    case.add(
        "desktop-launcher",
        Severity.MEDIUM if found is None or is_link_only or is_menu else Severity.HIGH,
        "The file starts something when it is opened on a desktop.",
        line=text.count(b"\n", 0, found.start()) + 1 if found else None,
        evidence={"starts": found.group().decode("utf-8", "replace").strip()[:200]} if found else {},
    )


def _find(source: ByteSource, wanted: list[bytes]) -> bool:
    for at in range(0, min(source.size, LARGEST_SEARCH), STEP):
        data = source.read(at, STEP + 64)
        if any(name in data for name in wanted):
            return True
    return False
