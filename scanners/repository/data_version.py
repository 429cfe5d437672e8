"""Which data facts about repositories are made with: publishers, licences, packages, as they lie in `scanners/data`."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files


@cache
def data_version() -> str:
    """SHA-256, hex, of all files of data: another one means that facts made now may differ from those made before."""
    digest = hashlib.sha256()
    for file in sorted(files("scanners").joinpath("data").iterdir(), key=lambda one: one.name):
        if file.is_file():
            content = file.read_bytes()
            digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
