"""The console uses nothing that the API lacks: what each form does, an operation of the API does, too."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import MagicMock

from curator.api.routes import api_routes
from curator.console.render import HERE
from curator.web.openapi import api_document

FORMS = {
    "/-/rules/edit": {"save_draft", "check_rules", "run_rule_tests", "try_rules", "edit_dry_run", "preview_rules"},
    "/-/rules/discard": {"discard_draft"},
    "/-/rules/trials/*/cancel": {"cancel_trial"},
    "/-/rules/publish": {"publish_rules"},
    "/-/rules/rollback/*": {"roll_rules_back", "try_rules"},
}
"""Of the pages of rules; other pages add their own lines."""
_FORM = re.compile(r'<form method="post" action="\{\{ root \}\}([^"]*)"')


def forms(template: Path) -> set[str]:
    return {re.sub(r"\{\{[^}]*\}\}", "*", action) for action in _FORM.findall(template.read_text())}


def test_what_a_form_of_the_rules_does_an_operation_of_the_api_does() -> None:
    shown = set[str]().union(*(forms(one) for one in (HERE / "templates").glob("rules*.html"))) - {"*"}
    assert shown == FORMS.keys()
    routes = [route for router in api_routes(MagicMock()) for route in router.routes]
    known = {
        operation["operationId"] for item in api_document(routes, "")["paths"].values() for operation in item.values()
    }
    assert set[str]().union(*FORMS.values()) <= known


def test_every_form_has_its_token_first() -> None:
    for template in (HERE / "templates").glob("*.html"):
        text = template.read_text()
        for start in re.finditer(r'<form method="post"[^>]*>', text):
            first = text[start.end() :].lstrip()
            # Whoever signs in has no session yet that a token could be bound to.
            assert first.startswith(("{{ form_token }}", "{{ first_token }}")), f"{template.name}: {start[0]}"
