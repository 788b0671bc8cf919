"""Images: `docs/format.md` section 8 and the tiles of `docs/codecs.md`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from . import tiles
from .container import IMAGE, IMAGE_TILE, Archive, number
from .errors import require

SAMPLE_BYTES = (1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8)
COLOUR_CHANNELS = (1, 1, 3, 4, 1, 3, 3, 0)


@dataclass(frozen=True)
class Image:
    """A decoded image; `samples` are row-major, interleaved, little-endian."""

    descriptor: dict
    width: int
    height: int
    n_channels: int
    sample: int
    samples: bytes


def check_descriptor(d: dict) -> None:
    """Section 8.1."""
    require(all(key <= 10 for key in d), "an unknown descriptor key")
    width, height, channels, sample, colour, edge = (number(d, key) for key in (0, 1, 2, 3, 5, 10))
    require(0 < width < 1 << 32 and 0 < height < 1 << 32 and 0 < channels < 1 << 16, "an image's size")
    require(sample < len(SAMPLE_BYTES) and colour < len(COLOUR_CHANNELS) and 0 < edge < 1 << 32, "an image's type")
    usual = 1 if sample == 0 else 8 * SAMPLE_BYTES[sample]
    require(4 not in d or (0 < number(d, 4) <= 8 * SAMPLE_BYTES[sample] and d[4] != usual), "significant bits")
    require(6 not in d or number(d, 6) in (1, 2), "alpha")
    require(7 not in d or (number(d, 7) == 1 and colour == 2), "channel order")
    require(COLOUR_CHANNELS[colour] + (colour != 7 and 6 in d) <= channels, "too few channels")
    require((8 in d) == (colour == 4), "a palette belongs to a palette image")
    if 8 in d:
        require(isinstance(d[8], list) and len(d[8]) == 3 and d[8][0] in (8, 16), "the palette is malformed")
        bits, rgb, alpha = d[8]
        n_entries, rest = divmod(len(rgb), 3 * bits // 8)
        require(rest == 0 and n_entries <= 65536 and len(alpha) <= n_entries, "the palette is malformed")
    if 9 in d:
        require(isinstance(d[9], list) and len(d[9]) == channels and all(isinstance(n, str) for n in d[9]), "channel names")


def decode_tiles(archive: Archive, d: dict, blocks: list[int]) -> bytes:
    """The samples of an image from its tiles."""
    check_descriptor(d)
    width, height, channels, edge = d[0], d[1], d[2], d[10]
    pixel = channels * SAMPLE_BYTES[d[3]]
    columns = -(-width // edge)
    require(len(blocks) == columns * -(-height // edge), "the number of blocks is the number of tiles")
    rows = [bytearray() for _ in range(height)]
    for i, block in enumerate(blocks):
        x, y = i % columns * edge, i // columns * edge
        shape = tiles.Shape(min(edge, width - x), min(edge, height - y), channels, d[3], d[5] == 2)
        record = archive.blocks[block]
        require(record.codec == IMAGE_TILE and record.raw == shape.width * shape.height * pixel, "a tile's block")
        samples = tiles.decode(archive.payload(block), shape)
        row_bytes = shape.width * pixel
        for j in range(shape.height):
            rows[y + j] += samples[j * row_bytes : (j + 1) * row_bytes]
    return b"".join(rows)


def read_image(archive: Archive, item: dict) -> Image:
    """An image item, its content hash checked."""
    d = item.get(6, {})
    samples = decode_tiles(archive, d, archive.content_blocks(item))
    require(len(samples) == item[4], "the content's size")
    require(hashlib.sha256(samples).digest() == item[3], "the content hash does not match")
    check_preview(archive, item)
    image = Image(d, d[0], d[1], d[2], d[3], samples)
    from .restore import check_restored

    check_restored(archive, item, image)
    return image


def read_file(archive: Archive, item: dict) -> bytes:
    """A file item, its content hash checked."""
    unpacked: dict[int, bytes] = {}
    parts = []
    for block, offset, length in archive.extents(item):
        if block not in unpacked:
            unpacked[block] = archive.unpacked(block)
        require(offset + length <= len(unpacked[block]), "an extent lies past the end of its block")
        parts.append(unpacked[block][offset : offset + length])
    content = b"".join(parts)
    require(len(content) == item[4] and hashlib.sha256(content).digest() == item[3], "the file's content")
    check_preview(archive, item)
    return content


def read_item(archive: Archive, item: dict) -> bytes:
    """The raw content of an item of any kind; folders and symbolic links have none."""
    return read_image(archive, item).samples if item[1] == IMAGE else read_file(archive, item)


def check_preview(archive: Archive, item: dict) -> None:
    """An item's preview, if it has one."""
    if 9 in item:
        block, preview = item[9]
        check_descriptor(preview)
        usual = {0: preview[0], 1: preview[1], 2: preview[2], 3: 1, 5: 0 if preview[2] < 3 else 2, 10: 128}
        if preview[2] in (2, 4):
            usual[6] = 1
        require(preview == usual and preview[0] <= 128 and preview[1] <= 128 and preview[2] <= 4, "the preview")
        decode_tiles(archive, preview, [block])
