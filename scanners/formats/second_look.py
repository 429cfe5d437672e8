"""After a text has been judged as what it is: what any text may hold besides."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.kinds import Format
from scanners.source import ByteSource

TEXTS = frozenset(
    {
        Format.PYTHON, Format.SCRIPT, Format.JSON, Format.YAML, Format.TEMPLATE, Format.TOML, Format.INI,
        Format.MARKDOWN,
        Format.REQUIREMENTS, Format.MODELFILE, Format.TEXT,
    }
)  # fmt: skip
LARGEST_SETUP = 1024 * 1024
LARGEST_YAML_AS_TEXT = 1024 * 1024
_PYTHON_TAG = re.compile(rb"!!python/|yaml\.org,2002:python/|^_target_:|^%TAG", re.MULTILINE)
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def look_again(source: ByteSource, kind: Format, case: Case) -> None:
    """Secrets; requirements in a setup.py; YAML that is called something else."""
    name = case.name.lower()
    if kind is Format.PYTHON and name == "setup.py":
        # Only for setup files.
        from scanners.formats.requirements.manifests import judge_setup_py

        judge_setup_py(source.read(0, LARGEST_SETUP).decode("utf-8", "replace"), case)
    if kind is Format.TEXT and not name.endswith((".md", ".rst", ".html")):
        _look_for_yaml(source, name, case)
    # The expressions for secrets are only built when there is a text to look through.
    from scanners.formats.secrets import look_for_secrets

    look_for_secrets(source, case)


def _look_for_yaml(source: ByteSource, name: str, case: Case) -> None:
    head = source.read(0, LARGEST_YAML_AS_TEXT)
    is_wide_yaml = head.startswith(_WIDE) and name.endswith((".yaml", ".yml"))
    if is_wide_yaml or _PYTHON_TAG.search(head):
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
