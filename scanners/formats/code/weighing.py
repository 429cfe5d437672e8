"""What a deed weighs: by what it is, when it runs, and what else runs with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from scanners.finding import Severity
from scanners.formats.code.commands import worst_command
from scanners.formats.code.knowledge import HUB_HOSTS, PROBES, SECRET_PLACES, START_PLACES, Power
from scanners.formats.code.reach import Moment
from scanners.formats.code.values import Deed
from scanners.formats.code.weights import Surroundings, Weight

LOW, MEDIUM, HIGH, CRITICAL = Severity

_FROM_ELSEWHERE = frozenset({Power.DECODE, Power.NETWORK, Power.SOCKET})
_INSTALLS = re.compile(
    r"\b(?:pip3?|uv|easy_install|conda|mamba|apt(?:-get)?|npm|yum|brew|gem|cargo|poetry)\b.{0,40}\b(?:install|add)\b|\beasy_install\b"
)
_INSTALLS_FROM = re.compile(r"git\+|https?://|--(?:extra-)?index-url|(?:^|\s)-i\s|--trusted-host")
_SHELL = re.compile(r"(?:^|[/\s'\"\[])(?:ba|z|da|k)?sh(?:$|[\s'\",\]])|cmd\.exe|powershell", re.IGNORECASE)
_NATIVE_CALL = re.compile(
    r"\.(?:system|popen|execve?|execl|dlopen|mprotect|VirtualAlloc(?:Ex)?|CreateThread|CreateRemoteThread|WinExec"
    r"|ShellExecute[AW]?|RtlMoveMemory|WriteProcessMemory|VirtualProtect|URLDownloadToFile[AW]?|ptrace|PyRun_\w+)\b"
)
_SHELLCODE = frozenset({"ctypes.memmove", "mmap.PROT_EXEC", "os.memfd_create", "_ctypes.dlopen"})
_HOSTILE_C = re.compile(r"\b(?:system|popen|execve?l?p?|socket|connect|dlopen|fork)\s*\(")
_OUTSIDE = re.compile(
    r"^(?:~|/(?!tmp/|content/|kaggle/|data/|mnt/|workspace/|dev/(?:null|shm)|opt/ml/)|[A-Za-z]:[\\/])"
)
_DUNDERS = re.compile(r"__(?:class|globals|init|subclasses|import|builtins|mro|base)\w*__|<%|\$\{.*__")
_MORE_COMMANDS = re.compile(r"[;&|`\n]|\$\(")
_LAUNCHES = re.compile(
    r"^(?:\S*python[\d.]*(?!\s+-c)|\*(?!\s+-c)|torchrun|accelerate|deepspeed|streamlit|uvicorn|gunicorn|srun|mpirun|jupyter"
    r"|(?:ba)?sh \S+\.sh)\b"
)
_GUARDS_IN_SYS_MODULES = frozenset(
    f"sys.modules[{name!r}]"
    for name in ("os", "subprocess", "pickle", "builtins", "ssl", "hashlib", "safetensors", "torch", "huggingface_hub")
)
_FETCHES = re.compile(r"(?:\.get|\.urlopen|\.urlretrieve|\.download|\.get_file|\.download_url_to_file)$")
_UPLOADS = re.compile(r"\.(?:upload_\w+|push_to_hub|create_repo|create_commit|delete_\w+|post|put|sendall|send)$")


def weigh(deed: Deed, around: Surroundings) -> Weight | None:
    """None for what is worth no word by itself."""
    judge = _JUDGES.get(deed.power)
    return judge(deed, around) if judge is not None else None


def _process(deed: Deed, around: Surroundings) -> Weight | None:
    words = deed.words
    hostile = worst_command(words)
    if hostile is not None and hostile.severity.rank >= HIGH.rank:
        severity = around.by_moment(CRITICAL, HIGH, HIGH)
        return Weight("code-starts-programs", severity, f"runs a command that {hostile.what}")
    if deed.tags & _FROM_ELSEWHERE:
        severity = around.by_moment(CRITICAL, HIGH, HIGH)
        return Weight("code-starts-programs", severity, "starts a program whose command line is decoded or fetched")
    if _INSTALLS.search(words):
        from_elsewhere = _INSTALLS_FROM.search(words) is not None
        at_import = MEDIUM if around.is_program and not from_elsewhere else HIGH
        severity = around.by_moment(at_import, HIGH if from_elsewhere else MEDIUM, MEDIUM)
        return Weight("code-installs-packages", severity, "installs packages")
    if Power.SOCKET in around.company and (_SHELL.search(words) or "pty" in deed.path):
        severity = around.by_moment(CRITICAL, HIGH, HIGH)
        return Weight("code-starts-programs", severity, "gives a shell to whoever is at the other end of a connection")
    if Power.NETWORK in around.company and Power.PERMISSIONS in around.company:
        severity = around.by_moment(CRITICAL, HIGH, HIGH)
        return Weight("code-starts-programs", severity, "fetches a program, makes it executable and starts it")
    is_one = _MORE_COMMANDS.search(words) is None
    if is_one and PROBES.match(words.strip()):
        return Weight("code-starts-programs", MEDIUM, "asks another program about the machine")
    if is_one and around.is_program and _LAUNCHES.match(words.strip()):
        return Weight("code-starts-programs", MEDIUM, "starts another program of the same kind")
    severity = around.by_moment(CRITICAL if deed.called else HIGH, HIGH, MEDIUM)
    return Weight("code-starts-programs", severity, "starts another program")


def _network(deed: Deed, around: Surroundings) -> Weight | None:
    if HUB_HOSTS.match(deed.words) and not (around.company & {Power.SECRET}):
        return Weight(
            "code-opens-connections", around.by_moment(MEDIUM, LOW, LOW), "talks to the Hub or to this machine"
        )
    if Power.SECRET in around.company | deed.tags:
        severity = around.by_moment(CRITICAL, HIGH, HIGH)
        return Weight("code-reads-secrets", severity, "reads secrets and opens a connection of its own")
    if deed.tags & {Power.TOKEN}:
        severity = around.by_moment(CRITICAL, HIGH, HIGH)
        return Weight("code-reads-secrets", severity, "sends a token or the environment to another place")
    if deed.tags & {Power.HOST}:
        severity = around.by_moment(HIGH, HIGH, HIGH)
        return Weight("code-opens-connections", severity, "tells another place on which machine and for whom it runs")
    if deed.note == "inputs" and around.moment is Moment.USE and not around.is_notebook:
        return Weight("code-opens-connections", HIGH, "sends what it is given to another place")
    both = around.company & {Power.TOKEN, Power.HOST}
    if both and around.moment is Moment.IMPORT:
        return Weight("code-opens-connections", HIGH, "looks at the machine and opens a connection of its own")
    if around.is_notebook and _FETCHES.search(deed.path) and deed.words.startswith("http"):
        # A picture or a table to try the model on.
        return Weight("code-opens-connections", LOW, "fetches a file from an address that it names")
    if deed.power is Power.SOCKET:
        connects = deed.path.endswith(("connect", "connect_ex", "create_connection", "open_connection", "Telnet"))
        severity = around.by_moment(HIGH, HIGH, MEDIUM) if connects else around.by_moment(HIGH, MEDIUM, LOW)
        return Weight("code-opens-connections", severity, "connects to a place" if connects else "opens a socket")
    fetches = around.is_program and _FETCHES.search(deed.path) and deed.words.startswith("http")
    severity = around.by_moment(MEDIUM if fetches else HIGH, MEDIUM, MEDIUM)
    return Weight("code-opens-connections", severity, "opens a connection of its own")


def _hub(deed: Deed, around: Surroundings) -> Weight | None:
    if not _UPLOADS.search(deed.path):
        return None
    if Power.SECRET in around.company | deed.tags or Power.TOKEN in deed.tags:
        return Weight("code-reads-secrets", around.by_moment(CRITICAL, HIGH, HIGH), "uploads secrets to the Hub")
    return Weight("code-opens-connections", around.by_moment(HIGH, MEDIUM, MEDIUM), "uploads to the Hub")


def _token(deed: Deed, around: Surroundings) -> Weight | None:
    """Reading a token is ordinary where somebody asks for it; a model that does so by itself is looked at."""
    if deed.note == "shown":
        return Weight(
            "code-reads-secrets", around.by_moment(HIGH, MEDIUM, MEDIUM), "shows or keeps all of the environment"
        )
    if around.in_model and deed.path.startswith("os.environ[") and around.moment is not Moment.ASKED:
        return Weight("code-reads-secrets", MEDIUM, f"reads a token ({deed.words[:40]}) inside of a model")
    return None


def _secret(deed: Deed, around: Surroundings) -> Weight | None:
    what = f"reaches for secrets ({deed.path[:60]})"
    if around.company & {Power.NETWORK, Power.SOCKET, Power.PROCESS}:
        return Weight("code-reads-secrets", around.by_moment(CRITICAL, HIGH, HIGH), what)
    return Weight("code-reads-secrets", around.by_moment(HIGH, HIGH, MEDIUM), what)


def _execute(deed: Deed, around: Surroundings) -> Weight | None:
    if deed.path.startswith(("jinja2.", "mako.")):
        if not _DUNDERS.search(deed.words):
            return None
        what = "renders a template that reaches for Python's internals"
        return Weight("code-runs-hidden-code", around.by_moment(CRITICAL, HIGH, HIGH), what)
    if deed.path.startswith("types.") and not deed.called:
        return None
    rule = "code-runs-hidden-code"
    if deed.tags & (_FROM_ELSEWHERE | {Power.UNPICKLE}):
        origin = "fetched" if deed.tags & {Power.NETWORK, Power.SOCKET} else "decoded"
        return Weight(rule, around.by_moment(CRITICAL, HIGH, HIGH), f"runs code that is {origin} first")
    if not deed.called:
        return Weight(rule, MEDIUM, f"hands on {deed.path}, which runs text as code")
    if Power.READ_FILE in deed.tags:
        severity = MEDIUM if around.is_setup else around.by_moment(HIGH, HIGH, MEDIUM)
        return Weight(rule, severity, "runs the content of another file as code")
    if deed.note == "compiled" and not around.is_setup:
        # A text of its own needs no compiling before it runs, unless somebody should not see that it runs.
        return Weight(rule, around.by_moment(CRITICAL, MEDIUM, MEDIUM), "compiles a text of its own and runs it")
    if deed.note:
        # Its text is there to be read, and was judged where it could be.
        severity = MEDIUM if deed.path == "exec" or deed.note != "read" else LOW
        if deed.path == "eval" and deed.note == "constant":
            severity = LOW
        return Weight(rule, severity, "runs a text of its own as code")
    if deed.path == "eval" or deed.path.startswith(
        ("types.", "timeit", "trace", "cProfile", "profile", "pdb", "bdb", "doctest", "sympy")
    ):
        severity = around.by_moment(HIGH if deed.path == "eval" else MEDIUM, MEDIUM, MEDIUM)
        return Weight(rule, severity, "runs a text that is put together as code")
    if deed.path.startswith("marshal"):
        return Weight(rule, around.by_moment(CRITICAL, HIGH, HIGH), "loads compiled code from data")
    return Weight(rule, around.by_moment(HIGH, HIGH, MEDIUM), "runs a text that is put together as code")


def _compile(deed: Deed, around: Surroundings) -> Weight | None:
    if not deed.tags & _FROM_ELSEWHERE:
        return None
    return Weight(
        "code-runs-hidden-code", around.by_moment(CRITICAL, HIGH, HIGH), "compiles code that is decoded or fetched"
    )


def _import_file(deed: Deed, around: Surroundings) -> Weight | None:
    if not deed.called:
        return None
    fetched = bool(around.company & {Power.NETWORK, Power.SOCKET})
    severity = around.by_moment(CRITICAL, HIGH, HIGH) if fetched else MEDIUM
    what = "fetches something and runs a file as code" if fetched else "runs a Python file by its path"
    return Weight("code-runs-hidden-code", severity, what)


def _unpickle(deed: Deed, around: Surroundings) -> Weight | None:
    if "!!python/" in deed.words or "tag:yaml.org,2002:python/" in deed.words:
        return Weight("code-unpickles", around.by_moment(CRITICAL, HIGH, HIGH), "loads YAML that makes Python objects")
    if deed.tags & (_FROM_ELSEWHERE - {Power.DECODE}) or (Power.DECODE in deed.tags and "torch.load" not in deed.path):
        return Weight(
            "code-unpickles", around.by_moment(CRITICAL, HIGH, HIGH), "unpickles data that is decoded or fetched"
        )
    return Weight("code-unpickles", MEDIUM, "unpickles a file, which can run code")


def _native(deed: Deed, around: Surroundings) -> Weight | None:
    rule = "code-loads-native-code"
    if deed.note == "address":
        return Weight(rule, around.by_moment(CRITICAL, HIGH, HIGH), "calls machine code at an address in memory")
    if _NATIVE_CALL.search(deed.path):
        return Weight(rule, around.by_moment(CRITICAL, HIGH, HIGH), "calls the system's own functions past Python")
    if deed.path in _SHELLCODE:
        return Weight(rule, around.by_moment(CRITICAL, HIGH, HIGH), "puts machine code into memory")
    if not deed.called or deed.path in (
        "ctypes.string_at",
        "ctypes.CFUNCTYPE",
        "ctypes.PYFUNCTYPE",
        "ctypes.WINFUNCTYPE",
    ):
        return Weight(rule, MEDIUM, "works with native code")
    return Weight(rule, around.by_moment(HIGH, MEDIUM, MEDIUM), "loads a native library")


def _build(deed: Deed, around: Surroundings) -> Weight | None:
    if _HOSTILE_C.search(deed.words):
        return Weight(
            "code-loads-native-code", around.by_moment(CRITICAL, HIGH, HIGH), "builds C code that calls the system"
        )
    return Weight("code-loads-native-code", MEDIUM, "builds native code and loads it")


def _write(deed: Deed, around: Surroundings) -> Weight | None:
    words = deed.words
    if START_PLACES.search(words):
        severity = around.by_moment(CRITICAL, HIGH, HIGH)
        return Weight("code-changes-system", severity, "writes where programs are started or the system is set up")
    if SECRET_PLACES.search(words):
        return Weight("code-changes-system", around.by_moment(CRITICAL, HIGH, HIGH), "writes among keys and tokens")
    if deed.path.startswith(("os.rename", "os.replace", "shutil.move", "os.mkfifo")):
        return None
    if _OUTSIDE.match(words) and ".cache" not in words:
        return Weight("code-changes-system", around.by_moment(HIGH, MEDIUM, MEDIUM), "writes a file outside its folder")
    if words.endswith((".py", ".pyc", ".so", ".pth", ".sh")):
        return Weight("code-changes-system", MEDIUM, "writes a file of code")
    if Power.DECODE in deed.tags:
        return Weight("code-changes-system", around.by_moment(HIGH, HIGH, MEDIUM), "writes to a path that is decoded")
    is_told = bool(words) and "*" not in words
    if around.moment is Moment.ASKED or around.is_setup or around.is_notebook:
        return None
    if words.startswith(("/tmp/", "/dev/shm/", "/var/tmp/")) and is_told:  # noqa: S108  (read, not used)
        return Weight("code-changes-system", MEDIUM, "writes a file outside its folder")
    if not around.is_program and (is_told or around.moment is Moment.IMPORT):
        return Weight("code-changes-system", MEDIUM, "writes a file")
    return None


def _delete(deed: Deed, around: Surroundings) -> Weight | None:
    if _OUTSIDE.match(deed.words) or deed.words in ("/", "~", "C:\\"):
        return Weight("code-changes-system", around.by_moment(CRITICAL, HIGH, HIGH), "deletes files outside its folder")
    if around.moment is Moment.IMPORT and not around.is_setup:
        grave = "rmtree" in deed.path and not around.is_program
        return Weight("code-changes-system", HIGH if grave else MEDIUM, "deletes files")
    return None


def _permissions(deed: Deed, around: Surroundings) -> Weight | None:
    if around.company >= {Power.NETWORK, Power.PERMISSIONS} and deed.path == "os.chmod":
        return Weight(
            "code-changes-system", around.by_moment(HIGH, MEDIUM, MEDIUM), "fetches a file and changes its rights"
        )
    return None


def _persist(_: Deed, around: Surroundings) -> Weight | None:
    return Weight(
        "code-changes-system", around.by_moment(CRITICAL, HIGH, HIGH), "sees to it that something is started again"
    )


def _tamper(deed: Deed, around: Surroundings) -> Weight | None:
    rule = "code-tampers-with-python"
    if deed.path in ("sys.gettrace", "ctypes.windll.kernel32.IsDebuggerPresent"):
        return Weight(rule, MEDIUM, "looks whether it is being watched")
    if deed.note == "replaced":
        return Weight(rule, around.by_moment(HIGH, HIGH, MEDIUM), "replaces a function of Python or of a loader")
    if deed.note == "environment":
        grave = not deed.path.endswith(("'PATH']", "_PROXY']", "LIBRARY_PATH']", "_ONLY_LOAD']", "_REMOTE_CODE']"))
        return Weight(
            rule,
            around.by_moment(HIGH, MEDIUM, MEDIUM) if grave else MEDIUM,
            "changes a variable that says what is loaded",
        )
    if deed.path.startswith(("sys.meta_path", "sys.path_hooks", "codecs.register")):
        severity = around.by_moment(HIGH, MEDIUM, MEDIUM) if deed.called else MEDIUM
        return Weight(rule, severity, "changes how Python imports or reads code")
    if deed.path.startswith("gc."):
        return Weight(rule, MEDIUM, "goes through all objects of Python") if around.moment is Moment.IMPORT else None
    if deed.path == "sys.path":
        if deed.words.startswith("/"):
            return Weight(rule, MEDIUM, "imports code from a folder that anybody may write to")
        return Weight(rule, around.by_moment(HIGH, MEDIUM, MEDIUM), "imports code out of an archive")
    if deed.path in _GUARDS_IN_SYS_MODULES and around.moment is not Moment.ASKED and not around.is_program:
        return Weight(rule, HIGH, "puts another module in the place of one that everybody relies on")
    if deed.path.endswith("enable_unsafe_deserialization"):
        return Weight(rule, MEDIUM, "switches the guard of a loader off")
    if deed.path == "os.fork" and deed.called and around.moment is Moment.IMPORT and not around.is_program:
        return Weight(rule, HIGH, "multiplies processes")
    if deed.path.startswith("os."):
        what = "ends or multiplies processes"
        return Weight(rule, MEDIUM, what) if deed.called and around.moment is not Moment.ASKED else None
    return Weight(rule, MEDIUM, "changes how Python runs")


def _escape(_: Deed, around: Surroundings) -> Weight | None:
    severity = around.by_moment(HIGH, MEDIUM, MEDIUM)
    return Weight("code-runs-hidden-code", severity, "walks from a value to Python's internals")


def _computed(deed: Deed, around: Surroundings) -> Weight | None:
    rule = "code-runs-hidden-code"
    if deed.tags & _FROM_ELSEWHERE:
        return Weight(rule, around.by_moment(CRITICAL, HIGH, HIGH), "reaches for something whose name is decoded first")
    if deed.words == "a module":
        what = "imports a module whose name is computed"
        return Weight(rule, MEDIUM, what) if around.moment is Moment.IMPORT else None
    if deed.path.startswith("?import"):
        what = "takes something by a computed name from a module with a computed name"
        severity = HIGH if deed.called and around.moment is Moment.IMPORT else MEDIUM
        is_told = around.moment is Moment.IMPORT or (deed.called and around.moment is Moment.USE)
        return Weight(rule, severity, what) if is_told else None
    return Weight(rule, around.by_moment(HIGH, HIGH, MEDIUM), "reaches for something whose name is computed")


def _install(deed: Deed, around: Surroundings) -> Weight | None:
    if deed.path.startswith("pkg_resources"):
        return None
    return Weight("code-installs-packages", around.by_moment(HIGH, MEDIUM, MEDIUM), "installs packages")


def _remote_code(deed: Deed, around: Surroundings) -> Weight | None:
    if deed.path.startswith("torch.hub.") and around.moment is Moment.IMPORT and not around.is_program:
        return Weight("code-fetches-code", HIGH, "fetches code of another repository and runs it")
    return Weight("code-fetches-code", MEDIUM, "runs code of another repository")


_JUDGES: Mapping[Power, Callable[[Deed, Surroundings], Weight | None]] = MappingProxyType(
    {
        Power.PROCESS: _process,
        Power.NETWORK: _network,
        Power.SOCKET: _network,
        Power.HUB: _hub,
        Power.SECRET: _secret,
        Power.TOKEN: _token,
        Power.EXEC: _execute,
        Power.COMPILE: _compile,
        Power.IMPORT_FILE: _import_file,
        Power.UNPICKLE: _unpickle,
        Power.NATIVE: _native,
        Power.BUILD_NATIVE: _build,
        Power.WRITE: _write,
        Power.DELETE: _delete,
        Power.PERMISSIONS: _permissions,
        Power.PERSIST: _persist,
        Power.TAMPER: _tamper,
        Power.ESCAPE: _escape,
        Power.COMPUTED: _computed,
        Power.INSTALL: _install,
        Power.REMOTE_CODE: _remote_code,
    }
)
