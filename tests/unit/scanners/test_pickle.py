"""What a pickle would do is read from its opcodes. Every byte string here is only ever read, never loaded."""

from __future__ import annotations

import pickle
import struct
from ipaddress import IPv4Address
from typing import Any

import pytest

from scanners.finding import Severity, Verdict
from tests.scanning import SHELL, call, judged, name, octets, proto, rules, text, the

LOAD = name("torch.storage", "_load_from_bytes")
NAMESPACE = call("types", "SimpleNamespace")


class Shell:
    """As pickle.dumps writes an object that runs a command when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("id",)


# --- dangerous calls --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_calls_os_system_is_unsafe_and_says_the_call(protocol: int) -> None:
    report = judged(pickle.dumps(Shell(), protocol))
    finding = the(report, "pickle-executes-code")
    assert (report.format, report.verdict, finding.severity) == ("pickle", Verdict.UNSAFE, Severity.CRITICAL)
    assert finding.evidence == {"import": "posix.system", "call": "posix.system('id')"}
    assert report.metadata["imports"] == {"posix.system": "dangerous"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(name("os", "system") + text("id") + b"\x85R", id="REDUCE"),
        pytest.param(b"(" + text("id") + b"ios\nsystem\n", id="INST"),
        pytest.param(b"(" + name("os", "system") + text("id") + b"o", id="OBJ"),
        pytest.param(name("os", "system") + text("id") + b"\x85\x81", id="NEWOBJ"),
        pytest.param(name("os", "system") + text("id") + b"\x85}\x92", id="NEWOBJ_EX"),
        pytest.param(text("os") + text("system") + b"\x93" + text("id") + b"\x85R", id="STACK_GLOBAL"),
        pytest.param(
            text("os") + b"\x94" + text("system") + b"\x94" + b"00h\x00h\x01\x93" + text("id") + b"\x85R",
            id="STACK_GLOBAL of the memo",
        ),
        pytest.param(b"\x8c\x02osp0\n0" + b"U\x06systemr\x07\x01\0\x000g0\nj\x07\x01\0\0\x93N\x85R", id="PUT and GET"),
        pytest.param(b"Vo\\u0073\nV\\u0073ystem\n\x93" + text("id") + b"\x85R", id="escaped names"),
        pytest.param(b"S'\\x6fs'\n" + b'S"system"\n\x93N\x85R', id="quoted names"),
        pytest.param(name("os", "system") + b"2" + text("id") + b"\x85R", id="DUP"),
        pytest.param(
            call("_codecs", "encode", text("os"), text("latin1")) + b"0" + SHELL, id="after something harmless"
        ),
        pytest.param(
            call("builtins", "str", text("os")) + text("system") + b"\x93" + text("id") + b"\x85R", id="str()"
        ),
        pytest.param(
            name("functools", "partial") + name("os", "system") + b"\x85R" + text("id") + b"\x85R", id="partial"
        ),
        pytest.param(
            name("collections", "defaultdict") + name("os", "system") + b"\x85R", id="the factory of a defaultdict"
        ),
        pytest.param(
            name("copyreg", "_reconstructor") + name("os", "system") + name("builtins", "object") + b"N\x87R",
            id="_reconstructor",
        ),
        pytest.param(
            name("torch._tensor", "_rebuild_from_type_v2")
            + b"("
            + name("os", "system")
            + name("torch", "Tensor")
            + text("id")
            + b"\x85}tR",
            id="torch's rebuild",
        ),
    ],
)
def test_every_way_to_call_is_seen(body: bytes) -> None:
    report = judged(proto(body))
    assert (report.verdict, report.complete) == (Verdict.UNSAFE, True)
    assert the(report, "pickle-executes-code").evidence["import"] == "os.system"


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("__builtin__", "execfile"),
        ("builtins", "getattr"),
        ("operator", "attrgetter"),
        ("operator", "methodcaller"),
        ("subprocess", "Popen"),
        ("commands", "getoutput"),
        ("nt", "system"),
        ("posix", "popen"),
        ("pty", "spawn"),
        ("runpy", "run_path"),
        ("importlib", "import_module"),
        ("shutil", "rmtree"),
        ("socket", "create_connection"),
        ("urllib2", "urlopen"),
        ("ctypes", "CDLL"),
        ("pip._internal", "main"),
        ("torch.hub", "load"),
        ("torch", "load"),
        ("numpy", "load"),
        ("collections", "OrderedDict.__init__.__globals__"),
        ("posixpath", "os.system"),
    ],
)
def test_functions_that_run_code_are_known_by_name_in_python_2_and_3(module: str, function: str) -> None:
    report = judged(proto(call(module, function, text("x"), text("y"))))
    assert report.verdict is Verdict.UNSAFE
    assert the(report, "pickle-executes-code").evidence["import"] == f"{module}.{function}"


def test_a_dangerous_name_is_unsafe_without_a_call() -> None:
    report = judged(proto(b"}" + text("callback") + name("os", "system") + b"s"))
    assert report.verdict is Verdict.UNSAFE
    assert rules(report) == {"pickle-dangerous-import"}


# --- where it hides ---------------------------------------------------------------------------------------------


def _loaded(argument: bytes) -> bytes:
    """torch's function for tensors in bytes, called with these."""
    return proto(LOAD + argument + b"\x85R")


def _latin1(data: bytes) -> bytes:
    """Bytes as protocol 2 writes them: a text, and the call that encodes it."""
    raw = data.decode("latin-1").encode()
    return name("_codecs", "encode") + b"X" + struct.pack("<I", len(raw)) + raw + text("latin1") + b"\x86R"


