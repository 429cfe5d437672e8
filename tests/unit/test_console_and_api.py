"""The console uses nothing that the API lacks: what each form does, an operation of the API does, too."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import MagicMock

from fastapi.routing import APIRoute

from curator.api.routes import api_routes
from curator.console.render import HERE
from curator.console.routes import console_routes
from curator.web.openapi import api_document

FORMS = {
    "/-/account": {"change_account"},
    "/-/account/sign-in/end": {"end_session"},
    "/-/people/users/{login}/sessions/end": {"end_session"},
    "/-/account/sign-in/password": {"change_password"},
    "/-/account/tokens": {"create_own_token"},
    "/-/account/tokens/{token_id}/revoke": {"revoke_own_token"},
    "/-/account/tokens/{token_id}/rotate": {"rotate_own_token"},
    "/-/activity/holds": {"place_hold"},
    "/-/activity/holds/{hold_id}/end": {"end_hold"},
    "/-/activity/verify": {"verify_record"},
    "/-/evidence": {"take_evidence"},
    "/-/incidents/new": {"open_incident"},
    "/-/incidents/{incident_id}/lift": {"lift_incident"},
    "/-/incidents/{incident_id}/teams": {"answer_incident"},
    "/-/judge": {"check_repositories"},
    "/-/notices/choices": {"choose_notices"},
    "/-/notices/read": {"read_notices"},
    "/-/notices/test": {"test_mail"},
    "/-/notices/webhooks": {"create_webhook"},
    "/-/notices/webhooks/{webhook_id}/{verb}": {
        "change_webhook",
        "end_webhook",
        "enable_webhook",
        "replay_delivery",
        "replay_webhook",
        "rotate_webhook_secret",
        "test_webhook",
    },
    "/-/people/teams": {"create_team"},
    "/-/people/teams/{name}/end": {"end_team"},
    "/-/people/teams/{name}/mailbox": {"set_mailbox", "test_mailbox", "end_mailbox"},
    "/-/people/teams/{name}/members": {"add_member", "remove_member"},
    "/-/people/teams/{name}/projects": {"create_project", "end_project"},
    "/-/people/tokens": {"create_token"},
    "/-/people/tokens/{token_id}/revoke": {"revoke_token"},
    "/-/people/tokens/{token_id}/rotate": {"rotate_token"},
    "/-/people/users": {"create_user", "invite_user"},
    "/-/people/users/{login}": {"change_user"},
    "/-/people/users/{login}/disable": {"disable_user"},
    "/-/people/users/{login}/enable": {"enable_user"},
    "/-/people/users/{login}/invite": {"invite_user"},
    "/-/people/users/{login}/link": {"link_user"},
    "/-/people/users/{login}/unlink": {"unlink_user"},
    "/-/people/users/{login}/same": {"say_same_person", "say_apart"},
    "/-/requests/new": {"ask_exception"},
    "/-/requests/{request_id}": {"reply_to_reviewer", "withdraw_request"},
    "/-/review/proposals/{proposal_id}": {"second_proposal"},
    "/-/review/several": {"answer_queue"},
    "/-/review/{item_id}": {"answer_queue"},
    "/-/rules/check": {"check_rules"},
    "/-/rules/discard": {"discard_draft"},
    "/-/rules/edit": {"save_draft", "check_rules", "run_rule_tests", "try_rules", "edit_dry_run", "preview_rules"},
    "/-/rules/publish": {"publish_rules"},
    "/-/rules/rollback/{digest}": {"roll_rules_back", "try_rules"},
    "/-/rules/trials/{trial_id}/cancel": {"cancel_trial"},
}
"""By the address that a form is sent to: the operations that do the same."""
IN_A_BROWSER_ALONE = {
    "/-/choose-password/{secret}",
    "/-/link-account/{secret}",
    "/-/sign-in",
    "/-/sign-in/first",
    "/-/sign-out",
    "/-/theme",
}
"""What begins and ends a session of a browser, or dresses it: a program has a token, and the first account is made on
the server's own machine by `curator user create`."""
PAGES = {
    "/-/": {"show_state", "show_traffic", "list_changes", "list_queue", "list_requests"},
    "/-/account": {"get_account", "list_own_tokens"},
    "/-/account/sign-in": {"list_sessions"},
    "/-/activity": {"list_record", "get_record_row", "get_record_state"},
    "/-/activity/export": {"export_record"},
    "/-/activity/holds": {"list_holds"},
    "/-/api": {"describe_api"},
    "/-/api/openapi.json": {"describe_api"},
    "/-/catalog": {"list_catalog", "count_catalog"},
    "/-/datasets/{repo:path}": {"get_dossier", "get_newest_dossier", "list_uses"},
    "/-/decisions/{decision_id}": {"get_decision"},
    "/-/incidents": {"list_incidents"},
    "/-/incidents/new": {"preview_incident"},
    "/-/incidents/{incident_id}": {
        "get_incident",
        "list_incident_users",
        "list_incident_descendants",
        "list_incident_notices",
    },
    "/-/live": {"show_live"},
    "/-/live/events": {"show_live"},
    "/-/models/{repo:path}": {"get_dossier", "get_newest_dossier", "list_uses"},
    "/-/notices": {"list_notices"},
    "/-/notices/choices": {"get_notice_choices"},
    "/-/notices/webhooks": {"list_webhooks"},
    "/-/notices/webhooks/{webhook_id}": {"get_webhook", "list_deliveries"},
    "/-/people": {"list_users"},
    "/-/people/projects": {"list_projects"},
    "/-/people/teams": {"list_teams"},
    "/-/people/teams/{name}": {"get_team", "get_mailbox", "list_users", "list_projects", "list_tokens"},
    "/-/people/teams/{name}/mailbox": {"get_mailbox"},
    "/-/people/tokens": {"list_tokens"},
    "/-/people/users/{login}": {"get_user", "list_tokens", "list_sessions"},
    "/-/requests": {"list_requests"},
    "/-/requests/new": {"get_decision"},
    "/-/requests/{request_id}": {"get_request"},
    "/-/review": {"list_queue", "list_proposals"},
    "/-/review/groups": {"group_queue"},
    "/-/review/several": {"list_queue", "answer_queue"},
    "/-/review/{item_id}": {"get_queue_item", "answer_queue"},
    "/-/rules": {"get_rules", "list_rules"},
    "/-/rules/changes/{change_id}": {"compare_rules"},
    "/-/rules/draft.yaml": {"get_draft"},
    "/-/rules/edit": {"get_draft"},
    "/-/rules/history": {"list_rule_changes"},
    "/-/rules/publish": {"preview_rules"},
    "/-/rules/rollback/{digest}": {"compare_rules"},
    "/-/rules/text": {"get_rules_text"},
    "/-/rules/text/{digest}.yaml": {"get_rules_text"},
    "/-/rules/trials": {"list_trials"},
    "/-/rules/trials/{trial_id}": {"get_trial"},
    "/-/settings": {"show_settings", "show_state"},
    "/-/spaces/{repo:path}": {"get_dossier", "get_newest_dossier", "list_uses"},
}
"""By the address of a page: the operations that say what it shows."""
WITHOUT_DATA = {
    "/-/choose-password/{secret}",
    "/-/link-account/{secret}",
    "/-/sign-in",
    "/-/sign-in/answer",
    "/-/sign-in/first",
    "/-/sign-in/oidc",
    "/-/signed-out",
    "/-/static/{digest}/{name}",
    "/favicon.ico",
    "/robots.txt",
}
_FORM = re.compile(r'<form method="post" action="\{\{ root \}\}([^"]*)"')


