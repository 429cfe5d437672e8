"""Nothing that a stranger wrote runs, loads, leads astray or hides on a page of the console."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.console.card import rendered
from curator.console.hostile import is_mixed, plain, shown

ALLOWED = frozenset(
    {"a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p"}
    | {"pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1)></svg>",
    "<style>body{display:none}</style>",
    "<iframe src=https://evil.example></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](//evil.example/path)",
    "[x](/-/judge)",
    "[x](http://plain.example)",
    "![x](https://tracker.example/p.png)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[![badge](https://a.example/b.svg)](https://c.example)",
    "<https://auto.example>",
    '[x](https://a.example "onmouseover=alert(1)")',
    "[x]: javascript:alert(1)\n\n[x]",
    "| a |\n|:-:|\n| <b onclick=x>b</b> |",
    "```html\n<script>alert(1)</script>\n```",
    "# <script>\n## b",
    '"><script>alert(1)</script>',
    "<!-- hidden --> <![CDATA[x]]>",
    "<math><mi xlink:href='javascript:x'></math>",
    "---\nlicense: <script>alert(1)</script>\n---\n# Title",
)


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def harmless(html: str) -> None:
    for tag, attributes in Tags(html).tags:
        assert tag in ALLOWED, tag
        assert set(attributes) <= ({"href", "title", "rel"} if tag == "a" else {"start"}), (tag, attributes)
        if tag == "a" and "href" in attributes:
            assert str(attributes["href"]).startswith(("https://", "mailto:")), attributes
            assert attributes["rel"] == "nofollow noopener noreferrer"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_card_is_words(text: str) -> None:
    harmless(rendered(text).html)


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=40), max_size=6).map("\n".join))
def test_so_is_any_card(text: str) -> None:
    harmless(rendered(text).html)


def test_a_picture_becomes_its_words_and_a_link_that_is_not_followed_by_itself() -> None:
    html = rendered("![a chart](https://a.example/b.png)").html
    assert "[picture: a chart]" in html
    assert "<img" not in html
    assert 'href="https://a.example/b.png"' in html


def test_headings_begin_below_those_of_the_page_and_fields_are_facts() -> None:
    card = rendered("---\nlicense: mit\ntags: [a, b]\n---\n# Title\n\nwords")
    assert "<h3>Title</h3>" in card.html
    assert card.facts == (("license", "mit"), ("tags", "a, b"))
    assert "license" not in card.html


@pytest.mark.parametrize(
    "text",
    [
        "> " * 20_000,
        "[" * 40_000,
        "*a **b " * 6_000,
        "- " * 20_000,
        "`" * 20_000 + "a" + "`" * 19_999,
        "<" * 40_000,
        "![" * 20_000,
        "|" * 20_000 + "\n" + "|-" * 20_000,
        "[a](" * 10_000,
        "\n".join(f"{' ' * n}- x" for n in range(300)),
        "&" * 40_000,
        "_" * 40_000 + "a",
        "---\n" + "a: " * 20_000 + "\n---\n",
        "a\n\n" * 20_000,
        "\\" * 40_000,
    ],
)
def test_a_card_that_is_made_to_take_long_does_not(text: str) -> None:
    began = time.process_time()
    card = rendered(text)
    assert time.process_time() - began < 3
    harmless(card.html)


def test_letters_that_turn_a_line_around_or_cannot_be_seen_are_written_out() -> None:
    assert plain("safe\u202egnp.exe") == "safe[U+202E]gnp.exe"
    assert "U+202E" in shown("a\u202eb")
    assert "\u202e" not in shown("a\u202eb")
    assert "\u200b" not in rendered("zero\u200bwidth").html
    assert plain("one\ttwo\nthree") == "one\ttwo\nthree"
    # Persian words and pictures are joined with these.
    assert plain("می\u200cشود") == "می\u200cشود"


def test_a_word_of_letters_that_only_look_latin_is_marked() -> None:
    mixed = "p\u0430ypal"
    assert is_mixed(mixed)
    assert 'class="mixed"' in shown(f"by {mixed} itself")
    assert not is_mixed("Москва")
    assert not is_mixed("paypal")


@given(st.text())
def test_whatever_is_shown_is_escaped_and_stands_for_itself(text: str) -> None:
    parsed = Tags(shown(text))
    assert {tag for tag, _ in parsed.tags} <= {"bdi", "span"}
    assert all(set(attributes) <= {"class", "title"} for _, attributes in parsed.tags)
    for letter in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\x00\x1b":
        assert letter not in shown(text)
