"""Encrypted archives: `docs/format.md` section 14."""

from __future__ import annotations

import struct
from typing import Any

from . import aes_gcm
from .argon2 import argon2id
from .blake3 import derive_key
from .errors import Corrupt, Unsupported, WrongPassword, require

BLOCK, PAGE, ROOT = 1, 2, 3
FRAME_HEADER_BYTES = 32
MAX_MEMORY_KIB, MAX_PASSES = 1 << 20, 64


class Sealer:
    """Opens the frames of one revision."""

    def __init__(self, archive_id: bytes, record: Any, password: bytes | None, archive_key: bytes | None = None) -> None:
        require(isinstance(record, list) and len(record) >= 1, "the encryption record is malformed")
        if record[0] != 1:
            raise Unsupported("encryption algorithm")
        require(len(record) == 4, "the encryption record is malformed")
        _, salt, commitment, slots = record
        require(isinstance(salt, bytes) and len(salt) == 32 and isinstance(commitment, bytes), "the encryption record is malformed")
        require(isinstance(slots, list) and 0 < len(slots) <= 16, "1 to 16 key slots")
        for slot in slots:
            check_slot(slot)
        if password is None and archive_key is None:
            raise WrongPassword("the archive is encrypted: it needs a password")
        self.archive_id = archive_id
        keys = [archive_key] if archive_key is not None else (open_slot(slot, archive_id, password or b"") for slot in slots)
        for key in keys:
            if key is not None and derive_key("holotype v1 key commitment", key + archive_id + salt) == commitment:
                self.archive_key = key
                self.keys = [(1 << 64, derive_key("holotype v1 frame key", key + archive_id + salt))]
                return
        raise WrongPassword("the password opens no key slot")

    def open_frame(self, kind: int, offset: int, frame: bytes) -> bytes:
        """Section 14.3: the frame that a frame at `offset` hides."""
        header, payload = frame[:FRAME_HEADER_BYTES], frame[FRAME_HEADER_BYTES:]
        key = next(key for end, key in self.keys if offset < end)
        return aes_gcm.decrypt(key, struct.pack("<IQ", kind, offset), payload, header)

    def add_earlier(self, revisions: list) -> None:
        """Section 16.1: the frames of an earlier revision's part are opened by its key."""
        for end, _, salt in reversed(revisions):
            key = derive_key("holotype v1 frame key", self.archive_key + self.archive_id + salt)
            self.keys.insert(0, (end, key))

    def open_root(self, sealed: bytes) -> bytes:
        require(isinstance(sealed, bytes), "the sealed root is missing")
        return aes_gcm.decrypt(self.keys[-1][1], struct.pack("<IQ", ROOT, 0), sealed, b"holotype root v1\0" + self.archive_id)


def check_slot(slot: Any) -> None:
    """Section 14.2."""
    require(isinstance(slot, list) and slot and isinstance(slot[0], int), "a key slot is malformed")
    if slot[0] != 1:
        raise Unsupported("kind of key slot")
    require(len(slot) == 6 and all(isinstance(n, int) for n in slot[1:4]), "a key slot is malformed")
    memory, passes, lanes, salt, wrapped = slot[1:]
    require(passes >= 1 and 1 <= lanes <= 64 and memory >= 8 * lanes, "a cost that Argon2id does not have")
    require(isinstance(salt, bytes) and len(salt) == 16, "a key slot is malformed")
    require(isinstance(wrapped, bytes) and len(wrapped) == 48, "a key slot is malformed")


def open_slot(slot: list, archive_id: bytes, password: bytes) -> bytes | None:
    """The archive's key, if the password opens the slot."""
    kind, memory, passes, lanes, salt, wrapped = slot
    require(memory <= MAX_MEMORY_KIB and passes <= MAX_PASSES, "a password costs more than this reader gives")
    key = argon2id(password, salt, memory, passes, lanes, 32)
    associated = b"holotype key slot v1\0" + archive_id + struct.pack("<4I", kind, memory, passes, lanes) + salt
    try:
        return aes_gcm.decrypt(key, bytes(12), wrapped, associated)
    except Corrupt:
        return None
