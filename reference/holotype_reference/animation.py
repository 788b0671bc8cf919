"""Animations and sound: `docs/format.md` section 17."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import gcd

from . import cbor, inter, sha256, tiles
from .container import IMAGE_TILE, Archive, number, read_varint
from .errors import Truncated, require
from .image import SAMPLE_BYTES, check_descriptor, check_preview, read_file

AUDIO = 3
MAX_CHAIN = 256


@dataclass(frozen=True)
class Frame:
    """A row of the frame table."""

    format: int
    delay: int
    distance: int
    tiles: list[bool]


def grid(d: dict) -> tuple[int, int]:
    """Tiles across and down."""
    return -(-d[0] // d[10]), -(-d[1] // d[10])


def read_table(table: bytes, n: int, formats: list[dict]) -> list[Frame]:
    """Section 17.2."""
    require(isinstance(table, bytes) and n <= len(table) // 3, "the frame table is a byte string")
    frames: list[Frame] = []
    chains: list[int] = []
    at, known = 0, 0
    for i in range(n):
        kind, at = read_varint(table, at)
        delay, at = read_varint(table, at)
        distance, at = read_varint(table, at)
        require(kind <= known and kind < len(formats), "the format of a frame")
        known = max(known, kind + 1)
        across, down = grid(formats[kind])
        n_tiles = across * down
        present = [True] * n_tiles
        chain = 1
        if distance:
            require(distance <= i and frames[i - distance].format == kind, "the reference of a frame")
            chain += chains[i - distance]
            if at >= len(table):
                raise Truncated("frame table")
            form, at = table[at], at + 1
            require(form <= 2, "the tiles of a frame")
            if form == 2:
                bits = table[at : at + -(-n_tiles // 8)]
                at += len(bits)
                require(len(bits) == -(-n_tiles // 8), "the tiles of a frame")
                present = [bool(bits[j // 8] >> j % 8 & 1) for j in range(8 * len(bits))]
                require(not any(present[n_tiles:]), "bits past the last tile")
                present = present[:n_tiles]
                require(any(present) and not all(present), "a bitmap of all tiles or none")
            elif form == 0:
                present = [False] * n_tiles
        require(chain <= MAX_CHAIN, "a chain of frames is too long")
        chains.append(chain)
        frames.append(Frame(kind, delay, distance, present))
    require(at == len(table) and known == len(formats), "the frame table")
    return frames


def check_animation(d: dict) -> None:
    """Section 17.1."""
    require(all(key <= 9 for key in d), "an unknown descriptor key")
    require(number(d, 0) > 0, "an animation has frames")
    require(1 not in d or number(d, 1) > 0, "the loop count")
    if 2 in d:
        require(isinstance(d[2], list) and len(d[2]) == 2 and all(isinstance(n, int) for n in d[2]), "the time base")
        require(all(0 < n < 1 << 32 for n in d[2]) and gcd(*d[2]) == 1 and d[2] != [1, 1000], "the time base")
    require(isinstance(d.get(3), list) and all(isinstance(f, dict) for f in d[3]), "the formats")
    for image in d[3]:
        check_descriptor(image)
    require(4 not in d or isinstance(d[4], bytes), "the frame table")
    require(5 not in d or d[5] == 1, "the metadata of frames")
    require(6 not in d or (isinstance(d[6], list) and d[6] and all(isinstance(n, str) for n in d[6])), "the sound")
    require(7 not in d or 0 < number(d, 7) < d[0], "the poster")
    require(8 not in d or (isinstance(d[8], bytes) and len(d[8]) == 32), "the state of the hash")
    require(9 not in d or isinstance(d[9], str), "the subsampled channels")


def read_frame_metadata(value: object, n: int) -> None:
    """The metadata of single frames is well-formed."""
    require(isinstance(value, list) and value, "the metadata of frames")
    last = -1
    for frame, metadata in value:
        require(last < frame < n and isinstance(metadata, list) and metadata, "the metadata of frames")
        last = frame


def read_frames(archive: Archive, item: dict) -> list[bytes]:
    """The samples of every frame, the content hash checked."""
    d = item.get(6, {})
    check_animation(d)
    blocks = archive.content_blocks(item)
    require(len(blocks) >= (5 in d) + (4 not in d), "fewer blocks than tables")
    table = d[4] if 4 in d else archive.unpacked(blocks.pop())
    if 5 in d:
        read_frame_metadata(cbor.decode(archive.unpacked(blocks.pop())), d[0])
    frames = read_table(table, d[0], d[3])
    require(sum(sum(frame.tiles) for frame in frames) == len(blocks), "the number of blocks is the number of tiles")
    out: list[bytes] = []
    for frame in frames:
        n = sum(frame.tiles)
        earlier = out[-frame.distance] if frame.distance else None
        out.append(decode_frame(archive, d[3][frame.format], frame, blocks[:n], earlier))
        blocks = blocks[n:]
    samples = b"".join(out)
    require(len(samples) == item[4] and hashlib.sha256(samples).digest() == item[3], "the animation's content")
    if 9 in d:
        check_chroma(archive, item, frames)
    require(8 not in d or sha256.state(samples) == d[8], "the state of the hash")
    names = {other[0]: other for other in archive.items}
    require(all(names.get(name, {}).get(1) == AUDIO for name in d.get(6, [])), "a sound is not there")
    check_preview(archive, item)
    return out


def check_chroma(archive: Archive, item: dict, frames: list[Frame]) -> None:
    """Another animation holds the subsampled channels of the same frames."""
    named = [other for other in archive.items if other[0] == item[6][9]]
    require(len(named) == 1 and named[0].get(1) == item[1], "the subsampled channels are not there")
    d = named[0].get(6, {})
    check_animation(d)
    require(d[0] == item[6][0] and 9 not in d, "the subsampled channels")
    table = d[4] if 4 in d else archive.unpacked(archive.content_blocks(named[0])[-1])
    for own, other in zip(frames, read_table(table, d[0], d[3])):
        whole, part = item[6][3][own.format], d[3][other.format]
        require(any(-(-whole[0] // n) == part[0] for n in (1, 2, 4)), "the width of subsampled channels")
        require(any(-(-whole[1] // n) == part[1] for n in (1, 2)), "the height of subsampled channels")
        require(part[2] == 2 and whole[3] == part[3] and whole.get(4) == part.get(4), "the type of subsampled channels")


def decode_frame(archive: Archive, d: dict, frame: Frame, blocks: list[int], earlier: bytes | None) -> bytes:
    """The samples of a frame, coded against `earlier` or alone."""
    width, height, channels, edge = d[0], d[1], d[2], d[10]
    pixel = channels * SAMPLE_BYTES[d[3]]
    columns, _ = grid(d)
    rows = [bytearray() for _ in range(height)]
    left = list(blocks)
    for i, is_there in enumerate(frame.tiles):
        x, y = i % columns * edge, i // columns * edge
        shape = tiles.Shape(min(edge, width - x), min(edge, height - y), channels, d[3], d[5] == 2)
        reference = None if earlier is None else inter.Reference(earlier, width, height, x, y)
        if is_there:
            block = left.pop(0)
            record = archive.blocks[block]
            require(record.codec == IMAGE_TILE and record.raw == shape.n_bytes, "a tile's block")
            payload = archive.payload(block)
            samples = tiles.decode(payload, shape) if reference is None else inter.decode(payload, shape, reference)
        else:
            samples = reference.rows(shape)
        row_bytes = shape.width * pixel
        for j in range(shape.height):
            rows[y + j] += samples[j * row_bytes : (j + 1) * row_bytes]
    return b"".join(rows)


def read_audio(archive: Archive, item: dict) -> bytes:
    """The bytes of a sound. Section 17.3."""
    d = item.get(6, {})
    require(list(d) == [0] and isinstance(d[0], str) and 0 < len(d[0].encode()) < 256, "the descriptor of a sound")
    return read_file(archive, item)


__all__ = ["Frame", "read_audio", "read_frames"]
