"""What a dossier makes of facts: lines to paste that are right and safe, a lineage that fits, scanners side by side."""

from __future__ import annotations

import ast
import datetime as dt
import shlex
from typing import Any

import pytest

from curator.admission.dossier.contents import engines
from curator.admission.dossier.lineage import MOST_NODES, lineage
from curator.admission.dossier.usage import usage
from curator.console.drawing import drawn
from curator.types import Commit, RepoId, RepoKind
from rules.facts import (
    ConflictFacts,
    Facts,
    FileFacts,
    FindingFacts,
    HopFacts,
    Kind,
    LineageFacts,
    Role,
    Severity,
    Verdict,
)
from scanners.finding import Report

SHA = "1" * 40
URL = "https://models.acme.example"


def file(path: str, form: str = "safetensors", size: int = 10, *findings: FindingFacts) -> FileFacts:
    return FileFacts(
        path=path,
        size=size,
        blob="sha256:" + "2" * 64,
        format=form,
        verdict=Verdict.SAFE,
        role=Role.WEIGHTS,
        findings=findings,
    )


def facts(*files: FileFacts, **more: Any) -> Facts:
    return Facts(
        repository="acme/tiny",
        kind=more.pop("kind", Kind.MODEL),
        namespace="acme",
        name="tiny",
        commit=SHA,
        observed_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        files=files,
        **more,
    )


def lines(of: Facts, left_out: frozenset[str] = frozenset()) -> dict[str, str]:
    commit = Commit(RepoId.parse("acme/tiny", RepoKind(of.kind.value)), SHA)
    return {one.tool: one.lines for one in usage(commit, of, URL, left_out)}


CONFIG = file("config.json", "json")


@pytest.mark.parametrize(
    ("of", "tools"),
    [
        (facts(CONFIG, file("m.safetensors"), pipeline_tag="text-generation"), {"transformers", "vLLM", "hf"}),
        (facts(CONFIG, file("m.safetensors"), pipeline_tag="fill-mask"), {"transformers", "hf"}),
        (facts(CONFIG, file("m.safetensors")), {"transformers", "hf"}),
        (facts(file("model_index.json", "json"), library="diffusers"), {"diffusers", "hf"}),
        (facts(CONFIG, file("m"), library="sentence-transformers"), {"sentence-transformers", "transformers", "hf"}),
        (facts(file("adapter_config.json", "json"), file("adapter.safetensors")), {"peft", "hf"}),
        (facts(file("m.gguf", "gguf")), {"llama.cpp", "hf"}),
        (facts(file("m.onnx", "onnx")), {"hf"}),
        (facts(file("rows.parquet", "parquet"), kind=Kind.DATASET), {"datasets", "hf"}),
    ],
)
def test_each_program_that_can_use_it_is_told_how_and_names_the_commit(of: Facts, tools: set[str]) -> None:
    told = lines(of)
    assert set(told) == tools
    for tool, text in told.items():
        assert SHA in text, tool
        assert URL in text, tool
        if text.startswith("import"):
            ast.parse(text)
            assert text.index("HF_ENDPOINT") < text.index("from ")


def test_of_many_gguf_files_the_usual_one_is_named_and_never_one_that_is_left_out() -> None:
    names = ("m-f16.gguf", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "big-00002-of-00002.gguf")
    of = facts(*(file(name, "gguf", size) for size, name in enumerate(names, 1)))
    assert "-m m-Q4_K_M.gguf" in lines(of)["llama.cpp"]
    assert "-m m-Q8_0.gguf" in lines(of, frozenset({"m-Q4_K_M.gguf"}))["llama.cpp"]


@pytest.mark.parametrize("name", ["a b.gguf", "$(reboot).gguf", "'; rm -rf ~; '.gguf", "`id`.gguf"])
def test_a_name_that_a_shell_would_obey_is_quoted(name: str) -> None:
    download = lines(facts(file(name, "gguf")))["llama.cpp"].splitlines()[1]
    assert name in shlex.split(download)


def test_nothing_of_a_hostile_card_stands_in_the_lines() -> None:
    of = facts(CONFIG, file("m.safetensors"), pipeline_tag='x"); __import__("os").system("id"); ("')
    assert "system" not in lines(of)["transformers"]
    assert "llama.cpp" not in lines(facts(file("m\u202egnp.gguf", "gguf")))


def hop(child: str, parent: str, depth: int = 1, **more: Any) -> HopFacts:
    return HopFacts(child=child, parent=parent, depth=depth, relation="finetune", **more)


def test_a_lineage_of_hundreds_is_drawn_up_to_a_bound_and_the_rest_is_counted() -> None:
    hops = tuple(hop("acme/tiny" if n == 0 else f"a/{n - 1}", f"a/{n}", n + 1) for n in range(300))
    found = lineage(facts(lineage=LineageFacts(hops=hops)))
    assert (len(found.nodes), found.left_out) == (MOST_NODES, 301 - MOST_NODES)
    assert {edge.parent.lower() for edge in found.edges} <= {node.repo.lower() for node in found.nodes}
    drawn(found)


def test_a_circle_is_drawn_and_a_conflict_is_marked_and_told() -> None:
    hops = (hop("acme/tiny", "b/b", 1, license="llama3"), hop("b/b", "acme/tiny", 2, state="cycle"))
    conflict = ConflictFacts(
        id="terms-dropped", parent="B/b", depth=1, parent_license="llama3", license="MIT", clause="Kept.", cure="Cure."
    )
    found = lineage(facts(lineage=LineageFacts(hops=hops, conflicts=(conflict,))))
    picture = drawn(found)
    assert [box.level for box in picture.boxes] == ["", "conflict"]
    assert len(picture.lines) == 2
    assert picture.words.startswith("acme/tiny goes back to 1 repository; its licence conflicts with that of b/b")
    long = drawn(lineage(facts(lineage=LineageFacts(hops=(hop("acme/tiny", "x" * 90 + "/\u202e" + "y" * 90),)))))
    assert all(len(box.name) <= 30 and "\u202e" not in box.name for box in long.boxes)


def test_where_scanners_disagree_with_ours_is_said_both_ways() -> None:
    ours = FindingFacts(rule="r", severity=Severity.HIGH, message="m")
    theirs = FindingFacts(rule="second-opinion", severity=Severity.LOW, message="m", engine="picklescan")
    of = facts(file("ours.bin", "pickle", 1, ours), file("theirs.bin", "pickle", 1, theirs))
    versions = {"curator": "3", "picklescan": "1", "fickling": "absent: not installed"}
    reports = {(one.blob, one.path): Report(format="pickle", engines=versions) for one in of.files}
    curator, fickling, picklescan = engines(of, reports)
    assert (curator.name, curator.objects_to) == ("curator", ("ours.bin",))
    assert (fickling.files, fickling.objects_to) == (0, ())
    assert (picklescan.only_it, picklescan.not_it) == (("theirs.bin",), ("ours.bin",))
