"""R's saved objects (`.rds`, `.RData`): what in them acts by itself, and what is code that waits to be called.

A promise that was never forced runs its expression when its value is first looked at (CVE-2024-27322), and an active
binding whenever it is. Functions and expressions only run when somebody calls or evaluates them.
"""

from __future__ import annotations

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.objects.r_reader import Broken, Reader, Told
from scanners.formats.objects.r_spellings import begin_reading
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import judge_hidden
from scanners.formats.shared.payload_text import judge_text
from scanners.reading import OutOfBytes
from scanners.source import ByteSource

PLAIN_NAMES = frozenset(
    {
        "system", "system2", "shell.exec", "dyn.load", "library.dynam", "download.file", "socketConnection",
        "serverSocket", "install.packages", "sys.source", "py_run_string", "py_run_file", "curl_download",
        "make.socket", "processx", "sys::exec_wait", "file.remove",
    }
)  # fmt: skip
"""Functions of R that run commands, load native code or reach out; nobody calls a variable so."""
RUNS_COMMANDS = PLAIN_NAMES | {"shell", "pipe", "source", "unlink", "Sys.setenv", "url", "setHook"}
"""The same, where a call calls them."""
EVALUATES = frozenset(
    {
        "eval", "evalq", "parse", "eval.parent", "str2lang", "str2expression", "do.call", "match.fun", ".Call",
        ".External", ".C", ".Internal", "unserialize", "readRDS", "load", "reg.finalizer",
    }
)  # fmt: skip
RUN_AT_START = frozenset({".First", ".Last", ".First.sys", ".Last.sys", ".First.lib", ".onLoad", ".onAttach",
                          ".onUnload", ".Rprofile"})  # fmt: skip
MOST_SHOWN = 20


def judge(source: ByteSource, case: Case) -> None:
    try:
        reader, told = begin_reading(source, case)
    except Broken as reason:
        _note_broken(source, case, str(reason))
        raise Unscannable(f"Its R data cannot be read: {reason}.") from reason
    try:
        reader.read()
        if reader.remaining:
            judge_hidden(source, reader.position, reader.remaining, case, "behind the end of the R data")
    except (Broken, OutOfBytes) as reason:
        _note_broken(source, case, str(reason))
        raise Unscannable(f"Its R data cannot be read: {reason}.") from reason
    finally:
        # Also of a file that breaks off: what was found is found.
        _tell(told, case, reader)


def _note_broken(source: ByteSource, case: Case, reason: str) -> None:
    case.add(
        "format-malformed",
        Severity.MEDIUM,
        f"The R data cannot be read: {reason}.",
        evidence={"format": "r-data", "reason": reason[:200]},
    )
    judge_strings(source, case, "the R data")


def _tell(told: Told, case: Case, reader: Reader) -> None:
    runs = sorted(told.calls & RUNS_COMMANDS | told.symbols & PLAIN_NAMES)
    evaluates = sorted(told.calls & EVALUATES)
    evidence = {"calls": (runs + evaluates)[:MOST_SHOWN]}
    if told.waiting_promises:
        dangerous = sorted(told.promise_calls & (RUNS_COMMANDS | EVALUATES))
        runs_now = bool(told.promise_calls & RUNS_COMMANDS)
        case.add(
            "r-runs-code",
            Severity.CRITICAL if runs_now else Severity.HIGH if told.bare_promises else Severity.MEDIUM,
            f"The R file has promises that were never kept ({told.waiting_promises:,}): looking at the value runs "
            f"their code{_which(dangerous)}.",
            evidence={"what": "promise", "calls": dangerous[:MOST_SHOWN]},
        )
    if told.active_bindings:
        case.add(
            "r-runs-code",
            Severity.HIGH,
            "The R file has an active binding: reading the variable calls a function.",
            evidence=evidence | {"what": "active binding"},
        )
    hooks = sorted(told.tags & RUN_AT_START)
    if hooks and told.functions:
        case.add(
            "r-runs-code",
            Severity.HIGH,
            f"The R file defines {hooks[0]!r}, which R calls by itself.",
            evidence=evidence | {"what": hooks[0]},
        )
    if told.functions or told.byte_code:
        case.add(
            "r-carries-code",
            Severity.HIGH if runs else Severity.MEDIUM,
            f"The R file carries functions ({told.functions or told.byte_code:,}){_which(runs)}; they run when "
            "they are called.",
            evidence=evidence | {"functions": told.functions, "byte_code": told.byte_code},
        )
    elif runs:
        case.add(
            "r-carries-code",
            Severity.HIGH,
            f"The R file carries an expression that calls {runs[0]!r}; it runs when it is evaluated.",
            evidence=evidence | {"expressions": told.expressions},
        )
    elif told.expression_vectors and evaluates:
        case.add(
            "r-carries-code",
            Severity.MEDIUM,
            f"The R file carries an expression that calls {evaluates[0]!r}.",
            evidence=evidence | {"expressions": told.expressions},
        )
    if told.native_pointers:
        case.add(
            "r-carries-code",
            Severity.LOW,
            "The R file has external pointers: their library has to restore them, or they are empty.",
            evidence={"pointers": told.native_pointers},
        )
    if told.promises and not told.waiting_promises:
        case.fact("r_promises", told.promises)
    for text in told.strange_texts:
        judge_text(text, case, place="a text of the R file", template=False)
    if reader.version:
        case.fact("r_format", reader.version)


def _which(names: list[str]) -> str:
    return f" (with {', '.join(names[:3])})" if names else ""
