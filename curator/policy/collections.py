"""Collections: families of models by the names that people call them, as globs of repositories."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from curator.policy.word import BadWord

SCHEMA = "curator.collections/1"


@dataclass(frozen=True, slots=True)
class Collection:
    """One family."""

    name: str
    description: str
    repositories: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "description": self.description, "repositories": list(self.repositories)}


@lru_cache(maxsize=1)
def collections() -> dict[str, Collection]:
    """All that are shipped, by name."""
    import yaml

    document = yaml.safe_load(files("curator").joinpath("policy/collections.yaml").read_text(encoding="utf-8"))
    if document["schema"] != SCHEMA:
        raise ValueError(f"collections.yaml is of the form {document['schema']}, not {SCHEMA}")
    return {
        name: Collection(name, entry["description"], tuple(entry["repositories"]))
        for name, entry in sorted(document["collections"].items())
    }


def collection(name: str) -> Collection:
    """The one of that name, however it is written: `Llama 4` is `llama-4`. Raises `BadWord` with the nearest."""
    known = collections()
    written = re.sub(r"[\s_]+", "-", name.strip().lower())
    found = known.get(written) or known.get(re.sub(r"(?<=[a-z])(?=\d)", "-", written))
    if found is not None:
        return found
    near = get_close_matches(written, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "`curator collections` shows those there are"
    raise BadWord(f"There is no collection {name[:80]!a}: {hint}")
