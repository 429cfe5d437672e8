"""What is wrong with text that is no YAML, in words for whoever writes rules and knows no parser."""

from __future__ import annotations

import yaml

_TAB = "a tab stands here: YAML is indented by blanks"
_IN_WORDS = (
    ("found character '\\t'", _TAB),
    ("found character '@'", 'a word that begins with @ wants quotes: "@trusted"'),
    ("found character '`'", "a word that begins with ` wants quotes"),
    ("found character '%'", "a word that begins with % wants quotes"),
    ("mapping values are not allowed", "a text with a colon in it wants quotes, or this line is too far in"),
    ("could not find expected ':'", "a field wants a colon and a blank behind its name"),
    ("expected <block end>", "this line is not as far in as those that it belongs to"),
    ("expected ',' or ']'", "a list that began with [ is not closed, or a comma is missing"),
    ("expected ',' or '}'", "a group that began with { is not closed, or a comma is missing"),
    ("found unexpected end of stream", "the file ends within a text in quotes"),
    ("but found another document", "a file has one set of rules, and here a second document begins"),
    ("found undefined alias", "a word that begins with * wants quotes"),
    ("expected alphabetic or numeric character", "a word that begins with * or & wants quotes"),
)
"""What the parser says, and what that mostly means."""


def not_yaml(error: yaml.MarkedYAMLError, text: str) -> str:
    """One sentence: what the parser says, where nobody has put it in words."""
    said = error.problem or error.context or "nobody can read it"
    mark = error.problem_mark
    line = text.split("\n")[mark.line : mark.line + 1] if mark is not None else []
    if line and "\t" in line[0][: len(line[0]) - len(line[0].lstrip())]:
        said = _TAB
    return f"this is not YAML: {next((words for start, words in _IN_WORDS if said.startswith(start)), said)}"
