"""Requirements in the files of other tools: pyproject, Pipfile, locks, setup.cfg, setup.py, conda, package.json."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.requirements.judge import Listing
from scanners.formats.requirements.places import is_usual_channel


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NPM_ADDRESS = re.compile(r"^(?:git\+|git:|git@|ssh:|https?://|github:|gitlab:|bitbucket:|gist:)")
_OF_CONDA = _names(
    """python pip nodejs openssl cudatoolkit cuda cudnn gcc gxx cmake make git git-lfs ffmpeg libgcc mkl mkl-include
    blas r-base pytorch-cuda pytorch-gpu pytorch-cpu openjdk perl curl wget zlib sqlite readline tk xz ncurses
    ca-certificates compilers opencv py-opencv faiss jupyter notebook libjpeg-turbo libpng freetype graphviz hdf5
    boost eigen ninja sox libsndfile"""
)
"""What conda has besides packages of Python."""
MOST_PACKAGES = 20_000


def judge_toml_manifest(document: dict[str, Any], case: Case) -> None:
    """pyproject.toml, Pipfile, poetry.lock, uv.lock, pdm.lock, pylock.toml."""
    listing = Listing(case)
    project, build, tool = _table(document, "project"), _table(document, "build-system"), _table(document, "tool")
    for text in [*_texts(project.get("dependencies")), *_texts(project.get("optional-dependencies"))]:
        listing.requirement(text)
    for text in [*_texts(build.get("requires")), *_texts(document.get("dependency-groups"))]:
        listing.requirement(text)
    if "backend-path" in build:
        case.add(
            "requirement-foreign-source",
            Severity.MEDIUM,
            "Building the project runs a build program that lies in the repository itself.",
            evidence={"from": str(build.get("build-backend"))[:200]},
        )
    poetry = _table(tool, "poetry")
    hooks = _table(_table(_table(tool, "hatch"), "build"), "hooks")
    own_build = _table(poetry, "build").get("script") or poetry.get("build") or hooks.get("custom")
    if own_build or "cmdclass" in _table(tool, "setuptools"):
        case.add(
            "requirement-foreign-source",
            Severity.MEDIUM,
            "Building the project runs a program of its own that lies in the repository.",
            evidence={"from": str(own_build or _table(tool, "setuptools")["cmdclass"])[:200]},
        )
    groups = [_table(poetry, "dependencies"), _table(poetry, "dev-dependencies")]
    groups += [_table(group, "dependencies") for group in _table(poetry, "group").values() if isinstance(group, dict)]
    groups += [_table(document, name) for name in ("packages", "dev-packages")]
    groups += [_table(_table(tool, "uv"), "sources")]
    for group in groups:
        for name, value in group.items():
            if name.lower() != "python":
                _entry(name, value, listing)
    uv = document if case.name.lower() == "uv.toml" else _table(tool, "uv")
    if case.name.lower() == "pdm.toml":
        listing.index(str(_table(document, "pypi").get("url", "")), option="pypi.url")
    for pixi in (document, _table(tool, "pixi")):
        for table in (_table(pixi, "workspace"), _table(pixi, "project")):
            _judge_channels(_texts(table.get("channels")), listing)
    for source in (
        _tables(document.get("source"))
        + _tables(poetry.get("source"))
        + _tables(uv.get("index"))
        + _tables(_table(tool, "pdm").get("source"))
    ):
        listing.index(str(source.get("url", "")), option="source")
        if source.get("verify_ssl") in (False, "false"):
            listing.option(["--trusted-host", str(source.get("url", ""))], None)
    for name in ("index-url", "extra-index-url", "find-links"):
        for text in [*_texts(uv.get(name)), *_texts(_table(uv, "pip").get(name))]:
            listing.index(text, option=f"--{name}")
    # Cargo's locks look alike, but name packages of Rust.
    if any(isinstance(package.get("source"), str) for package in _tables(document.get("package"))[:50]):
        return
    for package in (_tables(document.get("package")) + _tables(document.get("packages")))[:MOST_PACKAGES]:
        _locked(package, listing)
    listing.close()


def judge_json_manifest(document: dict[str, Any], case: Case) -> None:
    """package.json and Pipfile.lock."""
    listing = Listing(case)
    meta = document.get("_meta")
    if isinstance(meta, dict) and isinstance(document.get("default"), dict):
        for source in _tables(meta.get("sources")):
            listing.index(str(source.get("url", "")), option="source")
        for group in ("default", "develop"):
            for name, value in list(_table(document, group).items())[:MOST_PACKAGES]:
                _entry(name, value if isinstance(value, dict) else {"version": "locked"}, listing)
    for group in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        for name, value in list(_table(document, group).items())[:MOST_PACKAGES]:
            if isinstance(value, str) and _NPM_ADDRESS.match(value):
                address = re.sub(r"^(github|gitlab|bitbucket|gist):", r"https://\1.com/", value)
                listing.address(address, what=f"{name[:60]!r}")


def judge_conda(document: dict[str, Any], case: Case) -> None:
    """environment.yml: channels, packages of conda, and those of pip among them."""
    listing = Listing(case)
    _judge_channels(_texts(document.get("channels")), listing)
    _judge_variables(document.get("variables"), case, listing)
    dependencies = document.get("dependencies")
    for one in (dependencies if isinstance(dependencies, list) else [])[:MOST_PACKAGES]:
        if isinstance(one, str):
            name, _, version = one.rpartition("::")[2].partition("=")
            if "::" in one and not is_usual_channel(one.split("::", 1)[0]):
                listing.index(one.split("::", 1)[0], option="channel")
            if "://" in one:
                listing.address(one)
            elif (plain := re.split(r"[<>!~ \[]", name)[0]) in _OF_CONDA:
                continue
            elif "=" not in version.lstrip("="):
                listing.package(plain, None, learning_only=True)
            else:
                # An export names hundreds, with their builds; what is known for malware is still told.
                listing.quick = True
                listing.package(plain, None, learning_only=True)
                listing.quick = False
        elif isinstance(one, dict):
            for text in _texts(one.get("pip")):
                requirement, *options = re.split(r"(?:^|\s+)(?=--?[a-z])", text.split(" #", 1)[0].strip())
                listing.requirement(requirement)
                for option in options:
                    if not option.startswith("--hash"):
                        listing.option(option.split(), None)
    listing.close()


_LOADING = _names(
    """LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH PYTHONSTARTUP PYTHONPATH PYTHONHOME
    PYTHONINSPECT PYTHONWARNINGS PYTHONBREAKPOINT BASH_ENV ENV PROMPT_COMMAND NODE_OPTIONS PERL5OPT RUBYOPT
    JAVA_TOOL_OPTIONS GIT_SSH_COMMAND GIT_SSH GIT_EXTERNAL_DIFF EDITOR VISUAL
    PAGER PIP_CONFIG_FILE PIP_REQUIRE_VIRTUALENV CONDARC"""
)
_SOURCES = {
    "PIP_INDEX_URL": "--index-url",
    "PIP_EXTRA_INDEX_URL": "--extra-index-url",
    "PIP_FIND_LINKS": "--find-links",
    "PIP_TRUSTED_HOST": "--trusted-host",
    "UV_INDEX_URL": "--index-url",
    "UV_EXTRA_INDEX_URL": "--extra-index-url",
    "UV_DEFAULT_INDEX": "--index-url",
    "CONDA_CHANNELS": "",
    "HF_ENDPOINT": "",
    "HTTP_PROXY": "",
    "HTTPS_PROXY": "",
    "ALL_PROXY": "",
}


def _judge_variables(variables: Any, case: Case, listing: Listing) -> None:
    """Of the environment, set each time it is entered."""
    for name, value in variables.items() if isinstance(variables, dict) else ():
        upper = str(name).upper()
        if upper in _LOADING:
            case.add(
                "config-runs-command",
                Severity.HIGH,
                f"The environment sets {upper} each time it is entered, which makes programs load other code.",
                evidence={"what": upper, "value": str(value)[:200]},
            )
        elif upper == "PATH" or upper in _SOURCES:
            if option := _SOURCES.get(upper):
                listing.option([option, str(value)], None)
            else:
                case.add(
                    "config-runs-command",
                    Severity.MEDIUM,
                    f"The environment sets {upper} to {str(value)[:60]!r}: programs or files come from there.",
                    evidence={"what": upper, "value": str(value)[:200]},
                )


def _judge_channels(channels: Iterator[str], listing: Listing) -> None:
    for channel in channels:
        if channel.startswith("http://") or ("://" in channel and not is_usual_channel(channel)):
            listing.index(channel, option="channel")
        elif not is_usual_channel(channel):
            listing.case.add(
                "requirement-foreign-source",
                Severity.MEDIUM,
                f"The environment takes packages from the channel {channel[:60]!r}, which is somebody's own.",
                evidence={"from": channel[:200]},
            )


def judge_ini_manifest(sections: dict[str, dict[str, str]], case: Case) -> None:
    """setup.cfg, tox.ini, pip.conf, .npmrc, .pypirc."""
    listing = Listing(case)
    for name, values in sections.items():
        for key, value in values.items():
            key = key.strip().lower().replace("_", "-")  # noqa: PLW2901 - as pip and setuptools compare them
            wanted = (
                key in ("install-requires", "setup-requires", "tests-require", "deps")
                or name == "options.extras_require"
            )
            if wanted and (name.startswith(("options", "testenv", "metadata"))):
                for text in value.replace(";\n", "\n").splitlines():
                    if text.strip() and not text.strip().startswith(("#", "-r", "-c", "{")):
                        listing.requirement(text)
            elif key in ("index-url", "extra-index-url", "find-links", "index", "registry") or key.endswith(
                ":registry"
            ):
                for text in value.split():
                    listing.index(text, option=key)
            elif key == "trusted-host":
                for text in value.split():
                    listing.option(["--trusted-host", text], None)
            elif key == "strict-ssl" and value.strip().lower() == "false":
                listing.option(["--trusted-host", "every host"], None)
    listing.close()


def judge_setup_py(text: str, case: Case) -> None:
    """The requirements in a setup.py, where they are written out; the code itself is for the judge of code."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    listing = Listing(case)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup":
            for keyword in node.keywords:
                if keyword.arg in ("install_requires", "setup_requires", "tests_require", "extras_require"):
                    for found in _written_out(keyword.value):
                        listing.requirement(found)
                elif keyword.arg == "dependency_links":
                    for found in _written_out(keyword.value):
                        listing.index(found, option="dependency_links")
    listing.close()


