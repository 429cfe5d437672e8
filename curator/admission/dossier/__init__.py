"""All that is known of one commit, for whoever is to decide about it or wants to use it: for page, API and review."""

from curator.admission.dossier.lineage import lineage
from curator.admission.dossier.load import Desk, difference_to_approved, dossier, findings_of, known_commit
from curator.admission.dossier.said import Dossier, FoundThing, Lineage, standing

__all__ = [
    "Desk",
    "Dossier",
    "FoundThing",
    "Lineage",
    "difference_to_approved",
    "dossier",
    "findings_of",
    "known_commit",
    "lineage",
    "standing",
]
