"""Tags in YAML by which an unsafe loader makes objects: PyYAML, ruamel, HyperPyYAML, SnakeYAML, Ruby, JavaScript."""

from __future__ import annotations

import re
from urllib.parse import unquote

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.config.targets import Danger, danger_of


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAY_HAVE_TAGS = re.compile(
    rb"!!?(?:python|%70|ruby|js/|java|com\.sun|org\.|new:|name:|apply:|module:|object)|yaml\.org,2002:|^%TAG|!<|!include",
    re.MULTILINE,
)
"""What a text has that could have one of these tags: a first look, without a parser."""
_CORE = "tag:yaml.org,2002:"
_PYTHON = re.compile(r"^(?:tag:yaml\.org,2002:|!+)?python/([\w/]+?)(?::(.*))?$", re.DOTALL)
_HARMLESS = _names("""none bool str unicode bytes int long float complex list tuple dict""")
_STANDARD = _names("""null bool int float binary timestamp omap pairs set str seq map merge value yaml""")
_HYPER = re.compile(r"^!(new|name|apply|module|include)(?::(.*))?$", re.DOTALL)
_OTHERS = re.compile(
    r"^(?:!|tag:yaml\.org,2002:)!?(?:ruby/|js/(?:function|regexp)|javax?\.|com\.sun|org\.|sun\.|groovy)", re.DOTALL
)


def judge_tag(tag: str, line: int, case: Case) -> None:
    """Looks at one tag as a parser resolved it."""
    tag = unquote(tag)
    if (python := _PYTHON.match(tag)) is not None:
        _python(python[1], python[2] or "", tag, line, case)
    elif (hyper := _HYPER.match(tag)) is not None:
        _hyper(hyper[1], hyper[2] or "", line, case)
    elif _OTHERS.match(tag):
        _add(
            Severity.HIGH,
            f"The YAML asks for an object of another language ({tag[:80]}), which an unsafe loader creates.",
            tag,
            line,
            case,
        )
    elif tag.startswith(_CORE) and tag.removeprefix(_CORE) not in _STANDARD:
        _add(Severity.MEDIUM, f"The YAML has a tag no safe loader knows ({tag[:80]}).", tag, line, case)


def judge_raw(data: bytes, case: Case) -> None:
    """Of a text that is no whole YAML: the tags as they stand there."""
    for match in re.finditer(rb"!!python/[\w/.:-]{1,100}|tag:yaml\.org,2002:python/[\w/.:-]{1,100}", data):
        tag = match.group().decode().replace("!!", _CORE)
        judge_tag(tag, data.count(b"\n", 0, match.start()) + 1, case)


def judge_inclusion(path: str, line: int, case: Case) -> None:
    """`!include`, which several loaders have: another file takes its place."""
    outside = path.startswith(("/", "~")) or "://" in path or path.count("..") > 1
    if outside or ".." in path:
        # The folder beside is where projects keep what several of them share.
        _add(
            Severity.HIGH if outside else Severity.LOW,
            f"The YAML takes in {path[:80]!r}, a file outside its own folder.",
            f"!include:{path}",
            line,
            case,
        )


def _python(kind: str, name: str, tag: str, line: int, case: Case) -> None:
    if kind in _HARMLESS:
        _add(
            Severity.LOW,
            f"The YAML has a value in a form only Python's own dumps have (python/{kind}).",
            tag,
            line,
            case,
        )
        return
    danger = danger_of(name) if "." in name else danger_of(f"builtins.{name}") if name else Danger.UNKNOWN
    if name in (
        "argparse.Namespace",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "pathlib._local.PosixPath",
        "datetime.timedelta",
        "decimal.Decimal",
        "fractions.Fraction",
        "uuid.UUID",
        "types.SimpleNamespace",
    ):
        danger = Danger.NONE
    calls = kind.startswith("object")
    severity = {
        Danger.RUNS: Severity.CRITICAL if calls else Severity.HIGH,
        Danger.REACHES_OUT: Severity.HIGH,
        Danger.UNKNOWN: Severity.HIGH,
        Danger.NONE: Severity.MEDIUM,
    }[danger]
    _add(
        severity,
        f"The YAML asks for a Python object (python/{kind}:{name[:80]}), which an unsafe loader creates.",
        tag,
        line,
        case,
    )


def _hyper(kind: str, name: str, line: int, case: Case) -> None:
    """HyperPyYAML, as SpeechBrain reads its hyperparameters: these tags call what they name."""
    if kind == "include":
        judge_inclusion(name, line, case)
        return
    danger = danger_of(name)
    if danger is Danger.NONE:
        return
    severity = {Danger.RUNS: Severity.CRITICAL, Danger.REACHES_OUT: Severity.HIGH}.get(danger, Severity.MEDIUM)
    _add(severity, f"The YAML has its loader call {name[:80]!r}.", f"!{kind}:{name}", line, case)


def _add(severity: Severity, sentence: str, tag: str, line: int, case: Case) -> None:
    case.add(
        "yaml-python-tag", severity, sentence, confidence=Confidence.LIKELY, line=line, evidence={"tag": tag[:200]}
    )
