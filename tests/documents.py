"""The tables of the documentation that are made from the code: `make docs` writes them, a test compares them."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from unittest.mock import MagicMock

from pydantic import BaseModel
from typer.main import get_command

from curator.api.routes import api_routes
from curator.cli.all_commands import cli
from curator.hub.closed import CLOSED
from curator.hub.routes import Closed, Route
from curator.notify.choices import defaults
from curator.notify.kinds import SUBJECTS, Way
from curator.people import roles as roles_module
from curator.people.roles import MAY, Permission, Role
from curator.people.users import ROLES as PERSONS
from curator.settings import TOPICS
from curator.web.configuration import topic_of
from curator.web.openapi import api_document
from rules.conditions import FILE_CONDITIONS, TOGETHER
from rules.form import PLACEHOLDERS, Expectation, PolicyForm, Rule
from rules.measures import Bytes, Count, Days
from rules.schema import rules_schema
from rules.variables import Variable, file_variables, repository_variables
from rules.when import When
from scanners.repository.conflict_rules import Level, knowledge
from scanners.repository.license_list import Entry, hub_licenses, known_licenses, known_terms
from tests.contract import outcomes

DOCS = Path(__file__).parent.parent / "docs"


def settings_table() -> str:
    head = ("environment", "curator.toml", "default", "meaning")
    return "\n".join(f"### {topic_of(next(iter(one.model_fields)))}\n{_table(head, _settings(one))}" for one in TOPICS)


def _settings(topic: type[BaseModel]) -> list[tuple[str, ...]]:
    return [
        (
            f"`CURATOR_{name.upper()}`",
            f"`{name}`",
            "" if field.default is None else f"`{field.default}`",
            str(field.description),
        )
        for name, field in topic.model_fields.items()
    ]


def file_conditions_table() -> str:
    return _conditions(lambda name: name in FILE_CONDITIONS)


def repository_conditions_table() -> str:
    return _conditions(lambda name: name not in FILE_CONDITIONS and name not in TOGETHER)


def rule_fields_table() -> str:
    return _fields(Rule)


def policy_fields_table() -> str:
    return _fields(PolicyForm)


def expectation_fields_table() -> str:
    return _fields(Expectation)


def placeholders_table() -> str:
    return _table(("placeholder", "what it becomes"), [(f"`{name}`", text) for name, text in PLACEHOLDERS.items()])


def repository_variables_table() -> str:
    return _variables(repository_variables())


def file_variables_table() -> str:
    return _variables(file_variables())


def served_routes_table() -> str:
    """From the description of each route: what it is, its addresses, and how it is answered."""
    rows = []
    for route in get_args(Route):
        if route is not Closed:
            first, _, answer = inspect.cleandoc(route.__doc__).partition("\n\n")
            what, _, addresses = first.replace("\n", " ").partition(": ")
            rows.append((addresses.rstrip("."), what, answer.replace("\n", " ")))
    return _table(("address", "what it is", "answer"), rows)


def closed_routes_table() -> str:
    rows = [
        (f"`{closed.pattern}`", f"{closed.status}{', plain text' if closed.for_people else ''}", closed.sentence)
        for closed in CLOSED
    ]
    return _table(("address", "status", "what whoever asks reads"), rows)


def roles_table() -> str:
    """From `MAY`, with what stands under each permission in its module."""
    meant = _meanings(roles_module, Permission.__name__)
    names = list(Role)
    rows = [
        (f"`{one.value}`", meant[one.name], *("yes" if one in MAY[role] else "" for role in names))
        for one in Permission
    ]
    return _table(("permission", "what it is", *(f"`{role.value}`" for role in names)), rows)


def _meanings(module: ModuleType, name: str) -> dict[str, str]:
    """The line under each value of a class, by the value's name."""
    tree = ast.parse(inspect.getsource(module))
    body = next(one.body for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name)
    found: dict[str, str] = {}
    for value, under in pairwise(body):
        if isinstance(value, ast.Assign) and isinstance(under, ast.Expr) and isinstance(under.value, ast.Constant):
            found[ast.unparse(value.targets[0])] = " ".join(str(under.value.value).split())
    return found