def _written_out(node: ast.expr) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.List | ast.Tuple):
            for one in inner.elts:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value


def _entry(name: str, value: Any, listing: Listing) -> None:
    """`name = "1.0"` or `name = {version, git, url, path}`."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            exact = re.fullmatch(r"=*\s*(\d[\w.]*)", one)
            listing.package(name, f"=={exact[1]}" if exact else "" if one.strip() == "*" else ">=")
        elif isinstance(one, dict):
            version = str(one.get("version", ""))
            listing.package(name, version if version.startswith("==") else None)
            for key in ("git", "url", "file"):
                if isinstance(one.get(key), str):
                    address = one[key]
                    listing.address(f"git+{address}" if key == "git" else address)
            if isinstance(one.get("path"), str) and one["path"] not in (".", "./"):
                listing.path(one["path"])


def _locked(package: dict[str, Any], listing: Listing) -> None:
    name, version = package.get("name"), package.get("version")
    if isinstance(name, str):
        listing.package(name, f"=={version}" if version else None)
    source = package.get("source")
    if isinstance(source, dict):
        if isinstance(source.get("registry"), str):
            listing.index(source["registry"], option="registry")
        if source.get("type") == "legacy" and isinstance(source.get("url"), str):
            listing.index(source["url"], option="source")
        elif isinstance(source.get("url"), str):
            listing.address(source["url"])
        if isinstance(source.get("git"), str):
            listing.address("git+" + source["git"])
    for key in ("sdist", "archive", "vcs"):
        one = package.get(key)
        if isinstance(one, dict) and isinstance(one.get("url"), str):
            listing.address(one["url"])
    for wheel in _tables(package.get("wheels"))[:200]:
        if isinstance(wheel.get("url"), str):
            listing.address(wheel["url"])


def _table(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            stack.extend(reversed(one))
        elif isinstance(one, dict):
            stack.extend(inner for key, inner in one.items() if key != "include-group")
