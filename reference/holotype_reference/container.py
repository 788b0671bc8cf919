"""The container: `docs/format.md` sections 3 to 9, in their order."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from . import attributes, cbor, chunking, lz4, zstd
from .blake3 import blake3
from .encryption import Sealer
from .errors import Corrupt, MissingParent, Refused, Truncated, Unsupported, require

HEADER_BYTES, FRAME_HEADER_BYTES, TRAILER_BYTES = 32, 32, 112
BLOCK, PAGE, ROOT = 1, 2, 3
RAW, ZSTD, LZ4, IMAGE_TILE, TENSOR_SLICE = 0, 1, 2, 3, 4
CODECS = (RAW, ZSTD, LZ4, IMAGE_TILE, TENSOR_SLICE)
IMAGE, FILE, ANIMATION, AUDIO, TENSOR, GENERATION, DIRECTORY, SYMLINK = range(8)
REVISIONS, EXTENTS = 1, 3  # the known features of root key 6
FIRST_REQUIRED_KEY = 1 << 16
PARENTS = 1 << 16
IN_PARENT = 0x80  # of the codec of a block record


Others = Callable[[list[str]], "bytes | None"]


@dataclass(frozen=True)
class Block:
    """A row of the block table."""

    offset: int
    codec: int
    stored: int
    raw: int
    hash: bytes
    parent: int | None = None  # section 15: then offset is the block's id there


class Archive:
    """A sealed file, every byte of it checked when it is opened."""

    def __init__(
        self,
        data: bytes,
        password: bytes | None = None,
        others: Others | None = None,
        key: bytes | None = None,
        is_last: bool = True,
    ) -> None:
        """`others` gives the bytes of a parent by its hints, or None; `key` is what a child knows of an encrypted one."""
        self.data, self.others, self.key = data, others, key
        self.opened_parents: dict[int, Archive] = {}
        self.sealer: Sealer | None = None
        if len(data) < HEADER_BYTES + TRAILER_BYTES:
            raise Truncated("the file is shorter than header and trailer")
        is_encrypted = read_header(data[:HEADER_BYTES])
        self.root_offset, merkle_root, self.revision, self.part = self.read_trailer()
        root = cbor.decode(self.manifest_frame(self.root_offset, len(data) - TRAILER_BYTES - self.root_offset, ROOT))
        require(isinstance(root, dict), "the root is a map")
        if is_encrypted:
            root, pages_hash = self.open_root(root, password)
        features = root.get(6, [])
        require(6 not in root or (isinstance(features, list) and features == sorted(set(features)) and features), "features")
        if not set(features) <= {REVISIONS, EXTENTS}:
            raise Unsupported(f"features {features}")
        self.revisions = self.read_revisions(root, REVISIONS in features, is_encrypted)
        self.parents = read_parents(root.pop(PARENTS, None), is_encrypted)
        if any(key >= FIRST_REQUIRED_KEY for key in root):
            raise Unsupported("root key")
        pages_end: list[tuple[int, int]] = []
        self.n_blocks = number(root, 1)
        self.chunks = self.read_chunks(root, pages_end)
        self.items = self.read_items(root, pages_end)
        self.blocks = self.read_blocks(root, pages_end)
        self.check_tiling(pages_end)
        if is_encrypted:
            frames = b"".join(data[offset : offset + size] for offset, size in pages_end if offset >= self.part)
            require(blake3(frames) == pages_hash, "the hash of the pages")
        require(merkle(self.frame_hashes()) == merkle_root, "the Merkle root does not match")
        self.earlier = self.open_earlier() if is_last else []

    def read_trailer(self) -> tuple[int, bytes, int, int]:
        """Section 7: root offset, Merkle root, revision and start of its part; the seal is checked and kept."""
        start = len(self.data) - TRAILER_BYTES
        trailer = self.data[start:]
        revision, previous, offset, size, file_size = struct.unpack("<5Q", trailer[:40])
        require(trailer[104:] == bytes.fromhex("1a0a5345414c48b8"), "the seal is missing")
        require(file_size == len(self.data), "the file has another length than it was sealed with")
        require(revision > 0, "revisions count from 1")
        require((revision == 1) == (previous == 0), "the trailer before is named from the second revision on")
        part = previous + TRAILER_BYTES if previous else HEADER_BYTES
        require(part <= offset, "the trailer before lies after the root")
        require(offset + size == start and offset >= HEADER_BYTES, "the root lies before the trailer")
        sealed = b"holotype seal v1\0" + self.data[:HEADER_BYTES] + self.data[offset:start] + trailer[:72]
        require(hashlib.sha256(sealed).digest() == trailer[72:104], "the seal does not match")
        self.seal = trailer[72:104]
        return offset, trailer[40:72], revision, part

    def read_revisions(self, root: dict, listed: bool, is_encrypted: bool) -> list[list]:
        """Section 16.1: end, seal and, of an encrypted archive, salt of each revision before."""
        require((7 in root) == listed == (12 in root), "revisions go with their feature and the number of ordinals")
        revisions = root.get(7, [])
        require(isinstance(revisions, list) and len(revisions) == self.revision - 1 <= 4096, "the revisions before")
        for revision in revisions:
            require(isinstance(revision, list) and len(revision) == (3 if is_encrypted else 2), "a revision")
            require(all(isinstance(part, bytes) and len(part) == 32 for part in revision[1:]), "a revision")
        ends = [HEADER_BYTES] + [end for end, *_ in revisions]
        require(all(b - a >= TRAILER_BYTES for a, b in zip(ends, ends[1:])), "the ends of revisions ascend")
        require(not revisions or ends[-1] == self.part, "the last revision ends with the trailer before")
        require(not revisions or number(root, 12) >= number(root, 0), "the number of ordinals")
        if self.sealer is not None:
            self.sealer.add_earlier(revisions)
        return revisions

    def open_earlier(self) -> list[Archive]:
        """Section 16.2: the revisions before, each with its own check; this one goes on from them."""
        earlier = []
        key = None if self.sealer is None else self.sealer.archive_key
        for end, seal, *_ in self.revisions:
            archive = Archive(self.data[:end], None, self.others, key, is_last=False)
            require(archive.seal == seal, "an earlier revision is not the one listed")
            require(self.blocks[: len(archive.blocks)] == archive.blocks, "the block table does not go on")
            require(self.parents[: len(archive.parents)] == archive.parents, "the parents do not go on")
            require(self.revisions[: len(archive.revisions)] == archive.revisions, "the revisions do not go on")
            earlier.append(archive)
        return earlier

    def open_root(self, outer: dict, password: bytes | None) -> tuple[dict, bytes]:
        """Section 14.2: the root record of an encrypted archive, and the hash of its pages."""
        if any(key > 65539 for key in outer):
            raise Unsupported("root key")
        require(sorted(outer) == [65537, 65538, 65539], "the root of an encrypted archive")
        self.sealer = Sealer(self.data[12:28], outer[65537], password, self.key)
        kind, codec, stored, raw, hint = read_frame_header(inner := self.sealer.open_root(outer[65538]))
        require(kind == ROOT and stored == len(inner) - FRAME_HEADER_BYTES and hint == 0, "a manifest frame's header")
        root = cbor.decode(unpack(codec, inner[FRAME_HEADER_BYTES:], raw))
        require(isinstance(root, dict), "the root is a map")
        return root, outer[65539]

    def opened(self, kind: int, offset: int, frame: bytes) -> bytes:
        """The frame itself, or the one that it hides."""
        if self.sealer is None:
            return frame
        found, codec, stored, _, hint = read_frame_header(frame, flags=1)
        require((found, codec, stored, hint) == (kind, RAW, len(frame) - FRAME_HEADER_BYTES, 0), "a sealed frame's header")
        return self.sealer.open_frame(kind, offset, frame)

    def manifest_frame(self, offset: int, size: int, kind: int) -> bytes:
        """The payload of a page or of the root."""
        frame = self.data[offset : offset + size]
        frame = self.opened(kind, offset, frame) if kind == PAGE else frame
        size = len(frame)
        frame_kind, codec, stored, raw, hint = read_frame_header(frame)
        require(frame_kind == kind and stored == size - FRAME_HEADER_BYTES and hint == 0, "a manifest frame's header")
        return unpack(codec, frame[FRAME_HEADER_BYTES:], raw)

    def pages(self, references: list, n: int | None, ends: list[tuple[int, int]]) -> list[tuple[object, int, bytes]]:
        """(first key, entries, payload) of every page of a table."""
        out = []
        for reference in references:
            require(isinstance(reference, list) and len(reference) == 5, "a page reference is malformed")
            first, count, offset, size, digest = reference
            require(count > 0 and offset + size <= self.root_offset, "a page reference is malformed")
            require(blake3(self.data[offset : offset + size]) == digest, "a page was changed")
            require(not out or first > out[-1][0], "pages ascend")
            out.append((first, count, self.manifest_frame(offset, size, PAGE)))
            ends.append((offset, size))
        require(n is None or sum(count for _, count, _ in out) == n, "the pages do not add up")
        return out

    def read_chunks(self, root: dict, ends: list[tuple[int, int]]) -> list[tuple[bytes, int, int, int]]:
        """Section 5.6: id, block, offset and length of every chunk of the table."""
        require(not (8 in root and 9 in root), "chunks are inline or in pages")
        if 8 not in root and 9 not in root:
            return []
        require(EXTENTS in root.get(6, []), "chunks without the feature")
        chunking.check(root.get(10))
        chunks = []
        tables = [(None, None, root[8])] if 8 in root else self.pages(root[9], None, ends)
        for first, count, table in tables:
            page = read_chunk_table(table, self.n_blocks)
            require(count in (None, len(page)) and first in (None, page[0][0]), "a chunk page")
            chunks += page
        require(all(a[0] < b[0] for a, b in zip(chunks, chunks[1:])), "chunk ids ascend")
        return chunks

    def read_items(self, root: dict, ends: list[tuple[int, int]]) -> list[dict]:
        """Section 5.3, in name order."""
        require((2 in root) != (4 in root), "items are inline or in pages")
        if 2 in root:
            items = root[2]
        else:
            items = []
            for first, count, payload in self.pages(root[4], number(root, 0), ends):
                page = cbor.decode(payload)
                require(isinstance(page, list) and len(page) == count and page[0][0] == first, "an item page")
                items += page
        require(len(items) == number(root, 0), "the number of items")
        for item in items:
            self.check_item(item)
        names = [item[0].encode() for item in items]
        require(all(a < b for a, b in zip(names, names[1:])), "names ascend")
        return items

    def check_item(self, item: dict) -> None:
        require(isinstance(item, dict) and isinstance(item.get(0), str) and 0 < len(item[0].encode()) <= 4096, "an item's name")
        if number(item, 1) not in range(IMAGE, SYMLINK + 1):
            raise Unsupported(f"item kind {item[1]}")
        number(item, 2), number(item, 4)
        require(isinstance(item.get(3), bytes) and len(item[3]) == 32, "the content hash is missing")
        require(sum(key in item for key in (5, 10, 11)) == 1, "content is runs, extents, or a block of extents")
        runs = item.get(5, [])
        require(isinstance(runs, list) and len(runs) % 2 == 0, "the list of blocks")
        require(5 in item or item[1] == FILE, "what is no file has extents")
        if 10 in item:
            read_extents(item[10], self.n_blocks, item[4])
        require(11 not in item or number(item, 11) < self.n_blocks, "the block of extents")
        attributes.check(item)
        for first, count in zip(runs[::2], runs[1::2]):
            require(count > 0 and first + count <= self.n_blocks, "a block number is past the table")
        require(6 not in item or (isinstance(item[6], dict) and item[6]), "the descriptor is a map with entries")
        require(not (7 in item and 8 in item), "metadata is inline or in a block")
        require(8 not in item or number(item, 8) < self.n_blocks, "the metadata's block")
        if 9 in item:
            preview = item[9]
            require(isinstance(preview, list) and len(preview) == 2 and preview[0] < self.n_blocks, "the preview is malformed")
        if any(key >= FIRST_REQUIRED_KEY for key in item):
            raise Unsupported("item key")

    def read_blocks(self, root: dict, ends: list[tuple[int, int]]) -> list[Block]:
        """Section 5.4."""
        require((3 in root) != (5 in root), "blocks are inline or in pages")
        if 3 in root:
            return read_block_table(root[3], self.n_blocks, self.root_offset, len(self.parents))
        blocks: list[Block] = []
        for first, count, payload in self.pages(root[5], self.n_blocks, ends):
            require(first == len(blocks), "block pages follow each other")
            blocks += read_block_table(payload, count, self.root_offset, len(self.parents))
        return blocks

    def check_tiling(self, pages: list[tuple[int, int]]) -> None:
        """Section 9: frames fill the file from the header to the root."""
        end = self.part
        blocks = [(b.offset, FRAME_HEADER_BYTES + b.stored) for b in self.blocks if b.parent is None]
        before = [block for block in blocks if block[0] < self.part]
        require(blocks[: len(before)] == before, "blocks ascend")
        for offset, size in before:
            require(offset >= HEADER_BYTES and offset + size <= self.part, "a block lies in no revision's part")
        for offset, size in blocks[len(before) :] + [page for page in pages if sum(page) > self.part]:
            require(offset == end, "frames leave a gap")
            end = offset + size
        require(end == self.root_offset, "frames leave a gap before the root")

    def frame_hashes(self) -> list[bytes]:
        hashes = []
        for block in (b for b in self.blocks if b.parent is None):
            frame = self.data[block.offset : block.offset + FRAME_HEADER_BYTES + block.stored]
            require(blake3(frame) == block.hash, "a block was changed")
            frame = self.opened(BLOCK, block.offset, frame)
            kind, codec, stored, raw, _ = read_frame_header(frame)
            require(stored == len(frame) - FRAME_HEADER_BYTES, "a block's frame header")
            require((kind, codec, raw) == (BLOCK, block.codec, block.raw), "a block's frame header")
            hashes.append(block.hash)
        return hashes

    def payload(self, block_id: int) -> bytes:
        """The stored payload of a block."""
        block = self.blocks[block_id]
        if block.parent is not None:
            return self.parent(block).payload(block.offset)
        frame = self.data[block.offset : block.offset + FRAME_HEADER_BYTES + block.stored]
        return self.opened(BLOCK, block.offset, frame)[FRAME_HEADER_BYTES:]

    def opened_parent(self, number: int) -> Archive:
        """Section 15.1: the parent of this number."""
        if number not in self.opened_parents:
            seal, hints, key = self.parents[number]
            data = self.others(hints) if self.others else None
            if data is None:
                raise MissingParent(f"the parent {seal.hex()} is missing, it was at {hints}")
            parent = Archive(data, None, self.others, None if key is None else key[1])
            found = [revision for revision in [parent, *parent.earlier] if revision.seal == seal]
            parent = found[0] if found else parent
            if not found and (key is None or data[12:28] != key[0]):
                raise MissingParent(f"the parent {seal.hex()} was replaced")
            self.opened_parents[number] = parent
        return self.opened_parents[number]

    def parent(self, block: Block) -> Archive:
        """Section 15.2: the archive that a block lies in, or one that names it in turn."""
        assert block.parent is not None
        parent = self.opened_parent(block.parent)
        theirs = parent.blocks[block.offset] if block.offset < len(parent.blocks) else None
        if theirs is None or (theirs.codec, theirs.raw, theirs.hash) != (block.codec, block.raw, block.hash):
            raise MissingParent("a parent lacks a block")
        return parent

    def unpacked(self, block_id: int) -> bytes:
        """The raw bytes of a block of bytes."""
        block = self.blocks[block_id]
        return unpack(block.codec, self.payload(block_id), block.raw)

    def content_blocks(self, item: dict) -> list[int]:
        """Ids of an item's content blocks."""
        return [i for first, count in zip(item[5][::2], item[5][1::2]) for i in range(first, first + count)]

    def extents(self, item: dict) -> list[tuple[int, int, int]]:
        """Section 5.5: block, offset and length of each part of a file's content."""
        if 5 in item:
            return [(block, 0, self.blocks[block].raw) for block in self.content_blocks(item)]
        return read_extents(item[10] if 10 in item else self.unpacked(item[11]), self.n_blocks, item[4])

    def check_chunks(self) -> None:
        """Section 5.6: every chunk is what its id says."""
        for digest, block, offset, length in self.chunks:
            content = self.unpacked(block)
            require(offset + length <= len(content), "a chunk lies past the end of its block")
            require(blake3(content[offset : offset + length]) == digest, "a chunk's hash")

    def check_links(self) -> None:
        """Section 5.8: a hard link is another name of a file."""
        by_name = {item[0]: item for item in self.items}
        for item in self.items:
            name = item.get(12, {}).get(5)
            if name is not None:
                target = by_name.get(name, {})
                require(target.get(1) == FILE and 5 not in target.get(12, {}), "a hard link to no file")
                require((target[3], target[4]) == (item[3], item[4]), "a hard link to another content")

    def metadata(self, item: dict) -> list:
        """Section 8.2."""
        return item[7] if 7 in item else cbor.decode(self.unpacked(item[8])) if 8 in item else []


