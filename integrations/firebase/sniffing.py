"""What an object is: by what is said of it, and where that does not tell, by its first bytes."""

from __future__ import annotations

import re
from mimetypes import MimeTypes

HEAD_BYTES = 64
"""How many bytes tell a picture: the longest look is at the brands of an AVIF or HEIC, in its first box."""

_TYPES = MimeTypes().types_map[True]  # Python's own table, and none of this machine's
_PICTURE_NAME = re.compile(r"\.(jpe?g|jpe|jfif|png|apng|gif|webp|bmp|tiff?|hei[cf]|avif|ico|jxl|jp2|svg)$", re.IGNORECASE)
# WHATWG's MIME Sniffing Standard, §6.1, and what browsers decode besides: AVIF and HEIC (ISO 23008-12), JPEG XL, JPEG 2000, TIFF.
_PICTURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP|BM|\x00\x00[\x01\x02]\x00|II\*\x00|MM\x00\*|\xff\x0a"
    rb"|\x00\x00\x00\x0c(?:JXL |jP  )\r\n\x87\n|.{4}ftyp.{0,52}?(?:avi[fs]|he[iv][cmsx]|mi[fa]1|msf1)",
    re.DOTALL,
)


def said_to_be_other(name: str, content_type: str) -> bool:
    """Tell whether an object's type and its name agree that it is something else than a picture: a film, a PDF, a page.

    Whoever uploads chooses both, so where they do not agree, or one says nothing, the bytes are asked.
    """
    guessed = _TYPES.get(name[name.rfind(".") :].lower() if "." in name.rpartition("/")[2] else "", "")
    kind = _kind(content_type)
    family = guessed.partition("/")[0]
    agreed = kind == guessed or (family in ("video", "audio") and kind.partition("/")[0] == family)
    return bool(guessed) and family != "image" and agreed and not _PICTURE_NAME.search(name)


def said_to_be_picture(name: str, content_type: str) -> bool:
    """Tell whether an object's type or its name says that it is a picture; then it is judged as one whatever it holds."""
    return _kind(content_type).startswith("image/") or bool(_PICTURE_NAME.search(name))


def looks_like_picture(head: bytes) -> bool:
    """Tell whether bytes begin as those of a picture do that any browser shows."""
    return _PICTURE.match(head) is not None


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
