"""Whatever a repository or the Hub says, it is read to something or to nothing, and never to an error."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from curator.admission.documents import card_of, documents_of
from curator.admission.facts import facts_of
from curator.admission.look import Look, Relative, material
from curator.admission.snapshots import Snapshot
from curator.types import Commit, RepoId
from curator.upstream.about import hub_scan_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(
    ["cardData", "tags", "createdAt", "downloads", "likes", "gated", "safetensors", "gguf", "_id", "securityRepoStatus"]
)
CARD_KEYS = st.sampled_from(["license", "license_name", "license_link", "base_model", "language", "datasets", "tags"])
INFO = st.dictionaries(KEYS, JSON, max_size=6)
CARD = st.dictionaries(CARD_KEYS, JSON, max_size=4)
MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@given(
    st.text(max_size=300)
    | st.text(alphabet="-a:[]{}&*!|>#\n 1\"'", max_size=200).map(lambda text: f"---\n{text}\n---\n")
)
def test_any_card_has_fields_or_none(text: str) -> None:
    json.dumps(card_of(text), default=str)


def test_a_card_cannot_make_much_of_little() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{key}: &{key} [*{before}, *{before}]\n" for before, key in zip("abcd", "bcde", strict=True)
    )
    assert card_of(f"---\n{bomb}---\n") == {}


def test_a_date_in_a_card_stays_what_stands_there() -> None:
    assert card_of("---\nlicense: mit\nreleased: 2026-01-01\n---\n# Hello\n") == {
        "license": "mit",
        "released": "2026-01-01",
    }


@given(st.dictionaries(st.sampled_from(["config.json", "a.yml", "README.md"]), st.text(max_size=200), max_size=3))
def test_any_document_is_read_or_left_out(texts: dict[str, str]) -> None:
    assert documents_of(texts).keys() <= texts.keys()


@given(INFO, CARD, JSON, st.text(max_size=30))
def test_any_answer_makes_facts(info: dict[str, Any], card: dict[str, Any], owner: Any, text: str) -> None:
    relative = Relative(asked="acme/base", repository="acme/base", commit="2" * 40, card=card)
    look = Look(
        owner=owner if isinstance(owner, dict) else None,
        committed_at=text,
        texts={"README.md": f"---\n{json.dumps(card)}\n---\n", "config.json": json.dumps(info), "LICENSE": text},
        relatives=(relative,),
        at=MOMENT,
    )
    snapshot = Snapshot(1, Commit(RepoId.parse("acme/one"), "1" * 40), info, listed=True)
    facts = facts_of(snapshot, [], {}, {}, MOMENT, look)
    assert type(facts).from_json(json.loads(json.dumps(facts.as_json()))) == facts
    assert Look.from_json(json.loads(json.dumps(look.as_json()))).digest == look.digest


@given(INFO)
def test_what_is_material_can_be_compared(info: dict[str, Any]) -> None:
    assert material(info) == material(json.loads(json.dumps(info)))
    assert hub_scan_of(info) in {"safe", "suspicious", "unsafe", "pending", "unknown"}
