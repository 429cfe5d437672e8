"""Whatever a template, a configuration or a list of packages is, there is a report; and no spelling hides a dunder."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus.ordinary_templates import ORDINARY
from fixtures.corpus.templates import SPELLINGS, WALKS
from scanners.finding import Report, Verdict
from scanners.scan import scan
from scanners.source import MemorySource

NAMES = [
    "chat_template.jinja", "config.json", "a.yaml", "pyproject.toml", "setup.cfg", "requirements.txt", "README.md",
    "Modelfile", "environment.yml", "package.json", "notes.txt", ".gitmodules", "tokenizer_config.json", "Pipfile.lock",
    "MLmodel", "bentofile.yaml", "tools.json", "Dockerfile", "uv.toml", ".condarc", "adapter_config.json",
    "spec-file.txt", ".npmrc", "rules.mdc",
]  # fmt: skip
CODE = "{{ }} {% %} {# ' | attr x __class__ [ ] ( ) ~ for a in b set if endif macro m() 1 * range( == , { } \\ \\u005f"
SETTINGS = '_target_: - &a *a !!python/name: os.system = ==1.0 @ git+ // /* hf_ ://u:p@ [a] %TAG ! << --- "'
PIECES = st.sampled_from([*CODE.split(), *SETTINGS.split(), "\n", " ", "  ", "\t"])
keys = st.one_of(
    st.text(max_size=10),
    st.sampled_from(
        [
            "_target_",
            "auto_map",
            "auto_mapping",
            "parent_library",
            "base_model_name_or_path",
            "()",
            "handlers",
            "filename",
            "backbone",
            "activation",
            "python_function",
            "docker",
            "python",
            "packages",
            "pip_args",
            "custom_imports",
            "imports",
            "import_path",
            "runtime_env",
            "pip",
            "variables",
            "channels",
            "description",
            "parameters",
            "types",
            "structure",
            "chat_template",
            "weight_map",
            "mcpServers",
            "servers",
            "scripts",
            "tasks",
            "hooks",
            "command",
            "args",
            "custom_pipelines",
            "_class_name",
            "type",
            "path",
            "name",
            "module",
            "class_name",
            "config",
            "py/object",
            "lc",
            "id",
            "dependencies",
            "_meta",
            "default",
            "auto_mapping",
            "services",
            "jobs",
            "repos",
            "channels",
            "source",
            "tool",
        ]
    ),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=20,
)


def judged(content: bytes, name: str) -> Report:
    report = scan(MemorySource(content), name, engines=False)
    assert "failed" not in (report.unscannable or "")
    return report


@given(st.sampled_from(NAMES), st.binary(max_size=300))
def test_any_bytes_end_in_a_report(name: str, content: bytes) -> None:
    judged(content, name)


@given(st.sampled_from(NAMES), st.lists(PIECES, max_size=40))
def test_any_pieces_end_in_a_report(name: str, pieces: list[str]) -> None:
    judged("".join(pieces).encode(), name)


@given(values, st.sampled_from(["config.json", "package.json", "a.yaml", "Pipfile.lock"]))
def test_any_document_ends_in_a_report(document: object, name: str) -> None:
    judged(json.dumps(document).encode(), name)


@given(st.sampled_from(sorted(ORDINARY)), st.data())
def test_a_template_cut_anywhere_is_not_unsafe(name: str, data: st.DataObject) -> None:
    template = ORDINARY[name]
    cut = data.draw(st.integers(0, len(template)))
    assert judged(template[:cut].encode(), "chat_template.jinja").verdict is not Verdict.UNSAFE


@pytest.mark.parametrize("ordinary", sorted(ORDINARY))
@pytest.mark.parametrize("unsafe", ["lipsum", "in-a-macro"])
def test_no_honest_template_around_it_hides_a_walk(ordinary: str, unsafe: str) -> None:
    for content in (ORDINARY[ordinary] + WALKS[unsafe], WALKS[unsafe] + ORDINARY[ordinary]):
        assert judged(content.encode(), "chat_template.jinja").verdict is Verdict.UNSAFE


@given(st.sampled_from(sorted(SPELLINGS)), st.text("abc \n", max_size=20), st.text("abc \n", max_size=20))
def test_no_text_around_it_hides_a_spelling(name: str, before: str, after: str) -> None:
    assert judged((before + SPELLINGS[name] + after).encode(), "chat_template.jinja").verdict is Verdict.UNSAFE
