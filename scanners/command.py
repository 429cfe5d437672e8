"""`python -P -m scanners`: judge local files. The options are those of `curator scan`, without what needs the Hub.

Standard library alone, and little of it: a scan of one small file is over before others have loaded theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from scanners.batch import Batch, Judged
from scanners.confinement import Limits
from scanners.files import LocalFile, NoSuchPath, files_of
from scanners.finding import Confidence, Finding, Report, Severity
from scanners.output import Style, render
from scanners.output.record import Scanned, exit_code

HASHED_BELOW = 64 * 1024 * 1024
"""Smaller files are hashed where the format has a place for it; a GiB takes half a second."""
_EPILOG = """Ends with 0: nothing found, 1: found, 2: bad usage, 3: something not judged.
Example: python -P -m scanners ./model --fail-on high"""


@dataclass(slots=True)
class Options:
    """What was asked for."""

    targets: list[str]
    style: Style = Style.TABLE
    fail_on: Severity = Severity.MEDIUM
    second_opinions: bool = True
    quiet: bool = False
    hash_all: bool = False
    jobs: int | None = None


class NotUnderstood(Exception):
    """The command line is not a plain one."""


def plain(words: Sequence[str]) -> Options:
    """The options of a command line without mistakes, read without loading argparse; NotUnderstood for all others."""
    options = Options([])
    rest = iter(words)
    try:
        for word in rest:
            name, has_value, value = word.partition("=")
            if name in ("--format", "--fail-on", "--jobs"):
                _set(options, name, value if has_value else next(rest))
            elif word in _SWITCHES:
                setattr(options, *_SWITCHES[word])
            elif word.startswith("-"):
                raise NotUnderstood(word)
            else:
                options.targets.append(word)
    except (StopIteration, ValueError) as error:
        raise NotUnderstood(str(error)) from None
    if not options.targets:
        raise NotUnderstood("Nothing is to be judged.")
    return options


_SWITCHES: Mapping[str, tuple[str, bool]] = {
    "--second-opinions": ("second_opinions", True),
    "--no-second-opinions": ("second_opinions", False),
    "--hash": ("hash_all", True),
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
}


def _set(options: Options, name: str, value: str) -> None:
    """Raises ValueError."""
    if name == "--format":
        options.style = Style(value)
    elif name == "--fail-on":
        options.fail_on = Severity(value)
    else:
        options.jobs = int(value)
        if options.jobs < 1:
            raise ValueError(value)


def explained(words: Sequence[str]) -> Options:
    """The options of any command line; prints help, or what is wrong, and ends where there is no more to do."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -P -m scanners",
        description="Judge model files by their content.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("targets", nargs="+", metavar="PATH", help="files or folders")
    add("--format", dest="style", choices=[one.value for one in Style], default="table", help="how to print it")
    add(
        "--fail-on",
        choices=[one.value for one in reversed(Severity)],
        default="medium",
        help="the mildest finding that makes the answer no (default: medium)",
    )
    add(
        "--second-opinions",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="ask the other scanners that are installed, too (default: yes)",
    )
    add(
        "--hash",
        dest="hash_all",
        action="store_true",
        help="say the SHA-256 of every file in JSON and SARIF, also of those over 64 MiB without findings",
    )
    add("--jobs", type=int, help="files judged at the same time (default: one a processor)")
    add("--quiet", "-q", action="store_true", help="say only what is wrong")
    options = Options(**vars(parser.parse_intermixed_args(words)))
    options.style, options.fail_on = Style(options.style), Severity(options.fail_on)
    if options.jobs is not None and options.jobs < 1:
        parser.error("argument --jobs: at least 1")
    return options


def main() -> None:
    try:
        options = plain(sys.argv[1:])
    except NotUnderstood:
        options = explained(sys.argv[1:])
    try:
        sys.exit(run(options, Limits()))
    except NoSuchPath as error:
        print(f"scanners: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output has left, as `head` does: nothing is wrong.
        sys.stderr.close()
        sys.exit(0)


def run(options: Options, limits: Limits) -> int:
    """Judges local files and prints; returns what to end with. Raises NoSuchPath."""
    several = len(options.targets) > 1
    files = [file for target in options.targets for file in files_of(target, prefix_of(target, several=several))]
    scanned = judge(files, options, limits)
    write(render(options.style, scanned, fail_on=options.fail_on, quiet=options.quiet))
    return exit_code(scanned, options.fail_on)


def judge(files: Sequence[LocalFile], options: Options, limits: Limits) -> list[Scanned]:
    """Every file with its report, in their order. This process must have no other thread."""
    opened = [file for file in files if file.problem is None]

    def wants_hash(size: int, report: Report) -> bool:
        return options.hash_all or size < HASHED_BELOW or bool(report.findings)

    batch = Batch(
        [file.path for file in opened],
        limits,
        engines=options.second_opinions,
        jobs=options.jobs,
        wants_hash=wants_hash if options.style.names_content else None,
    )
    found: dict[int, Judged] = {}
    with progress(len(opened), quiet=options.quiet) as told:
        for judged in batch:
            found[judged.number] = judged
            told(len(found), opened[judged.number].shown)
    numbers = iter(range(len(opened)))
    return [_scanned(file, None if file.problem else found[next(numbers)]) for file in files]


def prefix_of(target: str, *, several: bool) -> str:
    """What the names of a target's files begin with, where there is more than one target."""
    return f"{target.rstrip('/')}/" if several else ""


def write(text: str) -> None:
    """To standard output, whatever letters it takes."""
    if text:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace") + b"\n")
        sys.stdout.flush()


@contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[Callable[[int, str], None]]:
    """A line on the terminal that says how far it is, wiped out at the end."""
    if quiet or total < 2 or not sys.stderr.isatty():
        yield lambda _done, _name: None
        return

    def tell(done: int, name: str) -> None:
        sys.stderr.write(f"\r\x1b[K{done}/{total} {name[-60:]}")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _scanned(file: LocalFile, judged: Judged | None) -> Scanned:
    if judged is None:
        findings = () if file.leads_to is None else (_way_out(file.leads_to),)
        report = Report(format="unknown", unscannable=file.problem, findings=findings)
        return Scanned(file.shown, 0, None, report, file.path)
    return Scanned(file.shown, judged.size, judged.sha256, judged.report, file.path)


def _way_out(leads_to: str) -> Finding:
    return Finding(
        rule="link-outside-folder",
        severity=Severity.HIGH,
        confidence=Confidence.CERTAIN,
        message=f"The file is a link to {leads_to[:100]!r}, outside the folder: whoever loads or copies the model "
        "reads what is there.",
        evidence={"target": leads_to[:200]},
    )
