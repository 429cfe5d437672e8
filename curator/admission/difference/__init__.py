"""What is otherwise in a commit than in the last one that was approved: what a reviewer reads."""

from curator.admission.difference.compare import difference
from curator.admission.difference.said import Change, Difference, Line, TextChange, Weight
from curator.admission.difference.side import Side

__all__ = ["Change", "Difference", "Line", "Side", "TextChange", "Weight", "difference"]
