"""A browser as far as HTTP goes: it keeps cookies, sends forms of the page it is at, and follows where it is sent."""

from __future__ import annotations

import html
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from tests.contract.http import Reply, ask

_FORM = re.compile(r"<form([^>]*)>(.*?)</form>", re.DOTALL)
_ACTION = re.compile(r"action=\"([^\"]*)\"")
_HIDDEN = re.compile(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\"")


class Visitor:
    """At most at one page at a time; cookies by host and port, since all hosts here are this machine."""

    def __init__(self, base: str, **headers: str) -> None:
        self.base = base
        self.headers = {"Accept": "text/html", **headers}
        self.cookies: dict[str, dict[str, str]] = {}
        self.url = base
        self.reply = Reply(0, {}, b"")

    @property
    def text(self) -> str:
        return html.unescape(self.reply.body.decode())

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def own_cookies(self) -> dict[str, str]:
        return self.cookies.setdefault(urlsplit(self.base).netloc, {})

    def go(self, path: str, *, follow: bool = True) -> Reply:
        return self._ask("GET", urljoin(self.url, path), None, follow=follow)

    def send(self, path: str | None = None, *, follow: bool = True, hidden: bool = True, **fields: str) -> Reply:
        """The form of the page, or the one that is sent to `path`, with its hidden fields."""
        found = _FORM.findall(self.reply.body.decode())
        forms = [(action[1] if (action := _ACTION.search(said)) else "", inside) for said, inside in found]
        action, inside = next((one for one in forms if path is None or one[0].endswith(path)), (path or "", ""))
        kept = {name: html.unescape(value) for name, value in _HIDDEN.findall(inside)} if hidden else {}
        where = urljoin(self.url, html.unescape(action)) if action else self.url
        return self._ask("POST", where, urlencode(kept | fields).encode(), follow=follow)

    def _ask(self, method: str, url: str, body: bytes | None, *, follow: bool) -> Reply:
        for _ in range(12):
            parts = urlsplit(url)
            host = f"{parts.scheme}://{parts.netloc}"
            jar = self.cookies.setdefault(parts.netloc, {})
            headers = dict(self.headers)
            if jar:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
            if body is not None:
                headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": host}
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            self.reply, self.url = ask(host, path, method, headers, body), url
            self._keep(jar)
            if not follow or self.reply.status not in {302, 303}:
                return self.reply
            url, method, body = urljoin(url, self.reply.headers["location"]), "GET", None
        raise AssertionError(f"sent on and on, to {url}")

    def _keep(self, jar: dict[str, str]) -> None:
        for line in self.reply.headers.get("set-cookie", "").split("\n"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.value
