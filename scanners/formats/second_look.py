"""After a text has been judged as what it is: what any text may hold besides."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.kinds import Format
from scanners.source import ByteSource

TEXTS = frozenset(
    {
        Format.PYTHON, Format.SCRIPT, Format.NOTEBOOK, Format.PATH_CONFIGURATION,
        Format.JSON, Format.YAML, Format.TEMPLATE, Format.TOML, Format.INI,
        Format.MARKDOWN,
        Format.REQUIREMENTS, Format.MODELFILE, Format.TEXT, Format.NOTEBOOK, Format.HTML, Format.XML, Format.R_SCRIPT,
        Format.KERAS_CONFIG, Format.PATH_CONFIGURATION,
    }
)  # fmt: skip
LARGEST_SETUP = 1024 * 1024
LARGEST_YAML_AS_TEXT = 1024 * 1024
_PYTHON_TAG = re.compile(rb"!!python/|yaml\.org,2002:python/|^_target_:|^%TAG", re.MULTILINE)
_IMPORT_LINE = re.compile(rb"^import[ \t][^\r\n]*", re.MULTILINE)
_FOR_ASSISTANTS = frozenset(
    {
        "agents.md",
        "claude.md",
        "gemini.md",
        "skill.md",
        ".cursorrules",
        ".windsurfrules",
        ".clinerules",
        "copilot-instructions.md",
        "system_prompt.txt",
        "system_prompt.md",
        "system-prompt.txt",
    }
)
_MAY_BE_YAML = frozenset({Format.TEXT, Format.INI, Format.TOML, Format.REQUIREMENTS, Format.TEMPLATE})
LARGEST_TEMPLATE_AS_TEXT = 1024 * 1024


_LOADERS_SETTINGS = (
    (
        re.compile(r"\Aconfig\.properties\Z"),
        re.compile(
            rb"^[ \t]*install_py_dep_per_model[ \t]*=[ \t]*true|^[ \t]*allowed_urls[ \t]*=[^\n]{0,200}\.\*",
            re.MULTILINE,
        ),
        "TorchServe installs what a model asks for, or takes models from any address",
    ),
    (
        re.compile(r"\.pbtxt\Z"),
        re.compile(rb"EXECUTION_ENV_PATH[^\n]{0,200}?string_value[^\n]{0,20}?[\"'](?:/|[a-z]+://|\.\.)"),
        "Triton runs the model in an environment that lies outside of it",
    ),
    (
        re.compile(r"\A\.lfsconfig\Z"),
        re.compile(rb"^[ \t]*(?:url|pushurl)[ \t]*=[ \t]*(?!https://huggingface\.co/)\S", re.MULTILINE),
        "Git fetches the large files from another address",
    ),
)
"""Settings of single servers: name, what is looked for, what it comes to."""
LARGEST_SETTINGS = 256 * 1024


def _look_for_loaders(source: ByteSource, name: str, case: Case) -> None:
    for named, wanted, what in _LOADERS_SETTINGS:
        if named.search(name) is None:
            continue
        found = wanted.search(source.read(0, LARGEST_SETTINGS))
        if found is not None:
            case.add(
                "config-path-escape",
                Severity.MEDIUM,
                f"With these settings {what}.",
                evidence={"setting": found.group().decode("utf-8", "replace").strip()[:200]},
            )


def look_again(source: ByteSource, kind: Format, case: Case) -> None:
    """Secrets; requirements in a setup.py; YAML that is called something else."""
    name = case.name.lower()
    if kind is Format.PYTHON and name == "setup.py":
        # Only for setup files.
        from scanners.formats.requirements.manifests import judge_setup_py

        judge_setup_py(source.read(0, LARGEST_SETUP).decode("utf-8", "replace"), case)
    if kind in _MAY_BE_YAML and not name.endswith((".md", ".rst", ".html")):
        _look_for_yaml(source, case)
    if kind is Format.TEXT and not name.endswith((".md", ".rst", ".html")):
        _look_for_template(source, case)
    _look_for_loaders(source, name, case)
    if kind is Format.TEXT and name.endswith(".pth"):
        _look_for_imports(source, case)
    if (kind in (Format.TEXT, Format.MARKDOWN) and name in _FOR_ASSISTANTS) or name.endswith(".mdc"):
        # Only for texts that assistants obey.
        from scanners.formats.template import judge_words

        judge_words(source.read(0, LARGEST_YAML_AS_TEXT).decode("utf-8", "replace"), case)
    # The expressions for secrets are only built when there is a text to look through.
    from scanners.formats.secrets import look_for_secrets

    look_for_secrets(source, case)


def _look_for_imports(source: ByteSource, case: Case) -> None:
    """Path files of Python (site.py): of their lines, those that begin with an import are run at each start."""
    found = _IMPORT_LINE.search(source.read(0, LARGEST_YAML_AS_TEXT))
    if found is not None:
        line = found.group().decode("utf-8", "replace")
        case.add(
            "config-runs-command",
            Severity.HIGH,
            f"The path file has Python run {line[:80]!r} at each start of an environment it lies in.",
            evidence={"key": "import", "command": line[:300]},
        )


def _look_for_template(source: ByteSource, case: Case) -> None:
    """A prompt with Jinja in it, under a name of plain text, if it reaches for Python."""
    head = source.read(0, LARGEST_TEMPLATE_AS_TEXT)
    if b"__" in head and (b"{{" in head or b"{%" in head):
        # Only for texts with both signs.
        from scanners.formats.template import judge_template
        from scanners.formats.template.tokens import first_reach

        text = head.decode("utf-8", "replace")
        if first_reach(text) is not None:
            judge_template(text, case)


def _look_for_yaml(source: ByteSource, case: Case) -> None:
    head = source.read(0, LARGEST_YAML_AS_TEXT)
    if _PYTHON_TAG.search(head):
        # PyYAML is only loaded for what looks like YAML.
        from scanners.formats.config.yaml_document import judge_yaml

        judge_yaml(source, case)


def texts_that_need_everything() -> dict[str, bytes]:
    """By name; judging them loads all that the judges of texts load late, for a process that cannot load later."""
    return {
        "tokenizer_config.json": b'{"chat_template": "{% generation %}{{ x.__class__ }}{% endgeneration %}"}',
        "config.json": b'{"auto_map": {"AutoModel": "someone/else--modeling.Model"}, "dependencies": {"a": "git+http://a.invalid"}}',
        "a.yaml": b"a: &a [1]\nb: !!python/name:os.system\nc: *a\ndependencies: [{pip: [requets]}]\n",
        "broken.yaml": b"a: [",
        "README.md": b"---\nlicense: mit\n---\n",
        "pyproject.toml": b'[project]\ndependencies = ["requets"]\n',
        "setup.cfg": b"[options]\ninstall_requires = requets\n",
        "setup.py": b"from setuptools import setup\nsetup(install_requires=['a'])\n",
        "requirements.txt": b"--index-url http://packages.invalid/simple\nrequets\n",
        "Modelfile": b"FROM a\nTEMPLATE {{ .System }}\n",
        "notes.txt": b"postgres://user:correct-horse@db.invalid/a\nAKIAIOSFODNN7EXAMPLE\n",
    }
