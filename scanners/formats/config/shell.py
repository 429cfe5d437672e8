"""How bad a command line in a configuration is: what it plainly does, else that it is one."""

from __future__ import annotations

import re
from enum import IntEnum


class Weight(IntEnum):
    """Of a command that a tool runs by itself."""

    ORDINARY = 0
    STARTS_SOMETHING = 1
    DANGEROUS = 2


_DANGEROUS = re.compile(
    r"(?:curl|wget|iwr|Invoke-WebRequest|fetch)\b[^\n]{0,300}(?:\||;|&&|>)\s*\S*(?:sh|bash|python3?|perl|node|iex|Invoke-Expression)\b"
    r"|\b(?:bash|sh|zsh|dash|ksh)\b\s+(?:-\w+\s+)*<\(|\$\(\s*(?:curl|wget)\b|`\s*(?:curl|wget)\b"
    r"|\b(?:curl|wget)\b[^\n]{0,200}(?:-d\b|--data\S*|-F\b|--post-\S+|-T\b|-X\s*POST|\$\(|`|@/|@~|env\b)"
    r"|/dev/(?:tcp|udp)/|\bn(?:c|cat)\b\s[^\n]{0,80}(?:-e\b|\d{2,5})|\bmkfifo\b|\bsocat\b|\bbash\s+-i\b"
    r"|\bbase64\s+(?:-d|-D|--decode)\b|\bopenssl\s+enc\b|\bxxd\s+-r\b"
    r"|\bpowershell(?:\.exe)?\b|\bpwsh\b|\bcmd(?:\.exe)?\s+/c\b|\bmshta\b|\bregsvr32\b|\brundll32\b|\bcertutil\b|\bbitsadmin\b"
    r"|\brm\s+-\w*[rf]\w*\s+(?:/(?!var/(?:lib/apt|cache|tmp)/|tmp/|root/\.cache|opt/conda/pkgs)|~|\$HOME)|\bdd\s+if=|\bmkfs\b|:\(\)\s*\{|\bshred\b"
    r"|\b(?:python3?|node|perl|ruby|php|deno)\s+-(?:c|e|r|-eval)\b|\bosascript\b|\beval\b"
    r"|~?/\.ssh\b|id_rsa|\.aws/credentials|/etc/(?:passwd|shadow|sudoers|cron)|\.bashrc|\.profile|authorized_keys|\bcrontab\b"
    r"|\b(?:printenv|env)\b\s*[|>]|\bchmod\s+(?:\+x|[0-7]*[1357][0-7]*)\b[^\n]{0,80}(?:&&|;)|\bsudo\b|\bnohup\b|\bsetsid\b"
    r"|child_process|os\.system|subprocess|__import__|/tmp/\S+\s*(?:&&|;|&|$)|docker\.sock|--privileged",
    re.IGNORECASE,
)
_SHELLS = re.compile(
    r"^(?:\S*/)?(?:ba|z|k|da|c|fi)?sh$|^(?:\S*[/\\])?(?:cmd|powershell|pwsh)(?:\.exe)?$", re.IGNORECASE
)
_STARTERS = re.compile(
    r"^(?:\S*/)?(?:npx|npm|pnpm|yarn|bunx?|uvx?|uv|pipx|pip3?|python[\d.]*|node|deno|docker|podman|java|go|cargo|ruby|perl|"
    r"curl|wget|make|git|ssh|php)(?:\.exe|\.cmd)?\b",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://", re.IGNORECASE)


def weight_of(command: str, arguments: list[str] | None = None) -> Weight:
    """Of a command line, or of a program and its arguments."""
    line = " ".join([command, *(arguments or [])])[:4000]
    if _DANGEROUS.search(line):
        return Weight.DANGEROUS
    if (
        arguments is not None
        and _SHELLS.match(command.strip())
        and any(one in ("-c", "/c", "-lc", "-ic", "-Command", "/C", "-e") for one in arguments)
    ):
        return Weight.DANGEROUS
    if _SHELLS.match(command.strip().split(" ", 1)[0]) or _STARTERS.match(command.strip()) or _URL.search(line):
        return Weight.STARTS_SOMETHING
    return Weight.ORDINARY