def clients_table() -> str:
    return _table(*outcomes.table_rows())


def conflicts_table() -> str:
    """From the data: what each is about, and what mends it, without the names that stand in a real one."""
    words = {"parent": "the ancestor", "parent_license": "the ancestor's licence", "name": "what the licence asks for"}
    rows = [
        (f"`{rule.id}`", f"{rule.level.value}{_softer(rule.softer)}", rule.about, rule.cure.format_map(words))
        for rule in sorted(knowledge().rules.values(), key=lambda rule: list(Level).index(rule.level))
    ]
    return _table(("id", "level", "what it is", "what mends it"), rows)


def _softer(softer: Mapping[str, Level]) -> str:
    return "".join(f"; {level.value} for `{relation}`" for relation, level in softer.items())


def licenses_in_conflict_table() -> str:
    rows = []
    data = knowledge()
    narrower = {
        "wrong-version": frozenset().union(*data.families),
        "notice-missing": data.notice_files,
        "naming-missing": data.names.keys(),
        "built-with-missing": data.sentences.keys(),
    }
    for rule in data.rules.values():
        asking = [entry.id for entry in known_licenses().values() if rule.asked(entry)]
        ids = [f"`{name}`" for name in asking if name in narrower.get(rule.id, asking)]
        if ids and not rule.id.startswith("dataset-"):
            rows.append((f"`{rule.id}`", " ".join(f"`{term}`" for term in sorted(rule.asks)), " ".join(ids)))
    return _table(("id", "terms", "licences"), rows)


def compatible_licenses_table() -> str:
    rows = [
        (f"`{name}`", " ".join(f"`{other}`" for other in sorted(others)))
        for name, others in knowledge().compatible.items()
    ]
    return _table(("licence", "what may take its place"), rows)


def licence_terms_table() -> str:
    rows = [
        (f"`{term.id}`", term.says, term.kept_by, "yes" if term.inherited else "no") for term in known_terms().values()
    ]
    return _table(("term", "what it asks for", "what keeps it", "inherited"), rows)


def hub_licences_table() -> str:
    return _licences(hub_licenses().values())


def other_licences_table() -> str:
    return _licences(entry for name, entry in known_licenses().items() if name not in hub_licenses())


def notices_table() -> str:
    rows = []
    for subject in SUBJECTS:
        told = [f"{role}: {defaults(role).ways[subject.key]}" for role in PERSONS if subject.key in _told(role)]
        types = ", ".join(f"`{kind}`" for kind in subject.types)
        rows.append((subject.title, types, "; ".join(told) or "nobody, unless he chooses so"))
    return _table(("what happens", "type", "told without having chosen"), rows)


def _told(role: Role) -> set[str]:
    return {key for key, way in defaults(role).ways.items() if way is not Way.OFF}


def commands_table() -> str:
    """From what the program itself declares; those that are hidden are no one's to call."""
    rows = [
        (f"`{name}`", _first_sentence(command.help or ""))
        for name, command in _commands(get_command(cli), "curator")
        if not command.hidden
    ]
    return _table(("command", "what it does"), rows)


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    under = getattr(command, "commands", {})
    if not under or command.invoke_without_command:
        yield name, command
    for verb, one in under.items():
        yield from _commands(one, f"{name} {verb}")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.])\s", " ".join(text.split()), maxsplit=1)[0].replace("|", "\\|")


