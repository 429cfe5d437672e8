"""What the mirror's own addresses work with: the parts of one server process."""

from __future__ import annotations

from dataclasses import dataclass

from curator.admission.catalogue.facets import FacetCounts
from curator.admission.choose import Chooser
from curator.admission.gate import Gate
from curator.admission.inquiry import Inquirer
from curator.admission.resolve import Resolver
from curator.audit.journal import Journal
from curator.audit.verifying import Verifying
from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.people.identity import Identity
from curator.people.sign_in import SignIn
from curator.policy.in_force import RulesInForce
from curator.policy.waivers import Limits
from curator.queue.celery import Sender
from curator.review.targets import Targets
from curator.settings import Settings
from curator.store.blobs import BlobStore
from curator.store.sizes import Sizes
from curator.upstream.client import Upstream
from curator.upstream.connect import seal_of
from curator.web.live import LiveView


@dataclass(frozen=True, slots=True)
class Service:
    """All of them, made when the server starts."""

    settings: Settings
    database: Database
    sender: Sender
    identity: Identity
    sign_in: SignIn
    journal: Journal
    resolver: Resolver
    gate: Gate
    chooser: Chooser
    inquirer: Inquirer
    rules: RulesInForce
    targets: Targets
    upstream: Upstream
    store: BlobStore
    facets: FacetCounts
    sizes: Sizes
    live: LiveView
    verifying: Verifying

    @property
    def seal(self) -> Seal:
        """What secrets in the database are sealed with."""
        return seal_of(self.settings)

    def rule_set(self) -> str:
        """The digest of the rules in force; asks the database."""
        return self.rules.now().digest

    @property
    def limits(self) -> Limits:
        """Of waivers."""
        return Limits(self.settings.waiver_max_days, self.settings.waiver_without_end)
