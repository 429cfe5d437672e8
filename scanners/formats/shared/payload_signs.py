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
        r"(?<![\w.])(?:os|posix|nt)\s{0,40}\.\s{0,40}(?:system|popen\d?|exec[lv]\w*|spawn\w*|startfile|remove|unlink|fork)\s{0,40}\(",
        "Python that runs a command",
    ),
    _sign(
        "subprocess",
        r"(?<![\w.])subprocess\s{0,40}\.\s{0,40}(?:Popen|run|call|check_\w+|getoutput|getstatusoutput)\s{0,40}\(",
        "Python that runs a command",
    ),
    _sign(
        "__import__ importlib __builtins__",
        r"__import__\s{0,40}\(|importlib\s{0,40}\.\s{0,40}import_module\s{0,40}\(|__builtins__\s{0,40}[.\[]",
        "Python that imports by name",
    ),
    _sign(
        "eval exec",
        r"(?<![\w.])(?:eval|exec)\s{0,40}\(\s{0,40}(?:compile|base64|bytes|__|open|input|zlib|codecs|requests|urllib|['\"])",
        "Python that evaluates a text",
    ),
    _sign(
        "pickle dill marshal joblib",
        r"(?<![\w.])(?:pickle|cloudpickle|dill|marshal|joblib)\s{0,40}\.\s{0,40}loads?\s{0,40}\(",
        "Python that unpickles",
    ),
    _sign(
        "pty. runpy ctypes socket",
        r"(?<![\w.])(?:pty\.spawn|runpy\.run_\w+|ctypes\.CDLL|socket\.socket|socket\.create_connection)\s{0,40}\(",
        "Python that reaches out of the process",
    ),
    _sign("child_process", r"require\s{0,40}\(\s{0,40}['\"](?:node:)?child_process", "JavaScript that runs a command"),
    _sign(
        "_target_",
        r"""["']?_target_["']?\s{0,40}[:=]\s{0,40}["']?(?:""" + _MODULES + r")\.",
        "a Hydra target that runs code",
    ),
    _sign(
        "python/",
        r"!!python/(?:object|name|module)|tag:yaml\.org,2002:python/",
        "a YAML tag that makes Python objects",
    ),
    _sign(
        "/dev/tcp sh",
        r"/dev/tcp/|\b(?:ba|z|da)?sh\s{1,40}-[ic]{1,2}\b|(?:/usr)?/bin/(?:ba|z|da)?sh\b",
        "a shell command",
    ),
    _sign(
        "curl wget",
        r"\b(?:curl|wget)\b[^\n]{0,300}\|\s{0,40}(?:sudo\s{1,40})?(?:(?:ba|z|da)?sh|python\d?|perl)\b",
        "a command that runs a download",
    ),
    _sign(
        "curl wget nc rm chmod",
        r"\b(?:curl|wget)\b[^\n]{0,200}https?://[^\s`'\"]{1,200}\s{0,40}(?:-[oO]\b|;|&&|>\s?[/\w.])|\bnc\s{1,40}-\w*e\b"
        r"|\brm\s{1,40}-rf?\s{1,40}[/~]|\bchmod\s{1,40}\+x\b",
        "a shell command",
    ),
    _sign(
        "cmd powershell mshta rundll32 certutil",
        r"\bcmd(?:\.exe)?\s{1,40}/c\b|\bpowershell(?:\.exe)?\s{1,40}-|\bmshta\b|\brundll32\b|\bcertutil\s{1,40}-",
        "a Windows command",
    ),
    _sign(
        "getruntime java.lang processbuilder",
        r"Runtime\s{0,40}\.\s{0,40}getRuntime\s{0,40}\(\s{0,40}\)\s{0,40}\.\s{0,40}exec"
        r"|java\.lang\.(?:Runtime|ProcessBuilder)|\bProcessBuilder\s{0,40}\(",
        "Java that runs a command",
    ),
    _sign(
        "${",
        r"\$\{\s{0,40}(?:jndi|script|env|sys|lower|upper)\s{0,40}:",
        "a lookup that a logger or template resolves",
    ),
    _sign(
        "system shell_exec <?php",
        r"(?<![\w.])system\s{0,40}\(\s{0,40}[\"']|(?<![\w.])shell_exec\s{0,40}\(|<\?php\b",
        "a call that runs a command",
    ),
    _sign(
        "script onerror onload",
        r"<\s{0,40}script\b|\bjavascript\s{0,40}:|\bon(?:error|load)\s{0,40}=\s{0,40}[\"']",
        "a script for a browser",
        Severity.MEDIUM,
    ),
    _sign(
        "__",
        r"__(?:reduce|reduce_ex|subclasses|globals|builtins|mro|setstate)__",
        "names of Python's inside",
        Severity.MEDIUM,
    ),
    _sign("_target_", r"""["']?_target_["']?\s{0,40}[:=]\s{0,40}["']?[\w.]+""", "a Hydra target", Severity.MEDIUM),
    _sign(
        "eval( exec( compile(",
        r"(?<![\w.])(?:eval|exec|compile)\((?!\s{0,40}\))",
        "Python that evaluates",
        Severity.MEDIUM,
    ),
    _sign(
        "import from",
        r"(?m)^[ \t]{0,40}(?:import|from)[ \t]{1,40}"
        r"(?:os|sys|subprocess|socket|ctypes|pickle|marshal|pty|shutil|builtins)\b",
        "Python that imports what models do not need",
        Severity.MEDIUM,
    ),
    _sign(
        "requests. urllib",
        r"(?<![\w.])(?:requests\.(?:get|post)|urllib\.request\.url\w+)\s{0,40}\(",
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
"""Worst first. Every repetition has a limit: a text must not keep a pattern busy."""


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
