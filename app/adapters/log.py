"""The log: one line per event, without what opens something, whoever wrote the line."""

from __future__ import annotations

import logging
import re
import sys

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"

OURS = ("app", "integrations", "models", "picward")
"""Whose lines PICWARD_LOG_LEVEL is about. Others log whole addresses and headers at DEBUG, and are held at WARNING."""

SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(/(?:setup|join|reset|enter)/)[^\s/?\"'<>]+",  # one-time links
        r"(\bpicward_)[\w-]{20,}",  # tokens of programs
        r"(\bpicward1_)[\w=-]{20,}",  # pairing codes
        r"(\bwhsec_)[\w+/=-]{20,}",  # signing secrets
        r"((?i:\b(?:bearer|basic) ))[\w.~+/=-]{8,}",
        r"((?i:[?&;](?:[\w-]*(?:token|secret|password|signature|key|hmac|code)|session|sig)=))[^&\s\"'<>]+",  # queries
        r"(://[^\s/@:]+:)[^\s/@]+(?=@)",  # a password in an address
        r"(\bwith url: )\S+",  # urllib3's errors name what was called, and an owner's webhook address may be its secret
    )
)
"""What is left out of every line; the first group stays."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029]")


class Lines(logging.Formatter):
    """Write a record as one line, and what was raised below it."""

    def __init__(self, fmt: str = FORMAT, datefmt: str | None = None) -> None:
        super().__init__(fmt, datefmt)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = _CONTROL.sub(" ", record.message)  # a name or a header begins no line of its own
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in SECRETS:
            text = secret.sub(r"\1…", text)
        return text


def start(level: str) -> None:
    """Log to standard error from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in OURS:
        logging.getLogger(name).setLevel(level)
