"""What is known of an archive as a whole: `Metadata`, `AnalysisReport`."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holotype._errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def size_of(text: str | int) -> int:
    """Bytes, as a number or as text such as `512M`: K, M, G, T are powers of 1024, `B`, `iB` may follow."""
    if not isinstance(text, str):
        try:
            n_bytes = operator.index(text)
        except TypeError:
            raise ArgumentError(f"a size is a number of bytes or text such as '512M', not {text!r}") from None
        if not 0 <= n_bytes < 1 << 63:
            raise ArgumentError(f"{n_bytes} is no size")
        return n_bytes
    unit = text.strip().upper().removesuffix("B").removesuffix("I")
    number = unit.rstrip("KMGT")
    try:
        size = float(number) * _UNITS[unit[len(number) :]]
    except (KeyError, ValueError):
        raise ArgumentError(f"a size is a number of bytes or text such as '512M', not {text!r}") from None
    if not 0 <= size < 1 << 63:
        raise ArgumentError(f"{text!r} is no size")
    return int(size)


def _shown(text: str) -> str:
    """`text`, of an archive from anyone, as one line that steers no terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@dataclass(frozen=True)
class AnalysisReport:
    """What deduplication and compression made of an archive's content.

    Attributes
    ----------
    n_items, n_blocks : int
        Items of every kind, and blocks.
    raw_bytes : int
        Bytes of all content.
    unique_bytes : int
        Of these, the bytes of the archive's own blocks before compression: what is there several times counts
        once, what a parent has not at all.
    block_bytes, archive_bytes : int
        Bytes of the blocks as stored, and of the whole archive.
    """

    n_items: int
    n_blocks: int
    raw_bytes: int
    unique_bytes: int
    block_bytes: int
    archive_bytes: int

    @property
    def dedup_ratio(self) -> float:
        """Content over unique content: 2.0 if everything is there twice."""
        return self.raw_bytes / self.unique_bytes if self.unique_bytes else 1.0

    @property
    def compression_ratio(self) -> float:
        """Unique content over stored blocks."""
        return self.unique_bytes / self.block_bytes if self.block_bytes else 1.0

    @property
    def savings_percent(self) -> float:
        """How much smaller the archive is than its content; negative if it is larger."""
        return 100.0 * (1.0 - self.archive_bytes / self.raw_bytes) if self.raw_bytes else 0.0


@dataclass(frozen=True)
class Metadata:
    """What is known of an archive as a whole; `user` holds what its writer added, and nothing else does.

    Attributes
    ----------
    format_version, revision : int
        Version of the format; number of the revision.
    seal : str
        The seal, in hexadecimal.
    archive_bytes, raw_bytes : int
        Bytes of the archive, and of the content of all its items.
    n_items, n_blocks : int
        Items of every kind, and blocks.
    block_bytes : int
        Raw bytes of the largest block.
    compression : str
        What most of the content is coded with: `zstd`, `lz4`, `store`, `image` or `tensor`; empty if there is
        no content.
    is_encrypted : bool
        A password was needed to open it.
    is_signed : bool
        A signature file is beside the archive; `verify` tells whether it holds.
    user : mapping
        What `Writer.add_metadata` added.
    """

    format_version: int
    revision: int
    seal: str
    archive_bytes: int
    raw_bytes: int
    n_items: int
    n_blocks: int
    block_bytes: int
    compression: str
    is_encrypted: bool = False
    is_signed: bool = False
    user: Mapping[str, Any] = field(default_factory=dict)

    @property
    def compression_ratio(self) -> float:
        """Content over archive."""
        return self.raw_bytes / self.archive_bytes

    def __str__(self) -> str:
        lines = [
            f"Holotype archive, format {self.format_version}, revision {self.revision}",
            f"  seal         {self.seal}",
            f"  content      {self.raw_bytes:,} bytes in {self.n_items:,} items",
            f"  archive      {self.archive_bytes:,} bytes, {self.compression_ratio:.2f} times smaller",
            f"  blocks       {self.n_blocks:,} of at most {self.block_bytes:,} bytes",
            f"  compression  {self.compression or 'none'}",
            f"  encrypted    {'yes' if self.is_encrypted else 'no'}",
            f"  signed       {'yes, not checked here' if self.is_signed else 'no'}",
        ]
        return "\n".join(lines + [_shown(f"  {key}: {value}") for key, value in self.user.items()])

    def print(self) -> None:
        """Print it."""
        print(self)
