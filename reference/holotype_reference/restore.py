"""Files that images stand for: `docs/format.md` section 19. Python's own zlib makes the streams."""

from __future__ import annotations

import hashlib
import struct
import zlib

from . import cbor
from .container import Archive
from .errors import require
from .image import SAMPLE_BYTES, Image

#: Other libraries under the name of zlib make other streams.
IS_ZLIB = "zlib-ng" not in zlib.ZLIB_RUNTIME_VERSION


def check_restored(archive: Archive, item: dict, image: Image) -> None:
    """Makes the file an image stands for, if it stands for one, and checks its hash."""
    if 13 not in item:
        return
    file = item[13]
    require(isinstance(file, list) and len(file) == 3 and isinstance(file[0], int), "the file an image stands for")
    block, n_bytes, sha256 = file
    require(item[1] == 0 and block < archive.n_blocks and isinstance(n_bytes, int), "the file an image stands for")
    require(isinstance(sha256, bytes) and len(sha256) == 32, "the hash of a file")
    parts = cbor.decode(archive.unpacked(block))
    require(isinstance(parts, list) and len(parts) <= 16, "a recipe")
    made = b"".join(part if isinstance(part, bytes) else make(part, image) for part in parts)
    require(len(made) == n_bytes, "the length of a file")
    if IS_ZLIB or not any(isinstance(part, list) and part[0] == 1 for part in parts):
        require(hashlib.sha256(made).digest() == sha256, "the hash of a file")


def make(part: list, image: Image) -> bytes:
    """The bytes of a part that is not verbatim."""
    require(isinstance(part, list) and len(part) in (3, 7) and part[0] == (len(part) == 7), "a part of a recipe")
    layout, alignment = part[1:3]
    require(isinstance(layout, int) and layout < 16 and isinstance(alignment, int) and 0 < alignment < 256, "a layout")
    rows, pixel_bytes = rows_of(image, layout, alignment)
    return png(rows, pixel_bytes, *part[3:]) if part[0] else b"".join(rows)


def rows_of(image: Image, layout: int, alignment: int) -> tuple[list[bytes], int]:
    """Section 19.2: the rows, and the bytes from a pixel to the next."""
    size, channels = SAMPLE_BYTES[image.sample], image.n_channels
    usual = 1 if image.sample == 0 else 8 * size
    bits = image.descriptor.get(4, usual)
    require(not layout & 8 or (size == 1 and bits in (1, 2, 4)), "samples of this type are not packed")
    require(not layout & 2 or (channels >= 3 and 7 not in image.descriptor), "channels are not turned round")
    n = image.width * channels * size
    rows = []
    for y in range(image.height):
        row = image.samples[y * n : (y + 1) * n]
        if layout & 8:
            samples = "".join(f"{sample:0{bits}b}" for sample in row)
            samples += "0" * (-len(samples) % 8)
            row = int(samples, 2).to_bytes(len(samples) // 8, "big")
        else:
            parts = [row[i : i + size] for i in range(0, n, size)]
            if layout & 1:
                parts = [part[::-1] for part in parts]
            if layout & 2:
                for i in range(0, len(parts), channels):
                    parts[i], parts[i + 2] = parts[i + 2], parts[i]
            row = b"".join(parts)
        rows.append(row + bytes(-len(row) % alignment))
    pixel_bits = channels * (bits if layout & 8 else 8 * size)
    return rows[::-1] if layout & 4 else rows, -(-pixel_bits // 8)


def png(rows: list[bytes], step: int, filters: bytes, head: bytes, settings: list, runs: list) -> bytes:
    """Section 19.3."""
    require(len(filters) == len(rows) and all(f <= 4 for f in filters) and len(head) == 2, "filters of rows")
    level, window, memory, strategy = settings
    require(1 <= level <= 9 and 9 <= window <= 15 and 1 <= memory <= 9 and strategy <= 4, "settings of deflate")
    require(len(runs) % 2 == 0 and all(count > 0 for count in runs[1::2]), "sizes of chunks")
    text = bytearray()
    above = bytes(len(rows[0]))
    for row, kind in zip(rows, filters):
        text.append(kind)
        for i, byte in enumerate(row):
            a, b, c = (row[i - step], above[i], above[i - step]) if i >= step else (0, above[i], 0)
            near = min((a, b, c), key=lambda v: abs(a + b - c - v))
            text.append(byte - (0, a, b, (a + b) // 2, near)[kind] & 255)
        above = row
    coder = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy)
    stream = head + coder.compress(bytes(text)) + coder.flush() + struct.pack(">I", zlib.adler32(text))
    out = bytearray()
    for size, count in zip(runs[::2], runs[1::2]):
        for _ in range(count):
            data, stream = b"IDAT" + stream[:size], stream[size:]
            require(len(data) == size + 4 or not IS_ZLIB, "the chunks are longer than their data")
            out += struct.pack(">I", size) + data + struct.pack(">I", zlib.crc32(data))
    require(not stream or not IS_ZLIB, "the chunks are shorter than their data")
    return bytes(out)
