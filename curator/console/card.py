"""A model card as a page shows it: what a stranger wrote in Markdown, without anything that loads or runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from curator.admission.documents import card_of
from curator.console.hostile import plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MOST_LETTERS = 48_000
_DEEPEST = 12
_LOWER = 2
"""Headings begin below those of the page."""
_MOST_FACTS = 40
_LONGEST_FACT = 300
_BLOCKS = ("blockquote", "br", "dd", "dl", "dt", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul")
_TABLES = ("table", "tbody", "td", "th", "thead", "tr")
_WORDS = ("a", "code", "del", "em", "s", "strong")


@dataclass(frozen=True, slots=True)
class Card:
    """Ready for a page."""

    html: Markup
    facts: tuple[tuple[str, str], ...]
    """What stands at its head, by field, as text."""
    cut: bool
    """Whether there is more of it than is shown."""


@lru_cache(maxsize=128)
def rendered(text: str) -> Card:
    """The card; the same text is rendered once."""
    import nh3

    fields = card_of(text)
    facts = tuple((plain(key), plain(_told(value))) for key, value in list(fields.items())[:_MOST_FACTS])
    body = _body(text)
    cut = len(body) > MOST_LETTERS
    markdown = _markdown()
    tokens = markdown.parse(plain(body[:MOST_LETTERS]))
    _tame(tokens)
    html = markdown.renderer.render(tokens, markdown.options, {})
    # Once more by a library that reads HTML as browsers do, so that a slip of the first is no hole.
    clean = nh3.clean(
        html,
        tags={*_BLOCKS, *_TABLES, *_WORDS},
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        strip_comments=True,
    )
    return Card(Markup(clean), facts, cut)  # noqa: S704 - it was cleaned just now


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


def _body(text: str) -> str:
    """Without the fields at its head."""
    whole = text.removeprefix("\ufeff").replace("\r\n", "\n")
    head, _, rest = whole.partition("\n")
    if head.strip() != "---":
        return whole
    _, fence, body = f"\n{rest}".partition("\n---")
    return body.partition("\n")[2] if fence else whole


def _tame(tokens: Sequence[Token]) -> None:
    """Pictures become their words, with a link to where they are; links lead to the web and to mail, and nowhere else;
    headings begin below the page's."""
    from markdown_it.token import Token

    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + _LOWER, 6)}"
        if token.type != "inline" or not token.children:
            continue
        kept: list[Token] = []
        leads = False
        for child in token.children:
            if child.type == "image":
                words = child.content or "picture"
                source = str(child.attrs.get("src", ""))
                if leads or not _is_safe(source):
                    kept.append(Token("text", "", 0, content=f"[{words}]"))
                    continue
                kept.append(Token("link_open", "a", 1, attrs={"href": source}))
                kept.append(Token("text", "", 0, content=f"[picture: {words}]"))
                kept.append(Token("link_close", "a", -1))
            elif child.type in {"link_open", "link_close"}:
                if child.type == "link_open":
                    leads = _is_safe(str(child.attrs.get("href", "")))
                if leads:
                    kept.append(child)
                if child.type == "link_close":
                    leads = False
            else:
                kept.append(child)
        token.children = kept


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "mailto" or (parts.scheme == "https" and bool(parts.netloc))


def _told(value: Any) -> str:
    if isinstance(value, list):
        text = ", ".join(_told(one) for one in value[:20])
    elif isinstance(value, dict):
        text = ", ".join(f"{key}: {_told(one)}" for key, one in list(value.items())[:20])
    else:
        text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"