LONG_LINES = b"V" + b"a" * 1_000_000 + b"\n0V" + b"a" * 200_000 + b"\n0"
LONG_BYTES = octets(bytes(3_000_000)) + b"0"
SHELL_BEHIND_BYTES = proto(octets(b"x" * 69_000) + b"0" + SHELL)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(proto(b"N") + proto(SHELL), id="in the second pickle"),
        pytest.param(b"I1\n." + SHELL + b".", id="in the second pickle of protocol 0"),
        pytest.param(proto(b"K\x01") * 40 + proto(SHELL), id="in the last of many"),
        pytest.param(b"I1\n0" * 20_001 + SHELL + b".", id="behind many opcodes of text"),
        pytest.param(LONG_LINES + call("os", "system", b"V1\n") + b".", id="behind long lines of text"),
        pytest.param(proto(LONG_BYTES + SHELL), id="behind many bytes"),
        pytest.param(proto(b"\x95" + struct.pack("<Q", 1 << 40) + SHELL), id="in a frame that is too long for C"),
        pytest.param(b"(Vid\nios\nsystem.", id="in a last line without an end, for the unpickler written in Python"),
        pytest.param(b"GIF89a\0\0\0" + SHELL + b".", id="in a picture, which to an unpickler is a float"),
        pytest.param(proto(text("ftyp") + SHELL), id="behind a text like the beginning of a film"),
        pytest.param(proto(b"C\x04TFL3" + SHELL), id="behind bytes like those of another format"),
        pytest.param(b"V" + b"a" * 256 + b"ustar\n0" + SHELL.replace(text("id"), b"V1\n") + b".", id="in a tar"),
        pytest.param(_loaded(octets(proto(SHELL))), id="in bytes that torch loads"),
        pytest.param(_loaded(octets(proto(text("ftyp") + SHELL))), id="in bytes like a film"),
        pytest.param(_loaded(octets(SHELL_BEHIND_BYTES)), id="in long bytes that torch loads"),
        pytest.param(_loaded(_latin1(proto(SHELL, 2))), id="in bytes of protocol 2 that torch loads"),
    ],
)
def test_a_call_is_found_wherever_it_hides(content: bytes) -> None:
    report = judged(content)
    assert report.verdict is Verdict.UNSAFE
    assert the(report, "pickle-executes-code").evidence["import"] == "os.system"


# --- what it would do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "function", "says"),
    [
        ("os", "system", "runs commands on the machine"),
        ("builtins", "eval", "runs Python code"),
        ("pkgutil", "resolve_name", "imports modules"),
        ("ctypes", "CDLL", "native code"),
        ("urllib.request", "urlopen", "opens network connections"),
        ("numpy", "load", "loads another pickle"),
        ("cloudpickle.cloudpickle", "_make_function", "makes functions out of bytecode"),
    ],
)
def test_a_finding_says_what_the_call_does(module: str, function: str, says: str) -> None:
    finding = the(judged(proto(call(module, function, text("x")))), "pickle-executes-code")
    assert (finding.severity, says in finding.message) == (Severity.CRITICAL, True), finding.message


def test_a_call_that_only_touches_files_is_unsafe_but_not_critical() -> None:
    report = judged(proto(call("shutil", "rmtree", text("x"))))
    assert (report.verdict, the(report, "pickle-executes-code").severity) == (Verdict.UNSAFE, Severity.HIGH)


def test_a_class_nobody_knows_is_suspicious_until_it_is_called() -> None:
    made = name("acme.models", "Net") + b")\x81}" + text("size") + b"K\x03sb"
    assert judged(proto(made)).verdict is Verdict.SUSPICIOUS
    assert judged(proto(call("acme.models", "Net", text("x")))).verdict is Verdict.UNSAFE


# --- what is not what it seems ------------------------------------------------------------------------------------


def test_a_frame_that_ends_inside_an_opcode_is_told() -> None:
    report = judged(proto(b"\x95" + struct.pack("<Q", 3) + text("aaaaaaaa")))
    assert (report.verdict, rules(report)) == (Verdict.UNSAFE, {"pickle-frame-mismatch"})


def test_a_pickle_that_is_only_carried_is_judged_all_the_same() -> None:
    report = judged(proto(b"}" + text("blob") + octets(proto(SHELL)) + b"s"))
    assert str(the(report, "pickle-executes-code").where.member).startswith("bytes at")


def test_bytes_that_only_begin_like_a_pickle_are_left_alone() -> None:
    assert judged(proto(octets(b"\x80\x04 is how a pickle begins."))).findings == ()


def test_items_put_into_a_tensor_are_told() -> None:
    tensor = call("torch._utils", "_rebuild_tensor_v2")
    report = judged(proto(tensor + text("x") + b"K\x01s"))
    assert "pickle-unusual-use" in rules(report)


def test_a_broken_pickle_of_harmless_names_is_not_judged_and_says_so() -> None:
    report = judged(proto(call("collections", "OrderedDict"))[:-1])
    assert (report.complete, the(report, "pickle-broken-off").severity) == (False, Severity.MEDIUM)


def test_a_value_that_doubles_itself_forty_times_is_told() -> None:
    assert rules(judged(proto(b")" + b"2\x86" * 40))) == {"pickle-expansion"}


@pytest.mark.parametrize("value", [list[int], int | str, dict[str, Any], Any, ValueError("x"), IPv4Address(1)])
def test_types_and_small_values_of_python_are_never_unsafe(value: object) -> None:
    for protocol in (2, 4, 5):
        assert judged(pickle.dumps(value, protocol)).verdict in (Verdict.SAFE, Verdict.SUSPICIOUS)


def test_a_list_that_holds_itself_is_nothing_special() -> None:
    value: list[object] = []
    value.append(value)
    assert judged(pickle.dumps(value)).findings == ()
