"""How a Keras archive looks from outside: light, because every zip is asked."""

from __future__ import annotations

import re

from scanners.budget import Unscannable
from scanners.formats.archives.zip_directory import Member, open_member
from scanners.source import ByteSource

CONFIG, METADATA = "config.json", "metadata.json"
LARGEST_CONFIG = 16 * 1024 * 1024
PEEK_BYTES = 64 * 1024
_NAMES_A_CLASS = re.compile(rb'"class_name"\s*:')


def looks_like(source: ByteSource, members: tuple[Member, ...]) -> bool:
    """Whether these members make an archive that Keras would begin to load: it reads the configuration first."""
    names = {member.name for member in members}
    if CONFIG not in names:
        return False
    if METADATA in names or any(name.startswith("model.weights") for name in names):
        return True
    config = next(member for member in members if member.name == CONFIG)
    try:
        content = open_member(source, config, [], lambda _: None) if config.size <= LARGEST_CONFIG else None
    except Unscannable:
        return False
    return content is not None and _NAMES_A_CLASS.search(content.read(0, PEEK_BYTES).replace(b"\0", b"")) is not None