def api_operations_table() -> str:
    """From the API's description of itself; no route is asked anything, so nothing stands behind them."""
    routes = [route for router in api_routes(MagicMock()) for route in router.routes]
    rows = []
    for path, item in api_document(routes, "")["paths"].items():
        for method, operation in item.items():
            wants = ", ".join(f"`{one}`" for one in operation.get("x-permission", ())) or "nothing"
            rows.append((f"`{method.upper()} {path}`", f"`{operation['operationId']}`", operation["summary"], wants))
    return _table(("request", "operation", "what it does", "wants"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "roles": roles_table,
    "served routes": served_routes_table,
    "closed routes": closed_routes_table,
    "policy fields": policy_fields_table,
    "rule fields": rule_fields_table,
    "expectation fields": expectation_fields_table,
    "placeholders": placeholders_table,
    "file conditions": file_conditions_table,
    "repository conditions": repository_conditions_table,
    "repository variables": repository_variables_table,
    "file variables": file_variables_table,
    "clients": clients_table,
    "licence conflicts": conflicts_table,
    "licences in conflict": licenses_in_conflict_table,
    "compatible licences": compatible_licenses_table,
    "licence terms": licence_terms_table,
    "licences of the hub": hub_licences_table,
    "api operations": api_operations_table,
    "commands": commands_table,
    "other licences": other_licences_table,
    "notices": notices_table,
}
"""A page has each between `<!-- table: name -->` and `<!-- end -->`."""
_MEASURES = (
    (Bytes, "size, such as `10 GB`"),
    (Count, "number, such as `100` or `70 billion`"),
    (Days, "time, such as `30` (days) or `6 weeks`"),
)
_PLACE = re.compile(r"<!-- table: ([a-z ]+) -->\n.*?<!-- end -->", re.DOTALL)


def pages() -> list[Path]:
    return [page for page in sorted(DOCS.rglob("*.md")) if "<!-- table: " in page.read_text()]


def with_tables(text: str) -> str:
    """The page as it ought to be."""
    return _PLACE.sub(lambda match: f"<!-- table: {match[1]} -->\n{TABLES[match[1]]()}<!-- end -->", text)


def _fields(form: type[BaseModel]) -> str:
    rows = [(f"`{field.alias or name}`", str(field.description)) for name, field in form.model_fields.items()]
    return _table(("field", "what it is"), rows)


def _licences(entries: Iterable[Entry]) -> str:
    rows = []
    for entry in entries:
        terms = "; ".join(f"`{clause.term}` ({clause.where})" for clause in entry.clauses)
        rows.append((f"`{entry.id}`", f"`{entry.spdx}`", entry.category, terms.replace("|", "\\|")))
    return _table(("id", "SPDX", "class", "terms, and where they stand"), rows)


def _conditions(wanted: Callable[[str], bool]) -> str:
    rows = [
        (f"`{name}`", _values(field.annotation), str(field.description))
        for name, field in When.model_fields.items()
        if wanted(name)
    ]
    return _table(("condition", "value", "holds when"), rows)


def _variables(variables: Iterable[Variable]) -> str:
    rows = [(f"`{variable.name}`", f"`{variable.type}`", variable.description) for variable in variables]
    return _table(("variable", "type", "meaning"), rows)


def _values(annotation: Any) -> str:
    """What one may write, in words."""
    if get_origin(annotation) is Annotated:
        measure = next((words for kind, words in _MEASURES if annotation == kind), None)
        return measure or _values(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        (inner,) = [one for one in get_args(annotation) if one is not NoneType]
        return _values(inner)
    if get_origin(annotation) is tuple:
        return f"list of {_values(get_args(annotation)[0])}"
    if get_origin(annotation) is Literal:
        return " ".join(f"`{value}`" for value in get_args(annotation))
    if isinstance(annotation, type) and hasattr(annotation, "__members__"):
        return " ".join(f"`{member.value}`" for member in annotation.__members__.values())
    return {bool: "`true` or `false`", int: "whole number", float: "number", str: "text"}[annotation]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def schema_text() -> str:
    """`docs/rules.schema.json` as it ought to be."""
    return json.dumps(rules_schema(), indent=2) + "\n"


def main() -> None:
    for page in pages():
        page.write_text(with_tables(page.read_text()))
    (DOCS / "rules.schema.json").write_text(schema_text())


if __name__ == "__main__":
    main()
