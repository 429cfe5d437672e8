"""One mail for one person: what is in it, and how it is handed to the company's server."""

from __future__ import annotations

import datetime as dt
import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from curator.errors import BadInput
from curator.notify.drafts import line
from curator.settings import Settings

_PATIENCE_S = 15.0
_MAILBOX = re.compile(r"[^\s<>()\[\],;:\\\"@]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)


def is_mailbox(address: str) -> bool:
    """Whether it is the address of one mailbox, with nothing in it that could become a header."""
    return _MAILBOX.fullmatch(address) is not None


class NotMailed(Exception):
    """The server did not take it; says why."""

    def __init__(self, sentence: str, *, for_good: bool) -> None:
        super().__init__(sentence)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Mailer:
    """The company's mail server, and how to speak to it."""

    host: str
    port: int
    tls: str
    """`starttls`, `tls` or `none`."""
    user: str | None
    password: str | None
    sender: str
    context: ssl.SSLContext

    @classmethod
    def of(cls, settings: Settings, context: ssl.SSLContext) -> Mailer | None:
        """None where the settings name no server."""
        if settings.smtp_host is None or settings.smtp_from is None:
            return None
        password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
        return cls(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_tls,
            settings.smtp_user,
            password,
            settings.smtp_from,
            context,
        )

    def send(self, message: EmailMessage) -> None:
        """Raises `NotMailed`."""
        domain = self.sender.partition("@")[2]
        try:
            with self._open(domain) as server:
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise NotMailed(f"the server refuses the address: {code} {_told(answer)}", for_good=code >= 500) from error
        except smtplib.SMTPResponseException as error:
            raise NotMailed(f"the server says {error.smtp_code} {_told(error.smtp_error)}", for_good=False) from error
        except ssl.SSLCertVerificationError as error:
            raise NotMailed(
                f"nobody whom this machine trusts vouches for the mail server's certificate ({error.verify_message})",
                for_good=False,
            ) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            said = str(getattr(error, "strerror", None) or error) or type(error).__name__
            raise NotMailed(f"the mail server {self.host} cannot be used: {line(said, 200)}", for_good=False) from error

    def _open(self, domain: str) -> smtplib.SMTP:
        """Named by our domain: what the machine calls itself is nobody's business, and may take a while to find out."""
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, domain, timeout=_PATIENCE_S, context=self.context)
        server = smtplib.SMTP(self.host, self.port, domain, timeout=_PATIENCE_S)
        if self.tls == "starttls":
            try:
                server.starttls(context=self.context)
            except BaseException:
                server.close()
                raise
        return server


def message(
    *,
    to: str,
    sender: str,
    title: str,
    body: str,
    link: str,
    message_id: str,
    type_: str,
    choices: str,
    foot: str,
    at: dt.datetime,
) -> EmailMessage:
    """What a person or a team is sent; `choices`: the page where that is chosen, and `foot`
    what is said of it.

    Raises `BadInput` for an address that is none: nothing in it becomes a header.
    """
    if not is_mailbox(to):
        raise BadInput(f"{to[:80]!a} is no address of a mailbox")
    made = EmailMessage(SMTP)
    made["From"] = f"Model Curator <{sender}>"
    made["To"] = to
    made["Subject"] = f"[Curator] {line(title, 160)}"
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{message_id}@{sender.partition('@')[2]}>"
    made["List-Unsubscribe"] = f"<{choices}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Curator-Notice"] = line(type_, 60)
    made.set_content(f"{title}\n\n{body.strip()}\n\n{link}\n\n-- \n{foot}: {choices}\n")
    return made


def _told(said: bytes | str) -> str:
    return line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said, 200)
