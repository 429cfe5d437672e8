"""All that is known of one commit, for whoever is to decide about it or wants to use it: for page, API and review."""

from curator.admission.dossier.load import Desk, difference_to_approved, dossier, known_commit
from curator.admission.dossier.said import Dossier

__all__ = ["Desk", "Dossier", "difference_to_approved", "dossier", "known_commit"]