def number(record: dict, key: int) -> int:
    value = record.get(key)
    if not isinstance(value, int):
        raise Corrupt(f"key {key} is a number")
    return value


def read_header(header: bytes) -> bool:
    """Section 3: true if the archive is encrypted."""
    require(header[:8] == b"\x8bHOLO\r\n\x1a", "the magic number is missing")
    version, reserved, features = struct.unpack("<BBH", header[8:12])
    require(struct.unpack("<I", header[28:])[0] == zlib.crc32(header[:28]), "the header's checksum")
    if (version, reserved) != (1, 0) or features not in (0, 2):
        raise Unsupported("format version or header feature")
    return features == 2


def read_frame_header(frame: bytes, flags: int = 0) -> tuple[int, int, int, int, int]:
    """Section 4: type, codec, stored, raw, item hint."""
    if len(frame) < FRAME_HEADER_BYTES:
        raise Truncated("frame header")
    sync, kind, found, codec, reserved, stored, raw, hint, crc = struct.unpack("<4sBBBBQQII", frame[:FRAME_HEADER_BYTES])
    require(sync == b"\xf7HF\x9e", "the sync word is missing")
    require(crc == zlib.crc32(frame[:28]), "a frame header's checksum")
    if kind not in (BLOCK, PAGE, ROOT) or codec not in CODECS or found != flags or reserved:
        raise Unsupported("frame type, codec or flag")
    require(codec != RAW or stored == raw, "an uncoded payload has two sizes")
    return kind, codec, stored, raw, hint


