"""Loaders of single tools that call, import or evaluate what their configuration says.

logging.config (dictConfig), YOLO's lists of layers, MLflow's flavors, BentoML's containers, OmegaConf's resolvers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.reading import pairs_of
from scanners.formats.config.targets import Danger, danger_of


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LOGGERS = _names(
    """logging uvicorn gunicorn structlog colorlog rich pythonjsonlogger json_log_formatter django flask celery
    concurrent_log_handler loguru coloredlogs absl tqdm sentry_sdk logging_json nemo hydra ext"""
)
_SENDING = re.compile(r"^logging\.handlers\.(?:SMTP|HTTP|Socket|Datagram)Handler$")
_LAYER = re.compile(r"^[A-Za-z_][\w.]*$")
_ACTIVATION = re.compile(r"^(?:torch\.)?(?:nn\.)?\w+(?:\([\w=., -]*\))?$")
_CALL = re.compile(r"\w\s*\(|__|\blambda\b")
MOST_ROWS = 5000
_RESOLVER = re.compile(r"\$\{\s*(?:oc\.)?env\s*[:.]\s*([A-Za-z_]\w*)")
_EVALUATED = re.compile(r"\$\{\s*(?:eval|exec|python|py|import|sh|shell|cmd|call)\s*:([^\n]{0,500})", re.IGNORECASE)
_RUNS = re.compile(r"__|\bimport\b|\bos\.|\bsubprocess|\bopen\s*\(|\bexec\b|\beval\b\s*\(|\bgetattr\b|\bsystem\b|\|")
_ORDINARY_VARIABLE = re.compile(
    r"^(?:PWD|OLDPWD|HOME|USER|LOGNAME|HOSTNAME|TMPDIR|TMP|TEMP|(?:LOCAL_)?RANK|(?:LOCAL_)?WORLD_SIZE|NODE_RANK|"
    r"MASTER_(?:ADDR|PORT)|OMP_NUM_THREADS|CUDA_\w+|SLURM_\w+|\w*(?:DIR|ROOT|PATH|FOLDER|DATA|CACHE|SEED|NAME|DEVICE|"
    r"GPUS?|NODES?|WORKERS|PROJECT|ENTITY|VERSION))$"
)
_SECRET_VARIABLE = re.compile(r"TOKEN|SECRET|PASSW|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|_KEY$|_AUTH$|COOKIE")
_SPACED = re.compile(r"[a-z][a-z+]*://", re.IGNORECASE)


def judge_loaders(value: dict[str, Any], keys: frozenset[str], case: Case) -> None:
    """Looks at one object of a configuration; `keys` are its keys."""
    if "()" in keys:
        for found in (one for key, one in pairs_of(value) if key == "()"):
            _factory(found, "()", case)
    if keys & {"handlers", "formatters", "filters"}:
        for key in keys & {"handlers", "formatters", "filters"}:
            _logging(value[key], case)
    if keys & {"backbone", "head", "neck"}:
        _layers(value, case)
    if isinstance(value.get("custom_imports"), dict):
        for name in _texts(value["custom_imports"].get("imports")):
            _imported(name, "custom_imports", case)
    if isinstance(value.get("import_path"), str) and "applications" not in keys:
        _served(value, case)
    if isinstance(value.get("python_function"), dict):
        _python_function(value["python_function"], case)
    if isinstance(value.get("docker"), dict) and keys & {"service", "python", "include", "labels", "docker", "conda"}:
        _bento(value, case)


def judge_resolvers(key: str, text: str, case: Case) -> None:
    """`${oc.env:NAME}` and its like in one text."""
    for found in _RESOLVER.finditer(text[:10_000]):
        name = found[1].upper()
        secret = _SECRET_VARIABLE.search(name) is not None
        if not secret and _ORDINARY_VARIABLE.match(name):
            severity, leads = Severity.LOW, ""
        elif secret and _SPACED.search(text):
            severity, leads = Severity.HIGH, " and puts it into an address"
        else:
            severity, leads = Severity.MEDIUM, ""
        case.add(
            "config-names-code",
            severity,
            f"The configuration has its loader read {found[1][:60]!r} from the environment{leads}.",
            evidence={"key": key[:100], "variable": found[1][:100]},
        )
    for found in _EVALUATED.finditer(text[:10_000]):
        if _RUNS.search(found[1]):
            case.add(
                "config-names-code",
                Severity.HIGH,
                f"The configuration has its loader evaluate {found.group()[:60]!r}, which reaches beyond numbers.",
                evidence={"key": key[:100], "code": found.group()[:200]},
            )


def _factory(found: Any, key: str, case: Case) -> None:
    if not isinstance(found, str):
        return
    name = found.removeprefix("ext://").strip()
    danger = danger_of(name)
    if danger in (Danger.UNKNOWN, Danger.REACHES_OUT) and name.split(".", 1)[0] in _LOGGERS:
        danger = Danger.UNKNOWN if _SENDING.match(name) else Danger.NONE
    if danger is Danger.NONE:
        return
    severity = {Danger.RUNS: Severity.CRITICAL, Danger.REACHES_OUT: Severity.HIGH}.get(danger, Severity.MEDIUM)
    case.add(
        "config-names-code",
        severity,
        f"The logging settings have the logging module call {name[:80]!r}.",
        evidence={"key": key, "name": name[:200]},
    )


def _logging(parts: Any, case: Case) -> None:
    """Handlers and formatters name their class; `ext://` is whatever can be imported."""
    for part in parts.values() if isinstance(parts, dict) else ():
        if not isinstance(part, dict):
            continue
        name = part.get("class")
        if isinstance(name, str) and "." in name and _LAYER.match(name):
            _factory(name, "class", case)
            target = part.get("filename")
            if isinstance(target, str) and name.endswith("FileHandler") and re.match(r"[/~]|.*\.\.[/\\]", target):
                case.add(
                    "config-path-escape",
                    Severity.HIGH if re.search(r"\.\.[/\\]|^~|^/(?:etc|root|home|usr)/", target) else Severity.LOW,
                    f"The logging settings write into {target[:80]!r}, outside the repository.",
                    evidence={"key": "filename", "path": target[:200]},
                )
        for text in (one for _, one in pairs_of(part) if isinstance(one, str) and one.startswith("ext://")):
            if danger_of(text.removeprefix("ext://")) is Danger.RUNS and not re.fullmatch(r"ext://sys\.\w+", text):
                _factory(text, "ext", case)


def _layers(value: dict[str, Any], case: Case) -> None:
    """Rows of `[from, number, module, arguments]`: YOLO's loaders look modules up, older ones evaluate all of it."""
    for part in ("backbone", "head", "neck"):
        rows = value.get(part)
        for row in rows[:MOST_ROWS] if isinstance(rows, list) else ():
            if not isinstance(row, list):
                continue
            for at, text in enumerate(_texts(row)):
                is_module = _LAYER.match(text) is not None
                if (not is_module and _CALL.search(text)) or (is_module and at and danger_of(text) is Danger.RUNS):
                    _evaluated(text, part, case)
                    return
    for key in ("activation", "act"):
        named = value.get(key)
        if isinstance(named, str) and not _ACTIVATION.match(named) and _CALL.search(named):
            _evaluated(named, key, case)


