"""Texts that a desktop runs when they are opened, by their first lines and by their names."""

from __future__ import annotations

import re

_SUFFIXES = (".hta", ".desktop", ".url", ".scf", ".wsf", ".wsh", ".reg", ".inf", ".jnlp", ".lnk", ".sct", ".library-ms")
_CONTENT = re.compile(
    rb"\A\s*(?:[#;][^\n]*\n\s*)*(?:\[(?:Desktop Entry|InternetShortcut|Shell|autorun)\]"
    rb"|Windows Registry Editor|REGEDIT4)"
    rb"|<hta:application|\A\s*(?:<\?xml[^>]*>\s*)?<(?:jnlp|scriptlet|job|package)\b",
    re.IGNORECASE,
)


def is_launcher(body: bytes, name: str) -> bool:
    return _CONTENT.search(body[:4096]) is not None or (name.endswith(_SUFFIXES) and bool(body.strip()))