def addresses(method: str) -> set[str]:
    routes = [route for router in console_routes(MagicMock()) for route in router.routes]
    return {route.path for route in routes if isinstance(route, APIRoute) and method in (route.methods or ())}


def known_operations() -> set[str]:
    routes = [route for router in api_routes(MagicMock()) for route in router.routes]
    described = api_document(routes, "")["paths"].values()
    return {operation["operationId"] for item in described for operation in item.values()}


def test_what_a_form_does_an_operation_of_the_api_does() -> None:
    assert addresses("POST") - IN_A_BROWSER_ALONE == FORMS.keys()
    assert set[str]().union(*FORMS.values()) <= known_operations()


def test_what_a_page_shows_an_operation_of_the_api_says() -> None:
    assert addresses("GET") - WITHOUT_DATA == PAGES.keys()
    assert set[str]().union(*PAGES.values()) <= known_operations()


def test_every_form_is_sent_to_an_address_of_the_console() -> None:
    patterns = [re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)) for path in addresses("POST")]
    for template in (HERE / "templates").glob("*.html"):
        for action in forms(template):
            known = action.startswith("*") or any(one.fullmatch(action) for one in patterns)
            assert known, f"{template.name}: {action}"


def forms(template: Path) -> set[str]:
    """Where the forms of a template are sent, with `*` for what stands for something, and without the query."""
    actions = _FORM.findall(template.read_text())
    return {re.sub(r"\{\{ '\?'[^}]*\}\}$", "", re.sub(r"\{\{ [\w.]+ \}\}", "*", action)) for action in actions}


def test_every_form_has_its_token_first() -> None:
    for template in (HERE / "templates").glob("*.html"):
        text = template.read_text()
        for start in re.finditer(r'<form method="post"[^>]*>', text):
            first = text[start.end() :].lstrip()
            # Whoever signs in has no session yet that a token could be bound to.
            assert first.startswith(("{{ form_token }}", "{{ first_token }}")), f"{template.name}: {start[0]}"
