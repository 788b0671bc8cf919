"""Image tiles: `docs/codecs.md`. One module a path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .errors import Truncated, Unsupported, require

SAMPLE_BYTES = (1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8)


@dataclass(frozen=True)
class Shape:
    """What is known before a tile's bytes are looked at."""

    width: int
    height: int
    n_channels: int
    sample: int
    is_rgb: bool

    @property
    def n_bytes(self) -> int:
        """Bytes of all samples."""
        return self.width * self.height * self.n_channels * SAMPLE_BYTES[self.sample]


def raw(body: bytes, shape: Shape) -> bytes:
    """Path 0: the samples as they are."""
    if len(body) < shape.n_bytes:
        raise Truncated("raw samples")
    require(len(body) == shape.n_bytes, "bytes after the raw samples")
    return body


PATHS: dict[int, Callable[[bytes, Shape], bytes]] = {0: raw}


def decode(data: bytes, shape: Shape) -> bytes:
    """The samples of one coded tile."""
    if not data:
        raise Truncated("path id")
    if data[0] not in PATHS:
        raise Unsupported(f"tile path {data[0]}")
    return PATHS[data[0]](data[1:], shape)
