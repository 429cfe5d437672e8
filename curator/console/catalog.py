"""What is allowed, held and blocked: searched, narrowed by facets, in pages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from curator.admission.catalogue import search
from curator.admission.catalogue.describe import SIZES
from curator.admission.catalogue.said import AGAIN, FACETS, LONGEST_SEARCH, Facets, Page, Query, Sort, Viewpoint
from curator.console.render import page, root_of
from curator.errors import BadInput
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.types import RepoId, RepoKind
from curator.web.guard import Viewer
from curator.web.service import Service
from curator.web.viewing import viewpoint

_A_PAGE = 50
_LONGEST_VALUE = 200
VERDICTS = {"allow": "Allowed", "hold": "Held", "block": "Blocked", AGAIN: "To be judged"}
_TITLES = {
    "verdict": "Verdict",
    "kind": "Kind",
    "task": "Task",
    "licence": "Licence",
    "size": "Size",
    "format": "Format",
    "publisher": "Publisher",
    "team": "Decided for",
}
_SIZES = {name: words for name, _, words in SIZES}
_SORTS = {Sort.NAME: "Name", Sort.NEWEST: "Newest decision", Sort.USED: "Most used"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet."""

    href: str
    text: str
    count: int
    chosen: bool


def catalog_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    def listed(query: Query, view: Viewpoint, after: str | None) -> Page:
        with service.database.read() as session:
            return search.page(session, query, view, after, _A_PAGE)

    @router.get("/-/catalog")
    async def catalog(request: Request, caller: Viewer) -> HTMLResponse:
        query, after = _query(request.query_params, caller), request.query_params.get("after")
        view = await asyncio.to_thread(viewpoint, service, caller)
        # Side by side: who waits for one of them has the other by then.
        found, facets = await asyncio.gather(
            asyncio.to_thread(listed, query, view, after or None), asyncio.to_thread(service.facets.of, query, view)
        )
        apart = shown_audience(view.audience) if view.audience else ""
        here = f"{root_of(request)}/-/catalog"
        return page(
            request,
            caller,
            "catalog.html",
            query=query,
            found=found,
            named=_is_repository(query.search),
            facets=facets,
            apart=apart,
            groups=_groups(here, query, facets, sees_all=caller.may(Permission.SEE_ALL)),
            chosen=_chosen(here, query),
            sorts=[(_href(here, query, sort=sort.value), text, query.sort is sort) for sort, text in _SORTS.items()],
            next_href=_href(here, query, after=found.next) if found.next else "",
            first_href=_href(here, query) if after else "",
            verdicts=VERDICTS,
            sees_all=caller.may(Permission.SEE_ALL),
        )

    return router


def _is_repository(text: str) -> bool:
    """Whether what somebody looks for has a page of its own, also where nothing is known of it."""
    try:
        return RepoId.parse(text).namespace is not None
    except BadInput:
        return False


def _query(sent: Mapping[str, str], caller: Caller) -> Query:
    """What is looked for; what has no meaning finds nothing, and no sort but ours is known."""
    values = {name: sent[name][:_LONGEST_VALUE] for name in ("verdict", *FACETS) if name in sent}
    if not caller.may(Permission.SEE_ALL):
        values.pop("team", None)
    kind = sent.get("kind", "")
    sort = sent.get("sort", "")
    return Query(
        search=sent.get("q", "").strip()[:LONGEST_SEARCH].replace("\0", ""),
        kind=kind if kind in set(RepoKind) else None,
        sort=Sort(sort) if sort in set(Sort) else Sort.NAME,
        **{name: value.replace("\0", "") for name, value in values.items()},
    )


def _href(here: str, query: Query, **changes: str | None) -> str:
    """The address of the same list, but for these; a page of it is only named where it is asked for."""
    named: dict[str, str | None] = {"q": query.search or None, **query.filters()}
    named["sort"] = query.sort.value if query.sort is not Sort.NAME else None
    named |= changes
    if named.get("sort") == Sort.NAME.value:
        named["sort"] = None
    said = urlencode({name: value for name, value in named.items() if value is not None})
    return f"{here}?{said}" if said else here


def _groups(here: str, query: Query, facets: Facets | None, *, sees_all: bool) -> list[tuple[str, list[Choice]]]:
    groups = []
    filters = query.filters()
    for name, title in _TITLES.items():
        if name == "team" and not sees_all:
            continue
        counts: dict[str, int] = dict(facets.counts.get(name, {})) if facets is not None else {}
        chosen = filters.get(name)
        if chosen is not None:
            counts.setdefault(chosen, 0)
        if len(counts) < 2 and chosen is None:
            continue
        groups.append(
            (
                title,
                [
                    Choice(
                        _href(here, query, **{name: None if value == chosen else value}),
                        _words(name, value),
                        count,
                        value == chosen,
                    )
                    for value, count in counts.items()
                ],
            )
        )
    return groups


def _chosen(here: str, query: Query) -> list[tuple[str, str]]:
    """What the list is narrowed by, each with the address of the list without it."""
    named: list[tuple[str, str]] = []
    if query.search:
        named.append((_href(here, query, q=None), f"Name: {query.search}"))
    for name, value in query.filters().items():
        named.append((_href(here, query, **{name: None}), f"{_TITLES[name]}: {_words(name, value)}"))
    return named


def _words(name: str, value: str) -> str:
    if name == "verdict":
        return VERDICTS.get(value, value)
    if name == "size":
        return _SIZES.get(value, value)
    if name == "kind":
        return f"{value.capitalize()}s"
    if name == "team":
        team, _, project = value.partition("/")
        said = [f"team {team}"] if team else []
        return ", ".join([*said, f"project {project}"] if project else said) or "everybody"
    return value or "none said"


def shown_audience(audience: str) -> str:
    """For whom something was decided, in words."""
    return _words("team", audience)
