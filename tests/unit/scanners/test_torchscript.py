"""Archives with code or graphs of their own: what is ordinary is left alone, what reaches out is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.corpus.torches.archives import archive, model
from fixtures.corpus.torches.older import ordinary_tar
from fixtures.corpus.torches.scripts import OBJECT, script
from scanners.finding import Severity, Verdict
from tests.scanning import SHELL, judged, proto, rules, the

ORDINARY = Path("fixtures/corpus/ordinary/torch")


@pytest.mark.parametrize("name", ["scripted.pt", "traced.pt", "frozen.pt", "lite.ptl", "scripted-extra.pt"])
def test_a_model_that_torch_has_scripted_is_safe_and_says_that_it_carries_code(name: str) -> None:
    report = judged((ORDINARY / name).read_bytes(), name)
    assert (report.format, report.verdict, rules(report)) == ("torch-zip", Verdict.SAFE, {"torchscript-code"})
    assert report.metadata["torchscript"] is True


def test_an_exported_graph_is_safe() -> None:
    report = judged((ORDINARY / "exported.pt2").read_bytes(), "exported.pt2")
    assert (report.format, report.verdict, report.findings) == ("torch-export", Verdict.SAFE, ())


def test_a_package_says_which_modules_it_would_run() -> None:
    members = {"p/.data/extern_modules": b"", "p/mine/net.py": b"import os\n", "p/mine/__init__.py": b""}
    report = judged(archive(members), "package.pt")
    assert report.format == "torch-package"
    assert the(report, "torch-package-code").evidence["modules"] == ["mine", "mine.net"]


def test_a_script_that_writes_a_file_is_unsafe_and_says_where() -> None:
    report = judged(script('_0 = torch.save(x, "/tmp/curator.txt")', "return x"), "model.pt")
    finding = the(report, "torchscript-file-access")
    assert (report.verdict, finding.evidence) == (Verdict.UNSAFE, {"operator": "aten::save"})
    assert (finding.where.member, finding.where.line) == ("m/code/__torch__.py", 7)


def test_a_method_of_the_model_that_is_called_save_is_no_operator() -> None:
    assert "torchscript-file-access" not in rules(judged(script("return self.save(x)"), "model.pt"))


def test_an_operator_of_a_foreign_library_is_suspicious() -> None:
    report = judged(script("return ops.acme.run(x)"), "model.pt")
    assert (report.verdict, the(report, "torchscript-custom-operator").severity) == (
        Verdict.SUSPICIOUS,
        Severity.MEDIUM,
    )


def test_python_where_torchscript_should_be_is_unsafe() -> None:
    report = judged(script("import os", 'return os.system("echo curator")'), "model.pt")
    assert "import os" in the(report, "torchscript-python").evidence["found"]


def test_script_that_cannot_be_read_is_suspicious_and_never_silent() -> None:
    content = archive({"m/data.pkl": OBJECT, "m/code/__torch__.py": b"class (", "m/version": b"3\n"})
    report = judged(content, "model.pt")
    assert (report.verdict, report.complete) == (Verdict.SUSPICIOUS, True)


def test_a_pickle_in_the_place_of_a_tensor_is_found() -> None:
    report = judged(model(proto(b"}"), {"m/data/0": proto(SHELL)}), "model.pt")
    assert {"torch-unexpected-member", "pickle-executes-code"} <= rules(report)


def test_a_distributed_checkpoint_is_cut_into_its_archives_and_each_is_judged() -> None:
    shards = (ORDINARY / "__0_0.distcp").read_bytes()
    report = judged(shards, "__0_0.distcp")
    assert (report.format, report.verdict, report.findings) == ("torch-shards", Verdict.SAFE, ())
    poisoned = judged(shards + model(proto(SHELL)) + shards, "__0_0.distcp")
    assert str(the(poisoned, "pickle-executes-code").where.member).endswith("m/data.pkl")


def test_pytorchs_first_format_is_judged_member_by_member() -> None:
    report = judged(ordinary_tar(), "model.pth")
    assert (report.format, report.verdict, report.complete) == ("torch-tar", Verdict.SAFE, True)
