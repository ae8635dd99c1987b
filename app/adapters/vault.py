"""Encryption at rest with one key, kept beside the database or given by the operator."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from app.domain.errors import VaultKeyWrong

log = logging.getLogger(__name__)

KEY_BYTES = 32
_NONCE_BYTES = 12


class KeyVault:
    """Encryption with AES-256-GCM: a random 96-bit nonce, then the ciphertext with its tag (NIST SP 800-38D)."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise VaultKeyWrong(f"The vault key must have {KEY_BYTES} bytes, not {len(key)}.")
        self._key = key
        self._cipher = AESGCM(key)

    def lock(self, clear: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, clear, None)

    def derive(self, purpose: str) -> bytes:
        """Derive a key of 32 bytes that is good for one purpose, and tells nothing of any other (HKDF-Expand, RFC 5869)."""
        return HKDFExpand(SHA256(), KEY_BYTES, f"picward {purpose}".encode()).derive(self._key)

    def open(self, locked: bytes) -> bytes:
        try:
            return self._cipher.decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], None)
        except InvalidTag:
            raise VaultKeyWrong("Stored secrets cannot be read: the database was written with another key file.") from None


def key_from_file(path: Path) -> bytes:
    """Read the key, making the file at the first start (mode 0600). Two processes that start together get the same one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(os.urandom(KEY_BYTES))
        try:
            os.link(fresh, path)  # fails when another process was first, and never shows a half-written file
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    if path.stat().st_mode & 0o077:
        log.warning("%s can be read by other users of this machine, and it opens every secret: chmod 600 %s", path, path)
    return path.read_bytes()
