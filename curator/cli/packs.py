"""`curator rules packs`: which sets of rules come with the program, and how a command finds one."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from curator.errors import BadInput
from rules.document import MOST_LETTERS
from rules.packs import PACKS, is_pack, pack, place


def show(*, as_json: bool) -> None:
    policies = [pack(name) for name in PACKS]
    if as_json:
        document = [
            {
                "name": one.name,
                "description": one.description,
                "digest": one.digest,
                "branches": one.branches.value,
                "rules": [checked.rule.id for checked in one.rules],
            }
            for one in policies
        ]
        print(json.dumps(document, indent=2))
        return
    for one in policies:
        print(f"{one.name:<9} {len(one.rules)} rules. {textwrap.fill(one.description, 200)}")


def rules_file(named: Path) -> Path:
    """The file of rules that is named, also by the name of a pack. Raises `BadInput`."""
    if named.is_file():
        return named
    if named.is_dir():
        raise BadInput(f"{named} is a folder: name the file of rules in it")
    if is_pack(str(named)):
        return place(str(named))
    raise BadInput(f"{named}: there is no such file, and no pack of this name; there is {', '.join(PACKS)}")


def rules_text(named: Path) -> str:
    """What is written in it. Raises `BadInput`."""
    file = rules_file(named)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file}: it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file}: it is not text in UTF-8") from None
    if len(text) > MOST_LETTERS:
        raise BadInput(f"{named}: a file of rules has {MOST_LETTERS:,} characters at most")
    return text
