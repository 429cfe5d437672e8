"""Jinja's own parser, with the blocks that chat templates may have. Parsing runs nothing of a template."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.parser import Parser

__all__ = ["Unreadable", "nodes", "parse"]


class Unreadable(Exception):
    """Not a Jinja template; the message says what is wrong, `line` where (from 1)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _GenerationBlock(Extension):
    """`{% generation %}`, with which transformers marks what the assistant said."""

    tags = {"generation"}  # noqa: RUF012 - as its base class has it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # As transformers sets it up.
    extensions: list[str | type[Extension]] = [_GenerationBlock, "jinja2.ext.loopcontrols", "jinja2.ext.do"]
    return Environment(trim_blocks=True, lstrip_blocks=True, extensions=extensions)  # noqa: S701 - nothing is rendered


def parse(text: str) -> nodes.Template:
    """The template as a tree. Raises Unreadable."""
    try:
        return _environment().parse(text)
    except TemplateSyntaxError as error:
        raise Unreadable((error.message or "it is not Jinja")[:160], error.lineno) from error
    except RecursionError as error:
        raise Unreadable("it is nested too deep", 1) from error
    # Jinja's lexer reads escapes and numbers by Python's rules, and lets their errors through.
    except (ValueError, OverflowError, MemoryError) as error:
        raise Unreadable(f"it holds what Jinja cannot read ({type(error).__name__})", 1) from error
