"""Whose view of catalogue and commits a caller has: his own team's, or all there is."""

from __future__ import annotations

from curator.admission.catalogue.apart import mark_of
from curator.admission.catalogue.said import Viewpoint
from curator.admission.dossier import Desk
from curator.database.engine import now
from curator.errors import CuratorError
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.types import RepoId
from curator.web.service import Service
from scanners.finding import SCANNER_VERSION


class NeverJudged(CuratorError):
    """A repository or a commit that this mirror has decided nothing about, for whoever asks."""

    status = 404

    def __init__(self, repo: RepoId, sha: str | None) -> None:
        what = f"{repo}@{sha}" if sha else str(repo)
        super().__init__(
            f"{what} was not judged here yet: it is when somebody asks for it, such as `curator rules explain {repo}`"
        )


def viewpoint(service: Service, caller: Caller) -> Viewpoint:
    """Of the catalogue; asks the database. Raises `NothingInForce`."""
    rules = service.rules.now()
    if caller.may(Permission.SEE_ALL):
        return Viewpoint(rules.digest, SCANNER_VERSION, now(), None)
    audience = rules.audience(caller.audience)
    return Viewpoint(rules.digest, SCANNER_VERSION, now(), str(audience), mark_of(rules, audience))


def desk(service: Service, caller: Caller) -> Desk:
    """For a dossier; asks the database. Raises `NothingInForce`."""
    return Desk(service.settings, service.store, service.rules.now(), caller.audience, caller.may(Permission.SEE_ALL))
