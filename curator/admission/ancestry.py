"""The way back: from the parents that a repository names to theirs, each asked for at the upstream once.

What is learnt stays in the look alone. An ancestor is not remembered as a commit that somebody asked for: it would be
shown in searches, its branches would seem watched, and its first sight would count from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from curator.admission.look import Ancestor
from curator.admission.parents import Parent, parents_of
from curator.errors import CuratorError, RepoNotFound, RevisionNotFound, UpstreamRefused
from curator.types import RepoId
from curator.upstream.listing import Description

MOST_DEEP = 6
MOST_ANCESTORS = 24
"""Whoever names a hundred must not make a hundred questions of one."""
_CARD_KEYS = (
    "license",
    "license_name",
    "license_link",
    "base_model",
    "base_model_relation",
    "language",
    "library_name",
)
_MOST_TAGS = 100
_LONGEST = 2_000

Describe = Callable[[RepoId], Awaitable[Description]]


async def walk(repo: RepoId, parents: Iterable[Parent], describe: Describe) -> tuple[tuple[Ancestor, ...], str]:
    """All steps back from a repository, the nearest first; and why one of them could not be asked for, or nothing.

    A parent that is missing or private is a finding of its own. One that could not be asked for is a gap for now.
    """
    steps: list[Ancestor] = []
    why = ""
    known: dict[RepoId, set[RepoId]] = {repo: set()}
    """Each repository with those that lead to it."""
    generation = [(repo, parent) for parent in parents]
    for depth in range(1, MOST_DEEP + 2):
        if not generation:
            break
        fresh = list(dict.fromkeys(parent.repo for _, parent in generation if parent.repo not in known))
        room = 0 if depth > MOST_DEEP else max(MOST_ANCESTORS - len(known) + 1, 0)
        answers = dict(
            zip(fresh[:room], await asyncio.gather(*(_ask(describe, one) for one in fresh[:room])), strict=True)
        )
        following: list[tuple[RepoId, Parent]] = []
        for child, parent in generation:
            step = Ancestor(
                child=str(child),
                parent=str(parent.repo),
                kind=parent.repo.kind,
                relation=parent.relation,
                source=parent.source,
                depth=depth,
            )
            leads = known[child] | {child}
            if parent.repo in leads:
                steps.append(step.model_copy(update={"state": "cycle"}))
                continue
            if parent.repo in known:
                # Met before, by another way: what leads on from there is told already.
                told = next(one for one in steps if one.parent == str(parent.repo))
                steps.append(told.model_copy(update=step.model_dump(include={"child", "relation", "source", "depth"})))
                continue
            if parent.repo not in answers:
                steps.append(step.model_copy(update={"state": "too-deep"}))
                continue
            known[parent.repo] = leads
            answer = answers[parent.repo]
            if isinstance(answer, CuratorError):
                steps.append(step.model_copy(update={"state": _state(answer)}))
                why = why or (answer.sentence if steps[-1].state == "unreachable" else "")
                continue
            card = _card(answer.info)
            steps.append(
                step.model_copy(
                    update={"commit": answer.commit.sha, "card": card, "tags": _tags(answer.info.get("tags"))}
                )
            )
            following += [(parent.repo, one) for one in parents_of(card) if one.repo != answer.commit.repo]
        generation = following
    return tuple(steps), why


async def _ask(describe: Describe, repo: RepoId) -> Description | CuratorError:
    try:
        return await describe(repo)
    except CuratorError as error:
        return error


def _state(error: CuratorError) -> str:
    if isinstance(error, RepoNotFound | RevisionNotFound):
        return "missing"
    return "private" if isinstance(error, UpstreamRefused) else "unreachable"


def _card(info: dict[str, Any]) -> dict[str, Any]:
    card = info.get("cardData")
    card = card if isinstance(card, dict) else {}
    return {key: card[key] for key in _CARD_KEYS if key in card and len(str(card[key])) <= _LONGEST}


def _tags(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str))[:_MOST_TAGS] if isinstance(value, list) else ()
