"""One requirement, one address, one list: what is noted of each, whatever file it stood in."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.requirements.places import Place, index_of, is_number, source_of
from scanners.source import ByteSource

LARGEST_LIST = 4 * 1024 * 1024
MOST_LINES = 3_000
"""Of those that say something, how many are compared with every well-known name; what follows is still looked up."""
MOST_LINES_READ = 200_000
LONGEST_LINE = 4096
MOST_OF_A_KIND = 25
_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*|[^\W\d_][\w.-]*)\s*(\[[^\]]*\])?\s*(.*)$", re.DOTALL)
_VCS = re.compile(r"^(?:git|hg|svn|bzr)\+|^git@|^git://|^ssh://")
_URL = re.compile(r"^[a-z][a-z+]*://", re.IGNORECASE)
_PATH = re.compile(r"^(?:\.{1,2}[/\\]|/|~|[A-Za-z]:\\|file:)|\.(?:whl|tar\.gz|zip|egg|tar\.bz2|tgz)(?:\[.*\])?$")
_OPTIONS = (
    "--index-url", "--pypi-url", "--extra-index-url", "--no-index", "--constraint", "--requirement", "--editable",
    "--find-links", "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--pre", "--trusted-host",
    "--use-feature", "--global-option", "--hash", "--config-settings",
)  # fmt: skip
_EXACT = re.compile(r"^={2,3}\s*([^,;\s*]+)")


@dataclass(slots=True)
class Listing:
    """What one file lists, while it is read."""

    case: Case
    unpinned: list[str] = field(default_factory=list)
    foreign: dict[Severity, int] = field(default_factory=dict)
    quick: bool = False
    """Names are looked up only, and not compared with what they are near to."""
    seen: set[str] = field(default_factory=set)

    def requirement(self, text: str, line: int | None = None) -> None:
        """A line as pip reads it, without options."""
        text = text.strip()
        if not text or text == "@EXPLICIT":
            return
        name, at, address = text.partition("@")
        if (
            at
            and _NAME.match(name.strip())
            and (_URL.match(address.strip()) or _VCS.match(address.strip()) or "file:" in address)
        ):
            self.package(name.strip(), None, line)
            self.address(address.strip().split(" ;", 1)[0].split("; ", 1)[0], line)
        elif _VCS.match(text) or _URL.match(text):
            self.address(text, line)
        elif _PATH.search(text.split(";", 1)[0].strip()):
            self.path(text, line)
        elif (found := _NAME.match(text)) is not None:
            self.package(found[1], found[3], line)
        else:
            self.case.add(
                "requirement-foreign-source",
                Severity.LOW,
                f"The list has a line that names no package: {text[:80]!r}.",
                line=line,
                evidence={"line": text[:200]},
            )

    def package(
        self, name: str, specifier: str | None, line: int | None = None, *, learning_only: bool = False
    ) -> None:
        """A package by its name; `specifier` as in `==1.0` (None: it stands elsewhere)."""
        # The list of names is only read for files that name packages.
        from scanners.repository.requirements import imitated, is_malicious

        exact = _EXACT.match((specifier or "").strip())
        if is_malicious(name, exact[1] if exact else None):
            self.case.add(
                "requirement-known-bad",
                Severity.CRITICAL,
                f"The package {name[:60]!r} is known to have carried malware; installing it runs that.",
                line=line,
                evidence={"package": name[:100], "version": exact[1] if exact else ""},
            )
            return
        imitation = imitated(name, quick=self.quick) if name not in self.seen else None
        self.seen.add(name)
        if imitation is not None and not (learning_only and not imitation.certain):
            self.case.add(
                "requirement-lookalike",
                Severity.HIGH if imitation.certain else Severity.MEDIUM,
                f"The package {name[:60]!r} could be taken for {imitation.of[:60]!r}: {imitation.why}.",
                confidence=Confidence.LIKELY if imitation.certain else Confidence.POSSIBLE,
                line=line,
                evidence={"package": name[:100], "of": imitation.of[:100]},
            )
        if specifier is not None and not specifier.split(";", 1)[0].strip(" ()*"):
            self.unpinned.append(name[:60])

    def address(self, address: str, line: int | None = None, what: str = "a package") -> None:
        """A package by its own address."""
        if address.startswith("file:"):
            self.path(address, line)
            return
        place = source_of(address)
        if place is Place.USUAL:
            return
        severity = {Place.KNOWN: Severity.LOW, Place.STRANGER: Severity.MEDIUM}.get(place, Severity.HIGH)
        if is_number(address):
            severity = Severity.HIGH
        without = " without protection on the way" if place is Place.UNPROTECTED else ""
        self._foreign(
            severity, f"The list takes {what} from {address[:80]!r}{without}, not from the index.", address, line
        )

    def index(self, address: str, line: int | None = None, option: str = "--index-url") -> None:
        """An index, or a page of links."""
        address = address.strip().strip("'\"")
        if not address or (not _URL.match(address) and option == "--find-links"):
            if address:
                self._foreign(
                    Severity.MEDIUM,
                    f"The list takes packages from {address[:80]!r}, a folder and not the index.",
                    address,
                    line,
                )
            return
        place = index_of(address)
        if place is Place.USUAL:
            return
        severity = Severity.LOW if place is Place.KNOWN else Severity.HIGH
        self._foreign(
            severity,
            f"The list has packages looked for at {address[:80]!r} ({option}), where anybody may have put any name.",
            address,
            line,
        )

    def path(self, path: str, line: int | None = None) -> None:
        """A package that lies beside the list."""
        if path.strip() in (".", "./") or path.startswith((".[", "./[")):
            return
        self._foreign(
            Severity.MEDIUM,
            f"The list installs {path[:80]!r}, a file or folder and not a package of the index.",
            path,
            line,
        )

    def close(self) -> None:
        if self.unpinned:
            self.case.add(
                "requirement-unpinned",
                Severity.LOW,
                f"{len(self.unpinned)} of the packages have no version: which code is installed is decided later.",
                evidence={"packages": self.unpinned[:20]},
            )

    def option(self, words: list[str], line: int | None) -> None:
        """A line of pip's options."""
        name, _, value = words[0].partition("=")
        if not value:
            # Short options may have their value glued on.
            if len(name) > 2 and re.match(r"-[irecf][^-]", name):
                name, value = name[:2], name[2:]
            else:
                value = words[1] if len(words) > 1 else ""
        value = value.strip("'\"")
        meant = [one for one in _OPTIONS if one.startswith(name)] if name.startswith("--") else []
        # optparse takes any beginning of an option that is the only one to begin so.
        name = meant[0] if len(meant) == 1 and name not in _OPTIONS else name
        if name in (
            "-i",
            "--index-url",
            "--pypi-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "--process-dependency-links",
        ):
            self.index(value, line, "--find-links" if name in ("-f", "--find-links") else name)
        elif name == "--trusted-host":
            usual = index_of(f"https://{value}/") in (Place.USUAL, Place.KNOWN)
            self._foreign(
                Severity.LOW if usual else Severity.HIGH,
                f"The list trusts {value[:60]!r} without checking who answers.",
                value,
                line,
            )
        elif name in ("-r", "--requirement", "-c", "--constraint"):
            if _URL.match(value):
                unprotected = index_of(value) in (Place.UNPROTECTED, Place.FOREIGN)
                self._foreign(
                    Severity.HIGH if unprotected else Severity.LOW, f"The list goes on at {value[:80]!r}.", value, line
                )
            elif value.startswith(("/", "~")) or value.count("..") >= 2:
                self._foreign(
                    Severity.MEDIUM,
                    f"The list goes on in {value[:80]!r}, outside the repository.",
                    value,
                    line,
                )
        elif name in ("-e", "--editable"):
            self.requirement(value if value != "." else "", line)
        elif name in ("--global-option", "--install-option", "--config-settings", "--build-option"):
            self._foreign(
                Severity.MEDIUM,
                f"The list hands options to what builds a package: {' '.join(words)[:80]!r}.",
                " ".join(words),
                line,
            )

    def _foreign(self, severity: Severity, sentence: str, address: str, line: int | None) -> None:
        self.foreign[severity] = count = self.foreign.get(severity, 0) + 1
        # The first of them say it all; a list of hundreds of wheels is one thing to look at.
        if count <= MOST_OF_A_KIND:
            self.case.add("requirement-foreign-source", severity, sentence, line=line, evidence={"from": address[:200]})


