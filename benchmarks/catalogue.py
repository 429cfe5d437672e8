"""What the catalog and the page of a commit take of a database as years of use by a bank leave it.

    python -m benchmarks.catalogue [--url sqlite:////tmp/big/curator.db] [--repositories 100000] [--rows 10000000]

Made by `benchmarks.big_database` where there is none, and taken into the catalogue as a server does after an upgrade.
"mirror" is the verb behind each list, search, facet and page; "bare" is one row of the catalogue by its key, in the
same run. Rendering a page takes some 5 ms more.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlmodel import Session, select

from benchmarks import measure
from benchmarks.big_database import REPOSITORIES, ROWS, build
from benchmarks.results import Results, Target
from curator.admission.catalogue import search
from curator.admission.catalogue.facets import FacetCounts
from curator.admission.catalogue.fill import fill_some
from curator.admission.catalogue.said import Query, Sort, Viewpoint
from curator.admission.catalogue.tables import CatalogueRow
from curator.admission.dossier import Desk, dossier, known_commit
from curator.database.engine import Database, now
from curator.policy.in_force import InForce, policy_in_force
from curator.settings import Settings
from curator.types import RepoId
from rules.circumstances import EVERYBODY, Circumstances
from scanners.finding import SCANNER_VERSION

_TIMES = 15
_MOST_MS = 150.0
QUERIES = {
    "list by name": Query(),
    "list by newest": Query(sort=Sort.NEWEST),
    "list by use": Query(sort=Sort.USED),
    "search, many": Query(search="model-1"),
    "search, one": Query(search="org7/model-7007"),
    "search, none": Query(search="nothing-like-it"),
    "of a task": Query(task="text-generation"),
    "of a licence": Query(licence="permissive"),
    "of a publisher": Query(publisher="org7"),
    "of a size": Query(size="medium"),
    "of a format": Query(format="safetensors"),
    "blocked": Query(verdict="block"),
    "to be judged": Query(verdict="again"),
    "all at once": Query(search="9", task="fill-mask", licence="copyleft", size="huge", format="gguf", verdict="block"),
}


def main() -> None:
    parser = measure.parser(__doc__, rounds=1)
    parser.add_argument("--url", help="Where the database is, or is to be made (default: a folder of its own).")
    parser.add_argument("--repositories", type=int, default=REPOSITORIES)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    results = Results("catalog and page of a commit", options, "bare")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder:
        url = options.url or f"sqlite:///{folder}/curator.db"
        if not url.startswith("sqlite:///") or not Path(url.removeprefix("sqlite:///")).exists():
            build(url, options.repositories, options.rows)
        database = Database(url)
        database.migrate()
        while not fill_some(database):
            pass
        for _ in range(options.rounds):
            _measure(database, results)
        database.close()
    results.targets = [
        Target(case, "mirror", "ms", at_most=_MOST_MS) for case in [*QUERIES, "facets, anew", "facets, kept", "page"]
    ]
    results.report()


def _measure(database: Database, results: Results) -> None:
    with database.read() as session:
        policy = policy_in_force(session)
        some = session.exec(select(CatalogueRow).limit(1)).one()
    view = Viewpoint(policy.digest, SCANNER_VERSION, now(), "")

    def bare(session: Session) -> None:
        session.get_one(CatalogueRow, (some.kind, some.repo, some.audience))

    for case, query in QUERIES.items():
        results.add(case, "bare", ms=_ms(database, bare))
        results.add(case, "mirror", ms=_ms(database, partial(_list, query, view)))
    desk = Desk(Settings(), None, InForce((0, 0), policy, Circumstances()), EVERYBODY, sees_all=True)
    repo = RepoId.parse(some.repo)

    def page(session: Session) -> None:
        commit = known_commit(session, repo, None, desk)
        assert commit is not None
        dossier(session, commit, desk)

    results.add("page", "bare", ms=_ms(database, bare))
    results.add("page", "mirror", ms=_ms(database, page))
    _facets(database, results, view, bare)


def _facets(database: Database, results: Results, view: Viewpoint, bare: Callable[[Session], None]) -> None:
    anew = []
    for _ in range(3):
        counts = FacetCounts(database)
        began = time.perf_counter()
        counts.of(Query(), view, 60)
        anew.append((time.perf_counter() - began) * 1e3)
        kept = _ms(database, partial(_kept, counts, view))
        counts.close()
    for case, value in (("facets, anew", statistics.median(anew)), ("facets, kept", kept)):
        results.add(case, "bare", ms=_ms(database, bare))
        results.add(case, "mirror", ms=value)


def _list(query: Query, view: Viewpoint, session: Session) -> None:
    search.page(session, query, view)


def _kept(counts: FacetCounts, view: Viewpoint, _: Session) -> None:
    counts.of(Query(task="text-generation"), view)


def _ms(database: Database, ask: Callable[[Session], object]) -> float:
    """The median of several, each with a session of its own, as a page has."""
    taken = []
    for _ in range(_TIMES):
        with database.read() as session:
            began = time.perf_counter()
            ask(session)
            taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
