"""The indexed path: `docs/codecs/indexed.md`. One module a coder."""

from __future__ import annotations

from . import bulk, copies, mixing, palette, runs
from .errors import Truncated, Unsupported, require


def decode(body: bytes, width: int, height: int, n_channels: int, sample_bytes: int, is_rgb: bool) -> bytes:
    """The samples of a tile."""
    if not body:
        raise Truncated("pixel coder")
    n_bytes = n_channels * sample_bytes
    require(n_bytes <= 8, "pixels too wide for the indexed path")
    coder, data = body[0], body[1:]
    n_own = n_channels if sample_bytes == 1 else 99
    if coder == 0:
        pixels = runs.decode(data, width, height, n_bytes)
    elif coder == 1:
        pixels = copies.decode(data, width, height, n_bytes, n_own, is_rgb)
    elif coder == 2:
        pixels = palette.decode(data, width, height, n_bytes)
    elif coder == 3:
        pixels = mixing.decode(data, width, height, n_bytes, n_own, is_rgb)
    elif coder == 4:
        pixels = bulk.decode(data, width, height, n_bytes, n_own, is_rgb)
    else:
        raise Unsupported(f"pixel coder {coder}")
    return b"".join(pixel.to_bytes(n_bytes, "little") for pixel in pixels)
