"""Objects of other languages: Java's serialization, .NET's, and BSON as Julia's BSON.jl uses it.

Their loaders build objects by the names in the file and let them act, as an unpickler does. What is in them is not
followed; that they are there is told, and classes that are known to run code are.
"""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.source import ByteSource

LOOKED_AT = 16 * 1024 * 1024
_GADGETS = re.compile(
    rb"org\.apache\.(?:commons\.(?:collections4?\.(?:functors|keyvalue|map)|beanutils)|xalan|bcel|wicket)[\w.$/]*"
    rb"|com\.sun\.(?:org\.apache|rowset|syndication)[\w.$/]*|java\.rmi\.[\w.$]+|javax\.(?:script|management)\.[\w.$]+"
    rb"|org\.(?:springframework|codehaus\.groovy|hibernate|python|mozilla\.javascript|jboss)[\w.$/]*"
    rb"|java\.lang\.(?:Runtime|ProcessBuilder|reflect\.Proxy)|sun\.reflect\.[\w.$]+|TemplatesImpl|clojure\.[\w.$]+"
    rb"|System\.(?:Diagnostics\.Process|Windows\.Data\.ObjectDataProvider|DelegateSerializationHolder)[\w.]*"
    rb"|Microsoft\.VisualStudio\.Text\.Formatting[\w.]*"
)
_JULIA = re.compile(
    rb"\x02tag\0.{4}(struct|datatype|singleton|ref|backref|array|anonymous|methodinstance|jl_\w+|symbol|svec"
    rb"|union|tuple)\0",
    re.DOTALL,
)
_JULIA_CODE = frozenset({b"anonymous", b"methodinstance"})
_RUNS = re.compile(
    rb"(?:Base|Core|Main)\0?.{0,40}?\b(?:run|eval|include|open|ccall|Cmd|pipeline|download)\b", re.DOTALL
)


def judge(source: ByteSource, case: Case) -> None:
    data = source.read(0, LOOKED_AT)
    found = _GADGETS.search(data)
    case.add(
        "foreign-objects",
        Severity.HIGH if found is not None else Severity.MEDIUM,
        "The file is serialized objects of another language (Java, .NET or Ruby)"
        + (f", among them {found.group()[:80].decode()!r}, which runs code when it is read." if found is not None
           else ": who reads them builds whatever classes they name."),
        evidence={"class": found.group()[:200].decode()} if found is not None else {},
    )  # fmt: skip
    judge_strings(source, case, "the serialized objects")


def judge_bson(source: ByteSource, case: Case) -> None:
    """BSON is data, until Julia reads its tags as types, functions and calls."""
    data = source.read(0, LOOKED_AT)
    tags = {found.group(1) for found in _JULIA.finditer(data)}
    if tags:
        runs = _RUNS.search(data) is not None
        case.add(
            "foreign-objects",
            Severity.HIGH if tags & _JULIA_CODE and runs else Severity.MEDIUM,
            "The file is objects of Julia: who loads it builds the types and functions that it names.",
            evidence={"tags": sorted(tag.decode() for tag in tags)},
        )
    judge_strings(source, case, "the BSON")
    if source.size > LOOKED_AT:
        case.leave_open(f"It is BSON of more than {LOOKED_AT // 1024 // 1024} MiB.")
