"""No page of the console is changed by a form that another site had a browser send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant

from curator.console.forms import first_form, own_form
from curator.database.engine import Database
from curator.settings import Settings
from tests.unit.in_process import Application, application


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder: Path = tmp_path_factory.mktemp("forms")
    settings = Settings(data=folder)
    database = Database(settings.database)
    database.migrate()
    database.close()
    with application(settings) as started:
        yield started


def calls(dependant: Dependant) -> Iterable[object]:
    for one in dependant.dependencies:
        yield one.call
        yield from calls(one)


def test_every_address_of_the_console_that_changes_something_looks_at_where_the_form_came_from(
    running: Application,
) -> None:
    changing = [
        route for route in running.routes() if route.path.startswith("/-/") and not (route.methods or set()) <= {"GET"}
    ]
    assert len(changing) > 5
    careless = [route.path for route in changing if not {own_form, first_form} & set(calls(route.dependant))]
    assert careless == []


def test_who_has_no_session_yet_is_asked_for_what_the_sign_in_page_gave_him(running: Application) -> None:
    first = {route.path for route in running.routes() if first_form in set(calls(route.dependant))}
    assert first == {"/-/sign-in", "/-/choose-password/{secret}", "/-/link-account/{secret}"}