def unpack(codec: int, payload: bytes, raw: int) -> bytes:
    """A payload of bytes."""
    if codec == RAW:
        require(len(payload) == raw, "an uncoded payload has two sizes")
        return payload
    if codec == LZ4:
        return lz4.decompress(payload, raw)
    if codec != ZSTD:
        raise Corrupt("bytes with another codec")
    return zstd.decompress(payload, raw)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise Truncated("varint")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        require(value < 1 << 64 and (shift == 0 or byte), "a varint is not in its shortest form")
        if byte < 0x80:
            return value, at
        shift += 7


def read_parents(parents: object, is_encrypted: bool) -> list[tuple[bytes, list[str], tuple[bytes, bytes] | None]]:
    """Section 15.1: seal, hints, and of an encrypted parent its id and key."""
    if parents is None:
        return []
    require(isinstance(parents, list) and 1 <= len(parents) <= 64, "the parents")
    assert isinstance(parents, list)
    out = []
    for parent in parents:
        require(isinstance(parent, list) and len(parent) in (3, 5), "a parent")
        seal, size, hints, *key = parent
        require(isinstance(seal, bytes) and len(seal) == 32 and isinstance(size, int), "a parent")
        require(isinstance(hints, list) and len(hints) <= 16, "the hints of a parent")
        require(all(isinstance(h, str) and 1 <= len(h.encode()) <= 4096 for h in hints), "the hints of a parent")
        require(not key or (is_encrypted and [len(k) for k in key if isinstance(k, bytes)] == [16, 32]), "the key of a parent")
        require(all(seal != other for other, _, _ in out), "a parent is listed twice")
        out.append((seal, hints, (key[0], key[1]) if key else None))
    return out


