"""What the console's cookies are called and where they are sent: as narrowly as the mirror's address allows."""

from __future__ import annotations

from dataclasses import dataclass

from curator.settings import Settings


@dataclass(frozen=True, slots=True)
class Cookies:
    """Over https no other host of the same domain, and nobody on the way, can set one of that name (RFC 6265bis)."""

    secure: bool
    path: str
    mark: str

    @classmethod
    def of(cls, settings: Settings) -> Cookies:
        secure = settings.url.startswith("https://")
        prefix = settings.path_prefix
        # `__Host-` is for a whole host alone; below a path, what is beside it there is not to see the cookie.
        mark = ("__Secure-" if prefix else "__Host-") if secure else ""
        return cls(secure, f"{prefix}/", mark)

    @property
    def session(self) -> str:
        return f"{self.mark}curator_session"

    @property
    def attempt(self) -> str:
        """Of whoever is about to sign in."""
        return f"{self.mark}curator_sign_in"
