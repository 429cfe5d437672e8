"""XML by the standard library's expat, as it streams by: nothing outside is ever fetched, no entity is let grow.

What makes XML dangerous is its head: a document type can declare entities, which read files and addresses or grow
without end. In the body, some dialects carry scripts (SVG), code (PMML extensions), or names of libraries (OpenVINO).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.graphs.openvino import judge_layer
from scanners.formats.shared.payload_text import WORTH_READING, judge_text
from scanners.kinds import Format
from scanners.source import ByteSource

STEP = 64 * 1024
LARGEST_FILE = 256 * 1024 * 1024
LONGEST_TEXT = 64 * 1024
DEEPEST_ELEMENT = 500
_KNOWN_TYPES = re.compile(
    r"https?://(?:www\.)?(?:w3\.org|apple\.com/DTDs|xml\.apache\.org|dmg\.org|maven\.apache\.org|unicode\.org)[\w./-]*"
    r"|(?:about:legacy-compat)"
)
"""Document types that programs know without fetching them; pictures and property lists name one."""
_SCRIPTS = frozenset({"script", "foreignobject", "handler", "animate-script"})
_SCRIPT_ADDRESS = re.compile(r"\s*(?:javascript|vbscript|data:text/html)", re.IGNORECASE)
_GADGETS = re.compile(
    r"java\.beans\.XMLDecoder|java\.lang\.(?:ProcessBuilder|Runtime)|javax\.script|ObjectDataProvider|System\.Diagnostics"
    r"|org\.springframework\.\w+\.support|com\.sun\.rowset|groovy\.util\.Expando|MethodClosure|bcel"
)
_CODE_ELEMENTS = frozenset({"extension", "script", "code", "exec", "command", "eval", "python", "system", "shell"})
_UTF7 = re.compile(rb"""\s*<\?xml[^>]*encoding\s*=\s*["']utf-?7["']""", re.IGNORECASE)


class _Stop(Exception):
    """Enough was seen; what would follow is not safe to read."""


def judge(source: ByteSource, case: Case) -> None:
    if source.size > LARGEST_FILE:
        case.leave_open(f"It is XML of {source.size:,} bytes; the first {LARGEST_FILE // 1024 // 1024} MiB were read.")
    document = _Document(case, detect(source, case.name).format)
    parser = document.parser()
    position = 0
    try:
        while position < min(source.size, LARGEST_FILE):
            data = source.read(position, STEP)
            position += len(data)
            parser.Parse(data, position >= source.size)
            case.meter.check_clock()
    except _Stop:
        return
    except (expat.ExpatError, LookupError, ValueError, OSError) as error:
        document.flush()
        case.add(
            "format-malformed",
            # No honest writer uses it, and parsers that know it read entities where a scanner sees none.
            Severity.HIGH if _UTF7.match(source.read(0, 256)) else Severity.MEDIUM,
            f"The XML cannot be read: {error}."[:300],
            evidence={"format": "xml", "reason": str(error)[:200]},
        )
        raise Unscannable(f"It is XML that cannot be read: {error}.") from error


@dataclass(slots=True)
class _Document:
    """Hears what the parser says."""

    case: Case
    kind: Format
    path: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    length: int = 0
    entities: int = 0
    line_of: expat.XMLParserType = field(init=False)

    def parser(self) -> expat.XMLParserType:
        parser = self.line_of = expat.ParserCreate()
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = self.doctype
        parser.EntityDeclHandler = self.entity
        parser.ExternalEntityRefHandler = self.external
        parser.ProcessingInstructionHandler = self.instruction
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        return parser

    def _add(self, rule: str, severity: Severity, message: str, **evidence: str | int | list[str]) -> None:
        self.case.add(rule, severity, message, line=self.line_of.CurrentLineNumber, evidence=evidence)

    # The head

    def doctype(self, name: str, system: str | None, public: str | None, has_internal: bool) -> None:
        if system is not None and _KNOWN_TYPES.fullmatch(system) is None:
            # With a public name, readers have it at hand; one by its place alone has to be fetched.
            known_name = public is not None and system.startswith(("http://", "https://"))
            severity = Severity.LOW if system.startswith("urn:") else Severity.MEDIUM if known_name else Severity.HIGH
            self._add(
                "xml-entity",
                severity,
                f"The XML takes in the document type at {system[:100]!r}: a parser that follows it reads that place.",
                system=system[:200],
            )
        elif self.kind is not Format.SVG and system is None and public is None and not has_internal:
            self._add("xml-entity", Severity.LOW, f"The XML has a document type, {name[:60]!r}.", name=name[:100])

    def entity(
        self,
        name: str,
        is_parameter: bool,
        value: str | None,
        _base: str | None,
        system: str | None,
        *_: str | None,
    ) -> None:
        self.entities += 1
        if system is not None:
            self._add(
                "xml-entity",
                Severity.HIGH,
                f"The XML declares the entity {name[:60]!r} with what is at {system[:100]!r}: a reader opens that.",
                entity=name[:100],
                system=system[:200],
            )
        elif is_parameter:
            self._add(
                "xml-entity",
                Severity.HIGH,
                f"The XML declares the parameter entity {name[:60]!r}, which builds more declarations.",
                entity=name[:100],
            )
        elif value is not None and ("&" in value or len(value) > 4096):
            self._add(
                "xml-entity",
                Severity.HIGH,
                f"The XML declares the entity {name[:60]!r} out of others or of much text: it grows when it is read.",
                entity=name[:100],
            )
            # Nothing after this is expanded here.
            raise _Stop
        elif self.kind is Format.SVG and value is not None and value.startswith(("http://", "https://")):
            pass  # Drawing programs shorten the names of their namespaces so.
        else:
            self._add(
                "xml-entity",
                Severity.MEDIUM,
                f"The XML declares the entity {name[:60]!r}; data has no need of one.",
                entity=name[:100],
            )
        if self.entities > 100:
            raise _Stop

    def external(self, *_: str | None) -> int:
        """Never followed; that it was declared is told already."""
        return 1

    def instruction(self, target: str, data: str) -> None:
        if target.lower() == "xml-stylesheet" and ("javascript:" in data.lower() or "://" in data):
            self._add(
                "active-content",
                Severity.MEDIUM,
                "The XML asks for a style sheet from elsewhere, which can carry scripts.",
                instruction=data[:200],
            )
        elif target.lower() in ("php", "python", "import"):
            self._add("active-content", Severity.MEDIUM, f"The XML carries code for {target[:40]}.", code=data[:200])

    # The body

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.flush()
        short = name.rsplit(":", 1)[-1]
        self.path.append(short.lower())
        if len(self.path) > DEEPEST_ELEMENT:
            raise Unscannable(f"Its XML is nested deeper than {DEEPEST_ELEMENT} elements.")
        if self.kind is Format.OPENVINO:
            judge_layer(short, attributes, self.case, self.line_of.CurrentLineNumber)
        if short.lower() == "include" and "href" in attributes:
            self._add("xml-entity", Severity.HIGH, f"The XML takes in {attributes['href'][:100]!r}.",
                      system=attributes["href"][:200])  # fmt: skip
        if self.kind is Format.SVG or "svg" in self.path:
            self._judge_picture(short.lower(), attributes)
        for key, value in attributes.items():
            if _GADGETS.search(value):
                self._add("payload-in-data", Severity.HIGH, f"The XML names {value[:80]!r}: who builds objects from it "
                          "runs code.", what="a class that runs code", place=name[:100])  # fmt: skip
            elif WORTH_READING.search(value) and not key.startswith("xmlns") and "schemaLocation" not in key:
                judge_text(value, self.case, place=f"the attribute {key[:60]!r} of {short[:60]!r}")

    def _judge_picture(self, name: str, attributes: dict[str, str]) -> None:
        actions = [key for key in attributes if key.lower().startswith("on")]
        targets = [value for key, value in attributes.items() if key.lower().endswith("href")]
        scripted = [value for value in targets if _SCRIPT_ADDRESS.match(value)]
        if name in _SCRIPTS or actions or scripted:
            what = actions[0] if actions else scripted[0][:40] if scripted else name
            self._add(
                "active-content",
                Severity.MEDIUM,
                f"The picture carries {what[:60]!r}: a browser that shows it runs what is in it.",
                what=what[:100],
            )
        elif name in ("use", "image") and any("://" in value for value in targets):
            self._add("active-content", Severity.LOW, "The picture loads a part of itself from an address.",
                      targets=[value[:200] for value in targets])  # fmt: skip

    def end(self, _: str) -> None:
        self.flush()
        self.path.pop()

    def characters(self, text: str) -> None:
        if self.length < LONGEST_TEXT:
            self.words.append(text)
            self.length += len(text)

    def flush(self) -> None:
        """Judges the text of the element that was read last."""
        if not self.words:
            return
        text = "".join(self.words)
        self.words.clear()
        self.length = 0
        if "svg" in self.path and ("script" in self.path or "style" in self.path):
            return  # Told of already; there, code is what it holds.
        if WORTH_READING.search(text) or (self.path and self.path[-1] in _CODE_ELEMENTS):
            place = "/".join(self.path[-3:])
            if _GADGETS.search(text):
                self._add("payload-in-data", Severity.HIGH, f"In {place[:100]} the XML names a class that runs code.",
                          what="a class that runs code", place=place[:100])  # fmt: skip
            judge_text(text, self.case, place=f"the element {place[:100]}")