def read_block_table(table: bytes, n: int, root_offset: int, n_parents: int = 0) -> list[Block]:
    """Sections 5.4 and 15.2."""
    require(isinstance(table, bytes), "the block table is a byte string")
    blocks = []
    at = end = 0
    for _ in range(n):
        gap, at = read_varint(table, at)
        if at >= len(table):
            raise Truncated("block table")
        codec = table[at]
        stored, at = read_varint(table, at + 1)
        raw, at = read_varint(table, at)
        if at + 32 > len(table):
            raise Truncated("block table")
        if codec & ~IN_PARENT not in CODECS:
            raise Unsupported("block codec")
        if codec & IN_PARENT:
            require(gap < n_parents, "a block lies in a parent that is not listed")
            blocks.append(Block(stored, codec & ~IN_PARENT, 0, raw, table[at : at + 32], gap))
            at += 32
            continue
        blocks.append(Block(end + gap, codec, stored, raw, table[at : at + 32]))
        at += 32
        end += gap + FRAME_HEADER_BYTES + stored
        require(end <= root_offset, "a block lies past the end")
    require(at == len(table), "bytes after the block table")
    return blocks


def read_extents(table: bytes, n_blocks: int, size: int) -> list[tuple[int, int, int]]:
    """Section 5.5."""
    require(isinstance(table, bytes) and table, "extents are a byte string")
    extents = []
    at = expected = 0
    while at < len(table):
        step, at = read_varint(table, at)
        offset, at = read_varint(table, at)
        length, at = read_varint(table, at)
        block = expected + (step >> 1 if step % 2 == 0 else -(step >> 1) - 1)
        require(0 <= block < n_blocks and length > 0 and offset + length < 1 << 64, "an extent")
        extents.append((block, offset, length))
        expected = block + 1
    require(sum(length for _, _, length in extents) == size, "the extents do not add up to the content")
    return extents


def read_chunk_table(table: bytes, n_blocks: int) -> list[tuple[bytes, int, int, int]]:
    """Section 5.6."""
    require(isinstance(table, bytes) and table, "a chunk table is a byte string")
    chunks: list[tuple[bytes, int, int, int]] = []
    at = 0
    while at < len(table):
        digest = table[at : at + 32]
        block, at = read_varint(table, at + 32)
        offset, at = read_varint(table, at)
        length, at = read_varint(table, at)
        require(not chunks or chunks[-1][0] < digest, "chunk ids ascend")
        require(block < n_blocks and length > 0 and offset + length < 1 << 64, "a chunk lies nowhere")
        chunks.append((digest, block, offset, length))
    return chunks


def merkle(leaves: list[bytes]) -> bytes:
    """Section 6."""
    if len(leaves) < 2:
        return leaves[0] if leaves else blake3(b"")
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return blake3(b"\1" + merkle(leaves[:split]) + merkle(leaves[split:]))


__all__ = ["Archive", "Block", "Refused"]
