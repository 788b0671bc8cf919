"""Where content is cut into chunks: `docs/format.md` section 5.7."""

from __future__ import annotations

from .blake3 import blake3
from .errors import require

GEAR = [int.from_bytes(blake3(b"holotype gear v1" + bytes([b]))[:8], "little") for b in range(256)]


def check(settings: object) -> None:
    """Root key 10."""
    require(isinstance(settings, list) and len(settings) in (3, 4), "how chunks were cut")
    assert isinstance(settings, list)
    least, average_log2, most, *secret = settings
    require(all(isinstance(s, bytes) and len(s) == 32 for s in secret), "how chunks were cut")
    require(8 <= average_log2 <= 24 and 64 <= least <= 1 << average_log2 <= most <= 1 << 28, "how chunks were cut")


def first_chunk(content: bytes | bytearray, least: int, average_log2: int, most: int) -> int:
    """Length of the first chunk."""
    gear = 0
    for i, byte in enumerate(content[:most]):
        if i < least:
            continue
        gear = (2 * gear + GEAR[byte]) % (1 << 64)
        zeros = average_log2 + 2 if i < 1 << average_log2 else average_log2 - 2
        if gear >> (64 - zeros) == 0:
            return i + 1
    return min(len(content), most)
