"""Which data facts about repositories are made with: publishers, licences, packages, as they lie in `scanners/data`."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files


@cache
def data_version() -> str:
    """SHA-256, hex, of all files of data: another one means that facts made now may differ from those made before."""
    digest = hashlib.sha256()
    folders = [files("scanners").joinpath("data")]
    while folders:
        for file in sorted(folders.pop().iterdir(), key=lambda one: one.name):
            if file.is_dir():
                folders.append(file)
            else:
                content = file.read_bytes()
                digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
