"""What code, commands and instructions for loaders look like in a text that ought to be words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from scanners.finding import Severity


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern, what it shows, and how bad that is in a place for words."""

    needles: tuple[str, ...]
    """In small letters; without one of them the pattern cannot match, and finding that out is cheap."""
    pattern: re.Pattern[str]
    what: str
    severity: Severity


def _sign(needles: str, pattern: str, what: str, severity: Severity = Severity.HIGH) -> Sign:
    return Sign(tuple(needles.split()), re.compile(pattern, re.IGNORECASE), what, severity)


_MODULES = (
    r"os|posix|nt|subprocess|builtins|__builtin__|sys|shutil|socket|pty|runpy|importlib|ctypes|pickle|marshal|code"
    r"|commands|webbrowser|platform|timeit|cProfile|pdb|operator|functools|pip|pydoc|multiprocessing|urllib|requests"
)
SIGNS: tuple[Sign, ...] = (
    _sign(
        "os. os posix nt",
        r"(?<![\w.])(?:os|posix|nt)\s*\.\s*(?:system|popen\d?|exec[lv]\w*|spawn\w*|startfile|remove|unlink|fork)\s*\(",
        "Python that runs a command",
    ),
    _sign(
        "subprocess",
        r"(?<![\w.])subprocess\s*\.\s*(?:Popen|run|call|check_\w+|getoutput|getstatusoutput)\s*\(",
        "Python that runs a command",
    ),
    _sign(
        "__import__ importlib __builtins__",
        r"__import__\s*\(|importlib\s*\.\s*import_module\s*\(|__builtins__\s*[.\[]",
        "Python that imports by name",
    ),
    _sign(
        "eval exec",
        r"(?<![\w.])(?:eval|exec)\s*\(\s*(?:compile|base64|bytes|__|open|input|zlib|codecs|requests|urllib|['\"])",
        "Python that evaluates a text",
    ),
    _sign(
        "pickle dill marshal joblib",
        r"(?<![\w.])(?:pickle|cloudpickle|dill|marshal|joblib)\s*\.\s*loads?\s*\(",
        "Python that unpickles",
    ),
    _sign(
        "pty. runpy ctypes socket",
        r"(?<![\w.])(?:pty\.spawn|runpy\.run_\w+|ctypes\.CDLL|socket\.socket|socket\.create_connection)\s*\(",
        "Python that reaches out of the process",
    ),
    _sign("child_process", r"require\s*\(\s*['\"](?:node:)?child_process", "JavaScript that runs a command"),
    _sign(
        "_target_",
        rf"""["']?_target_["']?\s*[:=]\s*["']?(?:{_MODULES})\.""",
        "a Hydra target that runs code",
    ),
    _sign(
        "python/",
        r"!!python/(?:object|name|module)|tag:yaml\.org,2002:python/",
        "a YAML tag that makes Python objects",
    ),
    _sign(
        "/dev/tcp sh",
        r"/dev/tcp/|\b(?:ba|z|da)?sh\s+-[ic]{1,2}\b|(?:/usr)?/bin/(?:ba|z|da)?sh\b",
        "a shell command",
    ),
    _sign(
        "curl wget",
        r"\b(?:curl|wget)\b[^\n]{0,300}\|\s*(?:sudo\s+)?(?:(?:ba|z|da)?sh|python\d?|perl)\b",
        "a command that runs a download",
    ),
    _sign(
        "curl wget nc rm chmod",
        r"\b(?:curl|wget)\b[^\n]{0,200}https?://[^\s`'\"]{1,200}\s*(?:-[oO]\b|;|&&|>\s?[/\w.])|\bnc\s+-\w*e\b"
        r"|\brm\s+-rf?\s+[/~]|\bchmod\s+\+x\b",
        "a shell command",
    ),
    _sign(
        "cmd powershell mshta rundll32 certutil",
        r"\bcmd(?:\.exe)?\s+/c\b|\bpowershell(?:\.exe)?\s+-|\bmshta\b|\brundll32\b|\bcertutil\s+-",
        "a Windows command",
    ),
    _sign(
        "getruntime java.lang processbuilder",
        r"Runtime\s*\.\s*getRuntime\s*\(\s*\)\s*\.\s*exec|java\.lang\.(?:Runtime|ProcessBuilder)|\bProcessBuilder\s*\(",
        "Java that runs a command",
    ),
    _sign(
        "${",
        r"\$\{\s*(?:jndi|script|env|sys|lower|upper)\s*:",
        "a lookup that a logger or template resolves",
    ),
    _sign(
        "system shell_exec <?php",
        r"(?<![\w.])system\s*\(\s*[\"']|(?<![\w.])shell_exec\s*\(|<\?php\b",
        "a call that runs a command",
    ),
    _sign(
        "script onerror onload",
        r"<\s*script\b|\bjavascript\s*:|\bon(?:error|load)\s*=\s*[\"']",
        "a script for a browser",
        Severity.MEDIUM,
    ),
    _sign(
        "__",
        r"__(?:reduce|reduce_ex|subclasses|globals|builtins|mro|setstate)__",
        "names of Python's inside",
        Severity.MEDIUM,
    ),
    _sign("_target_", r"""["']?_target_["']?\s*[:=]\s*["']?[\w.]+""", "a Hydra target", Severity.MEDIUM),
    _sign(
        "eval( exec( compile(",
        r"(?<![\w.])(?:eval|exec|compile)\((?!\s*\))",
        "Python that evaluates",
        Severity.MEDIUM,
    ),
    _sign(
        "import from",
        r"(?m)^[ \t]*(?:import|from)\s+(?:os|sys|subprocess|socket|ctypes|pickle|marshal|pty|shutil|builtins)\b",
        "Python that imports what models do not need",
        Severity.MEDIUM,
    ),
    _sign(
        "requests. urllib",
        r"(?<![\w.])(?:requests\.(?:get|post)|urllib\.request\.url\w+)\s*\(",
        "Python that talks to another machine",
        Severity.MEDIUM,
    ),
    _sign("file: \\\\", r"\bfile://|\\\\[\w.]+\\[\w$]+\\", "a path of the machine or its network", Severity.MEDIUM),
    _sign(
        ".. /etc .ssh .aws",
        r"(?:^|[\s\"'=/\\])\.\.[/\\](?:\.\.[/\\]){2,}|/etc/(?:passwd|shadow)\b|~?/\.ssh/|/\.aws/credentials",
        "a path that leads out of the model's folder",
        Severity.MEDIUM,
    ),
)
"""Worst first."""


def signs_in(text: str) -> Iterator[tuple[Sign, int]]:
    """What stands in a text and where, worst first. Wide and other letters are read as Python reads them."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    small = text.lower()
    for sign in SIGNS:
        if any(needle in small for needle in sign.needles):
            found = sign.pattern.search(text)
            if found is not None:
                yield sign, found.start()
