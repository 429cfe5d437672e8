"""Command lines that no honest script needs: what a shell, PowerShell or batch line would do."""

# One pattern a line: a table is read line by line.
# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass

from scanners.finding import Severity

WINDOW, OVERLAP = 2_000, 400
"""A longer line is looked at in pieces: what a pattern costs grows with the square of it."""
_FETCH = r"(?:curl|wget|fetch|lwp-request|aria2c|axel)\b"
_SHELLS = r"(?:(?:ba|z|da|k|a|c|tc|fi)?sh|python[\d.]*|perl|ruby|node|php|source|xargs)\b"
_KNOWN_INSTALLERS = re.compile(
    r"https://(?:astral\.sh/uv|sh\.rustup\.rs|install\.python-poetry\.org|get\.docker\.com|deb\.nodesource\.com"
    r"|ollama\.com/install\.sh|get\.pnpm\.io|bun\.sh/install|raw\.githubusercontent\.com/(?:Homebrew|nvm-sh|pyenv|huggingface|pytorch|NVIDIA|microsoft)/"
    r"|packagecloud\.io/install/repositories/github/git-lfs|pyenv\.run|bootstrap\.pypa\.io|micro\.mamba\.pm"
    r"|repo\.anaconda\.com/miniconda)"
)


@dataclass(frozen=True, slots=True)
class Command:
    """A kind of line, and what it does (`... a command that <what>`)."""

    pattern: re.Pattern[str]
    severity: Severity
    what: str


def _command(pattern: str, severity: Severity, what: str) -> Command:
    return Command(re.compile(pattern, re.IGNORECASE), severity, what)


HIGH, MEDIUM = Severity.HIGH, Severity.MEDIUM

