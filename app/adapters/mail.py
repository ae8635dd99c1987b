"""Send e-mail through the operator's server."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.ports import Mail

SECONDS = 20.0
"""How long the server may be silent before it is tried again later."""


@dataclass(frozen=True, slots=True)
class SmtpMail:
    """E-mail by SMTP (RFC 5321): `tls` from the first byte, `starttls` (RFC 3207) before anything is said, or `none`."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __call__(self, mail: Mail) -> None:
        """Hand a message to the server. Raise `PlatformRefused` when it will not take it, else `PlatformUnavailable`."""
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(self._message(mail), self.sender, list(mail.to))
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
            raise PlatformRefused(f"The mail server {self.host} does not let us in: {type(error).__name__}") from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = ", ".join(f"{address}: {code}" for address, (code, _) in error.recipients.items())
            raise _trouble(f"The mail server {self.host} refused every address ({codes})", error.recipients.values()) from None
        except smtplib.SMTPResponseException as error:
            raise _trouble(f"The mail server {self.host} answered {error.smtp_code}", [(error.smtp_code, b"")]) from None
        except (OSError, smtplib.SMTPException) as error:
            raise PlatformUnavailable(f"The mail server {self.host} does not answer: {type(error).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        trust = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=trust)
        server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        if self.security == "starttls":
            try:
                server.starttls(context=trust)
            except BaseException:
                server.close()
                raise
        return server

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(mail.to)
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(mail.id, self.sender.rpartition("@")[2] or "picward")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice comes back
        message.set_content(mail.text)
        return message


def _trouble(text: str, codes: object) -> PlatformRefused | PlatformUnavailable:
    final = all(500 <= code < 600 for code, _ in codes)  # type: ignore[attr-defined]
    return PlatformRefused(text) if final else PlatformUnavailable(text)
