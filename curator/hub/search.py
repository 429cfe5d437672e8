"""Which repositories there are: the Hub's own search, with what this mirror has decided about each on it.

A list is no permission: whatever it shows is judged when it is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from curator.admission import of_main, snapshots
from curator.admission.decisions import Ruling
from curator.admission.kinds import check_kind
from curator.admission.snapshots import Snapshot
from curator.database.engine import Database
from curator.errors import KindOff, MirrorOffline, SearchOff, UpstreamUnavailable
from curator.hub.answer import Answer, header_text, json_answer
from curator.hub.request import Request
from curator.hub.routes import Search, TagsByType
from curator.policy.in_force import NothingInForce, RulesInForce
from curator.settings import Settings
from curator.types import RepoKind
from curator.upstream.client import Upstream
from curator.upstream.listing import Page
from rules.circumstances import Audience
from rules.evaluate import Outcome
from rules.model import Branches

log = logging.getLogger(__name__)

Json = dict[str, Any]

_SEARCH_FRESH_S = 10.0
_TAGS_FRESH_S = 3_600.0
_MOST_PAGES_KEPT = 200
_MOST_ITEMS_KEPT = 4_000
_OUTCOME_TAGS = {Outcome.BLOCK: "curator:blocked", Outcome.HOLD: "curator:held"}
_SORTS: dict[str, type[int | str]] = {"downloads": int, "likes": int, "lastModified": str, "createdAt": str}
"""What lists are sorted by, and what that is in a repository's info, unless somebody sends something else."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Answers searches and lists."""

    settings: Settings
    database: Database
    upstream: Upstream
    rules: RulesInForce
    _kept: dict[tuple[str, str], tuple[Page, float]] = field(default_factory=dict)
    """What the Hub answered to an address and a query, and when."""

    async def search(self, request: Request, route: Search) -> Answer:
        if self.settings.search == "off":
            raise SearchOff(
                "Searching is switched off at this mirror: name the repository that you want, as 'namespace/name'"
            )
        try:
            check_kind(self.settings, route.kind)
        except KindOff as error:
            # Of a list, unlike a file, clients show a plain refusal; of a gated one they do not say why.
            raise SearchOff(error.sentence) from None
        path, query = f"/api/{route.kind.plural}", urlencode(request.query)
        headers = {"Vary": "Authorization"}
        try:
            page = await self._page(path, query, _SEARCH_FRESH_S)
        except (MirrorOffline, UpstreamUnavailable) as error:
            log.warning("%s: searching what is remembered", error.sentence)
            said = "The Hub cannot be reached: this list has only what was asked for here before"
            headers["X-HF-Warning"] = header_text(f"curation search; {said}")
            page = Page(await asyncio.to_thread(self._remembered, request, route.kind), None, "")
        items = [item for item in page.document if isinstance(item, dict)]
        rulings = await asyncio.to_thread(self._rulings, route.kind, items, request.caller.audience)
        if page.following is not None:
            headers["Link"] = next_link(f"{self.settings.url}{path}", page.following)
        if page.total.isdigit():
            headers["X-Total-Count"] = page.total
        return json_answer(shown(items, rulings, hide=self.settings.search == "hide"), headers=headers)

    async def tags(self, route: TagsByType) -> Answer:
        page = await self._page(f"/api/{route.kind.plural}-tags-by-type", "", _TAGS_FRESH_S, or_older=True)
        return json_answer(page.document)

    async def _page(self, path: str, query: str, fresh_s: float, *, or_older: bool = False) -> Page:
        known, since = self._kept.get((path, query), (None, 0.0))
        if known is not None and time.monotonic() - since < fresh_s:
            return known
        try:
            page = await self.upstream.page(path, query, f"a list at {path}", None)
        except (MirrorOffline, UpstreamUnavailable):
            if known is None or not or_older:
                raise
            return known
        kept = sum(len(page.document) for page, _ in self._kept.values())
        if kept + len(page.document) > _MOST_ITEMS_KEPT or len(self._kept) >= _MOST_PAGES_KEPT:
            self._kept.clear()
        self._kept[path, query] = (page, time.monotonic())
        return page

    def _rulings(self, kind: RepoKind, items: Iterable[Json], asks: Audience) -> dict[str, Ruling]:
        """What is decided about `main` of each, as it is given here: an older commit's decision may be the one."""
        names = {str(item.get("id")) for item in items}
        try:
            rules = self.rules.now()
        except NothingInForce:
            # A list promises nothing, and nothing in it can be had.
            return {}
        audience = rules.audience(asks)
        with self.database.read() as session:
            rulings = of_main.in_force(session, kind, names, rules.digest, audience)
            refused = [name for name, ruling in rulings.items() if ruling.outcome is not Outcome.ALLOW]
            if refused and rules.policy.branches is not Branches.STRICT:
                rulings |= of_main.newest_allowed(session, kind, refused, rules.digest, audience)
        return rulings

    def _remembered(self, request: Request, kind: RepoKind) -> list[Json]:
        asked = dict(request.query)
        with self.database.read() as session:
            found = snapshots.remembered(session, kind, asked.get("search", ""), asked.get("author", ""))
        return arranged(found, request.values("filter"), asked.get("sort", ""), asked.get("limit", ""))


def next_link(address: str, query: str) -> str:
    """The header of a list that goes on, at our own address; JavaScript wants it absolute, with a blank."""
    return f'<{address}?{query}>; rel="next"'


def shown(items: Iterable[Json], rulings: dict[str, Ruling], *, hide: bool) -> list[Json]:
    """The items with our marks, and nothing that looks like one and is not ours."""
    marked: list[Json] = []
    for item in items:
        ruling = rulings.get(str(item.get("id")))
        told = {key: value for key, value in item.items() if key != "curator"}
        if isinstance(told.get("tags"), list):
            told["tags"] = [tag for tag in told["tags"] if not str(tag).startswith("curator:")]
        if ruling is not None:
            if hide and ruling.outcome is not Outcome.ALLOW:
                continue
            if ruling.outcome in _OUTCOME_TAGS:
                told["tags"] = [*told.get("tags", []), _OUTCOME_TAGS[ruling.outcome]]
            told["curator"] = {
                "outcome": ruling.outcome.value,
                "rule": ruling.rules[0] if ruling.rules else None,
                "decision": ruling.id,
            }
        marked.append(told)
    return marked


def arranged(found: Iterable[Snapshot], tags: Iterable[str], sort: str, limit: str) -> list[Json]:
    """What is remembered, as the Hub would list it; less than the Hub says of each."""
    wanted = list(tags)
    infos = [snapshot.info for snapshot in found if all(tag in _tags(snapshot.info) for tag in wanted)]
    if sort in _SORTS:
        kind = _SORTS[sort]
        infos.sort(key=lambda info: value if isinstance(value := info.get(sort), kind) else kind(), reverse=True)
    most = int(limit) if limit.isdecimal() and len(limit) < 9 else len(infos)
    return [{key: value for key, value in info.items() if key != "siblings"} for info in infos[:most]]


def _tags(info: Json) -> list[Any]:
    tags = info.get("tags")
    return tags if isinstance(tags, list) else []