COMMANDS: tuple[Command, ...] = (
    _command(rf"{_FETCH}[^|\n;]*\|\s*(?:sudo\s+(?:-\w+\s+)*|env\s+|nohup\s+|command\s+|exec\s+)?(?:[\w=]+\s+)?[\w/.-]*?{_SHELLS}", HIGH, "fetches a script and runs it"),
    _command(rf"{_FETCH}[^|\n;]*\|\s*(?:sudo\s+)?[\"']?\$\{{?\w+\}}?(?:[\"']?\s*(?:$|[;&\n-])|\$)", HIGH, "fetches a script and runs it"),
    _command(rf"\b(?:s_client|ncat|nc|netcat|socat|telnet)\b[^|\n;]*\|\s*(?:sudo\s+)?[\w/]*?{_SHELLS}", HIGH, "gives a shell to whoever is at the other end"),
    _command(r"\|\s*(?:nc|ncat|netcat)\s+(?:-\w+\s+)*[\w.-]+\s+\d+", HIGH, "sends what it reads to another place"),
    _command(rf"\bbase(?:64|32)\b\s+(?:-d|-D|--decode|-di)\b[^\n>]*>\s*(\S+)[\s\S]{{0,200}}?(?:&&|;|\n)\s*(?:sudo\s+)?(?:{_SHELLS}\s+|source\s+|\.\s+)?\1\b", HIGH, "decodes a script and runs it"),
    _command(r"(?:^|[|;&(\"\n]|\bsudo)\s*[a-z]{1,6}(?:''|\"\")[a-z]{1,8}\b", HIGH, "hides its words behind quotes"),
    _command(r"\bcurl\b[^\n]*\s(?:-T|--upload-file)[\s=]+[^\s-]", MEDIUM, "sends a file to another place"),
    _command(rf"(?:{_SHELLS}|eval|exec)\s*(?:-\w+\s+)*[\"']?(?:<\(|\$\(|`)\s*{_FETCH}", HIGH, "fetches a script and runs it"),
    _command(rf"\b(\w+)=[\"']?(?:\$\(|`)\s*{_FETCH}[\s\S]{{0,600}}?(?:\b(?:eval|exec|source|(?:ba)?sh\s+-c)\s+[\"']?\$\{{?\1\b|\$\{{?\1\}}?[\"']?\s*\|\s*{_SHELLS})", HIGH, "fetches a script and runs it"),
    _command(r"\.\s+<\(\s*(?:curl|wget)", HIGH, "fetches a script and runs it"),
    _command(rf"{_FETCH}[^\n]*?(?:&&|;|\n)\s*(?:sudo\s+)?chmod\s+(?:\S+\s+)*(?:\+x|[0-7]*[75][0-7]*)[^\n]*", HIGH, "fetches a program and makes it executable"),
    _command(rf"{_FETCH}[^\n]*-o\s*(\S+)[^\n]*(?:&&|;|\|\|)\s*(?:sudo\s+)?(?:{_SHELLS}\s+)\1", HIGH, "fetches a script and runs it"),
    _command(r"\b(?:curl|wget)\b[^\n]{0,300}?(?<![\w.-])([\w.-]{1,80}\.(?:sh|py|pl|bin|elf|run|ps1|exe))\b[\s\S]{0,300}?(?:\b(?:ba|z|da)?sh|\bpython[\d.]*|\bperl|\bsource|\./)\s*(?:\./|/tmp/)?\1", HIGH, "fetches a script and runs it"),
    _command(r"/dev/(?:tcp|udp)/", HIGH, "opens a connection from the shell"),
    _command(r"\b(?:nc|ncat|netcat)\b[^\n|;]*\s-\w*[ec]\b|\bmkfifo\b[^\n]*\b(?:nc|ncat|netcat|telnet)\b|\bsocat\b[^\n]*\bexec\b", HIGH, "gives a shell to another machine"),
    _command(r"\b(?:ba|z|da)?sh\s+-i\b[^\n]*(?:>&|0<&|<&)", HIGH, "gives a shell to another machine"),
    _command(r"\bpython[\d.]*\s+-c\s+[^\n]*(?:socket|pty\.spawn|exec\(|base64|urlopen|os\.system|subprocess)", HIGH, "runs Python code that reaches out or starts programs"),
    _command(r"\b(?:perl|ruby|php)\s+-\w*[er]\w*\s+[^\n]*(?:socket|exec|system|fsockopen|base64)", HIGH, "runs code that reaches out or starts programs"),
    _command(r"\bbase(?:64|32)\b\s+(?:-d|-D|--decode|-di)\b[^\n]*\|\s*(?:sudo\s+)?[\w/]*?(?:ba|z|da|k)?(?:sh\b|python|perl|xargs)|\bopenssl\s+(?:base64|enc)\b[^\n]*\s-d\b[^\n]*\|\s*\w*sh\b|\bxxd\s+-r[^\n]*\|\s*\w*sh\b|(?:gunzip|zcat|gzip\s+-d\w*|rev|tr\s+[^|]*)\s*\|\s*(?:ba|z|da|k)?sh\b", HIGH, "decodes a script and runs it"),
    _command(r"(?:eval|(?:ba)?sh\s+-c|source)\s+[\"']?(?:\$\(|`|<\()[^\n]*\b(?:base64|xxd|openssl|rev|printf)\b", HIGH, "decodes a script and runs it"),
    _command(r"(?:sh|bash|python[\d.]*)\s+<<<\s*[\"']?\$\([^\n]*base64", HIGH, "decodes a script and runs it"),
    _command(r"\beval\b[^\n]*\\x[0-9a-f]{2}|\$'\\x[0-9a-f]{2}(?:\\x[0-9a-f]{2}){3}", HIGH, "hides its words behind escapes"),
    _command(r"[a-z/.-]\$\{IFS\}[\w/$.-]|[a-z]\$IFS(?:\$\d)?[\w/-]", HIGH, "hides its words behind variables"),
    _command(r"\brm\s+(?:-\w+\s+|--[\w-]+\s+)*(?:-\w*r\w*|--recursive)\s+(?:-\w+\s+|--[\w-]+\s+)*[\"']?(?:/(?:\s|$|\*|\"|')|~(?:/?(?:\s|$|\*))|\$HOME/?[\"']?(?:\s|$|\*)|/\*|/(?:home|etc|usr|var|boot|root|bin|lib)/?(?:\s|$|\*))", HIGH, "deletes the files of the user or the system"),
    _command(r"\brm\s+-\w*r\w*(?=\s)[^\n;|&]{0,200}?\s[\"']?(?:/|~/?|\$HOME/?|/\*|~/\*)[\"']?/?(?:\s|$)", HIGH, "deletes the files of the user or the system"),
    _command(r"\bfind\s+(?:/|~|\$HOME)\S*\s[^\n]*(?:-delete\b|-exec\s+(?:rm|shred)\b)", HIGH, "deletes the files of the user or the system"),
    _command(r"--no-preserve-root|\bmkfs(?:\.\w+)?\s|\bdd\b[^\n]*\bof=/dev/(?:sd|nvme|hd|vd|mem)|>\s*/dev/(?:sd|nvme|hd|vd)|:\(\)\s*\{\s*:\|:&\s*\};:|\bshred\s+[^\n]*(?:~|/|\$HOME)", HIGH, "destroys data or the machine's work"),
    _command(r"\bcrontab\s+(?:-(?!l\b)|[^\s-]|<)|\|\s*crontab\b|/etc/cron|/var/spool/cron|@reboot", HIGH, "starts itself again by the clock"),
    _command(r"authorized_keys", HIGH, "lets somebody else log in"),
    _command(r"(?:>>?|\btee\b(?:\s+-a)?|\bcp\b[^\n]*|\bmv\b[^\n]*|\bsed\s+-i[^\n]*)\s*[\"']?(?:~|\$HOME|\$\{HOME\}|/root|/home/\w+)/\.(?:bashrc|bash_profile|profile|zshrc|zprofile|zshenv|bash_login|ssh/|config/autostart|config/systemd)", HIGH, "changes what runs when the user logs in"),
    _command(r"(?:>>?|\btee\b(?:\s+-a)?|\bcp\b[^\n]*|\bmv\b[^\n]*|\bsed\s+-i[^\n]*)\s*[\"']?(?:/etc/(?:passwd|shadow|sudoers|hosts|rc\.local|profile|ld\.so\.preload|systemd|init\.d|pam\.d)|/lib/systemd|/usr/lib/systemd)", HIGH, "changes how the system is set up"),
    _command(r"\bsystemctl\s+(?:--\w+\s+)*enable\b|\bupdate-rc\.d\b|\blaunchctl\s+(?:load|bootstrap)\b|LaunchAgents|\bschtasks\b[^\n]*/create|\bReg(?:\.exe)?\s+add\b[^\n]*\\Run\b|CurrentVersion\\Run|\\Startup\\|\bsc(?:\.exe)?\s+create\b|New-ScheduledTask|Register-ScheduledTask", HIGH, "sees to it that it is started again"),
    _command(r"\b(?:useradd|adduser|net\s+user\s+\S+\s+\S+\s+/add|usermod\s+-aG\s+sudo|visudo)\b|NOPASSWD", HIGH, "makes a user or gives one more rights"),
    _command(r"(?:\bcat|\btar|\bcp|\bzip|\bscp|\bgrep|\bbase64|\btype|\bcurl|\bwget|\bnc|<)[^\n|;]*(?:\.ssh/?(?:id_|\*|\s|$)|id_rsa|id_ed25519|\.aws/credentials|\.kube/config|\.netrc|\.git-credentials|/etc/shadow|\.docker/config\.json|\.npmrc|\.pypirc|\.gnupg|\.bash_history)", HIGH, "reads keys, tokens or histories"),
    _command(r"\b(?:curl|wget|nc|ncat|scp)\b[^\n]*huggingface/(?:token|stored_tokens)|huggingface/(?:token|stored_tokens)[^\n]*\|[^\n]*\b(?:curl|wget|nc|ncat)\b", HIGH, "sends a token to another place"),
    _command(r"169\.254\.169\.254|metadata\.google\.internal", HIGH, "asks the cloud for the machine's credentials"),
    _command(r"\b(?:env|printenv|set|export\s+-p|cat\s+/proc/self/environ|cat\s+/etc/passwd|history)\s*\|[^\n]*\b(?:curl|wget|nc|ncat|netcat|telnet|openssl\s+s_client|mail)\b|\b(?:curl|wget)\b[^\n]*(?:\$\((?:env|printenv|cat|whoami|hostname|id|uname|base64)|`(?:env|printenv|cat|whoami|hostname|id|uname))", HIGH, "sends what it finds on the machine to another place"),
    _command(r"\b(?:curl|wget)\b[^\n]*(?:--data(?:-binary|-raw|-urlencode)?[\s=]|-d\s|--post-(?:file|data)[\s=]|-F\s|-T\s|--upload-file)\s*[\"']?[^\s\"']*(?:@|\$\{?\w*(?:TOKEN|SECRET|KEY|PASS))", HIGH, "sends files or tokens to another place"),
    _command(r"\b(?:curl|wget)\b[^\n]*\$\{?(?:HF_TOKEN|HUGGING_FACE_HUB_TOKEN|AWS_\w+|GITHUB_TOKEN|OPENAI_API_KEY|\w*SECRET\w*|\w*PASSWORD\w*)\b(?![^\n]*huggingface\.co)", HIGH, "sends a token to another place"),
    _command(r"\b(?:nslookup|dig|host|ping)\s[^\n|;]*(?:\$\([^)\n]*\)|`[^`\n]*`)\.[\w-]+\.", HIGH, "sends what it finds on the machine to another place"),
    _command(r"\bpowershell(?:\.exe)?\b[^\n]*\s-(?:e|ec|en|enc|enco\w*)\s|\bpwsh\b[^\n]*\s-(?:e|ec|enc\w*)\s|FromBase64String", HIGH, "runs an encoded PowerShell command"),
    _command(r"\b(?:IEX|Invoke-Expression)\b|\.Download(?:String|File|Data)\s*\(|\bNet\.WebClient\b|Start-BitsTransfer|Net\.Sockets\.(?:TCPClient|UdpClient)|Invoke-Mimikatz|Reflection\.Assembly\]::Load", HIGH, "fetches code and runs it in PowerShell"),
    _command(r"\b(?:iwr|irm|wget|curl|Invoke-WebRequest|Invoke-RestMethod|DownloadFile)\b[^\n]{0,300}?\.(?:exe|ps1|bat|cmd|vbs|msi|scr|hta)\b[^\n;&|]{0,200}(?:[;&|]|\n)\s*(?:start\b|call\b|&|cmd\b|powershell\b|Start-Process|\.?[\\/]?[\w%$:\\/.{}-]+\.(?:exe|ps1|bat|cmd|vbs|msi|scr|hta)\b)", HIGH, "fetches a program and starts it"),
    _command(r"\b(?:iwr|irm|Invoke-WebRequest|Invoke-RestMethod)\b[^\n]{0,300}?\|\s*(?:iex|powershell|pwsh|cmd)|\b(?:iwr|irm|Invoke-WebRequest)\b[^\n]{0,300}?\.(?:exe|ps1|bat|msi|scr)\b", HIGH, "fetches a program"),
    _command(r"\b(?:Remove-Item|ri|rm|del)\b(?=[^\n]{0,120}?-r)[^\n]{0,200}?(?:\$env:(?:USERPROFILE|SystemRoot|SystemDrive|HOMEPATH)|\$HOME|[A-Z]:\\)", HIGH, "deletes the files of the user or the system"),
    _command(r"Add-MpPreference|\bnetsh\b[^\n]*(?:advfirewall\s+set|firewall\s+set|portproxy)|\bwevtutil\s+cl\b|\bnet\s+stop\b|\btaskkill\b[^\n]*(?:defender|MsMpEng|avp)", HIGH, "switches a guard off or hides its window"),
    _command(r"-(?:ExecutionPolicy|ep|exec)\s+bypass|-w(?:indowstyle)?\s+hidden|Set-MpPreference|AmsiUtils|DisableRealtimeMonitoring", HIGH, "switches a guard off or hides its window"),
    _command(r"\b(?:certutil(?:\.exe)?\b[^\n]*(?:-urlcache|-decode)|bitsadmin\b[^\n]*/transfer|mshta(?:\.exe)?\s+(?:https?:|javascript:|vbscript:)|regsvr32\b[^\n]*/i:|rundll32(?:\.exe)?\s+javascript|wscript\b|cscript\b)", HIGH, "runs code through a tool of Windows"),
    _command(r"\bformat\s+[a-z]:|\b(?:del|erase)\s+(?:/\w\s+)*[\"']?(?:[a-z]:\\|%(?:USERPROFILE|SystemRoot|SystemDrive|HOMEPATH|WINDIR|APPDATA)%|\\?\*\.\*)|\b(?:rd|rmdir)\s+(?:/\w\s+)*[\"']?(?:[a-z]:\\|%(?:USERPROFILE|SystemRoot|SystemDrive|HOMEPATH|WINDIR)%)|\bvssadmin\s+delete|\bbcdedit\b|\bcipher\s+/w", HIGH, "destroys data or the machine's work"),
    _command(r"\b(?:xmrig|minerd|cpuminer|cryptonight|stratum\+tcp|nicehash)\b", HIGH, "mines coins"),
    _command(r"/etc/ld\.so\.preload|\b(?:LD_PRELOAD|DYLD_INSERT_LIBRARIES)\s*=\s*[\"']?(?:/tmp/|/dev/shm/|/var/tmp/|\./|~)", HIGH, "puts a library into every program"),
    _command(r"\bLD_PRELOAD\s*=\s*[^\s\"']|\bDYLD_INSERT_LIBRARIES\s*=\s*\S", MEDIUM, "puts a library into every program"),
    _command(r"\b(?:setenforce\s+0|ufw\s+disable|iptables\s+-F|systemctl\s+(?:stop|disable)\s+(?:firewalld|apparmor|auditd)|unset\s+HISTFILE|HISTFILE=/dev/null|history\s+-c)\b", HIGH, "switches a guard off or hides its traces"),
    _command(r"\bdocker\s+run\b[^\n]*(?:--privileged|-v\s+/:|/var/run/docker\.sock)|\bnsenter\b|\bchroot\s+/host", HIGH, "takes over the host of a container"),
    _command(r"\bchmod\s+(?:-\w+\s+)*(?:[ug]?\+s|[4267][0-7]{3})\s|\bchattr\s+[+-]i\b|\bsudo\s+chown\b[^\n]*\s/(?:etc|usr|bin)", HIGH, "gives a file the rights of its owner"),
    _command(r"\bpip3?\s+install\b[^\n]*(?:--(?:extra-)?index-url|-i)[\s=]+(?!https://(?:pypi\.org|download\.pytorch\.org|pypi\.nvidia\.com|pypi\.tuna\.tsinghua\.edu\.cn|mirrors\.aliyun\.com))\S+|\bpip3?\s+install\b[^\n]*--trusted-host", HIGH, "installs packages from another index"),
    _command(r"\bpip3?\s+install\b[^\n]*(?:git\+|https?://)(?!\S*(?:github\.com/(?:huggingface|pytorch|NVIDIA|Dao-AILab|vllm-project|openai)|download\.pytorch\.org|pypi\.org|data\.pyg\.org|flashinfer\.ai))", MEDIUM, "installs packages from an address"),
    _command(r"\bnpm\s+install\b[^\n]*(?:https?://|git\+)|\bnpx\s+(?:-y|--yes)\b|\bgo\s+run\s+\S+@", MEDIUM, "installs packages from an address"),
    _command(r"trust_remote_code\s*=?\s*true|--trust[-_]remote[-_]code", MEDIUM, "runs code of another repository"),
    _command(r"\bssh\b[^\n]*-R\s|\bngrok\b|\bcloudflared\s+tunnel|\bchisel\b|\bfrpc\b", MEDIUM, "opens a way in from outside"),
    _command(r"\b(?:echo|printf|cat)\b[^|\n;]*\|\s*(?:sudo\s+)?(?:/\w+/)*(?:ba|z|da|k)?sh\s*(?:-s?\s*)?(?:$|[;&\n])", MEDIUM, "hands what it puts together to a shell"),
    _command(r"\b(?:del|erase|rd|rmdir)\s+(?:/\w\s+)*/s\b(?:\s+/\w)*\s+[\"']?(?:\*(?:\.\*)?(?:\s|$|[\"'])|\.\.|\\)", MEDIUM, "deletes whole folders"),
    _command(r"(?<!\$\()\beval\s+[\"']?\$\(|\beval\s+[\"']?`|\beval\s+[\"']?\$[{\w]", MEDIUM, "runs what it puts together"),
)  # fmt: skip

