"""Whatever two commits have in them, their difference is total, bounded, and empty for the same one twice."""

from __future__ import annotations

import datetime as dt
import json
import time

from hypothesis import given
from hypothesis import strategies as st

from curator.admission.difference import Side, Weight, difference
from rules.facts import Facts, FileFacts, FindingFacts, Kind, OwnerFacts, Role, Severity, Verdict

AT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
TEXT = st.text(max_size=60)
PATHS = st.sampled_from(
    [
        "README.md",
        "config.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "requirements.txt",
        "run.py",
        "a/b.bin",
    ]
)
FINDINGS = st.builds(
    FindingFacts, rule=st.sampled_from(["one", "two"]), severity=st.sampled_from(Severity), message=TEXT
)
FILES = st.builds(
    FileFacts,
    path=PATHS,
    size=st.integers(0, 10**12),
    blob=st.sampled_from(["sha256:" + "1" * 64, "sha256:" + "2" * 64]),
    format=st.sampled_from(["json", "pickle", "text"]),
    verdict=st.sampled_from(Verdict),
    role=st.sampled_from(Role),
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.dictionaries(PATHS, TEXT | JSON.map(json.dumps), max_size=5)
METADATA = st.dictionaries(
    PATHS, st.fixed_dictionaries({}, optional={"imports": JSON, "code": JSON, "tensor_map": JSON}), max_size=4
)


@st.composite
def sides(draw: st.DrawFn) -> Side:
    files = draw(st.lists(FILES, max_size=5, unique_by=lambda file: file.path))
    facts = Facts(
        repository="acme/tiny",
        kind=Kind.MODEL,
        namespace="acme",
        name="tiny",
        commit=draw(st.sampled_from(["1" * 40, "2" * 40])),
        observed_at=AT,
        files=tuple(files),
        downloads=draw(st.integers(0, 10**9)),
        owner=OwnerFacts(changed=draw(st.booleans()), why=draw(TEXT)),
        code_from=tuple(draw(st.lists(TEXT, max_size=2))),
    )
    return Side(facts, draw(METADATA), draw(TEXTS))


@given(sides(), sides())
def test_any_two_commits_have_a_difference_that_is_json(before: Side, after: Side) -> None:
    found = difference(before, after)
    document = json.loads(json.dumps(found.as_json()))
    assert document["schema"] == "curator.difference/1"
    weights = [list(Weight).index(change.weight) for change in found.changes]
    assert weights == sorted(weights), "what matters most comes first"
    assert found.sentence.endswith(".")


@given(sides())
def test_the_same_commit_twice_has_none(side: Side) -> None:
    found = difference(side, side)
    assert (found.changes, found.texts, found.material) == ((), (), False)
    assert found.sentence == "Nothing is otherwise than in the last approved commit."


@given(sides(), sides())
def test_each_file_that_is_new_or_gone_is_named(before: Side, after: Side) -> None:
    found = difference(before, after)
    old, new = ({file.path for file in side.facts.files} for side in (before, after))
    said = {(change.how, change.path) for change in found.changes if change.group == "files"}
    assert {path for how, path in said if how == "added"} == new - old
    assert {path for how, path in said if how == "removed"} == old - new


def _with(texts: dict[str, str], **metadata: object) -> Side:
    facts = Facts(
        repository="acme/tiny",
        kind=Kind.MODEL,
        name="tiny",
        commit="1" * 40,
        observed_at=AT,
        files=tuple(
            FileFacts(
                path=path,
                size=len(text),
                blob=f"sha256:{hash(text) % 10**60:064d}",
                format="text",
                verdict=Verdict.SAFE,
                role=Role.TEXT,
            )
            for path, text in texts.items()
        ),
    )
    return Side(facts, {"model.bin": metadata} if metadata else {}, texts)


def test_a_new_dangerous_import_and_remote_code_are_what_a_reviewer_sees_first() -> None:
    before = _with({"config.json": '{"model_type": "bert"}', "README.md": "a\n"}, imports={"torch.Size": "harmless"})
    after = _with(
        {"config.json": '{"model_type": "bert", "auto_map": {"AutoModel": "x.Y"}}', "README.md": "b\n"},
        imports={"torch.Size": "harmless", "posix.system": "dangerous"},
    )
    found = difference(before, after)
    grave = [change.sentence for change in found.of("grave")]
    assert grave == [
        "model.bin now imports posix.system (dangerous).",
        'config.json sets auto_map.AutoModel to "x.Y".',
    ]
    assert found.material
    assert found.sentence == "Since the last approved commit: 2 grave changes."


def test_another_card_alone_is_nothing_material_and_said_in_one_line() -> None:
    found = difference(_with({"README.md": "one\ntwo\n"}), _with({"README.md": "one\nthree\n"}))
    assert not found.material
    assert found.sentence == "Nothing material changed since the last approved commit (files: 1, card: 1)."
    assert [(line.how, line.text) for line in found.texts[0].lines][:3] == [
        ("same", "one"),
        ("removed", "two"),
        ("added", "three"),
    ]


def test_the_chat_template_within_a_document_is_shown_line_by_line() -> None:
    before = _with({"tokenizer_config.json": json.dumps({"chat_template": "{{ a }}\n{{ b }}"})})
    after = _with({"tokenizer_config.json": json.dumps({"chat_template": "{{ a }}\n{{ evil }}"})})
    found = difference(before, after)
    (text,) = found.texts
    assert text.title == "The chat template in tokenizer_config.json"
    assert ("added", "{{ evil }}") in [(line.how, line.text) for line in text.lines]
    assert found.material


def test_texts_that_are_made_to_take_long_do_not() -> None:
    texts = [
        "\n".join("ab"[n * n % 7 % 2] for n in range(1_000)),
        "\n".join("ab"[n * n * n % 11 % 2] for n in range(1_000)),
        "\n".join(str(n * 7 % 97) for n in range(1_000)),
        "\n".join(str(n * 5 % 101) for n in range(1_000)),
        "x" * 64_000,
        "\n" * 64_000,
        "{" * 60_000,
    ]
    began = time.process_time()
    for one in texts:
        for other in texts:
            found = difference(_with({"README.md": one}), _with({"README.md": other}))
            assert sum(len(text.lines) for text in found.texts) <= 400
    assert (time.process_time() - began) / len(texts) ** 2 < 1
