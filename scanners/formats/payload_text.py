"""Code, commands and packed objects in places that are for words: metadata of tensor files, notes in graphs and XML.

Nothing runs there by itself. But no writer of models puts a command into a description: who does it counts on a
loader that evaluates, unpickles or instantiates what it finds (PAIT-EXDIR-101, CVE-2025-23304).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.template import LONGEST_TEMPLATE, judge_template
from scanners.kinds import Format
from scanners.source import MemorySource

LONGEST_TEXT = 1024 * 1024
"""Characters of one text that are looked at; a longer one is left open."""
MOST_PACKED = 50
SHORTEST_BASE64 = 20
SHORTEST_HEX = 20
MOST_LAYERS = 3
"""Packings inside packings that are opened here."""
EXCERPT = 120


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern, what it shows, and how bad that is in a place for words."""

    pattern: re.Pattern[str]
    what: str
    severity: Severity


def _sign(pattern: str, what: str, severity: Severity) -> Sign:
    return Sign(re.compile(pattern, re.IGNORECASE), what, severity)


_MODULES = (
    r"os|posix|nt|subprocess|builtins|__builtin__|sys|shutil|socket|pty|runpy|importlib|ctypes|pickle|marshal|code"
    r"|commands|webbrowser|platform|timeit|cProfile|pdb|operator|functools|pip|pydoc|multiprocessing|urllib|requests"
)
SIGNS: tuple[Sign, ...] = (
    _sign(
        r"(?<![\w.])(?:os|posix|nt)\s*\.\s*(?:system|popen\d?|exec[lv]\w*|spawn\w*|startfile|remove|unlink|fork)\s*\(",
        "Python that runs a command",
        Severity.HIGH,
    ),
    _sign(
        r"(?<![\w.])subprocess\s*\.\s*(?:Popen|run|call|check_\w+|getoutput|getstatusoutput)\s*\(",
        "Python that runs a command",
        Severity.HIGH,
    ),
    _sign(r"__import__\s*\(|importlib\s*\.\s*import_module\s*\(", "Python that imports by name", Severity.HIGH),
    _sign(r"(?<![\w.])(?:eval|exec)\s*\(\s*(?:compile|base64|bytes|__|open|input|zlib|codecs|requests|urllib|['\"])",
          "Python that evaluates a text", Severity.HIGH),
    _sign(r"(?<![\w.])(?:pickle|cloudpickle|dill|marshal|joblib)\s*\.\s*loads?\s*\(", "Python that unpickles",
          Severity.HIGH),
    _sign(r"(?<![\w.])(?:pty\.spawn|runpy\.run_\w+|ctypes\.CDLL|socket\.socket|socket\.create_connection)\s*\(",
          "Python that reaches out of the process", Severity.HIGH),
    _sign(rf"""["']?_target_["']?\s*[:=]\s*["']?(?:{_MODULES})\.""", "a Hydra target that runs code", Severity.HIGH),
    _sign(r"!!python/(?:object|name|module)|tag:yaml\.org,2002:python/", "a YAML tag that makes Python objects",
          Severity.HIGH),
    _sign(r"/dev/tcp/|\b(?:ba|z|da)?sh\s+-[ic]{1,2}\b|(?:/usr)?/bin/(?:ba|z|da)?sh\b", "a shell command",
          Severity.HIGH),
    _sign(r"\b(?:curl|wget)\b[^\n]{0,300}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b", "a command that runs a download",
          Severity.HIGH),
    _sign(r"\b(?:curl|wget)\s+(?:-\S+\s+)*https?://|\bnc\s+-\w*e\b|\brm\s+-rf?\s+[/~]|\bchmod\s+\+x\b",
          "a shell command", Severity.HIGH),
    _sign(r"\bcmd(?:\.exe)?\s+/c\b|\bpowershell(?:\.exe)?\s+-|\bmshta\b|\brundll32\b|\bcertutil\s+-",
          "a Windows command", Severity.HIGH),
    _sign(r"Runtime\s*\.\s*getRuntime\s*\(\s*\)\s*\.\s*exec|java\.lang\.(?:Runtime|ProcessBuilder)|\bProcessBuilder\s*\(",
          "Java that runs a command", Severity.HIGH),
    _sign(r"\$\{\s*(?:jndi|script|env|sys|lower|upper)\s*:", "a lookup that a logger or template resolves",
          Severity.HIGH),
    _sign(r"(?<![\w.])system\s*\(\s*[\"']|(?<![\w.])shell_exec\s*\(", "a call that runs a command", Severity.HIGH),
    _sign(r"<\s*script\b|\bjavascript\s*:|\bon(?:error|load)\s*=\s*[\"']", "a script for a browser", Severity.MEDIUM),
    _sign(r"__(?:reduce|reduce_ex|subclasses|globals|builtins|mro|setstate)__", "names of Python's inside",
          Severity.MEDIUM),
    _sign(r"""["']?_target_["']?\s*[:=]\s*["']?[\w.]+""", "a Hydra target", Severity.MEDIUM),
    _sign(r"(?<![\w.])(?:eval|exec|compile)\s*\((?!\s*\))", "Python that evaluates", Severity.MEDIUM),
    _sign(r"(?m)^\s*(?:import|from)\s+(?:os|sys|subprocess|socket|ctypes|pickle|marshal|pty|shutil|builtins)\b",
          "Python that imports what models do not need", Severity.MEDIUM),
    _sign(r"\bfile://|\\\\[\w.]+\\[\w$]+\\", "a path of the machine or its network", Severity.MEDIUM),
    _sign(r"(?:^|[\s\"'=/\\])\.\.[/\\](?:\.\.[/\\]){2,}|/etc/(?:passwd|shadow)\b|~?/\.ssh/|/\.aws/credentials",
          "a path that leads out of the model's folder", Severity.MEDIUM),
)  # fmt: skip
"""Worst first."""