def judge_requirements(source: ByteSource, case: Case) -> None:
    """requirements.txt and its like, as pip reads them; of a list for apt, only what is no name."""
    if source.size > LARGEST_LIST:
        case.leave_open(f"It is a list of packages of more than {LARGEST_LIST // 1024 // 1024} MiB.")
    text = source.read(0, LARGEST_LIST).decode("utf-8-sig", "replace")
    if case.name.lower() == "packages.txt":
        _judge_apt(text, case)
        return
    judge_lines(text, case)


def judge_lines(text: str, case: Case) -> None:
    """Lines as pip reads them."""
    listing = Listing(case)
    joined = re.sub(r"\\\r?\n", " ", text)
    told = 0
    for number, raw in enumerate(joined.splitlines(), 1):
        if number % 100 == 0:
            case.meter.check_clock()
        if raw.lstrip()[:1] in ("", "#"):
            continue
        told += 1
        listing.quick = told > MOST_LINES
        if told > MOST_LINES_READ:
            case.leave_open(f"It is a list of more than {MOST_LINES_READ:,} packages.")
            break
        line = re.sub(r"(?:^|\s+)#.*$", "", raw[:LONGEST_LINE]).strip()
        if line.startswith("-"):
            listing.option(_words(line), number)
        elif line:
            requirement, *options = re.split(r"\s+(?=--?[a-z])", line)
            listing.requirement(requirement, number)
            for option in options:
                if not option.startswith("--hash"):
                    listing.option(_words(option), number)
    listing.close()


def _judge_apt(text: str, case: Case) -> None:
    for number, raw in enumerate(text.splitlines(), 1):
        if number % 100 == 0:
            case.meter.check_clock()
        line = raw.split("#", 1)[0].strip()
        if (
            (line and not re.fullmatch(r"[\w.+:-]+(?:[=/ ][\w.+:~ -]+)?", line))
            or line.startswith("-")
            or "Invoke" in line
        ):
            case.add(
                "requirement-foreign-source",
                Severity.HIGH if re.search(r"^-|[;&|`$]|Invoke", line) else Severity.MEDIUM,
                f"The list of system packages has a line that is no name: {line[:80]!r}.",
                line=number,
                evidence={"from": line[:200]},
            )


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line) or [line]
    except ValueError:
        return line.split()