def _evaluated(text: str, key: str, case: Case) -> None:
    case.add(
        "config-names-code",
        Severity.HIGH,
        f"The list of layers has {text[:60]!r} where its loader looks up or evaluates a class.",
        evidence={"key": key, "code": text[:200]},
    )


def _imported(name: str, key: str, case: Case, own: Severity = Severity.MEDIUM) -> None:
    """A module that is imported, or an object of one; `own`: what it weighs if it is of no known library."""
    danger = danger_of(name)
    severity = {Danger.RUNS: Severity.HIGH, Danger.REACHES_OUT: Severity.HIGH, Danger.UNKNOWN: own}.get(danger)
    if severity is not None:
        case.add(
            "config-names-code",
            severity,
            f"The configuration has its loader import {name[:80]!r}.",
            evidence={"key": key, "name": name[:200]},
        )


def _served(value: dict[str, Any], case: Case) -> None:
    """Ray Serve: the application, and the environment it is started in."""
    _imported(value["import_path"], "import_path", case, own=Severity.LOW)
    environment = value.get("runtime_env")
    if not isinstance(environment, dict):
        return
    for place in [*_texts(environment.get("working_dir")), *_texts(environment.get("py_modules"))]:
        if _SPACED.match(place):
            case.add(
                "config-names-code",
                Severity.MEDIUM,
                f"The application takes its code from {place[:80]!r}.",
                evidence={"key": "runtime_env", "name": place[:200]},
            )
    # Only for what names packages.
    from scanners.formats.requirements.judge import judge_lines

    judge_lines("\n".join(one for one in _texts(environment.get("pip")) if "\n" not in one), case)


def _python_function(flavor: dict[str, Any], case: Case) -> None:
    """MLflow imports `loader_module`, which is judged by its name, with the folder `code` on its path."""
    script = flavor.get("model_code_path")
    if isinstance(script, str) and script:
        case.add(
            "config-names-code",
            Severity.MEDIUM,
            f"MLflow runs {script[:80]!r} of the repository to load the model.",
            evidence={"key": "model_code_path", "name": script[:200]},
        )


def _bento(value: dict[str, Any], case: Case) -> None:
    """bentofile.yaml: what is run while its container is built, and where its packages come from."""
    docker = value["docker"]
    for key in ("setup_script", "dockerfile_template"):
        if isinstance(docker.get(key), str) and docker[key]:
            case.add(
                "config-runs-command",
                Severity.MEDIUM,
                f"Building the container runs {docker[key][:80]!r} ({key}).",
                evidence={"key": key, "command": docker[key][:300]},
            )
    python = value.get("python")
    if isinstance(python, dict):
        # Only for what names packages.
        from scanners.formats.requirements.judge import judge_lines

        arguments = python.get("pip_args")
        lines = re.sub(r"\s+(?=--?[a-z])", "\n", arguments).splitlines() if isinstance(arguments, str) else []
        packages = [one for one in _texts(python.get("packages")) if "\n" not in one]
        options = [f"--{key.replace('_', '-')} {python[key]}" for key in _OF_PIP if isinstance(python.get(key), str)]
        judge_lines("\n".join([*lines, *options, *packages]), case)


_OF_PIP = ("index_url", "find_links", "trusted_host", "extra_index_url")


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            stack.extend(reversed(one))
        elif isinstance(one, dict):
            stack.extend(inner for _, inner in pairs_of(one))
