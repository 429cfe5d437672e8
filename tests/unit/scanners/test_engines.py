"""Other scanners are heard beside our own reading, and never instead of it."""

from __future__ import annotations

import pickle

import pytest

from scanners.engines import interface
from scanners.engines.interface import engines
from scanners.finding import Severity, Verdict
from scanners.scan import scan
from scanners.source import MemorySource
from tests.scanning import SHELL, TORCH_ZIP, proto


def test_all_are_there_and_say_their_version() -> None:
    versions = {engine.name: version for engine, version in engines().items()}
    assert versions.keys() == {"fickling", "modelscan", "picklescan", "modelaudit-picklescan", "modelaudit"}
    for always in ("fickling", "picklescan", "modelaudit-picklescan"):
        assert versions[always][0].isdigit()
    assert versions["modelaudit"].startswith("absent:"), "it is an extra"


def test_all_object_to_a_pickle_that_opens_a_shell() -> None:
    report = scan(MemorySource(proto(SHELL)), "model.pkl")
    heard = {finding.engine for finding in report.findings if finding.rule == "second-opinion"}
    assert heard == {name for name, version in report.engines.items() if name != "curator" and "absent" not in version}
    assert {"fickling", "picklescan", "modelaudit-picklescan"} <= heard


@pytest.mark.parametrize("content", [pickle.dumps({"a": [1, 2.5, b"x"]}), TORCH_ZIP.read_bytes()])
def test_what_is_clean_stays_clean(content: bytes) -> None:
    report = scan(MemorySource(content), "pytorch_model.bin")
    assert report.verdict is Verdict.SAFE
    assert "fickling" in report.engines


def test_a_second_opinion_alone_is_never_unsafe() -> None:
    class Nervous:
        name = "nervous"

        def version(self) -> str:
            return "1"

        def objections(self, data: bytes) -> list[interface.Objection]:
            return [interface.Objection("It is not to its liking.", Severity.CRITICAL)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interface, "engines", lambda: {Nervous(): "1"})
        report = scan(MemorySource(pickle.dumps([1])), "model.pkl")
    (finding,) = report.findings
    assert (finding.rule, finding.severity, finding.engine) == ("second-opinion", Severity.LOW, "nervous")


def test_an_engine_that_breaks_is_told_and_ours_stands() -> None:
    class Broken:
        name = "broken"

        def version(self) -> str:
            return "1"

        def objections(self, data: bytes) -> list[interface.Objection]:
            raise KeyError(len(data))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interface, "engines", lambda: {Broken(): "1"})
        report = scan(MemorySource(proto(SHELL)), "model.pkl")
    assert report.engines["broken"] == "1; not heard on every stream: it failed with KeyError"
    assert report.verdict is Verdict.UNSAFE
