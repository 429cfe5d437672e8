"""`curator rules packs`: which sets of rules come with the program."""

from __future__ import annotations

import json
import textwrap

from rules.packs import PACKS, pack


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
