"""Compiled programs and libraries: what they are, whether their name says so, and a little of what they call."""

from __future__ import annotations

import re

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.archives.zip_directory import read_directory
from scanners.formats.programs.ends import end_of_elf, end_of_pe
from scanners.formats.shared.hidden import look_behind
from scanners.kinds import Format
from scanners.source import ByteSource

SAYS_SO = re.compile(
    r"\.(?:so(?:\.[\w-]+)*|dylib|jnilib|debug|dll|pyd|exe|node|wasm|class|o|a|ko|sys|elf|out|llamafile|cubin|com|dex|ape|bundle|efi"
    r"|appimage|run|scr|cpl|ocx|drv|xll)\Z|\A[\w+-]+\Z",
    re.IGNORECASE,
)
"""Names that say it is a program; on Unix those have no ending."""
PACKAGE = re.compile(
    r"\.(?:whl|egg|zip|tar|tgz|gz|bz2|xz|zst|jar|war|aar|apk|deb|a|conda|crate|nupkg|7z|rar|cpio)\Z", re.IGNORECASE
)
"""Containers that programs come in; a model's own archive is none."""
LARGEST_SEARCH = 8 * 1024 * 1024
STEP = 1024 * 1024
_CALLS = re.compile(
    rb"(?<=[\0_@])(system|execve|execl|execlp|execv|execvp|popen|posix_spawn|fork|connect|socket|getaddrinfo|dlopen|ptrace"
    rb"|memfd_create|WinExec|CreateProcess[AW]|ShellExecute(?:Ex)?[AW]|URLDownloadToFile[AW]|VirtualAllocEx"
    rb"|CreateRemoteThread|WriteProcessMemory|InternetOpen[AW]|WSAStartup)(?=[\0@])"
)
NAMES = {
    Format.ELF: "a program or library for Linux (ELF)",
    Format.PE: "a program or library for Windows (PE)",
    Format.MACH_O: "a program or library for macOS (Mach-O)",
    Format.WASM: "a WebAssembly module",
    Format.JAVA_CLASS: "compiled Java",
    Format.DEX: "compiled Android code",
}


def judge(source: ByteSource, case: Case) -> None:
    detected = detect(source, case.name)
    kind = detected.format
    what = NAMES.get(kind, "a compiled program")
    is_llamafile = Format.ZIP in detected.also and _holds_weights(source)
    if is_llamafile:
        what = "a llamafile: a program with a model inside, which runs when the file is started"
    elif source.read(0, 6) in (b"MZqFpD", b"jartsr"):
        what = "a program for several systems at once (APE)"
    if SAYS_SO.search(case.name) is None:
        severity, manner = Severity.HIGH, "behind a name that says otherwise"
    elif case.depth and PACKAGE.search(case.container) is None:
        severity, manner = Severity.HIGH, "packed into something that is no package of programs"
    else:
        severity, manner = Severity.MEDIUM, "and what it does cannot be told from here"
    case.add(
        "native-executable",
        severity,
        f"The file is {what}, {manner}.",
        evidence={"kind": kind.value, "calls": sorted(_calls(source))},
    )
    if Format.ZIP not in detected.also:
        end = {Format.ELF: end_of_elf, Format.PE: end_of_pe}.get(kind, lambda _: None)(source)
        if end is not None and end < source.size:
            look_behind(source, end, case, "behind the end of the program")


def _calls(source: ByteSource) -> set[str]:
    """Of what starts programs or reaches out, the names it mentions in its first MiB."""
    found: set[str] = set()
    for at in range(0, min(source.size, LARGEST_SEARCH), STEP):
        found |= {match.decode() for match in _CALLS.findall(source.read(at, STEP + 64))}
    return found


def _holds_weights(source: ByteSource) -> bool:
    try:
        return any(member.name.lower().endswith(".gguf") for member in read_directory(source).members)
    except BudgetSpent:
        raise
    except Unscannable:
        return False
