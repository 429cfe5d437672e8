"""The way back, asked of the upstream: each ancestor once, those of one generation at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from curator.admission.look import Relative
from curator.admission.origins import LONGEST_FIELD, USED_FIELDS, walked
from curator.errors import BadInput, CuratorError, RepoNotFound, RevisionNotFound, UpstreamRefused
from curator.types import RepoId, RepoKind, Revision
from curator.upstream.listing import Description
from scanners.repository.lineage import MOST_DEPTH, Node
from scanners.repository.parents import MOST_PARENTS

_MOST_TAGS = 200
_TELLING = ("base_model:", "license:")
_MOST_TELLING = 1_000
_AT_A_TIME = 8
"""Each answer may be megabytes long, and the Hub minds many questions at once."""
_MAIN = Revision("main")

Describe = Callable[[RepoId, Revision], Awaitable[Description]]


async def find_relatives(root: Node, describe: Describe) -> tuple[tuple[Relative, ...], str]:
    """All that a walk from this commit comes by; and why one of them could not be asked for, or nothing.

    A parent that is missing or private is a finding of its own. One that could not be asked for is a gap for now.
    """
    found: list[Relative] = []
    why = ""
    turns = asyncio.Semaphore(_AT_A_TIME)

    async def ask(name: str, revision: str) -> tuple[Relative, str]:
        async with turns:
            return await _ask(describe, name, revision)

    for _ in range(MOST_DEPTH + 1):
        _, unknown = walked(root, found)
        if not unknown:
            break
        answers = await asyncio.gather(*(ask(name, revision) for name, revision in unknown))
        for relative, failure in answers:
            found.append(relative)
            why = why or failure
    return tuple(found), why


async def _ask(describe: Describe, name: str, revision: str) -> tuple[Relative, str]:
    relative = Relative(asked=name, revision=revision)
    try:
        description = await _described(describe, RepoId.parse(name, RepoKind.MODEL), revision)
    except (RepoNotFound, RevisionNotFound, BadInput):
        return relative.model_copy(update={"state": "missing"}), ""
    except UpstreamRefused:
        return relative.model_copy(update={"state": "private"}), ""
    except CuratorError as error:
        return relative.model_copy(update={"state": "unreachable"}), error.sentence
    info = telling(description).info
    answer = {
        "repository": str(description.commit.repo),
        "commit": description.commit.sha,
        "card": info["cardData"],
        "tags": info["tags"],
    }
    return relative.model_copy(update=answer), ""


def telling(description: Description) -> Description:
    """What a lineage asks of a description, which may be megabytes long, and no more."""
    info = description.info
    return Description(description.commit, {"cardData": _card(info.get("cardData")), "tags": _tags(info.get("tags"))})


async def _described(describe: Describe, repo: RepoId, revision: str) -> Description:
    try:
        return await describe(repo, Revision.parse(revision) if revision else _MAIN)
    except (RevisionNotFound, BadInput):
        if not revision:
            raise
        # Named by a branch that is gone, it is still what the model was made from.
        return await describe(repo, _MAIN)


def _card(card: Any) -> dict[str, Any]:
    card = card if isinstance(card, dict) else {}
    return {key: cut for key in USED_FIELDS if key in card and (cut := _cut(card[key])) is not None}


def _cut(value: Any) -> Any:
    """A field of a card no longer than one may be; of a long list its beginning, each once."""
    if isinstance(value, list):
        told = list(dict.fromkeys(one for one in value if isinstance(one, str) and len(one) <= LONGEST_FIELD))
        return told[: MOST_PARENTS + 1]
    return value if len(str(value)) <= LONGEST_FIELD else None


def _tags(value: Any) -> tuple[str, ...]:
    """Those that tell where it is from, before all others: nobody hides them behind a thousand."""
    listed = value if isinstance(value, list | tuple) else ()
    tags = [one for one in listed if isinstance(one, str) and len(one) <= LONGEST_FIELD]
    telling = [one for one in tags if one.startswith(_TELLING)][:_MOST_TELLING]
    return (*telling, *[one for one in tags if not one.startswith(_TELLING)][:_MOST_TAGS])