WORTH_READING = re.compile(r"[({<$;|\\`]|\.\./|__|://|!!|import |_target_|/dev/|py/|\S{24}")
"""What any of the signs and packed objects needs: where texts come by the thousand, the others are passed over."""
_BASE64 = re.compile(rf"(?:[A-Za-z0-9+/\-_]|\\n|\r?\n){{{SHORTEST_BASE64},}}={{0,2}}")
_HEX = re.compile(rf"(?:[0-9a-fA-F]{{2}}|\\x[0-9a-fA-F]{{2}}){{{SHORTEST_HEX},}}")
_LOADABLE = frozenset(
    {
        Format.PICKLE, Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.ZIP, Format.NUMPY, Format.SEVEN_ZIP, Format.TAR,
        Format.GZIP, Format.BZIP2, Format.XZ, Format.ELF, Format.PE, Format.MACH_O, Format.PYTHON_BYTECODE,
        Format.JAVA_CLASS, Format.WASM,
    }
)  # fmt: skip
"""What is worth hiding in a text."""
_PROGRAM_TEXT = frozenset({Format.PYTHON, Format.SCRIPT})


def judge_text(text: str, case: Case, *, place: str, template: bool = True, layer: int = 0) -> Severity | None:
    """Notes what one text carries. `place` says where it stands, such as `the metadata key 'notes'`.

    Returns the worst severity of what was noted about the text itself, None if nothing.
    """
    case.meter.check_clock()
    if len(text) > LONGEST_TEXT:
        case.leave_open(f"The text in {place} has {len(text):,} characters, too many to look at.")
        text = text[:LONGEST_TEXT]
    worst: Severity | None = None
    for sign in SIGNS:
        found = sign.pattern.search(text)
        if found is not None:
            note(case, sign.what, sign.severity, place, _around(text, found.start()))
            worst = sign.severity
            break
    if template and len(text) <= LONGEST_TEMPLATE and ("{{" in text or "{%" in text):
        judge_template(text, case, key=place[:200])
    if layer < MOST_LAYERS:
        for packed in _packed(text):
            found_severity = _judge_packed(packed, case, place, layer)
            if found_severity is not None and (worst is None or found_severity.rank > worst.rank):
                worst = found_severity
    return worst


def note(case: Case, what: str, severity: Severity, place: str, excerpt: str) -> None:
    case.add(
        "payload-in-data",
        severity,
        f"In {place[:160]} stands {what}, where plain values belong.",
        confidence=Confidence.LIKELY,
        evidence={"what": what, "place": place[:200], "excerpt": excerpt},
    )


def _around(text: str, at: int) -> str:
    begin = max(0, at - 20)
    return text[begin : begin + EXCERPT]


def _packed(text: str) -> Iterator[bytes]:
    """What runs of base64 and hex stand for."""
    count = 0
    for found in _HEX.finditer(text):
        count += 1
        if count > MOST_PACKED:
            return
        yield bytes.fromhex(found.group().replace("\\x", ""))
    for found in _BASE64.finditer(text):
        count += 1
        if count > MOST_PACKED:
            return
        body = re.sub(r"\\n|\s|=", "", found.group()).replace("-", "+").replace("_", "/")
        body = body[: len(body) - (len(body) % 4 == 1)]
        try:
            yield base64.b64decode(body + "=" * (-len(body) % 4))
        except (binascii.Error, ValueError):
            continue


def _judge_packed(data: bytes, case: Case, place: str, layer: int) -> Severity | None:
    from scanners.detect import detect

    kind = detect(MemorySource(data), "").format
    if kind in _LOADABLE and (kind is not Format.PICKLE or data[:1] == b"\x80" or len(data) > 24):
        note(case, f"a packed {kind.value}", Severity.HIGH, place, repr(data[:40]))
        case.examine(MemorySource(data), f"packed in {place[:100]}", name="packed")
        return Severity.HIGH
    if kind in _PROGRAM_TEXT or kind in (Format.TEXT, Format.JSON, Format.YAML):
        inner = data.decode("utf-8", "replace")
        return judge_text(inner, case, place=f"{place[:120]} (packed)", template=False, layer=layer + 1)
    return None
