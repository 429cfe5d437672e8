"""An explanation as people read it: the answer first, then why, what would change it, and what it rests on.

The same text for the page and for the command line, from the JSON that programs read. Without colours and lines drawn
for a screen, it can be pasted into a mail or a ticket.
"""

from __future__ import annotations

from typing import Any

from curator.admission.explained import decision, facts, origin
from curator.admission.explained.page import PLAIN, Page, Paint

WIDTH = 100


def explanation_text(document: dict[str, Any], width: int = WIDTH, paint: Paint = PLAIN) -> str:
    """`curator.explanation/1` as text of lines no longer than `width`, where words allow."""
    page = Page(width, paint)
    decision.answer(page, document)
    decision.why(page, document)
    decision.people(page, document)
    decision.changes(page, document)
    origin.license(page, document)
    origin.lineage(page, document)
    origin.name(page, document)
    facts.files(page, document)
    facts.standing(page, document)
    decision.others(page, document)
    return page.text()