_HARMLESS_EVAL = re.compile(
    r"eval\s+[\"']?(?:\$\(|`)\s*(?:[\w/.$\"{}-]*conda\b|ssh-agent|[\w/.-]*dircolors|pyenv|direnv|brew|micromamba|mamba"
    r"|python -m argcomplete|register-python-argcomplete|resize|starship|rbenv|nodenv|minikube|opam)",
    re.IGNORECASE,
)


def worst_command(line: str) -> Command | None:
    """The gravest kind of line this is, the first of equals; None for an ordinary one."""
    found: Command | None = None
    for begin in range(0, max(1, len(line) - OVERLAP), WINDOW - OVERLAP):
        worst = _worst_in(line[begin : begin + WINDOW])
        if worst is not None and (found is None or worst.severity.rank > found.severity.rank):
            found = worst
        if found is not None and found.severity.rank >= HIGH.rank:
            break
    return found


def _worst_in(piece: str) -> Command | None:
    found: Command | None = None
    for command in COMMANDS:
        if found is not None and found.severity.rank >= command.severity.rank:
            continue
        if command.pattern.search(piece) is None:
            continue
        severity = command.severity
        if command.what.startswith("fetches a script") and _KNOWN_INSTALLERS.search(piece):
            severity = MEDIUM
        elif command.what == "runs what it puts together" and _HARMLESS_EVAL.search(piece):
            continue
        if found is None or severity.rank > found.severity.rank:
            found = Command(command.pattern, severity, command.what)
    return found
